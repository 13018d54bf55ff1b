"""The connection to FreeSWITCH's event socket ([switch]): kept up, asked, told, and heard.

Rule: nothing of a call comes here, and nothing here waits for ever. One greenlet reads, one writes, one hands
events on; whatever waits, waits in a queue with an end. The password leaves it in the login only, and what a
peer answers to the login is not repeated.
"""

from __future__ import annotations

import os
import random
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import gevent
from gevent.event import AsyncResult, Event
from loguru import logger

from fsdaemon.config.problems import Wrong
from fsdaemon.config.reader import Config
from fsdaemon.config.switch import PASSWORD
from fsdaemon.daemon import log
from fsdaemon.esl.inbound import PING, Inbound, Rejected, event
from fsdaemon.esl.protocol import Message, ProtocolError, read, to_bytes
from fsdaemon.terms.channel import Api, Headers

_SHORTEST, _LONGEST = 1.0, 30.0  # seconds between two attempts, of which half and more is waited
_LASTED = 30.0  # seconds after which a connection was a good one
_QUIET = 10.0  # seconds without a message until we ask whether FreeSWITCH is there
_HUNG = 15.0  # seconds for one answer; then the connection is closed
_ANSWER = 5.0  # seconds that `api` waits
_TICK = 1.0
_WINDOW = 64  # commands that wait for their answer
_MOST_ASKED = 1000  # `api` at a time
_MOST_TOLD = 20_000  # events that wait to be sent
_MOST_HEARD = 1 << 22  # bytes of events that wait to be handled
_LARGEST_EVENT = 1 << 16  # bytes; a phone may write megabytes into one
_LONGEST_PASSWORD = 1 << 10  # bytes
OFF, CONNECTING, CONNECTED, REFUSED = "off", "connecting", "connected", "refused"
#: What is counted, and how a person reads it.
COUNTERS = {
    "reconnects": "Logins at FreeSWITCH's event socket after the first",
    "events": "Events of FreeSWITCH that were handled",
    "events_dropped": "Events of FreeSWITCH that were too many, or too large",
    "sent": "Events that were sent to FreeSWITCH",
    "sent_dropped": "Events for FreeSWITCH that were too many, invalid, or had no connection",
}


class SwitchGone(Exception):
    """FreeSWITCH cannot be asked now, or did not answer in time."""


class Late(SwitchGone):
    """FreeSWITCH did not answer in time, and the connection stays: no login follows that tells everybody."""

    def warn(self) -> None:
        """Log it; of many the same once a minute."""
        log.LATE(
            str(self), f"{self}; phones and lamps may show what is not so until the next login or reloadxml"
        )


class _Command(NamedTuple):
    data: bytes
    answer: AsyncResult | None = None  #: where somebody waits for it
    seconds: float = 0.0  #: that it is waited, if more than usual


class _Sent(NamedTuple):
    answer: AsyncResult | None
    since: float
    seconds: float


def password_of(config: Config) -> str:
    """The password of [switch], read where `switch.password_file` says.

    Raises OSError, which names the key and what is wrong, and never what stands in the file.
    """
    name = config.switch.password_file
    if not name:
        return config.switch.password
    key = f"switch.password_file {name}"
    if not name.startswith("/"):
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if not credentials:
            raise OSError(f"{key}: there are no credentials; has the unit LoadCredential={name}:…?")
        name = os.path.join(credentials, name)
    try:
        data = _content(name)
        return PASSWORD(data.decode("utf-8").rstrip("\r\n") or None)
    except OSError as error:
        raise OSError(f"{key} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, Wrong):
        raise OSError(f"{key}: must be one line of UTF-8 with the password in it") from None


def _content(name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that nobody writes to would hold us up
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError("not a file")
        data = os.read(file, _LONGEST_PASSWORD + 1)
    finally:
        os.close(file)
    if len(data) > _LONGEST_PASSWORD:
        raise OSError(f"larger than {_LONGEST_PASSWORD} bytes")
    return data


class Switch:
    """FreeSWITCH, as one configuration reaches it. Off where `switch.address` is empty."""

    def __init__(
        self,
        config: Config,
        password: str,
        on_login: Callable[[Switch], None],
        on_event: Callable[[Headers], None],
        events: Sequence[str],
    ) -> None:
        """Nothing is connected before `start`.

        `on_login` runs after each login, in a greenlet of its own, and may ask; it is ended when the
        connection breaks. `on_event` gets one event after the other, in another greenlet, and may ask, too.
        `events` are the names to subscribe to.
        """
        self.config, self._password, self._events = config, password, tuple(events)
        self._on_login, self._on_event = on_login, on_event
        self.state = CONNECTING if config.switch.address else OFF
        self.why = ""  #: what went wrong last, while there is no connection
        self.counters: Counter[str] = Counter()  #: by the names of COUNTERS
        self._since = time.monotonic()  # that it is not connected
        self._answered = 0.0  # when FreeSWITCH last answered
        self._said = ""
        self._running: list[Any] = []
        self._starting: Any = None
        self._asked: deque[_Command] = deque()
        self._told: deque[_Command] = deque()
        self._sent: deque[_Sent] = deque()
        self._heard: deque[bytes] = deque()
        self._heard_bytes = 0
        self._something_to_send, self._something_heard = Event(), Event()

    # --- what others use -------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and stay connected, from now on."""
        if self.state != OFF:
            self._running = [gevent.spawn(self._stay_connected), gevent.spawn(self._hand_on)]

    def stop(self) -> None:
        """Close. Who waits for an answer gets SwitchGone."""
        gevent.killall([*self._running, *filter(None, [self._starting])], timeout=_TICK)
        self._running = []
        self.state = OFF

    def refuse(self, why: str) -> None:
        """Do not even try, and say why."""
        self._not_connected(f"{REFUSED}: {why}", why, logger.error)

    def api(self, command: str, seconds: float = 0.0) -> str:
        """Ask FreeSWITCH and return its answer as it came; a refusal begins with "-ERR", and is logged.

        Raises Late after `seconds` (0: 5 s), SwitchGone at once without a connection, and ValueError for a
        line break in `command`.
        """
        data = to_bytes(Api(command))
        if self.state != CONNECTED:
            raise SwitchGone(f"FreeSWITCH's event socket: {self.state}")
        if len(self._asked) >= _MOST_ASKED:
            raise SwitchGone(f"{_MOST_ASKED} questions to FreeSWITCH wait already")
        answer = AsyncResult()
        self._asked.append(_Command(data, answer, seconds))
        self._something_to_send.set()
        seconds = seconds or _ANSWER
        answer.wait(seconds)
        if not answer.ready():
            asked = command.partition(" ")[0]  # the rest may be what strangers wrote
            raise Late(f"FreeSWITCH did not answer {asked} within {seconds:g} s")
        message: Message = answer.get()
        if message.content_type == "command/reply":  # an answer is an api/response
            show = log.shown_as(self.config.log)
            said = show(message.reply.strip())
            text = f"FreeSWITCH refused {show(f'api {command}')}: {said}; does esl-allowed-api name it?"
            log.REFUSED(f"api {command.partition(' ')[0]} {said}", text)
        return message.reply

    def send_event(self, name: str, headers: Mapping[str, str]) -> None:
        """Fire an event in FreeSWITCH, soon; dropped without a connection, or if too many wait.

        What is no event (a line break in a value) is dropped, too, and logged.
        """
        try:
            data = event(name, headers)
        except ValueError as error:
            self.counters["sent_dropped"] += 1
            log.REFUSED(f"sendevent {error}", f"an event was not sent to FreeSWITCH: {error}")
            return
        if self.state != CONNECTED or len(self._told) >= _MOST_TOLD:
            self.counters["sent_dropped"] += 1
            return
        self._told.append(_Command(data))
        self._something_to_send.set()

    def status(self) -> dict[str, Any]:
        """For the page and `fsdaemon status`."""
        return {"state": self.state, "address": self.config.switch.address, "why": self.why, **self.counts()}

    def counts(self) -> dict[str, int]:
        """Every counter of COUNTERS."""
        return {name: self.counters[name] for name in COUNTERS}

    @property
    def trouble(self) -> str:
        """What a person should look at; empty while it is connected, off, or was lost a moment ago."""
        if self.state in (OFF, CONNECTED) or (
            self.state == CONNECTING and time.monotonic() - self._since < _LASTED
        ):
            return ""
        return f"no connection to FreeSWITCH's event socket (switch.address): {self.why or self.state}"

    # --- the connection --------------------------------------------------------------------------

    def _stay_connected(self) -> None:
        tries = 0
        while True:
            began = time.monotonic()
            try:
                self._connected()
            except Rejected as error:
                self._not_connected(f"{REFUSED}: {error}", str(error), logger.error)
                tries = 10
            except ProtocolError:  # it may repeat what we sent
                what = "what answers is not FreeSWITCH's event socket, or sends more than is allowed"
                self._not_connected(CONNECTING, what, logger.warning)
            except OSError as error:
                self._not_connected(CONNECTING, error.strerror or str(error), logger.warning)
            except Exception as error:
                log.defect("internal error in fsdaemon, at FreeSWITCH's event socket", error)
                self._not_connected(CONNECTING, "an internal error of fsdaemon", logger.warning)
            if time.monotonic() - began > _LASTED:
                tries = 0
            pause = min(_SHORTEST * 2**tries, _LONGEST)
            tries = min(tries + 1, 10)
            gevent.sleep(random.uniform(pause / 2, pause))

    def _connected(self) -> None:
        """One connection, to its end, which is one of the exceptions of `Inbound`."""
        inbound = Inbound(self.config.switch.address)
        writing = None
        try:
            inbound.log_in(self.config.switch.user, self._password, self._events)
            writing = gevent.spawn(self._write, inbound)
            self._logged_in()
            self._read(inbound)
        finally:
            self.state = CONNECTING
            inbound.close()
            if writing:
                writing.kill(block=False)
            self._give_up_what_waits()

    def _logged_in(self) -> None:
        self.counters["reconnects"] += bool(self.counters["logins"])
        self.counters["logins"] += 1
        self.state, self.why, self._said = CONNECTED, "", ""
        logger.info("connected to FreeSWITCH's event socket at {}", self.config.switch.address)
        self._starting = gevent.spawn(self._safely, self._on_login, self)

    def _give_up_what_waits(self) -> None:
        """Nothing of a connection is left for the next one, after which all is told anew."""
        if self._starting:
            self._starting.kill(block=False)
        waiting = [one.answer for one in self._sent] + [one.answer for one in self._asked]
        for answer in filter(None, waiting):
            answer.set_exception(SwitchGone("the connection to FreeSWITCH broke"))
        self.counters["sent_dropped"] += len(self._told)
        self.counters["events_dropped"] += len(self._heard)
        for queue in (self._sent, self._asked, self._told, self._heard):
            queue.clear()
        self._heard_bytes = 0

    def _not_connected(self, state: str, why: str, say: Callable[..., None]) -> None:
        """Say it once, however often it happens."""
        if not self._said:
            self._since = time.monotonic()
        self.state, self.why = state, log.one_line(why)
        if why != self._said:
            say("FreeSWITCH's event socket at {}: {}", self.config.switch.address, self.why)
        self._said = why

    # --- reading, writing, handing on ------------------------------------------------------------

    def _read(self, inbound: Inbound) -> None:
        last = time.monotonic()
        while True:
            messages: list[Message] = []
            with gevent.Timeout(_TICK, False):
                messages = inbound.receive()
            now = time.monotonic()
            last = now if messages else last
            for message in messages:
                self._take(message)
            self._check_answers(now)
            if not self._sent and now - last > _QUIET:
                self._asked.append(_Command(PING))
                self._something_to_send.set()

    def _check_answers(self, now: float) -> None:
        """FreeSWITCH answers one after the other, so each has its own time after the one before."""
        if self._sent:
            first = self._sent[0]
            limit = max(first.seconds, _HUNG)
            if now - max(first.since, self._answered) > limit:
                raise TimeoutError(f"no answer within {limit:g} s")

    def _take(self, message: Message) -> None:
        if message.is_reply:
            if not self._sent:
                raise ProtocolError("an answer that nobody waits for")
            answer = self._sent.popleft().answer
            self._answered = time.monotonic()
            if answer:
                answer.set(message)
            self._something_to_send.set()
        elif message.content_type == "text/event-plain":
            size = len(message.body)
            if size > _LARGEST_EVENT or self._heard_bytes + size > _MOST_HEARD:
                self.counters["events_dropped"] += 1
                return
            self._heard.append(message.body)
            self._heard_bytes += size
            self._something_heard.set()
        elif message.content_type == "text/disconnect-notice":
            raise ConnectionError("FreeSWITCH ended the connection")

    def _write(self, inbound: Inbound) -> None:
        while True:
            self._something_to_send.clear()
            while len(self._sent) < _WINDOW and (self._asked or self._told):
                queue = self._asked or self._told
                self.counters["sent"] += queue is self._told
                command = queue.popleft()
                self._sent.append(_Sent(command.answer, time.monotonic(), command.seconds))
                try:
                    inbound.send(command.data)
                except OSError:
                    return  # the reader meets the same, or waits for the answer in vain
            self._something_to_send.wait()

    def _hand_on(self) -> None:
        while True:
            self._something_heard.wait()
            while self._heard:
                body = self._heard.popleft()
                self._heard_bytes -= len(body)
                self.counters["events"] += 1
                self._safely(self._heard_one, body)
                gevent.sleep(0)  # calls need a turn
            self._something_heard.clear()

    def _heard_one(self, body: bytes) -> None:
        self._on_event(read(body.partition(b"\n\n")[0]))

    @staticmethod
    def _safely(handle: Callable[..., None], *arguments: Any) -> None:
        """Whatever goes wrong in there, the connection and the next event are not touched by it."""
        try:
            handle(*arguments)
        except Late as error:
            error.warn()
        except (SwitchGone, ProtocolError) as error:
            logger.debug("FreeSWITCH's event socket: {}", log.one_line(str(error)))
        except Exception as error:
            log.defect("internal error in fsdaemon, at FreeSWITCH's event socket", error)
