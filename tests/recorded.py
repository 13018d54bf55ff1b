"""The recordings: bytes a real FreeSWITCH sent, and what is expected of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli

from fsdaemon.config.reader import Config
from fsdaemon.core.decide import Decision, settle
from fsdaemon.core.questions import drive
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms.channel import Headers

DIRECTORY = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """One recording with its expectations (NAME.toml).

    `set` holds variables as our dialplan would have set them, `api` what FreeSWITCH would answer.
    """

    name: str
    title: str
    expect: dict[str, Any]
    set: dict[str, str] = field(default_factory=dict)
    api: dict[str, str] = field(default_factory=dict)
    config: str = ""

    @property
    def data(self) -> bytes:
        """The answer to `connect`."""
        return channel_data((DIRECTORY / f"{self.name}.txt").read_bytes(), self.set)

    @property
    def headers(self) -> Headers:
        return Headers(self.data)


def recordings() -> list[Recording]:
    """All of them, each case of each file, in the order of the names."""
    found = []
    for file in sorted(DIRECTORY.glob("**/*.toml")):
        document = tomli.loads(file.read_text("utf-8"))
        name = str(file.relative_to(DIRECTORY).with_suffix(""))
        found += [Recording(name, **case) for case in document["case"]]
    return found


def decided(
    headers: Headers, config: Config, answer: Callable[[str], str] = lambda _: "-ERR no reply"
) -> Decision:
    """What comes of channel data; `answer` says what FreeSWITCH answers to an api command."""
    return drive(settle(headers, config), lambda asked: [answer(one.command) for one in asked])
