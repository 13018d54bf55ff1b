"""The rules: a call and the configuration in, a verdict and its reason out.

Rule: a pure function of facts. Knows no variable, no command, and nothing of how a call got here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core.call import Call, Person, User, full, user_of
from fsdaemon.core.diversion import Diverter
from fsdaemon.terms import numbers
from fsdaemon.terms.kinds import KINDS
from fsdaemon.terms.numbers import dialable

_LONGEST = 60  # characters of nonsense that are shown
RING, FORWARD = "ring", "forward"
EXCEPTIONS = ("target", "user", "group", "external", "referrer")
REASONS = ("no_forward", *EXCEPTIONS, "loop", "hops", *KINDS)


class Verdict(NamedTuple):
    """What shall happen to a call."""

    action: str  #: RING or FORWARD
    reason: str  #: one of REASONS
    path: tuple[Diverter, ...]  #: who forwarded it, this verdict included, oldest first
    kind: str = ""  #: of the forward that was looked at, followed or not
    target: str = ""  #: where that forward points
    rule: str = ""  #: the key of conf.toml that decided, with its value where it is a list
    warning: str = ""  #: what an administrator should know; empty nearly always
    off: tuple[str, ...] = ()  #: the kinds of forward that are set and not to be followed
    pending: tuple[tuple[str, str], ...] = ()  #: kind and target of those that act if nobody takes the call


def decide(call: Call, config: Config) -> Verdict:
    """Whether the callee rings or her forward is followed, and why. Never raises.

    Where nobody asks again when the bridge failed, each kind of forward is judged at once, by itself: a
    caller may be exempt from one of them only. `config` is the one of the callee's domain.
    """
    verdict = _told(call, config)
    if call.sent_away and not verdict.warning:
        warning = f"the phone of {call.callee} sent the call to {call.sent_away[:_LONGEST]!r} by itself"
        return verdict._replace(warning=f"{warning}, and nobody took it there")
    return verdict


def _told(call: Call, config: Config) -> Verdict:
    judged = {kind: _judge(call, config, kind) for kind in (*call.now, *call.later)}
    off = tuple(kind for kind, verdict in judged.items() if verdict.action == RING)
    for kind in call.now:
        if judged[kind].action == FORWARD:
            return judged[kind]._replace(off=off)
    pending = tuple((kind, judged[kind].target) for kind in call.later if kind not in off)
    exempt = [judged[kind] for kind in off if judged[kind].reason != "no_forward"]
    told = next(iter(exempt or [judged[kind] for kind in off]), Verdict(RING, "no_forward", call.path))
    return told._replace(off=off, pending=pending)


def _judge(call: Call, config: Config, kind: str) -> Verdict:
    """What one kind of the callee's forwards comes to."""
    target = call.forwards[kind]
    if not target:
        return Verdict(RING, "no_forward", call.path)
    user = user_of(target, call.callee.domain)
    looked_at = (call.path, kind, target)
    if not dialable(target):
        warning = f"{call.callee} forwards {kind} to {target[:_LONGEST]!r}, which is no number"
        return Verdict(RING, "no_forward", *looked_at, "", warning)
    if user.same(call.callee) or not dialable(call.callee.name):
        return Verdict(RING, "no_forward", *looked_at)
    exception = _exception(call, config, kind, user)
    if exception:
        return Verdict(RING, exception[0], *looked_at, exception[1])
    if _asked(user, call) or _asked(call.callee, call):
        return Verdict(RING, "loop", *looked_at)
    if max(len(call.path), len(call.visited)) >= config.routing.max_hops:
        return Verdict(RING, "hops", *looked_at, "routing.max_hops")
    path = (*call.path, Diverter(call.callee.name, kind, call.callee_name))
    warning = _unusual(call, config, kind)
    if user.domain.lower() == call.callee.domain.lower():
        return Verdict(FORWARD, kind, path, kind, user.name, "", warning)
    # In another domain the same number is somebody else: from here on they are told apart.
    path = tuple(step._replace(number=full(step.number, call.callee.domain)) for step in path)
    return Verdict(FORWARD, kind, path, kind, target, "", warning)


def _unusual(call: Call, config: Config, kind: str) -> str:
    """A warning where a forward leads neither to a user nor to an outside number.

    That is right for a group, and what a mistyped number looks like.
    """
    target = call.forwards[kind]
    outside = numbers.looks_outside(target, config.numbers.trunk_prefix)
    if kind not in call.now or call.context.target_is_user or outside:
        return ""
    where = f"{call.callee} forwards {kind} to {target}, which is not a user of {call.callee.domain}"
    return f"{where}; the rest of the dialplan decides who rings there, if anybody"


def _exception(call: Call, config: Config, kind: str, target: User) -> tuple[str, str] | None:
    """Why this forward is not followed, and by which key of conf.toml; None if it is."""
    exceptions = config.exceptions
    found = _persons(call.person, call, config, target) if call.person else None
    if found:
        return found
    if call.caller.user is None and not call.caller.withheld:
        if exceptions.target and kind in call.is_target_number:
            return "target", "exceptions.target"
        ways = (config.numbers.region, config.numbers.trunk_prefix)
        for number in exceptions.external:
            if numbers.same(number, call.caller.number, *ways):
                return "external", f'exceptions.external "{number}"'
    found = _persons(call.referrer, call, config, target) if call.referrer else None
    return ("referrer", found[1]) if found else None


def _persons(person: Person, call: Call, config: Config, target: User) -> tuple[str, str] | None:
    """The exception that an established user has from this forward, and its key."""
    exceptions = config.exceptions
    if exceptions.target and target.same(person.user):
        return "target", "exceptions.target"
    for entry in exceptions.users:
        if person.user.same(user_of(entry, call.callee.domain)):
            return "user", f'exceptions.users "{entry}"'
    # A group of the same name in another tenant's house is another group.
    if person.user.domain.lower() == call.callee.domain.lower():
        for group in exceptions.groups:
            if group in person.groups:
                return "group", f'exceptions.groups "{group}"'
    return None


def _asked(user: User, call: Call) -> bool:
    """Whether this user forwarded the call already.

    What was visited also knows ways through extensions that are none of ours.
    """
    before = (*(step.number for step in call.path), *call.visited)
    return any(user.same(user_of(number, call.callee.domain)) for number in before)


def sentence(call: Call, verdict: Verdict, show: Callable[[str], str] = str) -> str:
    """One line that says what was decided and why, as the log has it (contract: the log).

    `show` is how numbers are shown.
    """
    callee, caller, target = show(str(call.callee)), show(str(call.caller)), show(verdict.target)
    line = ""
    if call.unasked and call.path:
        line = f"forward {show(call.path[-1].number)} to {callee} for {caller}: {call.unasked}; "
    if verdict.action == FORWARD:
        return line + f"forward {callee} to {target} for {caller}: {verdict.reason}"
    line += f"ring {callee} for {caller}: {verdict.reason}"
    if verdict.warning:
        return f"{line} ({show(verdict.warning)})"
    return f"{line} ({callee} forwards {verdict.kind} to {target})" if verdict.kind else line
