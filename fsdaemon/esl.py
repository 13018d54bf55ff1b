"""The event socket's bytes: what FreeSWITCH sends to messages, and commands to bytes.

Rule: lines end at \\n and nowhere else, and a value is percent-decoded when it is read, one value at
a time, after the lines are split. So nothing that a caller puts into her name can become a header.
Knows nothing of sockets: `Parser.receive` takes bytes in any pieces (like h11 does for HTTP).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Union
from urllib.parse import unquote_to_bytes

from fsdaemon.variables import KNOWN, Header, Writer

_CONTENT_TYPE = Header("Content-Type", Writer.SWITCH)
_CONTENT_LENGTH = Header("Content-Length", Writer.SWITCH)
_REPLY_TEXT = Header("Reply-Text", Writer.SWITCH)


class ProtocolError(Exception):
    """The peer does not speak the event socket protocol, or goes beyond a limit."""


@dataclass(frozen=True)
class Limits:
    """What one message may weigh; real channel data is 115–240 headers and 4–11 KB."""

    header_bytes: int = 1 << 18  #: bytes of one header block
    headers: int = 4096  #: lines of one header block
    body_bytes: int = 1 << 16  #: largest Content-Length
    value_bytes: int = 1 << 13  #: of one value; the rest is not read


DEFAULT_LIMITS = Limits()


def _one_of(names: Iterable[str]) -> str:
    """A pattern for any of `names`, branching where they differ: `re` tries alternatives one by one."""
    heads = [(head, [name[1:] for name in group]) for head, group in groupby(sorted(names), lambda n: n[:1])]
    branches = [re.escape(head) + _one_of(tails) if head else "" for head, tails in heads]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(reversed(branches))})"


_WANTED = frozenset(map(str, (*KNOWN, _CONTENT_TYPE, _CONTENT_LENGTH, _REPLY_TEXT)))
_WANTED_LINE = re.compile(rf"\n({_one_of(_WANTED)}): ([^\n]*)")
_EMPTY_LINE = re.compile(rb"\n\n")  # `find` takes thrice the time, it stops at every \n


class Headers:
    """One header block. The first of two lines with the same name counts.

    Of some 170 lines FreeSWITCH sends, some 20 are ever looked at: those are picked out in one pass, and
    the others kept as they came until somebody asks for one. A character here is a byte (Latin-1).
    """

    __slots__ = ("_block", "_every", "_longest", "_wanted")

    def __init__(self, block: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        """Take `block` (without its closing empty line); ProtocolError if it has too many lines."""
        lines = block.count(b"\n") + 1
        if lines > limits.headers:
            raise ProtocolError(f"{lines} headers, more than {limits.headers}")
        self._longest = limits.value_bytes
        self._block = "\n" + block.decode("latin-1")
        self._every: dict[str, str] | None = None
        found = _WANTED_LINE.findall(self._block)
        found.reverse()
        self._wanted: dict[str, str] = dict(found)

    def get(self, name: str, default: str = "") -> str:
        """The value, decoded: percent-encoding (mod_event_socket encodes every value), then UTF-8.

        Bytes that are no UTF-8 become U+FFFD.
        """
        raw = self._wanted.get(name)
        if raw is None:
            raw = None if name in _WANTED else self._all().get(_as_bytes(name))
            if raw is None:
                return default
        if len(raw) > self._longest:
            raw = raw[: self._longest]
        if "%" in raw or not raw.isascii():
            raw = unquote_to_bytes(raw.encode("latin-1")).decode("utf-8", "replace")
        return raw.strip(" ")

    def __contains__(self, name: str) -> bool:
        """Whether there is such a header, empty or not."""
        return name in self._wanted or (name not in _WANTED and _as_bytes(name) in self._all())

    def _all(self) -> dict[str, str]:
        """Every line, for the sake of a variable that only conf.toml names, or a person who looks."""
        if self._every is None:
            pairs = (line.partition(": ") for line in reversed(self._block.split("\n")))
            self._every = {name: value for name, colon, value in pairs if colon}
        return self._every

    def names(self) -> list[str]:
        """All names, in the order they came."""
        return [name.encode("latin-1").decode("utf-8", "replace") for name in reversed(self._all())]


def _as_bytes(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "replace").decode("latin-1")


class Message(NamedTuple):
    """One message of FreeSWITCH: headers, and a body where Content-Length announced one."""

    headers: Headers
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """`command/reply`, `api/response`, `text/disconnect-notice`, …; empty if it says nothing."""
        return self.headers.get(_CONTENT_TYPE)

    @property
    def reply(self) -> str:
        """What FreeSWITCH answered: Reply-Text of a command, body of an `api`."""
        if self.content_type == "api/response":
            return self.body.decode("utf-8", "replace")
        return self.headers.get(_REPLY_TEXT)

    @property
    def is_reply(self) -> bool:
        """Whether this answers a command, rather than telling of something."""
        return self.content_type in ("command/reply", "api/response")


class Parser:
    """Bytes in, messages out; the same messages however the bytes are cut."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start with nothing received."""
        self._limits = limits
        self._kept = bytearray()  # of a message that is not complete
        self._searched = 0  # how much of that holds no end of headers
        self._headers: Headers | None = None
        self._length = 0

    def receive(self, data: bytes) -> list[Message]:
        """Take the next bytes and return the messages they complete.

        Raises ProtocolError; the connection is of no use after that.
        """
        here: bytes | bytearray = data
        if self._kept:
            self._kept += data
            here = self._kept
        messages: list[Message] = []
        at = 0
        while True:
            if self._headers is None:
                at = _after_blank_lines(here, at)
                empty = _EMPTY_LINE.search(here, max(at, self._searched - 1))
                end = empty.start() if empty else len(here) - here.endswith(b"\n")
                self._check_length(end - at)
                if not empty:
                    self._searched = len(here) - at
                    break
                self._headers = Headers(bytes(here[at:end]), self._limits)
                self._length = self._content_length(self._headers)
                self._searched = 0
                at = end + 2
            end = at + self._length
            if end > len(here):
                break
            messages.append(Message(self._headers, bytes(here[at:end])))
            self._headers = None
            at = end
        if here is data:
            self._kept += data[at:]
        else:
            del self._kept[:at]
        return messages

    def _check_length(self, length: int) -> None:
        if length > self._limits.header_bytes:
            raise ProtocolError(f"a header block of more than {self._limits.header_bytes} bytes")

    def _content_length(self, headers: Headers) -> int:
        text = headers.get(_CONTENT_LENGTH, "0")
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise ProtocolError(f"Content-Length {text[:20]!r} is no number of bytes")
        if int(text) > self._limits.body_bytes:
            raise ProtocolError(f"Content-Length {text} is more than {self._limits.body_bytes}")
        return int(text)


def _after_blank_lines(data: bytes | bytearray, at: int) -> int:
    """An answer starts after the empty line of the one before; FreeSWITCH sends no other blank lines."""
    if not data.startswith(b"\n", at):
        return at
    return len(data) - len(data[at:].lstrip(b"\n"))


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


def to_bytes(command: Command) -> bytes:
    """The bytes that make FreeSWITCH do `command`.

    Raises ValueError for a line break inside it: a command may never become two.
    """
    if isinstance(command, Api):
        text = f"api {command.command}"
    else:
        text = f"sendmsg\ncall-command: execute\nexecute-app-name: {command.application}"
        if command.argument:
            text += f"\nexecute-app-arg: {command.argument}"
    if any("\n" in part or "\r" in part for part in command):
        raise ValueError(f"a line break in a command: {text!r}")
    return text.encode("utf-8", "replace") + b"\n\n"


CONNECT = b"connect\n\n"
