"""A channel as values: what FreeSWITCH tells (`Headers`), may be asked (`Api`), and is told (`Execute`).

Rule: lines end at \\n and nowhere else, and a value is percent-decoded when it is read, one value at a time,
after the lines are split. So nothing that a caller writes into a name can become a header.
"""

from __future__ import annotations

from typing import NamedTuple, Union
from urllib.parse import unquote_to_bytes

LONGEST_VALUE = 1 << 13  # bytes; the rest of a longer value is not read


class Headers:
    """One header block. The first of two lines with the same name counts."""

    __slots__ = ("_spelled", "_values")

    def __init__(self, block: bytes) -> None:
        """Take `block` without its closing empty line. A character of what is kept is a byte (Latin-1)."""
        pairs = (line.partition(": ") for line in reversed(block.decode("latin-1").split("\n")))
        self._values = {name: value for name, colon, value in pairs if colon}
        self._spelled: dict[str, str] = {}  # a call is read several times

    def get(self, name: str, default: str = "") -> str:
        """The value, decoded: percent-encoding (mod_event_socket encodes every value), then UTF-8.

        Bytes that are not UTF-8 become U+FFFD.
        """
        raw = self._values.get(_as_bytes(name))
        if raw is None:
            return default
        raw = raw[:LONGEST_VALUE]
        if "%" in raw or not raw.isascii():
            raw = unquote_to_bytes(raw.encode("latin-1")).decode("utf-8", "replace")
        return raw.strip(" ")

    def raw(self, name: str) -> str:
        """The value as it came, encoded; each character is a byte."""
        return self._values.get(_as_bytes(name), "")[:LONGEST_VALUE]

    def __contains__(self, name: str) -> bool:
        """Whether there is such a header, empty or not."""
        return _as_bytes(name) in self._values

    def spelled(self, name: str) -> str:
        """How `name` is spelled here, in whatever case; empty if there is no such header.

        FreeSWITCH finds a variable in any case, and names some as a stranger spelled them.
        """
        if name in self._values:
            return name
        if name not in self._spelled:
            length, lower = len(name), name.lower()
            found = [one for one in self._values if len(one) == length and one.lower() == lower]
            self._spelled[name] = found[-1] if found else ""
        return self._spelled[name]

    def names(self) -> list[str]:
        """All names, in the order they came."""
        return [name.encode("latin-1").decode("utf-8", "replace") for name in reversed(self._values)]


def _as_bytes(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "replace").decode("latin-1")


class Execute(NamedTuple):
    """Run a dialplan application on the call (`sendmsg`, mod_event_socket.c parse_command)."""

    application: str
    argument: str = ""

    def __str__(self) -> str:
        """As an administrator would write it."""
        return f"{self.application} {self.argument}".rstrip()


class Api(NamedTuple):
    """Ask FreeSWITCH something (`api`; needs `full` behind the address in the dialplan)."""

    command: str

    def __str__(self) -> str:
        """As an administrator would write it."""
        return f"api {self.command}"


Command = Union[Execute, Api]
