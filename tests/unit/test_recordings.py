"""Every recording of a real FreeSWITCH, through the whole way of a call."""

from __future__ import annotations

import pytest

from fsdaemon.config import reader as config
from fsdaemon.core.decide import Decision
from fsdaemon.core.label import goes_off_net
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.core.reasons import WORDS
from fsdaemon.core.sentences import line
from fsdaemon.esl.fake_switch import Switch
from tests import recorded
from tests.recorded import DIRECTORY, Recording, recordings

ALL = recordings()
CASES = pytest.mark.parametrize("recording", ALL, ids=lambda r: f"{r.name}: {r.title}")


def decided(recording: Recording) -> Decision:
    answers = recording.api
    chosen = config.load(recording.config)
    return recorded.decided(recording.headers, chosen, lambda command: answers.get(command, "-ERR no reply"))


@CASES
def test_verdict(recording: Recording) -> None:
    decision = decided(recording)
    expect = recording.expect
    assert (decision.verdict.action, decision.verdict.reason) == (expect["verdict"], expect["reason"])
    assert str(decision.call.callee) == expect["callee"]
    assert (decision.call.caller.user is not None) == expect["inside"]
    if "caller" in expect:
        assert str(decision.call.caller) == expect["caller"]
    if "label" in expect:
        assert decision.label == expect["label"]
    assert ",".join(decision.verdict.off) == expect.get("off", ",".join(decision.verdict.off))
    assert [f"{step.number} {step.kind}" for step in decision.verdict.path] == expect.get(
        "path", [f"{step.number} {step.kind}" for step in decision.verdict.path]
    )
    if "line" in expect:
        assert line(decision.call, decision.verdict) == expect["line"]


@CASES
def test_what_freeswitch_makes_of_it(recording: Recording) -> None:
    """The commands, carried out by a switch: nothing is expanded, and the phone shows the label."""
    decision = decided(recording)
    switch = Switch(recording.data)
    before = dict(switch.played.variables)
    for command in decision.commands[:1]:
        switch.answer(
            f"sendmsg\ncall-command: execute\nexecute-app-name: {command.application}\n"
            f"execute-app-arg: {command.argument}".encode()
        )
    after = switch.played.variables
    assert switch.played.expanded == []
    assert switch.played.refused == []
    assert after["fsdaemon_verdict"] == recording.expect["verdict"]
    assert after["fsdaemon_reason"] == recording.expect["reason"]
    if decision.label:
        name = "fsdaemon_label" if decision.call.channel.leg_only else "effective_caller_id_name"
        assert shown_by_mod_sofia(after[name]) == decision.label
    lent = "fsdaemon_undo" in after
    if decision.call.channel.leg_only and not lent:
        assert before.get("effective_caller_id_name") == after.get("effective_caller_id_name")
        assert "sip_h_diversion" not in map(str.lower, after)  # not the caller's either
    # To a trunk only diverters with a public number are named.
    off_net = goes_off_net(decision.call, decision.verdict, config.load(recording.config))
    told = decision.verdict.path and (not off_net or any(decision.call.public.numbers.values()))
    if told:
        assert after["fsdaemon_diversion"].startswith("<sip:")
    if told and not decision.call.channel.leg_only:
        assert after["sip_h_Diversion"].startswith("<sip:")
    elif "sip_h_Diversion" not in before and not lent:
        assert "sip_h_Diversion" not in after
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert set(map(str.lower, changed)) <= {h.variable.lower() for h in decision.values}


def test_every_recording_has_an_expectation() -> None:
    expected = {recording.name for recording in ALL}
    recorded = {str(f.relative_to(DIRECTORY).with_suffix("")) for f in DIRECTORY.glob("**/*.txt")}
    assert recorded == expected


def test_every_reason_has_a_recording() -> None:
    assert {recording.expect["reason"] for recording in ALL} == set(WORDS)
