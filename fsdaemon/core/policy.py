"""The rules: a call and the configuration in, a verdict and the reason for it out.

Rule: a pure function of facts. Knows no variable, no command, and nothing of how a call got here.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core.call import Call
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import BEYOND, MEMBERS
from fsdaemon.core.own import Entry
from fsdaemon.core.reasons import (
    CALLEE_NOT_A_NUMBER,
    CALLEE_NOT_A_USER,
    EXTERNAL,
    GROUP,
    HOPS,
    ITSELF,
    LOOP,
    NO_CALLER_NUMBER,
    NO_EXCEPTION,
    NOT_A_NUMBER,
    NOT_COUNTED,
    NOT_NAMED,
    NOTHING_SET,
    OTHER_KINDS,
    OWN,
    OWN_UNREAD,
    POSES,
    REFERRER,
    SELF,
    SENT_AWAY,
    TARGET,
    TARGET_NOT_A_NUMBER,
    TARGET_NOT_A_USER,
    TARGET_OFF,
    USER,
    WITHHELD,
    Notice,
    Reason,
)
from fsdaemon.core.users import Person, User, full, user_of
from fsdaemon.terms import numbers
from fsdaemon.terms.kinds import REDIRECT
from fsdaemon.terms.numbers import dialable

RING, FORWARD = "ring", "forward"


class Verdict(NamedTuple):
    """What shall happen to a call, and why."""

    action: str  #: RING or FORWARD
    why: Reason
    path: tuple[Diverter, ...]  #: who forwarded it, this verdict included, oldest first
    kind: str = ""  #: of the forward that was looked at, followed or not
    target: str = ""  #: where that forward points
    key: str = ""  #: the key of conf.toml that decided, or with `place` what stands there
    entry: str = ""  #: its entry, where it is a list
    notice: Notice | None = None  #: what an administrator should know; None nearly always
    off: tuple[str, ...] = ()  #: the kinds of forward that are set and not to be followed
    pending: tuple[tuple[str, str], ...] = ()  #: kind and target of those that act if nobody takes the call
    unanswered: str = ""  #: where the call goes when the ring time is over, if that matters now
    place: str = ""  #: where `key` stands, if not in conf.toml

    @property
    def reason(self) -> str:
        """One of reasons.WORDS."""
        return self.why.word or self.kind

    @property
    def broken_through(self) -> bool:
        """Whether the callee rings because of an exception."""
        return self.why in (SELF, TARGET, USER, GROUP, EXTERNAL, OWN, REFERRER)

    @property
    def rule(self) -> str:
        """The key that decided, with its entry."""
        return f'{self.key} "{self.entry}"' if self.entry else self.key


def decide(call: Call, config: Config) -> Verdict:
    """Whether the callee rings or the callee's forward is followed, and why. Never raises.

    Where nobody asks again when the bridge failed, each kind of forward is judged at once, by itself: a
    caller may be exempt from one of them only. `config` is the one of the callee's domain.
    """
    verdict = _told(call, config)
    if call.unanswered and verdict.action == RING:
        then = _judge(call, config, call.unanswered)
        verdict = verdict._replace(unanswered=then.target if then.action == FORWARD else "")
    notice = SENT_AWAY if call.sent_away else NOT_COUNTED if call.calls.missing else None
    return verdict._replace(notice=notice) if notice and not verdict.notice else verdict


def _told(call: Call, config: Config) -> Verdict:
    judged = {kind: _judge(call, config, kind) for kind in (*call.now, *call.later)}
    off = tuple(kind for kind, verdict in judged.items() if verdict.action == RING)
    for kind in call.now:
        if judged[kind].action == FORWARD:
            return judged[kind]._replace(off=off)
    pending = tuple((kind, judged[kind].target) for kind in call.later if kind not in off)
    exempt = [judged[kind] for kind in off if judged[kind].why.word != NOTHING_SET.word]
    told = next(iter(exempt or [judged[kind] for kind in off]), None)
    return (told or Verdict(RING, _nothing_acts(call), call.path))._replace(off=off, pending=pending)


def _nothing_acts(call: Call) -> Reason:
    """Why no forward of the callee was looked at."""
    if call.stage == BEYOND:
        return CALLEE_NOT_A_USER
    if not dialable(call.callee.name):
        return CALLEE_NOT_A_NUMBER
    return OTHER_KINDS if any(target.strip() for target in call.forwards.values()) else NOTHING_SET


def _judge(call: Call, config: Config, kind: str) -> Verdict:
    """What one kind of the callee's forwards comes to."""
    target = call.forwards[kind]
    if not target:
        return Verdict(RING, _nothing_acts(call), call.path)
    user = user_of(target, call.callee.domain)
    looked_at = (call.path, kind, target)
    if not dialable(target):
        return Verdict(RING, NOT_A_NUMBER, *looked_at, notice=TARGET_NOT_A_NUMBER)
    if not dialable(call.callee.name):
        return Verdict(RING, CALLEE_NOT_A_NUMBER, *looked_at)
    if user.same(call.callee):
        return Verdict(RING, ITSELF, *looked_at)
    exception = _exception(call, config, kind, user)
    if exception:
        found = Verdict(RING, exception.why, *looked_at, exception.key, exception.entry)
        return found._replace(place=exception.place)
    if _asked(user, call) or _asked(call.callee, call):
        return Verdict(RING, LOOP, *looked_at)
    if max(len(call.path), len(call.visited)) >= config.routing.max_hops:
        return Verdict(RING, HOPS, *looked_at, "routing.max_hops")
    path = (*call.path, Diverter(call.callee.name, kind, call.callee_name))
    if user.domain.lower() == call.callee.domain.lower():
        target = user.name
    else:  # in another domain the same number is somebody else: from here on they are told apart
        path = tuple(step._replace(number=full(step.number, call.callee.domain)) for step in path)
    why, notice = _no_exception(call, kind, user, target), _unusual(call, config, kind)
    return Verdict(FORWARD, why, path, kind, target, notice=notice)


def _unusual(call: Call, config: Config, kind: str) -> Notice | None:
    """A notice where a forward leads neither to a user nor to an outside number, or an exception is not one.

    The first is right for a group, and what a mistyped number looks like.
    """
    outside = numbers.looks_outside(call.forwards[kind], config.numbers.trunk_prefix)
    if kind not in call.context.beyond or outside:
        return OWN_UNREAD if call.own.unread else None
    return TARGET_NOT_A_USER


class _Exception(NamedTuple):
    """An exception that matched, and the key and entry that it comes from; `place`: not in conf.toml."""

    why: Reason
    key: str = ""
    entry: str = ""
    place: str = ""


def _exception(call: Call, config: Config, kind: str, target: User) -> _Exception | None:
    """Why this forward is not followed; None if it is."""
    exceptions = config.exceptions
    found = _persons(call.person, call, config, kind, target) if call.person else None
    if found:
        return found
    if call.caller.user is None and not call.caller.withheld:
        if exceptions.target and kind in call.is_target_number:
            return _Exception(TARGET, "exceptions.target")
        for number in exceptions.external:
            if numbers.same(number, call.caller.number, *config.numbers.ways):
                return _Exception(EXTERNAL, "exceptions.external", number)
        if call.own.caller:
            return _own(call.own.caller, call)
    found = _persons(call.referrer, call, config, kind, target) if call.referrer else None
    return found._replace(why=REFERRER) if found else None


def _persons(person: Person, call: Call, config: Config, kind: str, target: User) -> _Exception | None:
    """The exception that an established user has from this forward."""
    exceptions = config.exceptions
    # A 302 is the phone's own; and a member who calls the group does not call the own number.
    if person.called(call.callee) and kind != REDIRECT and call.stage != MEMBERS:
        return _Exception(SELF)
    if exceptions.target and person.called(target):
        return _Exception(TARGET, "exceptions.target")
    for entry in exceptions.users:
        if person.user.same(user_of(entry, call.callee.domain)):
            return _Exception(USER, "exceptions.users", entry)
    # A group of the same name in another tenant is another group.
    if person.user.domain.lower() == call.callee.domain.lower():
        for group in exceptions.groups:
            if group in person.groups:
                return _Exception(GROUP, "exceptions.groups", group)
    found = next((entry for entry in call.own.entries if _is_in(entry, person, call)), None)
    return _own(found, call) if found else None


def _is_in(entry: Entry, person: Person, call: Call) -> bool:
    """Whether an entry of the callee's own exceptions is about this person."""
    if not entry.group:
        return person.user.same(user_of(entry.number, call.callee.domain))
    return entry.group in person.groups and person.user.domain.lower() == call.callee.domain.lower()


def _own(entry: Entry, call: Call) -> _Exception:
    return _Exception(OWN, entry.name, entry.text, f"{entry.place} of {call.callee}")


def _no_exception(call: Call, kind: str, target: User, shown: str) -> Reason:
    """Why this caller has no exception from a forward that is followed."""
    caller = call.caller
    if kind in call.is_target_number or (call.person and call.person.called(target)):
        return TARGET_OFF
    if caller.user:
        return NO_EXCEPTION
    if caller.withheld:
        return WITHHELD
    if caller.number == shown:
        return POSES
    return NOT_NAMED if numbers.is_written_number(caller.number) else NO_CALLER_NUMBER


def _asked(user: User, call: Call) -> bool:
    """Whether this user forwarded the call already.

    What was visited also knows ways through extensions that are none of ours.
    """
    before = (*(step.number for step in call.path), *call.visited)
    return any(user.same(user_of(number, call.callee.domain)) for number in before)
