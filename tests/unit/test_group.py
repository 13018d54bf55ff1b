"""The forwards of a group's members, judged at once: question, answer, and what strangers could write into them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core.decide import Decision
from fsdaemon.core.sentences import facts_of, line, text
from fsdaemon.esl.fake_switch import channel_data
from tests import recorded
from tests.recorded import DIRECTORY
from tests.unit.test_call import headers

RECORDING = (DIRECTORY / "internal_before_bridge.txt").read_bytes()  # by 101 of lab.test
NAMES = {
    "user_data 103@lab.test var effective_caller_id_name": "Vera",
    "user_data 104@lab.test var effective_caller_id_name": "Zoe",
    "user_data 100@lab.test var effective_caller_id_name": "Cora",
}
NO_PHONE = {"sofia_contact */105@lab.test": "error/user_not_registered"}
GROUP = {"fsdaemon_stage": "members", "domain_name": "lab.test"}


def decided(
    members: str, conf: str = "", answers: dict[str, str] | None = None, **variables: str
) -> Decision:
    asked = {**GROUP, "fsdaemon_callee": "2000", "fsdaemon_domain": "lab.test", "fsdaemon_members": members}
    data = headers(channel_data(RECORDING, {**asked, **variables}))
    given_ = {**NAMES, **NO_PHONE, **(answers or {})}
    return recorded.decided(data, config.load(conf), lambda command: given_.get(command, "-ERR no reply"))


def said(decision: Decision) -> list[str]:
    return [line(one.call, one.verdict) for one in decision.members]


def answer(decision: Decision) -> list[str]:
    (value,) = decision.values.values()
    return value.split("|")


def ways(decision: Decision) -> dict[str, bool]:
    """The forwards in the answer, and whether each is followed."""
    rows = (row.split(" ", 2) for row in answer(decision))
    return {f"{kind} {way}": bool(leg) for kind, way, *leg in rows}


def test_a_member_forwards():
    decision = decided("103,104|103 always=102")
    assert said(decision) == ["forward 103 to 102 for 101: always"]
    (row,) = answer(decision)
    kind, way, leg = row.split(" ", 2)
    assert (kind, way) == ("always", "103")
    assert leg.startswith("^^!execute_on_originate_fsdaemon=set_profile_var caller_id_name=Uml. fuer Vera: ")
    assert "!sip_h_Diversion=<sip:103@lab.test>;reason=unconditional;" in leg
    (command,) = decision.commands
    assert str(command).startswith("multiset ")


def test_nobody_forwards():
    decision = decided("103,104")
    assert (said(decision), answer(decision)) == ([], ["-"])
    assert line(decision.call, decision.verdict) == "ring 2000 for 101: no_forward"


def test_the_target_calls():
    assert said(decided("103|103 always=101")) == ["ring 103 for 101: target (103 forwards always to 101)"]
    assert answer(decided("103|103 always=101")) == ["always 103"]


@pytest.mark.parametrize("conf", ['[exceptions]\nusers = ["101"]\n', '[exceptions]\ngroups = ["sales"]\n'])
def test_who_else_gets_through(conf):
    decision = decided("103|103 always=102", conf, {"in_group 101@lab.test,sales": "true"})
    assert answer(decision) == ["always 103"]


def test_the_members_own_list():
    own = {"user_data 103@lab.test var call_forward_except": "101"}
    assert said(decided("103,104|103 always=102|104 always=102", "", own)) == [
        "ring 103 for 101: own (103 forwards always to 102)",
        "forward 104 to 102 for 101: always",
    ]


def test_a_member_who_calls_the_group():
    """It is not a call to the own number."""
    assert ways(decided("101|101 always=102")) == {"always 101": True}


def test_a_chain():
    decision = decided("103|103 always=104|104 always=102")
    assert ways(decision) == {"always 103": True, "always 103,104": True}
    assert [one.label.partition(":")[0] for one in decision.members] == [
        "Uml. fuer Vera",
        "Uml. fuer Vera ueber Zoe",
    ]


def test_the_right_is_not_inherited():
    decision = decided("103|103 always=104|104 always=101")
    assert ways(decision) == {"always 103": True, "always 103,104": False}


def test_a_loop():
    decision = decided("103,104|103 always=104|104 always=103")
    assert ways(decision) == {
        "always 103": True,
        "always 103,104": False,
        "always 104": True,
        "always 104,103": False,
    }


def test_fusionpbx_follows_three():
    rows = "|".join(f"{number} always={number + 1}" for number in range(200, 210))
    assert list(ways(decided(f"200|{rows}"))) == ["always 200", "always 200,201", "always 200,201,202"]


def test_who_has_no_phone():
    rows = "103 always=105|104 not_registered=102|105 not_registered=102"
    assert ways(decided(f"103,104,105|{rows}")) == {
        "always 103": True,
        "not_registered 103,105": True,
        "not_registered 105": True,
    }


def test_a_forward_that_is_not_followed_leaves_the_other_kind():
    assert ways(decided("105|105 always=101 not_registered=102")) == {
        "always 105": False,
        "not_registered 105": True,
    }


def test_a_forward_led_to_the_group():
    came = {"fsdaemon_path": "100", "fsdaemon_kinds": "busy", "fsdaemon_hop": "2000"}
    decision = decided("103|103 always=102", "", None, **came)
    assert decision.members[0].label.startswith("Uml. fuer Cora ueber Vera: ")
    (row,) = answer(decision)
    assert row.count("<sip:") == 2


def test_the_name_is_the_members_own():
    """Not of the callee before, which FusionPBX leaves on the channel."""
    decision = decided(
        "103|103 always=102", '[variables]\npreset = "fusionpbx"\n', extension_caller_id_name="X"
    )
    assert decision.members[0].label.startswith("Uml. fuer Vera: ")


def test_a_withheld_number():
    data = (DIRECTORY / "external_anonymous.txt").read_bytes()
    asked = {
        "fsdaemon_callee": "2000",
        "fsdaemon_domain": "lab.test",
        "fsdaemon_members": "103|103 always=102",
    }
    told = recorded.decided(
        headers(channel_data(data, {**GROUP, **asked})),
        config.load(""),
        lambda command: NAMES.get(command, "-ERR"),
    )
    (row,) = answer(told)
    assert "caller_id_number=anonymous!sip_cid_type=none!" in row
    assert "caller_id_name=Uml. fuer Vera: Anonym!" in row


def test_no_label_and_no_diversion():
    assert answer(decided("103|103 always=102", "[display]\nkinds = []\ndiversion = false\n")) == [
        "always 103 -"
    ]


def test_explained():
    decision = decided("103|103 always=102")
    shown = text(facts_of(decision, config.load("")))
    assert "member:          forward 103 to 102 for 101: always\n" in shown


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_question_has_an_answer_that_ends_nothing(question, name):
    names = {"user_data 103@lab.test var effective_caller_id_name": name}
    for members in (question, f"103|103 always={question}", f"103|103 always=102|{question}"):
        (value,) = decided(members, "", names).values.values()
        assert "$" not in value
        for row in value.split("|"):
            kind, _, *leg = row.split(" ", 2) if row != "-" else ("always", "1")
            assert kind in ("always", "not_registered")
            assert all(leg)
            assert not set("[]{}'\"") & set("".join(leg))
