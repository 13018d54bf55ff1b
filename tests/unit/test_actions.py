"""A verdict as FreeSWITCH commands, and the keys of conf.toml that change them."""

from __future__ import annotations

import pytest

from fsdaemon.config import reader as config
from fsdaemon.core.commands import commands
from fsdaemon.core.decide import Decision
from fsdaemon.core.diversion import Diverter
from fsdaemon.esl.fake_switch import Switch, channel_data
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Execute
from fsdaemon.terms.kinds import SET
from fsdaemon.terms.variables import REASON
from tests import recorded
from tests.facts import call, inside
from tests.recorded import DIRECTORY
from tests.unit.test_call import headers

RECORDING = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
ANONYMOUS = (DIRECTORY / "external_anonymous.txt").read_bytes()
FORWARD = {"fsdaemon_forward_all": "103", "fsdaemon_callee_name": "Cora", "fsdaemon_domain": "lab.test"}
ARRIVED = {"fsdaemon_path": "104", "fsdaemon_kinds": "busy", "fsdaemon_hop": "100"}


def decided(
    text: str = "", recording: bytes = RECORDING, answers: dict[str, str] | None = None, **variables: str
) -> Decision:
    data = headers(channel_data(recording, variables))
    given = answers or {}
    return recorded.decided(data, config.load(text), lambda command: given.get(command, "-ERR no reply"))


def values(decision: Decision) -> dict[str, str]:
    return {header.variable: value for header, value in decision.values.items()}


def test_a_forward():
    set_ = values(decided(**FORWARD))
    assert set_ == {
        "fsdaemon_verdict": "forward",
        "fsdaemon_reason": "always",
        "fsdaemon_target": "103",
        "fsdaemon_path": "100",
        "fsdaemon_kinds": "always",
        "fsdaemon_hop": "103",
        "fsdaemon_bridged": "",
        "fsdaemon_diversion": "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off",
        "sip_h_Diversion": "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off",
        "fsdaemon_label": "Uml. fuer Cora%3A Sina Sekretariat",
        "fsdaemon_shown": "Uml. fuer Cora: Sina Sekretariat",
        "effective_caller_id_name": "Uml. fuer Cora%3A Sina Sekretariat",
        "fsdaemon_own_name": "Sina Sekretariat",
        "fsdaemon_leg": (
            "[^^!sip_h_Diversion=<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
            "!execute_on_pre_bridge_fsdaemon=unset sip_h_Diversion!fsdaemon_undo=^^~sip_h_Diversion=~fsdaemon_undo="
            "!origination_caller_id_name=Uml. fuer Cora%3A Sina Sekretariat"
            "!execute_on_originate_fsdaemon=set_profile_var caller_id_name=Uml. fuer Cora: Sina Sekretariat"
            "!fsdaemon_cdr_called=100!fsdaemon_cdr_diverter=100!fsdaemon_cdr_kinds=always"
            "!fsdaemon_cdr_verdict=forward!fsdaemon_cdr_reason=always]"
        ),
        "fsdaemon_cdr_called": "100",
        "fsdaemon_cdr_diverter": "100",
        "fsdaemon_cdr_kinds": "always",
        "fsdaemon_cdr_verdict": "forward",
        "fsdaemon_cdr_reason": "always",
    }


def test_an_exception_says_no_more_than_that():
    """To the records of both legs, too."""
    assert values(decided(**{**FORWARD, "fsdaemon_forward_all": "101"})) == {
        "fsdaemon_verdict": "ring",
        "fsdaemon_reason": "target",
        "fsdaemon_cdr_called": "100",
        "fsdaemon_cdr_diverter": "",
        "fsdaemon_cdr_kinds": "",
        "fsdaemon_cdr_verdict": "ring",
        "fsdaemon_cdr_reason": "target",
        "fsdaemon_leg": "[^^!fsdaemon_cdr_called=100!fsdaemon_cdr_verdict=ring!fsdaemon_cdr_reason=target]",
    }


def test_a_call_that_nobody_forwards_costs_what_it_cost():
    assert values(decided()) == {"fsdaemon_verdict": "ring", "fsdaemon_reason": "no_forward"}


def test_one_command_sets_it_all():
    (command,) = decided(**FORWARD).commands
    assert command.application == "multiset"
    assert command.argument.startswith("^^\x1ffsdaemon_verdict=forward\x1f")


def test_what_an_earlier_verdict_left_is_taken_back():
    left = {
        **ARRIVED,
        "fsdaemon_hop": "105",
        "fsdaemon_label": "L",
        "fsdaemon_own_name": "Sina",
        "effective_caller_id_name": "L",
    }
    set_ = values(decided(**left))
    assert set_["effective_caller_id_name"] == "Sina"
    assert [
        set_[name] for name in ("fsdaemon_path", "fsdaemon_label", "fsdaemon_own_name", "sip_h_Diversion")
    ] == [""] * 4
    # somebody else has set the name meanwhile: then it is hers
    assert "effective_caller_id_name" not in values(decided(**{**left, "effective_caller_id_name": "New"}))


def test_display_diversion():
    set_ = values(decided("[display]\ndiversion = false", **FORWARD))
    assert "sip_h_Diversion" not in set_
    assert "Diversion" not in set_["fsdaemon_leg"]
    assert set_["fsdaemon_label"]


def test_display_diversion_from_is_remembered_where_the_channel_carries_ours():
    """The second hop finds our Diversion in place of the gateway's, and still knows both."""
    believe = '[display]\ndiversion_from = ["127.0.0.1"]'
    recording = (DIRECTORY / "external_with_diversion.txt").read_bytes()
    first = values(decided(believe, recording, **FORWARD))
    assert first["sip_h_Diversion"] == (
        "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off, "
        "<sip:+4970229999@carrier.example>;reason=unconditional;counter=1;privacy=off"
    )
    arrived = {**first, "fsdaemon_callee": "103", "fsdaemon_domain": "lab.test"}
    second = values(decided(believe, recording, **arrived))
    assert second["fsdaemon_label"] == "Uml. fuer +4970229999 ueber 100%3A Max Muster".replace("+", "%2B")
    # without a forward of ours the header is not passed on, unless somebody wants that
    assert values(decided(believe, recording, fsdaemon_domain="lab.test"))["sip_h_Diversion"] == ""
    passed = f"{believe}\n[routing]\npass_diversion = true"
    assert "sip_h_Diversion" not in values(decided(passed, recording, fsdaemon_domain="lab.test"))


def test_a_withheld_number_is_replaced_too():
    set_ = values(decided(recording=ANONYMOUS, **FORWARD))
    assert set_["effective_caller_id_number"] == "anonymous"
    assert set_["sip_cid_type"] == "none"
    assert "!origination_caller_id_number=anonymous!sip_cid_type=none" in set_["fsdaemon_leg"]
    again = {
        "fsdaemon_number": "anonymous",
        "effective_caller_id_number": "anonymous",
        "fsdaemon_own_number": "+4930",
    }
    set_ = values(decided(recording=ANONYMOUS, **again))
    assert (set_["effective_caller_id_number"], set_["sip_cid_type"]) == ("+4930", "")


OUTBOUND = {
    "user_data 100@lab.test var outbound_caller_id_name": "Firma",
    "user_data 100@lab.test var outbound_caller_id_number": "+4930100",
}


def test_routing_outside_caller_id():
    away = {**FORWARD, "fsdaemon_forward_all": "+49301234567"}
    set_ = values(decided('[routing]\noutside_caller_id = "diverter"', answers=OUTBOUND, **away))
    assert set_["effective_caller_id_name"] == "Firma"
    assert set_["effective_caller_id_number"] == "%2B4930100"
    assert "effective_caller_id_number" not in values(decided(answers=OUTBOUND, **away))
    inside_ = values(decided('[routing]\noutside_caller_id = "diverter"', answers=OUTBOUND, **FORWARD))
    assert "effective_caller_id_number" not in inside_


def test_routing_ring_and_bridge():
    decision = decided('[routing]\nring = "bridge"', **ARRIVED)
    assert values(decision)["fsdaemon_rang"] == "true"
    assert decision.commands[1].application == "bridge"
    assert decision.commands[1].argument.endswith("]user/100@lab.test")
    text = '[routing]\nring = "bridge"\nbridge = "{{a=b}}sofia/internal/{callee}%{domain}"'
    assert decided(text).commands[1] == Execute("bridge", "{a=b}sofia/internal/100%lab.test")
    assert len(decided('[routing]\nring = "bridge"', **FORWARD).commands) == 1
    assert len(decided('[routing]\nring = "bridge"', fsdaemon_stage="after").commands) == 1


def test_a_phone_that_forwarded_already_may_not_send_the_call_on_again():
    looped = {**ARRIVED, "fsdaemon_path": "100,104", "fsdaemon_kinds": "redirect,always"}
    assert "outbound_redirect_fatal=true" in values(decided(**looped))["fsdaemon_leg"]
    assert "outbound_redirect_fatal" not in values(decided(**ARRIVED))["fsdaemon_leg"]


VARIABLES = {
    "callee": ("x", {"x": "104"}, lambda c: c.callee.name == "104"),
    "callee_name": ("x", {"x": "Zoe", "fsdaemon_forward_all": "103"}, lambda c: c.callee_name == "Zoe"),
    "domain": ("x", {"x": "b.example"}, lambda c: c.callee.domain == "b.example"),
    "groups": ("x", {"x": "board, staff"}, lambda c: c.person.groups == ("board", "staff")),
    "forward_except": (
        "x",
        {"x": "104", "fsdaemon_forward_all": "103"},
        lambda c: [one.text for one in c.own.entries] == ["104"],
    ),
    "is_user": ("x", {"fsdaemon_forward_all": "103"}, lambda c: c.target == ""),
    "caller_domain": ("x", {"x": "b.example"}, lambda c: c.caller.user.domain == "b.example"),
    **{kind: ("x", {"x": "103"}, lambda c, kind=kind: c.forwards.get(kind) == "103") for kind in SET},
    **{
        f"{kind}_enabled": (
            "x",
            {"x": "false", v.FORWARDS[kind].variable: "103"},
            lambda c, kind=kind: kind not in c.forwards,
        )
        for kind in SET
    },
}


@pytest.mark.parametrize("key", VARIABLES)
def test_variables(key):
    name, variables, holds = VARIABLES[key]
    assert holds(decided(f'[variables]\n{key} = ["unset", "{name}"]', **variables).call)
    assert not holds(decided(**variables).call)


def test_every_key_of_variables_has_a_case():
    assert {"preset", *VARIABLES} == set(config.SCHEMA["variables"])


@pytest.mark.parametrize(("wanted", "sent"), [("true", 1), ("false", 0), ('"trunks"', 0), ('"phones"', 1)])
def test_the_switch_for_phones(wanted, sent):
    found = values(decided(f"[display]\ndiversion = {wanted}\n", **FORWARD))
    assert ("sip_h_Diversion" in found) is bool(sent)


@pytest.mark.parametrize("value", ["a${b}", "a\nb", "a\x1fb", "$"])
def test_what_could_act_is_not_sent(value):
    made = call(inside("102"), path=(Diverter("1", "always"),))
    (command,) = commands(made, {REASON: value}, config.default())
    assert command.argument == "^^\x1ffsdaemon_reason="


BY_CALLER = (DIRECTORY / "blind_transfer_by_caller.txt").read_bytes()


def test_who_is_on_an_outbound_leg_is_remembered():
    assert values(decided(recording=BY_CALLER))["fsdaemon_who"] == "102@lab.test"
    assert values(decided(recording=BY_CALLER, dialed_user=""))["fsdaemon_who"] == "-"
    assert "fsdaemon_who" not in values(decided())


def test_who_transferred_attended_is_remembered():
    recording = (DIRECTORY / "attended_transfer_rerouted.txt").read_bytes()
    known = values(decided(recording=recording))["fsdaemon_referrer"]
    assert known.startswith("101@lab.test|")
    # that it was nobody is remembered, too
    assert values(decided(recording=recording, dialed_user=""))["fsdaemon_referrer"] == "-" + known[12:]


def test_what_is_left_of_an_earlier_302_is_taken_away():
    assert values(decided(sip_redirect_contact_user_0="103"))["sip_redirect_contact_user_0"] == ""


def test_a_label_outside_and_the_diverters_number():
    text = '[display]\noutside = true\n[routing]\noutside_caller_id = "diverter"\n'
    set_ = values(decided(text, answers=OUTBOUND, **{**FORWARD, "fsdaemon_forward_all": "+49301234567"}))
    assert set_["effective_caller_id_name"] == "Uml. fuer Cora%3A Sina Sekretariat"
    assert set_["effective_caller_id_number"] == "%2B4930100"


@pytest.mark.parametrize("text", ["[display]\nkinds = []", '[display]\nlabel = ""'])
def test_a_withheld_number_is_hidden_without_a_label_too(text):
    set_ = values(decided(text, recording=ANONYMOUS, **FORWARD))
    assert (set_["effective_caller_id_name"], set_["effective_caller_id_number"]) == ("Anonym", "anonymous")
    away = values(decided(text, recording=ANONYMOUS, **{**FORWARD, "fsdaemon_forward_all": "+49301234567"}))
    assert (away["effective_caller_id_name"], away["effective_caller_id_number"]) == ("Anonym", "anonymous")


def test_the_same_number_in_another_domain_is_somebody_else():
    away = decided(**{**FORWARD, "fsdaemon_forward_all": "100@b.example"})
    assert away.verdict.target == "100@b.example"
    set_ = values(away)
    assert (set_["fsdaemon_path"], set_["fsdaemon_hop"]) == ("100@lab.test", "100@b.example")
    there = {"fsdaemon_path": "100@lab.test", "fsdaemon_kinds": "always", "fsdaemon_hop": "100@b.example"}
    arrived = decided(**there, fsdaemon_domain="b.example", fsdaemon_forward_all="103")
    assert (arrived.verdict.action, len(arrived.verdict.path)) == ("forward", 2)
    back = decided(**there, fsdaemon_domain="b.example", fsdaemon_forward_all="100@lab.test")
    assert back.verdict.reason == "loop"
    assert "<sip:100@lab.test>;reason=unconditional" in values(arrived)["sip_h_Diversion"]


# --- asked by freeswitch/dialplan/fsdaemon.xml ------------------------------------------------------

ASKED = {
    "fsdaemon_context": "default",
    "fsdaemon_stage": "before",
    "fsdaemon_callee": "100",
    "fsdaemon_domain": "lab.test",
}
BOSS = {
    "user_data 100@lab.test var call_forward_all": "2000",
    "user_data 100@lab.test var effective_caller_id_name": "Cora",
    "user_data 100@lab.test var toll_allow": "local",
    "user_exists id 2000 lab.test": "false",
}


def test_the_callees_forward_is_of_the_directory_and_never_the_callers():
    """FreeSWITCH puts the caller's own directory variables on the caller's channel."""
    callers = {"call_forward_all": "103", "call_forward_busy": "103"}
    assert values(decided(**ASKED, **callers))["fsdaemon_verdict"] == "ring"
    set_ = values(decided(**ASKED, **callers, answers=BOSS))
    assert (set_["fsdaemon_verdict"], set_["fsdaemon_target"]) == ("forward", "2000")


def test_what_the_dialplan_set_is_this_callees():
    set_ = values(decided(**ASKED, fsdaemon_forward_all="103", fsdaemon_forward_busy="104", answers=BOSS))
    assert set_["fsdaemon_target"] == "103"
    assert (set_["fsdaemon_forward_all"], set_["fsdaemon_forward_busy"]) == ("", "")
    kept = values(decided(**ASKED, fsdaemon_forward_busy="104"))
    assert kept["fsdaemon_verdict"] == "ring"
    assert "fsdaemon_forward_busy" not in kept  # it counts when nobody answers


def test_what_was_dialled_comes_first():
    dialled = {**BOSS, "db select/fsdaemon-lab.test/100": ";21=on:103;61=on:102:7"}
    assert values(decided(**ASKED, answers=dialled))["fsdaemon_target"] == "103"
    off = {**BOSS, "db select/fsdaemon-lab.test/100": ";21=off;61=on:102:7"}
    set_ = values(decided(**ASKED, answers=off))
    assert (set_["fsdaemon_verdict"], set_["fsdaemon_timeout"]) == ("ring", "7")
    assert (
        values(decided("[codes]\nenabled = false\n", **ASKED, answers=dialled))["fsdaemon_target"] == "2000"
    )


def test_to_a_user_nothing_stands_on_the_channel():
    set_ = values(decided(**ASKED, answers={**BOSS, "user_exists id 2000 lab.test": "true"}))
    assert not {"effective_caller_id_name", "sip_h_Diversion", "toll_allow", "fsdaemon_undo"} & set(set_)


def test_what_a_group_or_a_trunk_is_lent_is_taken_back():
    set_ = values(decided(**ASKED, toll_allow="domestic,local", answers=BOSS))
    assert set_["effective_caller_id_name"] == "Uml. fuer Cora%3A Sina Sekretariat"
    assert set_["toll_allow"] == "local"
    lent = "~sip_h_Diversion=~effective_caller_id_name=Sina Sekretariat~toll_allow=domestic,local~default_gateway="
    ends = "~bridge_pre_execute_aleg_app=~bridge_pre_execute_aleg_data=~bridge_pre_execute_app="
    ends += "~execute_on_answer_fsdaemon="
    queue = (
        "~execute_on_originate_fsdaemon=~execute_on_originate_fsdaemon_queue=~cc_export_vars=~fifo_export="
        "~execute_on_pre_bridge_fsdaemon_queue="
    )
    assert set_["fsdaemon_undo"] == f"^^{lent}~fsdaemon_undo={ends}{queue}"
    assert set_["bridge_pre_execute_aleg_app"] == "multiset"
    assert set_["bridge_pre_execute_aleg_data"] == set_["fsdaemon_undo"]
    # A queue answers, and calls its agents then.
    first, _, last = queue.rpartition("~")
    later = f"{first}~fsdaemon_undo=~{last}".replace("~", "|")
    assert set_["execute_on_answer_fsdaemon"] == f"multiset ^^{lent}~fsdaemon_undo=^^{later}{ends}"
    assert set_["execute_on_pre_bridge_fsdaemon_queue"] == "multiset ^^" + later.replace("|", "~")


def test_a_forward_that_is_off_does_not_shorten_the_ringing():
    off = {"db select/fsdaemon-lab.test/100": ";61=off:102:7"}
    assert "fsdaemon_timeout" not in values(decided(**ASKED, answers=off))


@pytest.mark.parametrize(
    ("stored", "told"),
    [("sales", "sales"), ("tech support,a", "tech support,a"), ("a/b", ""), ("${x}", ""), ("it's", "")],
)
def test_what_the_dialplan_wants_to_know_of_the_callee(stored, told):
    answers = {
        "user_data 100@lab.test var callgroup": stored,
        "user_data 100@lab.test var call_timeout": "12" if told else "1;x=2",
    }
    set_ = values(decided(**ASKED, fsdaemon_call_timeout="30", answers=answers))
    assert (set_["called_party_callgroup"], set_["fsdaemon_call_timeout"]) == (told, "12" if told else "")
    assert not {"called_party_callgroup", "fsdaemon_call_timeout"} & set(
        values(decided(**ASKED, answers=answers))
    )


def test_a_menu_that_took_the_call_begins_a_new_way():
    """Nobody who forwarded before it counts, neither for a loop nor for the label."""
    way = {
        "fsdaemon_visited": ",:103@lab.test",
        "fsdaemon_path": "103",
        "fsdaemon_hop": "5000@lab.test",
        "fsdaemon_since": "1000000",
        "Caller-Channel-Answered-Time": "1000000",
        "Event-Date-Timestamp": "20000000",
    }
    back = {
        **BOSS,
        "user_data 100@lab.test var call_forward_all": "103",
        "user_exists id 103 lab.test": "true",
    }
    assert values(decided(**ASKED, **way, answers=back))["fsdaemon_verdict"] == "forward"
    soon = {**way, "Event-Date-Timestamp": "3000000"}  # an operator's extension answers, and passes on
    assert values(decided(**ASKED, **soon, answers=back))["fsdaemon_reason"] == "loop"


def test_a_time_is_a_number():
    """FreeSWITCH writes it; the fuzzer had written a line end."""
    set_ = values(decided(**ASKED, **{"Event-Date-Timestamp": "1\n2"}, answers=BOSS))
    assert set_["fsdaemon_since"] == "12"


def test_visits_in_a_domain_with_a_port():
    asked = {**ASKED, "fsdaemon_domain": "192.0.2.1:5060", "fsdaemon_visited": ",:103@192.0.2.1:5060"}
    back = {
        "user_data 100@192.0.2.1:5060 var call_forward_all": "103",
        "user_exists id 103 192.0.2.1:5060": "true",
    }
    assert values(decided(**asked, answers=back))["fsdaemon_reason"] == "loop"


def test_a_gateways_diversion_is_put_back_where_it_is_passed_on():
    text = '[display]\ndiversion_from = ["127.0.0.1"]\n[routing]\npass_diversion = true\n'
    theirs = {"sip_h_Diversion": "<sip:900@x.test>;reason=user-busy", "sip_network_ip": "127.0.0.1"}
    external = (DIRECTORY / "external_before_bridge.txt").read_bytes()
    set_ = values(decided(text, external, **ASKED, **theirs, answers=BOSS))
    assert (
        "~sip_h_Diversion=<sip:900@x.test>;reason=user-busy;counter=1;privacy=off~" in set_["fsdaemon_undo"]
    )
    set_ = values(decided(text.partition("[routing]")[0], external, **ASKED, **theirs, answers=BOSS))
    assert "~sip_h_Diversion=~" in set_["fsdaemon_undo"]  # what was taken away is not given back


@pytest.mark.parametrize(
    "name", ["x~toll_allow=international", "a|toll_allow=b", "${x}", "it's 'so'", "x\x1fy=z", "a\\"]
)
def test_no_name_assigns(name):
    """What is put back was written by strangers; whatever it says, it is one value."""
    set_ = values(decided(**ASKED, effective_caller_id_name=name, answers=BOSS))
    switch = Switch(b"")
    command = (
        "sendmsg\ncall-command: execute\nexecute-app-name: multiset\nexecute-app-arg: "
        + set_["fsdaemon_undo"]
    )
    switch.played.variables.update({"effective_caller_id_name": "label", "toll_allow": "of 100"})
    switch.answer(command.encode())
    assert set(switch.played.variables) <= {"effective_caller_id_name"}
    assert switch.played.expanded == []


def test_several_phones():
    phones = {"sofia_contact */100@lab.test": "sofia/internal/sip:100@1,sofia/internal/sip:100@2"}
    assert values(decided(**ASKED, answers=phones))["fsdaemon_leg"] == "[^^!outbound_redirect_fatal=true]"
    assert "fsdaemon_leg" not in values(decided(**ASKED))
    after = {
        **ASKED,
        "fsdaemon_stage": "after",
        "originate_causes": "ARRAY::a;REQUESTED_CHAN_UNAVAIL|:b;USER_BUSY",
    }
    again = decided(**after, originate_disposition="USER_BUSY", answers=phones)
    assert str(again.commands[-1]) == "bridge user/100@lab.test"


def test_the_half_of_a_loopback_sends_no_sound():
    """A group takes the first member that does; and whether a phone rang is noted for each bridge."""
    context = {"fsdaemon_context": "default", "fsdaemon_stage": "before"}
    half = values(decided(**context, fsdaemon_domain="lab.test", loopback_leg="B", ringback="%(1,2,3)"))
    assert (half["ringback"], half["fsdaemon_rung"]) == ("", "false")
    assert "api_on_ring_fsdaemon=uuid_setvar" in half["fsdaemon_leg"]
    plain = values(decided(**context, fsdaemon_domain="lab.test", ringback="%(1,2,3)"))
    assert "ringback" not in plain
    assert "loopback_no_pre_answer" not in plain
    onward = values(decided(**context, **FORWARD, loopback_leg="B", ringback="%(1,2,3)"))
    assert onward["fsdaemon_verdict"] == "forward"
    for told in (half, onward):
        assert (told["ringback"], told["loopback_no_pre_answer"]) == ("", "true")


def test_the_half_of_a_loopback_that_was_taken_is_a_call_as_any_other():
    """After a transfer by keys it is who is sent on: that caller hears the phone ring."""
    context = {"fsdaemon_context": "default", "fsdaemon_stage": "before", "fsdaemon_domain": "lab.test"}
    taken = {"loopback_leg": "B", "Caller-Channel-Answered-Time": "1795755111000000"}
    told = values(decided(**context, **taken, ringback="%(1,2,3)"))
    assert not {"ringback", "loopback_no_pre_answer"} & set(told)
