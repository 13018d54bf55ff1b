"""Questions for FreeSWITCH: what the channel data does not tell is asked, then the rules run again.

Rule: no argument of a question can end it or begin another one; what cannot be asked safely is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeVar

from fsdaemon.config.reader import Config
from fsdaemon.core import ids
from fsdaemon.core.users import User, plain
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.numbers import dialable

Questions = tuple[Api, ...]
Answers = Mapping[Api, str]


_Result = TypeVar("_Result")
#: Yields questions, is sent FreeSWITCH's answers in the same order, returns what comes of them.
Way = Generator[Sequence[Api], Sequence[str], _Result]


def drive(way: Way[_Result], ask: Callable[[Sequence[Api]], Sequence[str]]) -> _Result:
    """Go a way to its end; `ask` gets the answers."""
    try:
        questions = next(way)
        while True:
            questions = way.send(ask(questions))
    except StopIteration as end:
        result: _Result = end.value
        return result


def clean(answer: str) -> str:
    """What FreeSWITCH answered to an `api` command; empty where it says that there is nothing."""
    text = answer.strip()
    return "" if re.match("-[A-Z]", text) or text == "_undef_" else text


class Source:
    """Where the facts come from: channel data, configuration, and what FreeSWITCH answered so far."""

    def __init__(self, headers: Headers, answers: Answers, config: Config) -> None:
        """Take all three; `config` is that of the callee's domain."""
        self.headers = headers
        self.config = config
        self._answers = answers
        self.open: list[Api] = []  #: questions that have no answer yet

    def __call__(self, command: str) -> str:
        question = Api(command)
        if question not in self._answers:
            if question not in self.open:
                self.open.append(question)
            return ""
        return clean(self._answers[question])

    @staticmethod
    def known(user: User) -> bool:
        """Whether a command may name this user: nothing in it ends an argument."""
        return bool(user.domain) and "@" not in user.name and plain(user)

    def directory(self, user: User, variable: v.Header) -> str:
        """A variable of a user's directory entry; empty if there is none."""
        return self.variable(user, variable.variable)

    def variable(self, user: User, name: str) -> str:
        """The same by its plain name; nothing for no name."""
        if not (name and user.domain and dialable(user.name)):
            return ""
        return self(f"user_data {user.name}@{user.domain} var {name}")

    def parameter(self, user: User, name: str) -> str:
        """A parameter of a user's directory entry; empty if there is none."""
        return self(f"user_data {user.name}@{user.domain} param {name}") if self.known(user) else ""

    def contact(self, user: User) -> str:
        """Where FreeSWITCH would call a user's phones."""
        return self(f"sofia_contact */{user.name}@{user.domain}") if self.known(user) else ""

    def leg(self, channel: str, variable: v.Header) -> str:
        """A variable of another channel, by its id; empty if it is gone."""
        channel = ids.argument(channel)
        return self(f"uuid_getvar {channel} {variable.variable}") if channel else ""

    def channel(self, header: v.Header) -> str:
        """The id of another channel, which stands in this channel variable, exactly.

        The channel data cannot tell some ids from others: a stranger's could be read as a user's.
        """
        found = self.headers.get(header)
        if ids.plain(self.headers.raw(header)):
            return found
        return ids.verbatim(self.leg(self.headers.get(v.UUID), header), found)
