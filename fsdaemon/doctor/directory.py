"""Findings about users: ids that are not taken, forwards that nobody follows, lists that cannot be read.

Rule: pure. What a user and a target are say core's own rules; the directory answers for FreeSWITCH.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote

from fsdaemon.config.reader import Config
from fsdaemon.core import own, reasons
from fsdaemon.core.decide import Decision, settle
from fsdaemon.core.forwards import BEFORE
from fsdaemon.core.policy import Verdict
from fsdaemon.core.questions import drive
from fsdaemon.core.users import User, plain, user_of
from fsdaemon.doctor.facts import CONTEXT, Entry, Facts, Place, Value
from fsdaemon.doctor.finding import RELOAD, Finding
from fsdaemon.doctor.matching import ANYTHING, takes, unknown
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.kinds import SET
from fsdaemon.terms.presets import PRESETS

_ALWAYS = SET[0]
_SHOWN = 40


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about users."""
    judge = _Judge(facts, config)
    for entry in facts.files.users:
        yield from _id(entry)
        of_domain = config.for_domain(entry.domain) if config.domains else config
        yield from _lists(entry, of_domain)
        for kind, value in _forwards(entry, of_domain):
            yield from judge.forward(entry, kind, value)


class Users:
    """The directory, to be asked for a user as FreeSWITCH is."""

    def __init__(self, users: Iterable[Entry]) -> None:
        """Ids and aliases, whatever their case."""
        self._all = {
            (name.lower(), one.domain.lower()) for one in users for name in (one.id, one.alias) if name
        }

    def __contains__(self, user: User) -> bool:
        """Whether there is this user."""
        return (user.name.lower(), user.domain.lower()) in self._all

    def answer(self, question: Api) -> str:
        """What FreeSWITCH would say to a question of the rules."""
        word, *rest = question.command.split(" ")
        if word == "user_exists" and len(rest) == 3:
            return str(User(rest[1], rest[2]) in self).lower()
        return "-ERR"


def _id(entry: Entry) -> Iterator[Finding]:
    if not plain(User(entry.id, "")) or "@" in entry.id:
        yield Finding(
            "user",
            f"The id {entry.id[:_SHOWN]!r} cannot be dialled: nobody is forwarded for this user.",
            entry.place,
            "Use letters, digits and . * # - _ only, without umlauts and blanks.",
        )


def _lists(entry: Entry, config: Config) -> Iterator[Finding]:
    for name in config.variables.forward_except:
        value = entry.variables.get(name.directory)
        unread = own.listed(value.text, name.directory).unread if value else ""
        if value and unread:
            yield Finding(
                "except",
                f"{name.directory} of {entry.id}: {unread}.",
                value.place,
                f"Write users, numbers and group:NAME, with commas, then {RELOAD}.",
            )


def _forwards(entry: Entry, config: Config) -> Iterator[tuple[str, Value]]:
    for kind in SET:
        for name in config.variables.forward(kind).target:
            value = entry.variables.get(name.directory)
            if value and value.text:
                yield kind, value
                break


class _Judge:
    """Judges targets, each once: for a directory of many users who forward to few."""

    def __init__(self, facts: Facts, config: Config) -> None:
        self._facts, self._config = facts, config
        self._users = Users(facts.files.users)
        self._verdicts: dict[tuple[str, str, bool], Verdict] = {}
        self._taken: dict[tuple[str, str], str | None] = {}

    def forward(self, entry: Entry, kind: str, value: Value) -> Iterator[Finding]:
        target = value.text
        own_number = user_of(target, entry.domain).same(User(entry.id, entry.domain))
        key = (target, entry.domain, own_number)
        if key not in self._verdicts:
            self._verdicts[key] = judged(entry, target, self._users, self._config).verdict
        verdict = self._verdicts[key]
        of, mend = f"{entry.id} forwards ({kind}) to {target[:_SHOWN]!r}", f"then {RELOAD}."
        if verdict.why == reasons.NOT_A_NUMBER:
            what = f"{of}, which is not a number: nobody follows it."
            yield Finding("target", what, value.place, f"Write a user or a number, {mend}")
        elif verdict.why == reasons.ITSELF:
            what = f"{of}, that is to itself: nobody follows it."
            yield Finding("target", what, value.place, f"Write another user or a number, {mend}")
        elif verdict.notice == reasons.TARGET_NOT_A_USER:
            yield from self._not_a_user(verdict.target, entry, of, value.place)

    def _not_a_user(self, number: str, entry: Entry, of: str, place: Place) -> Iterator[Finding]:
        key = (number, entry.variable("user_context") or "default")
        if key not in self._taken:
            self._taken[key] = _taken(*key, self._facts)
        taken = self._taken[key]
        if taken is not None:
            what, mend = f"{of}, which is not a user, and {taken}.", f"Correct the number, then {RELOAD}."
            yield Finding("target", what, place, mend, wrong=taken == _NOTHING)


def judged(entry: Entry, target: str, users: Users, config: Config) -> Decision:
    """What the daemon would decide for a stranger who calls this user, if `target` were for all calls."""
    config = config.for_domain(entry.domain) if config.domains else config
    lines = {
        v.UUID: CONTEXT,
        v.DESTINATION: entry.id,
        v.CALLEE: entry.id,
        v.DOMAIN: entry.domain,
        v.CONTEXT: entry.variable("user_context") or "default",
        v.STAGE: BEFORE,
        v.HIDE_NUMBER: "true",
        v.FORWARDS[_ALWAYS]: target,
    }
    headers = Headers("\n".join(f"{name}: {quote(text, safe='')}" for name, text in lines.items()).encode())
    asked = replace(config, variables=PRESETS["default"], domains={})
    return drive(settle(headers, asked), lambda questions: [users.answer(one) for one in questions])


_NOTHING = "nothing in the dialplan calls anybody for it"
_ONWARD = ("bridge", "transfer", "execute_extension", "lua")


def _taken(number: str, context: str, facts: Facts) -> str | None:
    """Who takes a number in a user's context; None: somebody does, or it cannot be told."""
    elsewhere = facts.files.elsewhere("dialplan") or facts.files.elsewhere("directory")
    if context not in facts.files.contexts or elsewhere:
        return None
    for extension in facts.files.contexts[context]:
        taken = takes(extension, number, facts.modules)
        if extension.goes_on or extension.ours or taken is False:
            continue
        if takes(extension, ANYTHING, facts.modules) is False or unknown(extension):
            return None
        if any(action.application in _ONWARD for action in extension.actions):
            return f"only `{extension.name}`, which takes anything, takes it ({extension.place})"
    return _NOTHING
