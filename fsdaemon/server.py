"""The daemon: listens, hands each connection to a session, counts, refuses, reloads and drains.

Rule: nothing that one connection does may stop another one, or the accepting. Signal handlers only
leave a note; the loop acts on it.
"""

from __future__ import annotations

import errno
import signal
import time
from typing import Any, Callable

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer
from loguru import logger

from fsdaemon import log, systemd
from fsdaemon.config import Config
from fsdaemon.heartbeat import Heartbeat
from fsdaemon.session import OutboundSessionHasGoneAway, ProtocolError, Session

_BACKLOG = 1024
_AGAIN = 0.05  # seconds
_STUCK_AFTER = 2.0  # seconds without a turn of the loop until a daemon without systemd ends itself


class Listener(StreamServer):  # type: ignore[misc, unused-ignore]
    """gevent's StreamServer; out of descriptors it says so once, where gevent writes a traceback a call."""

    def __init__(self, listener: socket.socket, handle: Callable[..., None], warn: log.Sparse) -> None:
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


class Server:
    """All listeners of one daemon and the configuration they decide by."""

    def __init__(self, config: Config, load: Callable[[], Config] | None = None) -> None:
        """`load` reads the configuration again for SIGHUP; it raises ValueError or OSError with why not."""
        self.config = config
        self._load = load
        self._servers: list[Listener] = []
        self._stopping = Event()
        self._warn = log.Sparse(logger.warning)
        self.in_flight = 0

    # --- life ------------------------------------------------------------------------------------

    def listen(self) -> list[str]:
        """Open every address; returns them as they really are. Raises OSError with the address in it.

        Sockets that systemd handed over replace `server.listen`.
        """
        listeners = [_adopt(fd) for fd in systemd.listen_fds()]
        if not listeners:
            listeners = [_open(address) for address in self.config.server.listen]
        for listener in listeners:
            server = Listener(listener, self._handle, self._warn)
            server.start()
            self._servers.append(server)
        return [_text(listener.getsockname()) for listener in listeners]

    def run(self) -> None:
        """Answer calls until SIGTERM or SIGINT, then finish those in flight."""
        gevent.signal_handler(signal.SIGTERM, self._stopping.set)
        gevent.signal_handler(signal.SIGINT, self._stopping.set)
        gevent.signal_handler(signal.SIGHUP, self.reload)
        logger.info("listening on {}", ", ".join(self.listen()))
        watchdog = gevent.spawn(self._watchdog)
        systemd.notify("READY=1")
        self._stopping.wait()
        systemd.notify("STOPPING=1")
        self.drain()
        watchdog.kill()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._stopping.set()

    def drain(self) -> None:
        """Accept no more and wait for the sessions in flight, each within its own time limit.

        The listeners are closed at once: a call that is refused goes on, one in a backlog waits. (One
        that systemd holds stays open there, and the next daemon answers it.)
        """
        for server in self._servers:
            server.stop()
        end = time.monotonic() + self.config.server.timeout + 0.5
        while self.in_flight and time.monotonic() < end:
            gevent.sleep(0.01)
        logger.info("stopped, {} calls in flight", self.in_flight or "no")

    def reload(self) -> None:
        """Swap the configuration for what the file says now; a bad file leaves the old one running."""
        if self._load is None:
            return
        systemd.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._load()
        except (OSError, ValueError) as error:
            logger.error("not reloaded, the old configuration stays: {}", error)
        else:
            if config.server.listen != self.config.server.listen:
                logger.warning("server.listen takes effect with a restart only")
            log.configure(config.log)
            self.config = config
            logger.info("configuration reloaded")
        systemd.notify("READY=1")

    def _watchdog(self) -> None:
        """Give signs of life from the loop that answers calls: only it can tell that it is stuck."""
        seconds = systemd.watchdog_seconds()
        heartbeat = Heartbeat(_STUCK_AFTER) if not seconds else None
        while True:
            gevent.sleep(seconds / 3 if seconds else _STUCK_AFTER / 8)
            if heartbeat:
                heartbeat.beat()
            else:
                systemd.notify("WATCHDOG=1")

    # --- one connection --------------------------------------------------------------------------

    def _handle(self, sock: socket.socket, address: Any) -> None:
        config = self.config  # a call is decided by one configuration, whatever a reload does meanwhile
        if self.in_flight >= config.server.max_sessions:
            self._warn("refused", f"refused a call: {self.in_flight} at a time (server.max_sessions)")
            return
        self.in_flight += 1
        try:
            with gevent.Timeout(config.server.timeout):
                decision = Session(address, sock).decide(config)
            sock.close()  # FreeSWITCH goes on before we log
            log.verdict(decision, config.log)
        except gevent.Timeout:
            limit = f"{config.server.timeout:g} s (server.timeout)"
            self._warn("timeout", f"{_text(address)} not finished in {limit}")
        except OutboundSessionHasGoneAway as error:
            logger.debug("{} gone: {}", _text(address), error)
        except (ProtocolError, OSError) as error:
            self._warn("protocol", f"{_text(address)} is no FreeSWITCH at work: {error}")
        except Exception:
            logger.exception("{} a defect in fsdaemon; the call goes on without it", _text(address))
        finally:
            self.in_flight -= 1


def _open(address: str) -> socket.socket:
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
        raise OSError(error.errno, f"{address}: {error.strerror or error}") from None
    return listener


def _adopt(fd: int) -> socket.socket:
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    return listener


def _text(address: Any) -> str:
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return str(address) or "a local socket"
