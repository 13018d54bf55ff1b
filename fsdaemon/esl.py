"""The event socket's bytes: what FreeSWITCH sends to messages, and commands to bytes.

Rule: lines end at \\n and nowhere else, and a value is percent-decoded when it is read, one value at
a time, after the lines are split. So nothing that a caller puts into her name can become a header.
Knows nothing of sockets: `Parser.receive` takes bytes in any pieces (like h11 does for HTTP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Union
from urllib.parse import unquote_to_bytes

from fsdaemon.variables import Header


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


class Headers:
    """One header block. The first of two lines with the same name counts."""

    __slots__ = ("_longest", "_raw")

    def __init__(self, block: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
        """Split `block` (without its closing empty line); ProtocolError if it has too many lines."""
        self._longest = limits.value_bytes
        lines = block.split(b"\n")
        if len(lines) > limits.headers:
            raise ProtocolError(f"{len(lines)} headers, more than {limits.headers}")
        lines.reverse()
        try:
            self._raw: dict[bytes, bytes] = dict([line.split(b": ", 1) for line in lines])
        except ValueError:  # a line that is no header; rare, and three times as slow
            pairs = (line.partition(b": ") for line in lines)
            self._raw = {name: value for name, colon, value in pairs if colon}

    def get(self, name: str, default: str = "") -> str:
        """The value, decoded: percent-encoding (mod_event_socket encodes every value), then UTF-8.

        Bytes that are no UTF-8 become U+FFFD.
        """
        raw = self._raw.get(name.key if type(name) is Header else _key(name))
        if raw is None:
            return default
        if len(raw) > self._longest:
            raw = raw[: self._longest]
        if b"%" in raw:
            raw = unquote_to_bytes(raw)
        return raw.decode("utf-8", "replace").strip(" ")

    def __contains__(self, name: str) -> bool:
        """Whether there is such a header, empty or not."""
        return (name.key if type(name) is Header else _key(name)) in self._raw

    def names(self) -> list[str]:
        """All names, in the order they came."""
        return [name.decode("utf-8", "replace") for name in reversed(self._raw)]


def _key(name: str) -> bytes:
    return name.encode("utf-8", "replace")


class Message(NamedTuple):
    """One message of FreeSWITCH: headers, and a body where Content-Length announced one."""

    headers: Headers
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """`command/reply`, `api/response`, `text/disconnect-notice`, …; empty if it says nothing."""
        return self.headers.get("Content-Type")

    @property
    def reply(self) -> str:
        """What FreeSWITCH answered: Reply-Text of a command, body of an `api`."""
        if self.content_type == "api/response":
            return self.body.decode("utf-8", "replace")
        return self.headers.get("Reply-Text")

    @property
    def is_reply(self) -> bool:
        """Whether this answers a command, rather than telling of something."""
        return self.content_type in ("command/reply", "api/response")


class Parser:
    """Bytes in, messages out; the same messages however the bytes are cut."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start with nothing received."""
        self._limits = limits
        self._buffer = bytearray()
        self._headers: Headers | None = None
        self._length = 0
        self._searched = 0

    def receive(self, data: bytes) -> list[Message]:
        """Take the next bytes and return the messages they complete.

        Raises ProtocolError; the connection is of no use after that.
        """
        self._buffer += data
        messages: list[Message] = []
        while True:
            message = self._next()
            if message is None:
                return messages
            messages.append(message)

    def _next(self) -> Message | None:
        if self._headers is None and not self._take_headers():
            return None
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        headers, self._headers = self._headers, None
        assert headers is not None
        return Message(headers, body)

    def _take_headers(self) -> bool:
        # An answer starts after the empty line of the one before; FreeSWITCH sends no other blank lines.
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\n"))
        if blank:
            del self._buffer[:blank]
            self._searched = 0
        end = self._buffer.find(b"\n\n", max(0, self._searched - 1))
        length = end if end >= 0 else len(self._buffer) - self._buffer.endswith(b"\n")
        if length > self._limits.header_bytes:
            raise ProtocolError(f"a header block of more than {self._limits.header_bytes} bytes")
        if end < 0:
            self._searched = len(self._buffer)
            return False
        headers = Headers(bytes(self._buffer[:end]), self._limits)
        self._length = self._content_length(headers)
        del self._buffer[: end + 2]
        self._searched = 0
        self._headers = headers
        return True

    def _content_length(self, headers: Headers) -> int:
        text = headers.get("Content-Length", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise ProtocolError(f"Content-Length {text[:20]!r} is no number of bytes")
        if int(text) > self._limits.body_bytes:
            raise ProtocolError(f"Content-Length {text} is more than {self._limits.body_bytes}")
        return int(text)


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
