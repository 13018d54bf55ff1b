"""The event socket's bytes: what FreeSWITCH sends to messages, and commands to bytes.

Rule: knows nothing of sockets. `Parser.receive` takes bytes in any pieces (as h11 does for HTTP), and the
same messages come out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from fsdaemon.terms.channel import Api, Command, Headers
from fsdaemon.terms.variables import Header, Writer

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


DEFAULT_LIMITS = Limits()


_EMPTY_LINE = re.compile(rb"\n\n")  # `find` takes thrice the time, it stops at every \n


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


def read(block: bytes, limits: Limits = DEFAULT_LIMITS) -> Headers:
    """One header block without its closing empty line. Raises ProtocolError if it has too many lines."""
    lines = block.count(b"\n") + 1
    if lines > limits.headers:
        raise ProtocolError(f"{lines} headers, more than {limits.headers}")
    return Headers(block)


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
                self._headers = read(bytes(here[at:end]), self._limits)
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
            raise ProtocolError(f"Content-Length {text[:20]!r} is not a number of bytes")
        if int(text) > self._limits.body_bytes:
            raise ProtocolError(f"Content-Length {text} is more than {self._limits.body_bytes}")
        return int(text)


def _after_blank_lines(data: bytes | bytearray, at: int) -> int:
    """An answer starts after the empty line of the one before; FreeSWITCH sends no other blank lines."""
    if not data.startswith(b"\n", at):
        return at
    return len(data) - len(data[at:].lstrip(b"\n"))


def to_bytes(command: Command) -> bytes:
    """The bytes that make FreeSWITCH do `command`.

    The argument of an application goes in a body (switch_ivr.c switch_ivr_parse_event): mod_event_socket.c
    reads headers with a system call for each byte, and a body in one.

    Raises ValueError for a line break inside it: a command may never become two.
    """
    if any("\n" in part or "\r" in part for part in command):
        raise ValueError(f"a line break in a command: {command!r}")
    if isinstance(command, Api):
        return f"api {command.command}\n\n".encode("utf-8", "replace")
    head, body = f"sendmsg\ncall-command: execute\nexecute-app-name: {command.application}\n", b""
    if command.argument:
        body = command.argument.encode("utf-8", "replace")
        head += f"content-type: text/plain\ncontent-length: {len(body)}\n"
    return head.encode("utf-8", "replace") + b"\n" + body


CONNECT = b"connect\n\n"
