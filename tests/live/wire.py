"""Every SIP message that FreeSWITCH sends and receives, as its own trace has it (sofia global siptrace)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_HEAD = re.compile(r"(send|recv) \d+ bytes (?:to|from) \w+/\[([^\]]+)\]:(\d+) at [^\n]*\n")
_LOGGED = re.compile(r"[0-9a-f-]{36} ")


class Message(NamedTuple):
    """One message on the wire."""

    sent: bool  #: by FreeSWITCH
    port: int  #: of the other side
    text: str

    @property
    def first(self) -> str:
        return self.text.partition("\n")[0].strip()

    def headers(self, name: str) -> list[str]:
        return re.findall(rf"^{name}:\s*(.*?)\s*$", self.text, re.M | re.I)

    @property
    def call_id(self) -> str:
        return (self.headers("Call-ID") or [""])[0]


class Wire:
    """Traces from `with` on; `messages` is what went over the wire since."""

    def __init__(self, site: Any) -> None:
        self.site = site

    def __enter__(self) -> Wire:
        self.site.api("sofia tracelevel notice")  # "console", the default, is in no log file
        self.site.api("sofia global siptrace on")
        self.since = self.site.log_file.stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        self.site.api("sofia global siptrace off")

    @property
    def messages(self) -> list[Message]:
        text = self.site.logged(self.since)
        return [
            Message(head[1] == "send", int(head[3]), _body(text[head.end() :]))
            for head in _HEAD.finditer(text)
        ]


def _body(text: str) -> str:
    """One message: what stands under the rule, up to its end by Content-Length.

    FreeSWITCH 1.8 indents it, and logs other things in between.
    """
    lines = "\n".join(line.strip() for line in text[: 1 << 16].split("\n")[1:] if not _LOGGED.match(line))
    head, _, rest = lines.partition("\n\n")
    length = re.search(r"^(?:Content-Length|l):\s*(\d+)", head, re.M | re.I)
    return f"{head}\n\n{rest[: int(length[1]) if length else 0]}"
