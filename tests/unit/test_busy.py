"""Busy from so many calls on (`routing.busy`)."""

from __future__ import annotations

import pytest

from fsdaemon.config import reader as config
from fsdaemon.config.problems import Wrong
from fsdaemon.config.schema import SCHEMA
from fsdaemon.core.sentences import facts_of, line
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from tests.recorded import DIRECTORY, decided

BEFORE = (DIRECTORY / "context_before.txt").read_bytes()  # 102 calls 100@lab.test
ONE = "[routing]\nbusy = 1\n"
USAGE = "limit_usage hash lab.test user_100"
COUNT = "execute_on_originate_fsdaemon_busy=limit hash lab.test user_100"


def before(text=ONE, calls="1", hash_="true", user="102", domain="lab.test", **forwards):
    """What comes of 102's call to 100, who has so many calls already, and what was asked."""
    answers = {f"user_data 100@lab.test var call_forward_{kind}": to for kind, to in forwards.items()}
    users = {f"user_exists id {one} lab.test": "true" for one in ("100", "101", "102", "103")}
    answers = {**users, "module_exists mod_hash": hash_, USAGE: calls, **answers}
    asked = []

    def answer(command):
        asked.append(command)
        return answers.get(command, "-ERR no reply")

    data = Headers(channel_data(BEFORE, {"user_name": user, "requested_domain_name": domain}))
    return decided(data, config.load(text), answer), asked


def outcome(decision):
    return decision.verdict.action, decision.verdict.reason, decision.verdict.target


@pytest.mark.parametrize(
    ("text", "calls", "expected"),
    [
        (ONE, "0", ("ring", "no_forward", "")),
        (ONE, "1", ("forward", "busy", "101")),
        (ONE, "7", ("forward", "busy", "101")),
        ("[routing]\nbusy = 2\n", "1", ("ring", "no_forward", "")),
        ("[routing]\nbusy = 2\n", "2", ("forward", "busy", "101")),
        ('[domains."lab.test".routing]\nbusy = 1\n', "1", ("forward", "busy", "101")),
        ('[domains."b.example".routing]\nbusy = 1\n', "1", ("ring", "no_forward", "")),
        ("", "9", ("ring", "no_forward", "")),
        *[(ONE, said, ("ring", "no_forward", "")) for said in ("", "-ERR no reply", "-1", "١", "1 1")],
    ],
)
def test_from_so_many_calls_on(text, calls, expected):
    decision, _ = before(text, calls, busy="101")
    assert outcome(decision) == expected


def test_where_the_forward_stands():
    """The directory, the dialplan's variable, a code; "off" by code counts."""

    def reason(**lines):
        dialled = lines.pop("dialled", "-ERR no reply")
        answers = {USAGE: "1", "module_exists mod_hash": "true", "db select/fsdaemon-lab.test/100": dialled}
        data = Headers(channel_data(BEFORE, lines))
        return decided(data, config.load(ONE), lambda one: answers.get(one, "-ERR no reply")).verdict.reason

    assert reason(fsdaemon_forward_busy="101") == "busy"
    assert reason(dialled=";67=on:101") == "busy"
    assert reason(dialled=";67=off:101", fsdaemon_forward_busy="101") == "no_forward"
    assert reason(dialled=";61=on:101") == "no_forward"


def test_as_any_forward_for_busy():
    """Exceptions, the own number, a loop, a label, the Diversion and the record."""
    assert outcome(before(busy="102")[0]) == ("ring", "target", "102")
    assert outcome(before(ONE + '[exceptions]\nusers = ["102"]\n', busy="101")[0]) == ("ring", "user", "101")
    assert outcome(before(user="100", busy="101")[0]) == ("ring", "self", "101")
    decision, _ = before(busy="101")
    assert line(decision.call, decision.verdict) == "forward 100 to 101 for 102: busy"
    assert decision.label == "Uml. fuer 100: Kai Kollege"
    assert "reason=user-busy" in decision.values[v.OUR_DIVERSION]
    assert decision.values[v.RECORD_KINDS] == "busy"


def test_always_comes_first():
    assert outcome(before(all="103", busy="101")[0]) == ("forward", "always", "103")
    assert outcome(before(all="102", busy="101")[0]) == ("forward", "busy", "101")
    assert outcome(before(all="102", busy="102")[0]) == ("ring", "target", "102")
    assert outcome(before(calls="0", all="102", busy="101")[0]) == ("ring", "target", "102")


def test_a_busy_forward_to_what_is_no_user_beside_one_to_a_user():
    """What is told to a trunk, and the rights there, are of the forward that is followed."""
    decision, asked = before(all="102", busy="0301234567")
    assert outcome(decision) == ("forward", "busy", "0301234567")
    assert decision.call.context.beyond == ("busy",)
    assert v.UNDO in decision.values
    assert v.CONTINUE in decision.values
    assert "user_data 100@lab.test var outbound_caller_id_number" in asked


def test_a_busy_forward_to_a_user_beside_one_to_what_is_none():
    """The caller is the target of the other one, in another domain."""
    decision, _ = before(domain="b.example", all="102@b.example", busy="101")
    assert outcome(decision) == ("forward", "busy", "101")
    assert decision.call.context.beyond == ("always",)
    assert v.UNDO not in decision.values
    assert v.CONTINUE not in decision.values


def test_one_of_two_phones_answered_302_and_the_daemon_calls_them_again():
    lines = {"fsdaemon_stage": "after", "originate_disposition": "NO_ANSWER"}
    lines["originate_causes"] = "ARRAY::a;REQUESTED_CHAN_UNAVAIL|:b;NO_ANSWER"
    answers = {"module_exists mod_hash": "true", "sofia_contact */100@lab.test": "sofia/x/1,sofia/x/2"}
    data = Headers(channel_data(BEFORE, lines))
    decision = decided(data, config.load(ONE), lambda one: answers.get(one, "-ERR no reply"))
    assert decision.values[v.RANG] == "true"
    assert COUNT in decision.values[v.LEG]


def test_what_is_asked():
    def about_calls(asked):
        return [one for one in asked if "limit" in one or "module" in one or "busy" in one]

    forward = "user_data 100@lab.test var call_forward_busy"
    assert about_calls(before("", busy="101")[1]) == []
    assert about_calls(before()[1]) == [forward, "module_exists mod_hash"]
    assert sorted(about_calls(before(busy="101")[1])) == sorted([forward, "module_exists mod_hash", USAGE])


def test_the_leg_is_counted_where_the_phone_rings():
    """With a label and without one; not where the call goes on to somebody else."""
    for forwards in ({}, {"busy": "101"}, {"all": "102"}):
        leg = before(ONE, "0", **forwards)[0].values[v.LEG]
        assert leg.startswith("[^^!")
        assert {COUNT, "limit_ignore_transfer=true"} <= set(leg[4:-1].split("!"))
    assert "limit" not in before(busy="101")[0].values.get(v.LEG, "")
    assert v.LEG not in before("", busy="101")[0].values


def test_without_mod_hash():
    """`limit` would send a leg to "limit_exceeded": nothing is counted, nobody is busy, and the log says so."""
    decision, asked = before(hash_="false", busy="101")
    assert outcome(decision) == ("ring", "no_forward", "")
    assert v.LEG not in decision.values
    assert USAGE not in asked
    assert "mod_hash" in facts_of(decision, config.load(ONE))["warning"]
    assert "mod_hash" in line(decision.call, decision.verdict)


def test_users_whatever_their_case():
    data = Headers(channel_data(BEFORE, {"fsdaemon_callee": "Alice", "fsdaemon_domain": "LAB.test"}))
    asked = []

    def answer(command):
        asked.append(command)
        return "true" if command.startswith("module") else "101" if command.endswith("busy") else "1"

    decided(data, config.load(ONE), answer)
    assert "limit_usage hash lab.test user_alice" in asked


@pytest.mark.parametrize("value", [0, 101, -1, True, False, 1.0, "1", "calls", "", [1], None])
def test_what_it_may_not_be(value):
    with pytest.raises(Wrong, match='"phone", or a number of calls'):
        SCHEMA["routing"]["busy"].check(value)


def test_it_is_explained():
    said = facts_of(before(busy="101")[0], config.load(ONE))["busy"]
    assert said.startswith("100 has 1 call, and is busy from 1 on, by routing.busy (")
    assert facts_of(before()[0], config.load(ONE))["busy"] == ""
