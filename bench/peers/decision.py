"""fsdaemon's decision for servers that have parsed the channel data themselves.

Both libraries hand their user a dict of decoded headers. It is read as it is: making bytes of it again, to
have fsdaemon parse them, would cost the peers more than they need to pay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsdaemon.config import reader as config
from fsdaemon.core.decide import Decision, decide
from fsdaemon.terms.channel import Execute, Headers

_CONFIG = config.default()


class Decoded(Headers):
    """Headers that somebody else split and decoded. Of a list (Genesis: it came twice) the first counts."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Read `data`, copying nothing."""
        self._data = data

    def get(self, name: str, default: str = "") -> str:
        """The value; the library decoded it."""
        value = self._data.get(name, default)
        return value if isinstance(value, str) else str(value[0])

    def __contains__(self, name: str) -> bool:
        """Whether there is such a header, empty or not."""
        return name in self._data

    def __len__(self) -> int:
        """How many headers there are."""
        return len(self._data)

    def names(self) -> list[str]:
        """All names, in the order they came."""
        return list(self._data)


def verdict(data: Mapping[str, Any]) -> Execute:
    """The one command that tells FreeSWITCH what fsdaemon decides from `data`."""
    outcome = decide(Decoded(data), {}, _CONFIG)
    if not isinstance(outcome, Decision):
        raise ValueError(f"the bench's call must need no question: {outcome}")
    (command,) = outcome.commands
    assert isinstance(command, Execute)
    return command
