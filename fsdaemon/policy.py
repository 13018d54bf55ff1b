"""The rules: a call and the configuration in, a verdict and its reason out.

Rule: a pure function of facts. Knows no variable, no command, and nothing of how a call got here.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.call import AFTER, Call, Diverter, User
from fsdaemon.config import Config
from fsdaemon.numbers import dialable

RING, FORWARD = "ring", "forward"
REASONS = ("no_forward", "target", "loop", "hops", "always", "busy", "no_answer", "not_registered")


class Verdict(NamedTuple):
    """What shall happen to a call."""

    action: str  #: RING or FORWARD
    reason: str  #: one of REASONS
    path: tuple[Diverter, ...]  #: who forwarded it, this verdict included, oldest first
    kind: str = ""  #: of the forward that was looked at, followed or not
    target: str = ""  #: where that forward points
    warning: str = ""  #: what an administrator should know; empty nearly always


def decide(call: Call, config: Config) -> Verdict:
    """Whether the callee rings or her forward is followed, and why. Never raises."""
    kind = _kind(call)
    target = call.forwards.get(kind, "") if kind else ""
    if not kind or not target:
        return Verdict(RING, "no_forward", call.path)
    user = _target_user(target, call)
    looked_at = (call.path, kind, target)
    if not dialable(target):
        return Verdict(
            RING, "no_forward", *looked_at, f"{call.callee} forwards {kind} to {target!r}: no number"
        )
    if user.same(call.callee) or not dialable(call.callee.name):
        return Verdict(RING, "no_forward", *looked_at)
    if config.exceptions.target and call.caller.user and user.same(call.caller.user):
        return Verdict(RING, "target", *looked_at)
    if _asked(user, call) or _asked(call.callee, call):
        return Verdict(RING, "loop", *looked_at)
    if len(call.path) >= config.routing.max_hops:
        return Verdict(RING, "hops", *looked_at)
    diverter = Diverter(call.callee.name, kind, call.callee_name)
    return Verdict(FORWARD, kind, (*call.path, diverter), kind, _same_domain(target, call))


def _kind(call: Call) -> str | None:
    """Which kind of forward could act now: always before the bridge, the failure's kind after it."""
    return call.failure if call.stage == AFTER else "always"


def _target_user(target: str, call: Call) -> User:
    name, _, domain = target.partition("@")
    return User(name, domain or call.callee.domain)


def _same_domain(target: str, call: Call) -> str:
    """The target as it is dialled: without a domain that is the callee's anyway."""
    user = _target_user(target, call)
    return user.name if user.domain.lower() == call.callee.domain.lower() else target


def _asked(user: User, call: Call) -> bool:
    return any(user.same(User(step.number, call.callee.domain)) for step in call.path)


def sentence(call: Call, verdict: Verdict) -> str:
    """One line that says what was decided and why, as the log has it (contract: the log)."""
    if verdict.action == FORWARD:
        return f"forward {call.callee} to {verdict.target} for {call.caller}: {verdict.reason}"
    line = f"ring {call.callee} for {call.caller}: {verdict.reason}"
    if verdict.kind and verdict.reason != "no_forward":
        line += f" ({call.callee} forwards {verdict.kind} to {verdict.target})"
    return line
