"""Channel data in, commands and a record out: joins call, policy, label and commands.

Rule: what `serve`, `explain`, the fuzzer and the bench share. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import commands, connected, group, label, policy, trunk
from fsdaemon.core.call import Call, read
from fsdaemon.core.forwards import MEMBERS, callee_of
from fsdaemon.core.questions import Answers, Questions, Way
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Command, Headers

_ROUNDS = 8  # questions are answered in two; more means that a rule asks in circles


class Decision(NamedTuple):
    """All about one verdict."""

    call: Call
    verdict: policy.Verdict
    shown: label.Label  #: what the phone shall show, and why
    connected: connected.Connected  #: what the caller shall see
    trunk: trunk.Told  #: what a trunk is told
    values: dict[v.Header, str]  #: channel variables as they are to be; empty: unset
    commands: tuple[Command, ...]  #: what FreeSWITCH is told
    members: tuple[Decision, ...] = ()  #: a verdict for each forward of a group's members

    @property
    def label(self) -> str:
        """What the phone shall show; empty: nothing but the caller."""
        return self.shown.text or ""


def decide(headers: Headers, answers: Answers, config: Config) -> Decision | Questions:
    """Decide a call from its channel data, or say what has to be asked of FreeSWITCH first.

    Call it again with the answers, until it decides. Never raises, whatever strangers wrote.
    """
    if config.domains:
        config = config.for_domain(callee_of(headers, config).domain)
    call = read(headers, answers, config)
    if not isinstance(call, Call):
        return call
    if call.stage == MEMBERS:
        return _group(headers, answers, config, call)
    verdict = policy.decide(call, config)
    shown = label.decide(call, verdict, config)
    seen, told = connected.decide(call, verdict, config), trunk.decide(call, verdict, config)
    values = commands.assignments(call, verdict, commands.Shown(shown.text, seen, told), config)
    return Decision(call, verdict, shown, seen, told, values, commands.commands(call, values, config))


def _group(headers: Headers, answers: Answers, config: Config, call: Call) -> Decision | Questions:
    judged = group.judge(headers, answers, config, call)
    if isinstance(judged, group.Judged):
        values = group.values(judged, config)
        verdict, told = policy.decide(call, config), (connected.NOTHING, trunk.Told())
        members = tuple(Decision(one.call, one.verdict, one.shown, *told, {}, ()) for one in judged.forwards)
        shown = label.decide(call, verdict, config)
        return Decision(call, verdict, shown, *told, values, commands.setting(values), members)
    return judged


def settle(headers: Headers, config: Config) -> Way[Decision]:
    """The same as a way: yields the questions, is sent the answers, returns the decision."""
    answers: dict[Api, str] = {}
    for _ in range(_ROUNDS):
        outcome = decide(headers, answers, config)
        if isinstance(outcome, Decision):
            return outcome
        replies = yield outcome
        answers.update(zip(outcome, replies))
    raise AssertionError(f"questions without end: {outcome}")
