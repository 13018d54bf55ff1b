"""One connection of FreeSWITCH's `socket` application, from `connect` to the verdict.

greenswitch's OutboundSession, with the methods its users know; each override names the defect of
greenswitch 0.0.19 for which it is there. Rule: one greenlet, one time limit set by the caller, no
thread of its own; what is decided is decided in decide.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gevent
from greenswitch.esl import NotConnectedError, OutboundSession, OutboundSessionHasGoneAway

from fsdaemon.config.reader import Config
from fsdaemon.core import codes
from fsdaemon.core.commands import BRIDGE, setting
from fsdaemon.core.decide import Decision, settle
from fsdaemon.core.directory import Directory
from fsdaemon.core.questions import Way, clean, drive
from fsdaemon.esl.protocol import CONNECT, Message, Parser, ProtocolError, to_bytes
from fsdaemon.terms.channel import Api, Command, Execute, Headers
from fsdaemon.terms.numbers import is_loopback
from fsdaemon.terms.variables import STAGE, UUID

_CHUNK = 65536
_MOST = 1 << 21  # bytes of one session; real ones have some 10 KB
_GONE = "text/disconnect-notice"
_NOTHING = Headers(b"")
_NO_ANSWER = "command/reply"  # to `api`; an answer is an api/response
_TRIES = 6  # where somebody else changes the same user's forwards at the same moment
_PAUSE = 0.15  # seconds at most between two of them

__all__ = ["NotConnectedError", "OutboundSessionHasGoneAway", "ProtocolError", "Session"]


def _is_this_machine(address: Any) -> bool:
    """Whether the peer's address cannot be another machine's."""
    return isinstance(address, tuple) and is_loopback(address[0])


class Refused(NamedTuple):
    """A command that FreeSWITCH did not take."""

    command: Command
    said: str  #: FreeSWITCH's answer
    hint: str = ""  #: what may be wrong in the dialplan


def patiently(
    way: Callable[[], Way[codes.Outcome]], ask: Callable[[Sequence[Api]], Sequence[str]]
) -> codes.Outcome:
    """Go the way of a code; again where somebody else changes the same user's forwards at this moment."""
    for _ in range(_TRIES - 1):
        outcome = drive(way(), ask)
        if not outcome.busy:
            return outcome
        gevent.sleep(random.uniform(_PAUSE / 5, _PAUSE))
    return drive(way(), ask)


class Session(OutboundSession):
    """One call at one hook.

    Raises ProtocolError for a peer that is not FreeSWITCH, OutboundSessionHasGoneAway for a call that
    ended, OSError for a broken connection.
    """

    session_data: Headers

    def __init__(self, client_address: Any, sock: Any) -> None:
        """Take over a connection.

        greenswitch starts two greenlets here, and keeps descriptors of connections that say nothing.
        """
        self.client_address = client_address
        self.sock = sock
        self.connected = True
        self._parser = Parser()
        self._received: list[Message] = []
        self._outbound_connected = False
        self._lingering = False
        self._taken = 0
        self.session_data = _NOTHING
        self.answers: dict[Api, str] = {}
        self._directory = Directory(whole=_is_this_machine(client_address))
        self.refused: list[Refused] = []  #: commands that FreeSWITCH did not take

    def start_event_handlers(self) -> None:
        """Nothing to start: replies are read by who waits for them.

        greenswitch reads in a greenlet of its own that spins for ever on a body cut short.
        """

    def connect(self) -> None:
        """Send `connect` and keep the channel data in `session_data`.

        greenswitch decodes the whole block and splits it at every Unicode line end, so that a caller's
        name can add a header; see esl.py.
        """
        if self._outbound_connected:
            return
        self._write(CONNECT)
        (reply,) = self._replies(1)
        if not reply.headers.get(UUID):
            raise ProtocolError("the answer to connect is not channel data")
        self.session_data = reply.headers
        self._outbound_connected = True

    @property
    def uuid(self) -> str | None:
        """The call's UUID (greenswitch looks for the variable, which a caller's dialplan may lack)."""
        return self.session_data.get(UUID)

    def send(self, data: str) -> Message:
        """Send one command in its raw form and return FreeSWITCH's reply.

        greenswitch uses `socket.send`, which may send a part, and waits for the answer without limit.
        """
        self._write(data.encode("utf-8", "replace") + b"\n\n")
        return self._replies(1)[0]

    def call_command(
        self, app_name: str, app_args: str | None = None, block: bool = False, response_timeout: Any = None
    ) -> Message:
        """Execute an application. `block` means nothing here: in sync mode the reply comes afterwards."""
        del block, response_timeout
        return self.send_all([Execute(app_name, app_args or "")])[0]

    def send_all(self, commands: Sequence[Command]) -> list[Message]:
        """Send commands in one write (FreeSWITCH reads byte by byte) and return a reply for each."""
        self._write(b"".join(map(to_bytes, commands)))
        return self._replies(len(commands))

    def stop(self) -> None:
        """Close. Every reply was read by then, so that no reset can overtake what FreeSWITCH gets.

        greenswitch sends `exit` and joins two greenlets, which a peer that is gone never ends.
        """
        self.connected = False
        self.sock.close()

    def _write(self, data: bytes) -> None:
        """Send all of `data`. It nearly always goes in one piece, and then sendall is the dearer way."""
        sent = self.sock.send(data)
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def _replies(self, count: int) -> list[Message]:
        """The next `count` replies; events and notices in between are passed over."""
        replies: list[Message] = []
        while True:
            while self._received and len(replies) < count:
                message = self._received.pop(0)
                if message.is_reply:
                    replies.append(message)
                elif message.content_type == _GONE:
                    raise OutboundSessionHasGoneAway("the call ended")
                elif not message.content_type:
                    raise ProtocolError("a message without Content-Type")
            if len(replies) == count:
                return replies
            data = self.sock.recv(_CHUNK)
            if not data:
                self.connected = False
                raise OutboundSessionHasGoneAway("the connection was closed")
            self._taken += len(data)
            if self._taken > _MOST:
                raise ProtocolError(f"more than {_MOST} bytes for one call")
            self._received += self._parser.receive(data)
            if len(self._received) + len(replies) < count:
                gevent.sleep(0)  # recv does not yield while more is waiting, and time limits need a turn

    # --- what we are here for --------------------------------------------------------------------

    def answer(self, config: Config) -> Decision | codes.Outcome:
        """The whole job of one hook: a call to a user, or a code that a user dialled."""
        self.connect()
        return self.dialled(config) if self.session_data.get(STAGE) == codes.CODE else self.decide(config)

    def decide(self, config: Config) -> Decision:
        """Decide this call and tell FreeSWITCH."""
        self.connect()
        decision = drive(settle(self.session_data, config), self._ask)
        self._tell(decision)
        return decision

    def dialled(self, config: Config) -> codes.Outcome:
        """Do what a code says, and tell FreeSWITCH what the user hears and sees."""
        outcome = patiently(lambda: codes.dial(self.session_data, config), self._ask)
        told = setting(outcome.values)
        self._note_refused(told, self.send_all(told))
        return outcome

    def _ask(self, questions: Sequence[Api]) -> list[str]:
        """FreeSWITCH's answers; what the directory knows of a user comes in one piece."""
        replies = self._api(self._directory.instead(questions))
        self._directory.learn(replies)
        known = {one: replies.get(one, self._directory.answer(one)) for one in questions}
        known.update(self._api([one for one, said in known.items() if said is None]))
        answers = {one: said or "" for one, said in known.items()}
        self.answers.update(answers)
        return [clean(answers[one]) for one in questions]

    def _api(self, questions: Sequence[Api]) -> dict[Api, str]:
        replies = self.send_all(questions) if questions else []
        hint = "is `full` missing behind the address in the dialplan?"
        self.refused += [
            Refused(question, reply.reply.strip(), hint)
            for question, reply in zip(questions, replies)
            if reply.content_type == _NO_ANSWER
        ]
        return {question: reply.reply for question, reply in zip(questions, replies)}

    def _tell(self, decision: Decision) -> None:
        """Send what was decided. A bridge is answered when the call is over; nobody waits for that."""
        self._write(b"".join(map(to_bytes, decision.commands)))
        waited_for = [command for command in decision.commands if command[0] != BRIDGE]
        self._note_refused(waited_for, self._replies(len(waited_for)))

    def _note_refused(self, commands: Sequence[Command], replies: Sequence[Message]) -> None:
        self.refused += [
            Refused(command, reply.reply.strip())
            for command, reply in zip(commands, replies)
            if reply.reply.startswith("-")
        ]
