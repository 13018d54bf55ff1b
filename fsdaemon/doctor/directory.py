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
from fsdaemon.core.questions import drive
from fsdaemon.core.users import User, plain
from fsdaemon.doctor.facts import CONTEXT, Entry, Facts, Value
from fsdaemon.doctor.finding import RELOAD, Finding
from fsdaemon.doctor.matching import ANYTHING, takes
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.kinds import SET
from fsdaemon.terms.presets import PRESETS

_ALWAYS = SET[0]
_SHOWN = 40


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about users."""
    users = Users(facts.files.users)
    for entry in facts.files.users:
        yield from _id(entry)
        of_domain = config.for_domain(entry.domain) if config.domains else config
        yield from _lists(entry, of_domain)
        for kind, value in _forwards(entry, of_domain):
            yield from _forward(entry, kind, value, users, facts, of_domain)


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


def judged(entry: Entry, target: str, users: Users, config: Config) -> Decision:
    """What the daemon would decide for a stranger who calls this user, if `target` were for all calls."""
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


def _forward(
    entry: Entry, kind: str, value: Value, users: Users, facts: Facts, config: Config
) -> Iterator[Finding]:
    verdict = judged(entry, value.text, users, config).verdict
    of = f"{entry.id} forwards ({kind}) to {value.text[:_SHOWN]!r}"
    if verdict.why == reasons.NOT_A_NUMBER:
        yield Finding(
            "target",
            f"{of}, which is not a number: nobody follows it.",
            value.place,
            f"Write a user or a number, then {RELOAD}.",
        )
    elif verdict.why == reasons.ITSELF:
        yield Finding(
            "target",
            f"{of}, that is to itself: nobody follows it.",
            value.place,
            f"Write another user or a number, then {RELOAD}.",
        )
    elif verdict.notice == reasons.TARGET_NOT_A_USER:
        taken = _taken(verdict.target, entry, facts)
        if taken is None:
            return
        yield Finding(
            "target",
            f"{of}, which is not a user, and {taken}.",
            value.place,
            f"Correct the number, if it is wrong, then {RELOAD}.",
            wrong=taken == _NOTHING,
        )


_NOTHING = "nothing in the dialplan calls anybody for it"
_ONWARD = ("bridge", "transfer", "execute_extension", "lua")


def _taken(number: str, entry: Entry, facts: Facts) -> str | None:
    """Who takes a number in a user's context; None: somebody does, or it cannot be told."""
    context = entry.variable("user_context") or "default"
    if context not in facts.files.contexts or facts.files.elsewhere("dialplan"):
        return None
    for extension in facts.files.contexts[context]:
        taken = takes(extension, number, facts.modules)
        if extension.goes_on or extension.ours or taken is False:
            continue
        if takes(extension, ANYTHING, facts.modules) is False:
            return None
        if any(action.application in _ONWARD for action in extension.actions):
            return f"only `{extension.name}`, which takes anything, takes it ({extension.place})"
    return _NOTHING
