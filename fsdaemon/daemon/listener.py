"""Where calls come in: a listening socket of ours or of systemd's, and what accepts on it.

Rule: knows nothing of calls. What cannot be opened is said with its address, and who has it instead.
"""

from __future__ import annotations

import errno
import socket as plain  # whose connect waits for nobody: UDP
from typing import Any, Callable

import gevent
from gevent import socket
from gevent.server import StreamServer

from fsdaemon.daemon.occupant import occupant
from fsdaemon.terms.numbers import in_networks, is_loopback

_BACKLOG = 1024
_AGAIN = 0.05  # seconds
_DISCARD = 9  # a port (RFC 863)


class Listener(StreamServer):
    """gevent's StreamServer; out of descriptors it says so once, where gevent writes a traceback a call."""

    def __init__(
        self, listener: socket.socket, handle: Callable[..., None], warn: Callable[[str, str], None]
    ) -> None:
        """Accept on `listener`; `warn` is told when that is not possible."""
        super().__init__(listener, handle)
        self._warn = warn

    def do_read(self) -> Any:
        """Accept one connection; without descriptors try again a little later."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._warn("descriptors", f"no call can be accepted now: {error.strerror}")
            self.stop_accepting()
            gevent.spawn_later(_AGAIN, self._again)
            return None

    def _again(self) -> None:
        if not self.closed:
            self.start_accepting()


def open_socket(address: str) -> socket.socket:
    """Listen on `host:port`. Raises OSError with the address, and who listens there instead."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = f"{address}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE and (who := occupant(int(port))):
            why += f", by {who}"
        elif error.errno == errno.EACCES:
            why += "; ports below 1024 are for root"
        raise OSError(error.errno, why) from None
    return listener


def reachable(listener: socket.socket) -> bool:
    """Whether other machines may reach a listening socket: it is not on loopback, and not a local one."""
    address = listener.getsockname()
    return isinstance(address, tuple) and not is_loopback(address[0])


def may_connect(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether an IP address is of this machine, or in one of `networks`."""
    return is_loopback(peer) or in_networks(peer, networks) or _is_own(peer)


def _is_own(peer: str) -> bool:
    """Whether we would talk to `peer` from that very address. Nothing is sent.

    (Whether it can be bound says less: with net.ipv4.ip_nonlocal_bind every address can.)
    """
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    try:
        with plain.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((peer, _DISCARD))
            return bool(probe.getsockname()[0] == peer)
    except OSError:
        return False


def adopt(fd: int) -> socket.socket:
    """A listening socket that systemd handed over. Raises OSError for what is none."""
    what = f"descriptor {fd} of systemd's socket unit is not a listening socket; it needs ListenStream"
    try:
        listener = socket.socket(fileno=fd)
    except OSError as error:
        raise OSError(error.errno, what) from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.close()
        raise OSError(errno.EINVAL, what)
    listener.setblocking(False)
    return listener


def text_of(address: Any) -> str:
    """A socket's address as `host:port`."""
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return str(address) or "a local socket"
