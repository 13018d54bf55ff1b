"""Queues: whose call an agent's loopback is for, and what the agents see of a forwarded call."""

from __future__ import annotations

import pytest

from fsdaemon.config import reader as config
from fsdaemon.esl.fake_switch import Switch, channel_data, words
from fsdaemon.esl.protocol import to_bytes
from fsdaemon.terms.channel import Execute
from tests.recorded import DIRECTORY, decided
from tests.unit.test_actions import ASKED, BOSS, RECORDING
from tests.unit.test_call import headers

AGENT = (DIRECTORY / "loopback_originate_loop.txt").read_bytes()
RIGHT = config.load('[exceptions]\nusers = ["1002"]\n')
KAI = {"direction": "inbound", "sip_authorized": "true", "user_name": "1002", "domain_name": "lab.test"}
CONTEXT = {"fsdaemon_context": "default", "fsdaemon_stage": "before"}


def at_an_agent(channels, to="1001", **lines):
    """A call to an agent by loopback; `channels` are those that FreeSWITCH knows, by their ids."""

    def answer(command):
        name, _, rest = command.partition(" ")
        asked = words(rest) if name == "uuid_getvar" else []
        found = channels.get(asked[0]) if asked else None
        return "-ERR No such channel!" if found is None else found.get(asked[1], "_undef_")

    lines = {"fsdaemon_domain": "lab.test", "fsdaemon_forward_all": to, **lines}
    return decided(headers(channel_data(AGENT, lines)), RIGHT, answer)


@pytest.mark.parametrize("name", ["cc_member_session_uuid", "fifo_bridge_uuid"])
def test_the_caller_is_who_waits_in_the_queue(name):
    decision = at_an_agent({"a-b": KAI}, **{name: "a-b"})
    assert str(decision.call.caller.user) == "1002"
    assert decision.verdict.reason == "user"


def test_nobody_is_there():
    """No queue; the caller has gone; a caller from outside."""
    assert at_an_agent({"a-b": KAI}).verdict.reason == "always"
    assert at_an_agent({}, cc_member_session_uuid="a-b").verdict.reason == "always"
    assert at_an_agent({"a-b": {"direction": "inbound"}}, fifo_bridge_uuid="a-b").verdict.reason == "always"


@pytest.mark.parametrize("name", ["sip_h_cc_member_session_uuid", "sip_h_X-fifo_bridge_uuid"])
def test_no_sip_header_says_who_waits(name):
    assert at_an_agent({"a-b": KAI}, **{name: "a-b"}).verdict.reason == "always"


def test_who_dialled_a_loopback_counts_first():
    """Somebody who was an agent calls a group: that this leg was for another call once says nothing."""
    decision = at_an_agent(
        {"a-b": KAI, "c-d": {}}, cc_member_session_uuid="a-b", other_loopback_from_uuid="c-d"
    )
    assert decision.verdict.reason == "always"


def test_only_on_a_loopback():
    lines = {"fsdaemon_domain": "lab.test", "fsdaemon_forward_all": "1001", "cc_member_session_uuid": "a-b"}
    plain = decided(headers(channel_data(RECORDING, lines)), RIGHT, lambda _: "1002")
    assert str(plain.call.caller.user) != "1002"


@pytest.mark.parametrize(("to", "reason"), [("7001", "loop"), ("7002", "always"), ("1009", "loop")])
def test_an_agent_who_forwards_to_the_queue(to, reason):
    waiting = {
        **KAI,
        "user_name": "1003",
        "destination_number": "7001",
        "fsdaemon_visited": ",:1009@lab.test",
    }
    decision = at_an_agent({"a-b": waiting}, to, **CONTEXT, cc_member_session_uuid="a-b")
    assert decision.verdict.reason == reason


def test_a_label_that_came_through_a_loopback_is_not_cut():
    name = "Uml. fuer Cora: Kai"
    leg = at_an_agent({}, "", **CONTEXT, **{"Caller-Caller-ID-Name": name}).values
    (leg,) = (value for header, value in leg.items() if header.variable == "fsdaemon_leg")
    assert f"!execute_on_originate_fsdaemon=set_profile_var caller_id_name={name}" in leg
    labelled = at_an_agent({}, "1001", **CONTEXT, **{"Caller-Caller-ID-Name": name}).values
    assert not any(name in value for value in labelled.values())  # one label


# --- what the agents see -----------------------------------------------------------------------------------


def forwarded_to_a_queue(**lines):
    """The caller's channel after the verdict."""
    data = channel_data(RECORDING, {**ASKED, **lines})
    switch = Switch(data)
    answers = {**BOSS, "user_exists id 2000 lab.test": "false"}
    decision = decided(headers(data), config.default(), lambda command: answers.get(command, "-ERR no reply"))
    assert decision.verdict.reason == "always"
    play(switch, *decision.commands)
    return switch


def play(switch, *commands):
    for command in commands:
        switch.answer(to_bytes(command).rstrip(b"\n"))


def execute(switch, name):
    """As FreeSWITCH does with execute_on_…"""
    application, _, data = switch.played.variables[name].partition(" ")
    play(switch, Execute(application, data))


@pytest.mark.parametrize("list_", ["cc_export_vars", "fifo_export"])
@pytest.mark.parametrize("before", ["", "nolocal:one,two"])
def test_the_label_outlives_the_answer_of_the_queue_and_ends_with_the_bridge(list_, before):
    switch = forwarded_to_a_queue(**{list_: before} if before else {})
    variables = switch.played.variables
    execute(switch, "execute_on_answer_fsdaemon")
    assert variables["effective_caller_id_name"] == "Sina Sekretariat"
    exported = {name: variables.get(name) for name in variables[list_].split(",")}
    assert exported["execute_on_originate_fsdaemon"] == (
        "set_profile_var caller_id_name=Uml. fuer Cora: Sina Sekretariat"
    )
    assert "sip_h_Diversion=<sip:100@lab.test>" in exported["execute_on_originate_fsdaemon_queue"]
    assert set(filter(None, before.split(","))) <= set(exported)
    execute(switch, "execute_on_pre_bridge_fsdaemon_queue")
    assert variables.get(list_, "") == before
    left = [name for name in variables if name.startswith("execute_on_") and variables[name]]
    assert left == []
    assert not variables.get("fsdaemon_undo")


def test_it_ends_when_the_call_goes_on():
    """The dialplan executes UNDO then, after the answer as before it."""
    for answered in (False, True):
        switch = forwarded_to_a_queue(cc_export_vars="one")
        if answered:
            execute(switch, "execute_on_answer_fsdaemon")
        play(switch, Execute("multiset", switch.played.variables["fsdaemon_undo"]))
        variables = switch.played.variables
        assert variables["cc_export_vars"] == "one"
        assert not [name for name in variables if name.startswith("execute_on_") and variables[name]]


@pytest.mark.parametrize("list_", ["a~b=c", "a|b", "${x}", "a!b", "a'b"])
def test_a_list_that_is_none_stays(list_):
    switch = forwarded_to_a_queue(cc_export_vars=list_)
    assert switch.played.variables["cc_export_vars"] == list_
    assert "execute_on_originate_fsdaemon" not in switch.played.variables


def test_what_we_added_is_not_added_twice():
    """With bypass media nothing is executed at the bridge."""
    ours = "execute_on_originate_fsdaemon,execute_on_originate_fsdaemon_queue"
    switch = forwarded_to_a_queue(cc_export_vars=f"{ours},one")
    assert switch.played.variables["cc_export_vars"] == f"{ours},one"
