"""A connection to FreeSWITCH's inbound event socket: logs in, subscribes, and reads messages.

Rule: no greenlet of its own; who reads decides what a silent peer means. It is not greenswitch's InboundESL
(0.0.19): there `send` waits for ever when the connection breaks (its issues 45 and 47), the queue of events
has no end, and an event is decoded before its lines are split, so a line break in a value makes a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import gevent
from gevent import socket

from fsdaemon.esl.protocol import Limits, Message, Parser, ProtocolError

_CHUNK = 65536
_LOGIN = 10.0  # seconds for all of connect, greeting, login and subscription
#: The largest is list_users: about 90 bytes for each user and group.
_LIMITS = Limits(header_bytes=1 << 16, headers=256, body_bytes=1 << 25)
_GONE = ("text/disconnect-notice", "text/rude-rejection")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_BREAK = re.compile(r"[\0\r\n]")

#: Does nothing, needs no permission, and is answered: "-ERR not loging" (mod_event_socket.c).
PING = b"nolog\n\n"


class Rejected(Exception):
    """FreeSWITCH does not let us in; only the administrator can change that."""


def event(name: str, headers: Mapping[str, str]) -> bytes:
    """The command that fires an event (`sendevent`; mod_event_socket drops headers without a value).

    Raises ValueError for what would end a line, or announce a body (`content-length`).
    """
    for header, value in headers.items():
        if not _HEADER.fullmatch(header) or header.lower() == "content-length":
            raise ValueError(f"{header[:40]!r} is not a header of an event")
        if _BREAK.search(value):
            raise ValueError(f"a line break in {header}")
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is not an event")
    lines = [f"sendevent {name}", *(f"{header}: {value}" for header, value in headers.items())]
    return "\n".join(lines).encode("utf-8", "replace") + b"\n\n"


class Inbound:
    """One connection, from the greeting to its end."""

    def __init__(self, address: str) -> None:
        """`address` is host:port; nothing is opened yet."""
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._sock: socket.socket | None = None
        self._parser = Parser(_LIMITS)
        self._received: list[Message] = []
        self._step = "connection"

    def log_in(self, user: str, password: str, events: Sequence[str]) -> None:
        """Connect, log in (`userauth` with a user, else `auth`), and subscribe to `events`.

        Raises OSError (TimeoutError after 10 s), ProtocolError for another kind of server, Rejected.
        """
        limit = gevent.Timeout.start_new(_LOGIN)
        try:
            self._log_in(user, password, events)
        except gevent.Timeout as raised:
            if raised is not limit:
                raise
            raise TimeoutError(f"no {self._step} within {_LOGIN:g} s") from None
        finally:
            limit.close()

    def _log_in(self, user: str, password: str, events: Sequence[str]) -> None:
        self._sock = socket.create_connection(self._address)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._step = "greeting"
        greeting = self._next().content_type
        if greeting == "text/rude-rejection":
            raise Rejected(
                "its access list refuses this machine (apply-inbound-acl in event_socket.conf.xml)"
            )
        if greeting != "auth/request":
            raise ProtocolError("no greeting of FreeSWITCH's event socket")
        self._step = "answer to the login"
        if not self._ask(f"userauth {user}:{password}" if user else f"auth {password}").startswith("+OK"):
            wrong = f"wrong password, or {user} has no esl-password in the directory" if user else ""
            raise Rejected(wrong or "wrong password (event_socket.conf.xml has it)")
        self._step = "answer to the subscription"
        if events and not self._ask(f"event plain {' '.join(events)}").startswith("+OK"):
            raise Rejected(
                f"{user or 'this login'} may not have the events {','.join(events)} (esl-allowed-events)"
            )

    def _ask(self, command: str) -> str:
        self.send(command.encode("utf-8", "replace") + b"\n\n")
        while True:
            message = self._next()
            if message.is_reply:
                return message.reply
            if message.content_type in _GONE:
                raise ConnectionError("FreeSWITCH ended the connection")

    def _next(self) -> Message:
        while not self._received:
            self._received = self.receive()
        return self._received.pop(0)

    def receive(self) -> list[Message]:
        """What is there, or the next that comes. Raises ProtocolError, and ConnectionError at the end."""
        assert self._sock
        if self._received:
            here, self._received = self._received, []
            return here
        gevent.sleep(0)  # recv does not yield while more is waiting, and calls need a turn
        data = self._sock.recv(_CHUNK)
        if not data:
            raise ConnectionError("the connection was closed")
        messages = self._parser.receive(data)
        if any(not message.content_type for message in messages):
            raise ProtocolError("a message without Content-Type")
        return messages

    def send(self, data: bytes) -> None:
        """Send all of it; waits as long as the peer does not read."""
        assert self._sock
        self._sock.sendall(data)

    def close(self) -> None:
        """Close, whatever state it is in."""
        if self._sock:
            self._sock.close()
