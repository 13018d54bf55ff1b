"""Who answers at an address where a daemon was expected, and an end to all waiting for it.

Rule: asks nothing but `GET /status`, sends nothing that changes anything, and repeats one line at most.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from fsdaemon.config.problems import show
from fsdaemon.core.sentences import printable

LIMIT = 10.0  # seconds for one question, the look-up of the name included
CALLS, PAGE = "server.listen", "metrics.listen"
_LIKE = {CALLS: "127.0.0.1:8084", PAGE: "127.0.0.1:9484"}
_WAIT = 2.0  # seconds for a greeting, and for an answer
_ENOUGH = 4096  # bytes
_CALLED = "where fsdaemon answers calls (server.listen)"
_CLOSES = ": it closes the connection at once, as fsdaemon does for those that server.allow does not name"
_KNOWN = {
    b"Content-Type: auth/request": "FreeSWITCH's inbound event socket (event_socket.conf.xml)",
    b"Content-Type: text/rude-rejection": "FreeSWITCH's inbound event socket, whose access list refuses you",
    b"connect\n": _CALLED,
    b"HTTP/": "an HTTP server",
    b"SIP/2.0 ": "a SIP server",
    b"\x15\x03": "a TLS server",  # an alert (RFC 8446 section 6)
}

T = TypeVar("T")


def within(do: Callable[[], T], seconds: float = 0) -> T:
    """What `do` returns or raises; TimeoutError if it takes longer (0: LIMIT). `do` is then left to itself.

    A thread, because a look-up of a name cannot be interrupted, and a limit of a socket is for one read.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(do())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    seconds = seconds or LIMIT
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not returned:
        raise TimeoutError(f"no end of it within {seconds:g} s")
    return returned[0]


def instead(host: str, port: int, wanted: str) -> str:
    """What listens there instead of what is `wanted` (CALLS or PAGE), as the end of a message.

    Empty if it is what is wanted after all, or cannot be told.
    """
    try:
        said, asked = within(lambda: _first_words(host, port), 3 * _WAIT)
    except OSError:
        return ""
    if asked and b'"healthy"' in said and b'"troubles"' in said:
        return "" if wanted == PAGE else f": it is fsdaemon's page ({PAGE}); {_other(wanted)}"
    for begin, what in _KNOWN.items():
        if said.startswith(begin):
            return "" if what == _CALLED and wanted == CALLS else f": it is {what}; {_other(wanted)}"
    if not said.strip():
        return ": it accepts and says nothing" if asked else _CLOSES
    line = said.strip().split(b"\n")[0].decode("utf-8", "replace").strip()
    return f": it says {printable(show(line))}"


def _other(wanted: str) -> str:
    return f"give {wanted}, like {_LIKE[wanted]}"


def _first_words(host: str, port: int) -> tuple[bytes, bool]:
    """What it says by itself, or when it is asked as an HTTP server; and whether it was asked."""
    with socket.create_connection((host, port), _WAIT) as sock:
        said, closed = _heard(sock)
        if said.strip() or closed:
            return said, False
        sock.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        return _heard(sock)[0], True


def _heard(sock: socket.socket) -> tuple[bytes, bool]:
    """What it says within some time, and whether it has closed then."""
    data, end = b"", time.monotonic() + _WAIT
    while len(data) < _ENOUGH and not data.endswith(b"\n\n") and time.monotonic() < end:
        sock.settimeout(max(end - time.monotonic(), 0.01))
        try:
            piece = sock.recv(_ENOUGH)
        except socket.timeout:
            break
        if not piece:
            return data, True
        data += piece
    return data, False
