"""The daemon: listens, hands each connection to a session, counts, refuses, reloads and drains.

Rule: nothing that one connection does may stop another one, or the accepting. Signal handlers only
leave a note; the loop acts on it.
"""

from __future__ import annotations

import gc
import signal
import time
from typing import TYPE_CHECKING, Any, Callable

import gevent
from gevent import socket
from gevent.event import Event
from loguru import logger

from fsdaemon.config.reader import Config, ConfigError
from fsdaemon.core.codes import Outcome
from fsdaemon.core.users import User
from fsdaemon.daemon import log, stderr, systemd
from fsdaemon.daemon.expected import Expected
from fsdaemon.daemon.features import Features
from fsdaemon.daemon.heartbeat import Heartbeat
from fsdaemon.daemon.listener import Listener, adopt, may_connect, open_socket, reachable, text_of
from fsdaemon.daemon.switch import Switch, password_of
from fsdaemon.esl.session import OutboundSessionHasGoneAway, ProtocolError, Session
from fsdaemon.terms.events import HEARD

if TYPE_CHECKING:
    from fsdaemon.core.decide import Decision
    from fsdaemon.daemon.metrics import Metrics

_STUCK_AFTER = 2.0  # seconds without a turn of the loop until a daemon without systemd ends itself


class Server:
    """All listeners of one daemon and the configuration they decide by."""

    def __init__(self, config: Config, load: Callable[[], Config] | None = None) -> None:
        """`load` reads the configuration again for SIGHUP; it raises ValueError or OSError with why not."""
        self.config = config
        self._load = load
        self._servers: list[Listener] = []
        self._log_file = stderr.file_behind()
        self._stopping = Event()
        self._asked_to_reload = Event()
        self._warn = log.Sparse(lambda text: logger.warning("{}", text))
        self._strangers = log.Sparse(lambda text: logger.warning("{}", text), 60.0)
        self._expected = Expected(config)
        self.in_flight = 0
        self.metrics: Metrics | None = None
        self.switch: Switch | None = None
        self._password = ""
        self.features = Features(lambda: self.config, self._count)

    # --- life ------------------------------------------------------------------------------------

    def listen(self) -> list[str]:
        """Open every address; returns them as they really are. Raises OSError with the address in it.

        Sockets that systemd handed over replace `server.listen`.
        """
        listeners = [adopt(fd) for fd in systemd.listen_fds()]
        if listeners and self.config.origin["server.listen"] != "default":
            logger.warning("systemd's socket is used (ListenStream of fsdaemon.socket), not server.listen")
        if not listeners:
            listeners = [open_socket(address) for address in self.config.server.listen]
        for listener in listeners:
            server = Listener(listener, self._handle, self._warn)
            server.start()
            self._servers.append(server)
            if reachable(listener):
                others = ", ".join(self.config.server.allow)
                logger.warning(
                    "{} is reachable from other machines; who may connect is this machine{} (server.allow)",
                    text_of(listener.getsockname()),
                    f" and {others}" if others else " only",
                )
        return [text_of(listener.getsockname()) for listener in listeners]

    def run(self) -> None:
        """Answer calls until SIGTERM or SIGINT, then finish those in flight."""
        gevent.signal_handler(signal.SIGTERM, self._stopping.set)
        gevent.signal_handler(signal.SIGINT, self._stopping.set)
        gevent.signal_handler(signal.SIGHUP, self._asked_to_reload.set)
        reloading = gevent.spawn(self._reload_when_asked)
        addresses = ", ".join(self.listen())  # first: the page must not have the calls' place
        self._show()
        self._link()
        logger.info("configuration: {}", _source(self.config))
        logger.info("listening on {}", addresses)
        watchdog = gevent.spawn(self._watchdog)
        gc.freeze()  # what is loaded stays: looking through it now and then would hold every call for 10 ms
        systemd.notify("READY=1")
        self._stopping.wait()
        systemd.notify("STOPPING=1")
        self.drain()
        if self.switch:
            self.switch.stop()
        gevent.killall([watchdog, reloading])
        self._say_what_was_counted(everything=True)

    def _show(self) -> None:
        """Serve metrics and page where that is wanted. The calls matter more: what fails is only said."""
        address = self.config.metrics.listen
        if not address:
            return
        from fsdaemon.daemon import metrics, page

        try:
            listener = open_socket(address)
        except OSError as error:
            logger.warning("no metrics and no page: {}", error.strerror or error)
            return
        if reachable(listener):
            logger.warning(
                "metrics.listen {} is reachable from other machines; anyone who connects can see call data",
                address,
            )
        self.metrics = metrics.Metrics(lambda: self.in_flight, lambda: self.config, lambda: self.switch)
        page.serve(self.metrics, listener, address)
        logger.info("metrics and page on http://{}/", text_of(listener.getsockname()))

    def _link(self) -> None:
        """Connect to FreeSWITCH's event socket as [switch] says, where that is new."""
        password, why = "", ""
        try:
            password = password_of(self.config)
        except OSError as error:
            why = str(error)
        before = self.switch
        if before and not why and (before.config.switch, self._password) == (self.config.switch, password):
            return
        if before:
            before.stop()
        self._password = password
        self.switch = Switch(self.config, password, self.features.on_login, self.features.on_event, HEARD)
        if why:
            self.switch.refuse(why)
        else:
            self.switch.start()

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

    def _reload_when_asked(self) -> None:
        while True:
            self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            self.reload()

    def reload(self) -> None:
        """Swap the configuration for what the file says now; a bad file leaves the old one in effect."""
        if self._load is None:
            return
        systemd.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._reopen_log()
        try:
            config = self._load()
        except Exception as error:  # whatever is in that file, the calls go on
            self._count("reloads", "refused")
            show = log.shown_as(self.config.log)
            file = f"{error.file}: " if isinstance(error, ConfigError) else ""
            for problem in getattr(error, "problems", [error]):
                logger.error("not reloaded, the old configuration stays: {}{}", file, show(str(problem)))
        else:
            for key in ("server.listen", "metrics.listen", "metrics.keep"):
                if config.value(key) != self.config.value(key):
                    logger.warning("{} takes effect with a restart only", key)
            log.configure(config.log)
            self.config, self._expected = config, Expected(config)
            self._count("reloads", "done")
            logger.info("configuration reloaded: {}", _source(config))
            self._link()
            self.features.reloaded()
        systemd.notify("READY=1")

    def _reopen_log(self) -> None:
        """Where stderr is a file, logrotate has moved it before it sends SIGHUP."""
        try:
            if self._log_file:
                stderr.reopen(self._log_file)
        except OSError as error:
            why = error.strerror or str(error)
            logger.warning("the log goes on in the old file, {} cannot be opened: {}", self._log_file, why)

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
        for sparse in (self._warn, self._strangers, *log.SPARSE):
            sparse.flush(everything)
        log.lost()

    # --- one connection --------------------------------------------------------------------------

    def _handle(self, sock: socket.socket, address: Any) -> None:
        config = self.config  # a call is decided by one configuration, whatever a reload does meanwhile
        if not self._allowed(address, config):
            return
        if self.in_flight >= config.server.max_sessions:
            self._count("refused")
            self._warn("refused", f"refused a call: {self.in_flight} at a time (server.max_sessions)")
            return
        self.in_flight += 1
        started = time.monotonic()
        session = Session(address, sock)
        try:
            with gevent.Timeout(config.server.timeout):
                outcome = session.answer(config)
            sock.close()  # FreeSWITCH goes on before we log
            log.refused(session, config.log)
            self._decided(session, outcome, config, time.monotonic() - started)
        except gevent.Timeout:
            limit = f"{config.server.timeout:g} s (server.timeout)"
            self._failed("timeout", f"{_who(session, address)} timed out: no verdict within {limit}")
        except OutboundSessionHasGoneAway as error:
            logger.debug("{} gone: {}", _who(session, address), error)
            self._count("errors", "gone")
        except (ProtocolError, OSError) as error:
            said = log.shown_as(config.log)(str(error))
            self._failed("protocol", f"protocol error from {_who(session, address)}: {said}")
        except Exception as error:
            log.defect(f"{_who(session, address)} internal error in fsdaemon; the call goes on", error)
            self._count("errors", "defect")
        finally:
            self.in_flight -= 1
            log.refused(session, config.log)
            if config.log.level in log.DEBUGGING and session.uuid:
                log.considered(session.session_data, session.answers, config)

    def _allowed(self, address: Any, config: Config) -> bool:
        # A local socket has the permissions of its file.
        if not isinstance(address, tuple) or may_connect(address[0], config.server.allow):
            return True
        self._count("not_allowed")
        self._strangers("", f"closed a connection from {address[0]}, which server.allow does not name")
        return False

    def _decided(self, session: Session, outcome: Decision | Outcome, config: Config, seconds: float) -> None:
        if isinstance(outcome, Outcome):
            self._count("codes")
            log.code(session.uuid or "", outcome, config.log)
            if outcome.changed:
                self.features.changed(User(outcome.user, outcome.domain))
            return
        told = outcome.members or (outcome,)
        for one in told:
            if self.metrics:  # first: who reads the log finds it counted
                self.metrics.decided(one, config, seconds)
            log.verdict(one, config.log)
        for warning in self._expected.look(session.session_data):
            logger.warning("{}", warning)

    def _failed(self, what: str, text: str) -> None:
        self._count("errors", what)
        self._warn(what, text)

    def _count(self, name: str, *labels: str) -> None:
        if self.metrics:
            self.metrics.count(name, *labels)


def _source(config: Config) -> str:
    return config.source or "there is no conf.toml, so all keys have their defaults"


def _who(session: Session, address: Any) -> str:
    """The call's UUID, or who connected where there is none yet."""
    return log.word(session.uuid) if session.uuid else text_of(address)
