"""The daemon: listens, hands each connection to a session, counts, refuses, reloads and drains.

Rule: nothing that one connection does may stop another one, or the accepting. Signal handlers only
leave a note; the loop acts on it.
"""

from __future__ import annotations

import errno
import gc
import ipaddress
import signal
import time
from typing import TYPE_CHECKING, Any, Callable

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer
from loguru import logger

from fsdaemon.config.reader import Config
from fsdaemon.core.codes import Outcome
from fsdaemon.daemon import log, systemd
from fsdaemon.daemon.expected import Expected
from fsdaemon.daemon.heartbeat import Heartbeat
from fsdaemon.daemon.occupant import occupant
from fsdaemon.daemon.workers import Workers
from fsdaemon.esl.session import OutboundSessionHasGoneAway, ProtocolError, Session

if TYPE_CHECKING:
    from fsdaemon.core.decide import Decision
    from fsdaemon.daemon.metrics import Metrics

_BACKLOG = 1024
_AGAIN = 0.05  # seconds
_IDLE = 64  # greenlets that wait for the next calls
_LOGGED_AFTER = 0.05  # seconds that a verdict waits at most until it is logged, with those after it
_LOGGED_TOGETHER = 8  # that do not wait any longer
_STUCK_AFTER = 2.0  # seconds without a turn of the loop until a daemon without systemd ends itself


class Listener(StreamServer):
    """gevent's StreamServer; out of descriptors it says so once, where gevent writes a traceback a call."""

    def __init__(
        self, listener: socket.socket, handle: Callable[..., None], workers: Workers, warn: log.Sparse
    ) -> None:
        """Accept on `listener`; `warn` is told when that is not possible."""
        super().__init__(listener, handle, spawn=workers.spawn)
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
        self._asked_to_reload = Event()
        self._warn = log.Sparse(lambda text: logger.warning("{}", text))
        self._workers = Workers(_IDLE)
        self._verdicts = log.Verdicts()
        self._expected = Expected(config)
        self._soon = gevent.get_hub().loop.timer(_LOGGED_AFTER, _LOGGED_AFTER)
        self.in_flight = 0
        self.metrics: Metrics | None = None

    # --- life ------------------------------------------------------------------------------------

    def listen(self) -> list[str]:
        """Open every address; returns them as they really are. Raises OSError with the address in it.

        Sockets that systemd handed over replace `server.listen`.
        """
        listeners = [_adopt(fd) for fd in systemd.listen_fds()]
        if listeners and self.config.origin["server.listen"] != "default":
            logger.warning("systemd's socket is used (ListenStream of fsdaemon.socket), not server.listen")
        if not listeners:
            listeners = [_open(address) for address in self.config.server.listen]
        for listener in listeners:
            server = Listener(listener, self._handle, self._workers, self._warn)
            server.start()
            self._servers.append(server)
        return [_text(listener.getsockname()) for listener in listeners]

    def run(self) -> None:
        """Answer calls until SIGTERM or SIGINT, then finish those in flight."""
        gevent.signal_handler(signal.SIGTERM, self._stopping.set)
        gevent.signal_handler(signal.SIGINT, self._stopping.set)
        gevent.signal_handler(signal.SIGHUP, self._asked_to_reload.set)
        reloading = gevent.spawn(self._reload_when_asked)
        self._show()
        logger.info("listening on {}", ", ".join(self.listen()))
        watchdog = gevent.spawn(self._watchdog)
        gc.freeze()  # what is loaded stays: looking through it now and then would hold every call for 10 ms
        systemd.notify("READY=1")
        try:
            self._stopping.wait()
            systemd.notify("STOPPING=1")
            self.drain()
        finally:
            self._log_those_that_wait()
        gevent.killall([watchdog, reloading])
        self._say_what_was_counted(everything=True)

    def _show(self) -> None:
        """Serve metrics and page where that is wanted. The calls matter more: what fails is only said."""
        address = self.config.metrics.listen
        if not address:
            return
        from fsdaemon.daemon import metrics, page

        try:
            listener = _open(address)
        except OSError as error:
            logger.warning("no metrics and no page: {}", error)
            return
        if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
            logger.warning("metrics.listen {}: others than this machine can see who calls whom", address)
        self.metrics = metrics.Metrics(lambda: self.in_flight, lambda: self.config)
        page.serve(self.metrics, listener, address)
        logger.info("metrics and page on http://{}/", _text(listener.getsockname()))

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
        self._log_those_that_wait()
        logger.info("stopped, {} calls in flight", self.in_flight or "no")

    def _reload_when_asked(self) -> None:
        while True:
            self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            self.reload()

    def reload(self) -> None:
        """Swap the configuration for what the file says now; a bad file leaves the old one running."""
        if self._load is None:
            return
        systemd.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            config = self._load()
        except Exception as error:  # whatever is in that file, the calls go on
            show = log.shown_as(self.config.log)
            for problem in getattr(error, "problems", [error]):
                logger.error("not reloaded, the old configuration stays: {}", show(str(problem)))
            self._count("reloads", "refused")
        else:
            for key in ("server.listen", "metrics.listen", "metrics.keep"):
                if config.value(key) != self.config.value(key):
                    logger.warning("{} takes effect with a restart only", key)
            self._log_those_that_wait()  # as they were to be logged
            log.configure(config.log)
            self.config, self._expected = config, Expected(config)
            logger.info("configuration reloaded")
            self._count("reloads", "done")
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
            self._say_what_was_counted()

    def _say_what_was_counted(self, everything: bool = False) -> None:
        for sparse in (self._warn, *log.SPARSE):
            sparse.flush(everything)

    # --- one connection --------------------------------------------------------------------------

    def _handle(self, sock: socket.socket, address: Any) -> None:
        config = self.config  # a call is decided by one configuration, whatever a reload does meanwhile
        if self.in_flight >= config.server.max_sessions:
            self._warn("refused", f"refused a call: {self.in_flight} at a time (server.max_sessions)")
            self._count("refused")
            return
        self.in_flight += 1
        started = time.monotonic()
        session = Session(address, sock)
        show = log.shown_as(config.log)
        try:
            with gevent.Timeout(config.server.timeout):
                outcome = session.answer(config)
            sock.close()  # FreeSWITCH goes on before we log
            if isinstance(outcome, Outcome):
                log.code(session.uuid or "", outcome, config.log)
                self._count("codes")
                return
            self._log(outcome, config)
            for warning in self._expected.look(session.session_data):
                logger.warning("{}", warning)
            if self.metrics:
                self.metrics.decided(outcome, config, time.monotonic() - started)
        except gevent.Timeout:
            limit = f"{config.server.timeout:g} s (server.timeout)"
            self._warn("timeout", f"{_who(session, address)} not finished in {limit}")
            self._count("errors", "timeout")
        except OutboundSessionHasGoneAway as error:
            logger.debug("{} gone: {}", _who(session, address), error)
            self._count("errors", "gone")
        except (ProtocolError, OSError) as error:
            self._warn("protocol", f"{_who(session, address)} is no FreeSWITCH at work: {show(str(error))}")
            self._count("errors", "protocol")
        except Exception as error:
            log.defect(f"{_who(session, address)} a defect in fsdaemon; the call goes on without it", error)
            self._count("errors", "defect")
        finally:
            self.in_flight -= 1
            log.refused(session, config.log)
            if config.log.level in log.DEBUGGING and session.uuid:
                log.considered(session.session_data, session.answers, config)

    def _log(self, decision: Decision, config: Config) -> None:
        if config.log.level in log.DEBUGGING:
            log.verdict(decision, config.log)  # in the order in which things happened
            return
        self._verdicts.add(decision, config.log)
        if len(self._verdicts) == 1:
            self._soon.again(self._log_those_that_wait)
        elif len(self._verdicts) == _LOGGED_TOGETHER:
            self._log_those_that_wait()

    def _log_those_that_wait(self) -> None:
        self._soon.stop()
        self._verdicts.say()

    def _count(self, name: str, *labels: str) -> None:
        if self.metrics:
            self.metrics.count(name, *labels)


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
        why = f"{address}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE and (who := occupant(int(port))):
            why += f", by {who}"
        elif error.errno == errno.EACCES:
            why += "; ports below 1024 are for root"
        raise OSError(error.errno, why) from None
    return listener


def _adopt(fd: int) -> socket.socket:
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    return listener


def _who(session: Session, address: Any) -> str:
    """The call's UUID, or who connected where there is none yet."""
    return log.one_line(session.uuid) if session.uuid else _text(address)


def _text(address: Any) -> str:
    if isinstance(address, tuple):
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"{host}:{address[1]}"
    return str(address) or "a local socket"
