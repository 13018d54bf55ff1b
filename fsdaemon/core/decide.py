"""Channel data in, commands and a record out: joins call, policy, label and commands.

Rule: the one function that `serve`, `explain`, the demo, the fuzzer and the bench share. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import commands, label, policy
from fsdaemon.core.call import Call, read
from fsdaemon.core.forwards import callee_of
from fsdaemon.core.questions import Answers, Questions
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Command, Headers


class Decision(NamedTuple):
    """All about one verdict."""

    call: Call
    verdict: policy.Verdict
    shown: label.Label  #: what the phone shall show, and why
    values: dict[v.Header, str]  #: channel variables as they are to be; empty: unset
    commands: tuple[Command, ...]  #: what FreeSWITCH is told

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
    verdict = policy.decide(call, config)
    shown = label.decide(call, verdict, config)
    values = commands.assignments(call, verdict, shown.text, config)
    return Decision(call, verdict, shown, values, commands.commands(call, values, config))
