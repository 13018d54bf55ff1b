"""Channel data in, commands and a record out: joins call, policy, display and actions.

Rule: the one function that `serve`, `explain`, the demo, the fuzzer and the bench share. Pure.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import commands as actions
from fsdaemon.core import label as display
from fsdaemon.core import policy
from fsdaemon.core.call import Answers, Call, Questions, callee_of, read
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Command, Headers


class Decision(NamedTuple):
    """All about one verdict."""

    call: Call
    verdict: policy.Verdict
    label: str | None  #: what the phone shall show; None: nothing but the caller
    values: dict[v.Header, str]  #: channel variables as they are to be; empty: unset
    commands: tuple[Command, ...]  #: what FreeSWITCH is told


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
    label = display.label(call, verdict, config)
    values = actions.assignments(call, verdict, label, config)
    return Decision(call, verdict, label, values, actions.commands(call, values, config))
