"""How a bridge failed, and the kind of forward that is for it: [routing.causes]."""

from __future__ import annotations

import pytest

from fsdaemon.config.reader import ConfigError, default, load
from fsdaemon.config.render import text
from fsdaemon.core.causes import outcomes, tried
from fsdaemon.core.sentences import facts_of
from fsdaemon.terms.causes import CAUSE_OF, CAUSES, DEFAULTS, NONE, ROWS, STRONGEST
from fsdaemon.terms.channel import Headers
from tests.recorded import decided


def headers(disposition="", *legs, code="", rang=False, last="", **more):
    """What FreeSWITCH says after a bridge of these legs."""
    causes = f"ARRAY::{'|:'.join(f'{n}a-1;{leg}' for n, leg in enumerate(legs))}" if legs[1:] else ""
    lines = {
        "originate_disposition": disposition,
        "last_bridge_hangup_cause": last or disposition,
        "originate_causes": causes or (f"0a-1;{legs[0]}" if legs else ""),
        "last_bridge_proto_specific_hangup_cause": code and f"sip:{code}",
        **more,
    }
    text = "".join(f"variable_{name}: {value}\n" for name, value in lines.items() if value)
    times = f"Caller-Channel-Progress-Time: {int(rang)}\nCaller-Channel-Progress-Media-Time: 0\n"
    return Headers((text + times).encode())


def kinds(*args, table=None, **options):
    return [
        one.kind for one in outcomes(headers(*args, **options), {**DEFAULTS, **(table or {})}) if one.kind
    ]


@pytest.mark.parametrize(
    ("cause", "code", "at_once", "rang"),
    [
        ("USER_BUSY", "486", "busy", "busy"),
        ("USER_BUSY", "600", "busy", "busy"),
        ("CALL_REJECTED", "603", "", "busy"),
        ("CALL_REJECTED", "403", "", "busy"),
        ("NO_USER_RESPONSE", "480", "", "no_answer"),
        ("NO_ANSWER", "", "not_registered", "no_answer"),
        ("ALLOTTED_TIMEOUT", "", "not_registered", "no_answer"),
        ("RECOVERY_ON_TIMER_EXPIRE", "408", "not_registered", "no_answer"),
        ("RECOVERY_ON_TIMER_EXPIRE", "504", "not_registered", "no_answer"),
        ("NORMAL_TEMPORARY_FAILURE", "503", "not_registered", "not_registered"),
        ("NORMAL_TEMPORARY_FAILURE", "500", "not_registered", "not_registered"),
        ("NETWORK_OUT_OF_ORDER", "502", "not_registered", "not_registered"),
        ("UNALLOCATED_NUMBER", "404", "", ""),
        ("NUMBER_CHANGED", "410", "", ""),
    ],
)
def test_the_answer_of_one_phone(cause, code, at_once, rang):
    for leg in ((), (cause,)):
        assert kinds(cause, *leg, code=code) == [at_once] * bool(at_once)
        assert kinds(cause, *leg, code=code, rang=True) == [rang] * bool(rang)
    # After a 183 with SDP the disposition is SUCCESS, and the leg has none.
    assert kinds("SUCCESS", "NONE", code=code, last=cause) == [rang] * bool(rang)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("legs", "rang", "found"),
    [
        (("USER_BUSY", "NO_ANSWER"), False, ["busy", "not_registered"]),
        (("USER_BUSY", "NO_ANSWER"), True, ["busy", "no_answer"]),
        (("NO_ANSWER", "NO_ANSWER"), True, ["no_answer"]),
        (("CALL_REJECTED", "NO_ANSWER"), True, ["busy", "no_answer"]),
        (("NO_USER_RESPONSE", "USER_BUSY"), False, ["busy"]),
        (("NO_USER_RESPONSE", "UNALLOCATED_NUMBER"), False, []),
        (("NORMAL_TEMPORARY_FAILURE", "NO_ANSWER"), True, ["no_answer", "not_registered"]),
    ],
)
def test_several_phones(legs, rang, found, order):
    legs = legs[::order]
    disposition = "NO_ANSWER" if "NO_ANSWER" in legs else legs[0]
    assert kinds(disposition, *legs, rang=rang) == found
    assert kinds("ORIGINATOR_CANCEL", *legs, rang=rang, last="NO_ANSWER") == found


def test_the_legs_of_an_earlier_bridge_do_not_count():
    assert kinds("NO_ANSWER", "USER_BUSY", "NO_ANSWER", fsdaemon_tried="1") == ["not_registered"]
    assert kinds("USER_NOT_REGISTERED", "USER_BUSY", "NO_ANSWER") == ["not_registered"]
    assert kinds("NO_ANSWER", "USER_BUSY", "NO_ANSWER", fsdaemon_tried="9" * 5000) == [
        "busy",
        "not_registered",
    ]
    assert tried(headers("NO_ANSWER", "USER_BUSY", "NO_ANSWER")) == "2"
    assert tried(headers("NO_ANSWER", "USER_BUSY")) == "1"
    assert tried(headers()) == ""


def test_whether_it_rang_in_this_bridge():
    """Where an earlier phone rang, a variable says it, which the leg sets."""
    assert kinds("NO_ANSWER", rang=True, fsdaemon_rung="false") == ["not_registered"]
    assert kinds("NO_ANSWER", fsdaemon_rung="true") == ["no_answer"]


def test_a_code_of_another_leg_does_not_count():
    """A silent phone sends none, and the one of the phone before stays."""
    assert kinds("NO_ANSWER", code="486", rang=True) == ["no_answer"]
    assert kinds("USER_NOT_REGISTERED", code="486") == ["not_registered"]


def test_rows_of_ones_own():
    table = {"404": "no_answer", "GATEWAY_DOWN": "busy", "486": "none", "USER_BUSY": "not_registered"}
    assert kinds("UNALLOCATED_NUMBER", code="404", table=table) == ["no_answer"]
    assert kinds("GATEWAY_DOWN", table=table) == ["busy"]
    assert kinds("USER_BUSY", code="486", table=table) == []  # a code before its cause
    assert kinds("USER_BUSY", table=table) == ["not_registered"]  # a code that is not known


def test_nonsense_is_no_failure():
    for said in ("", "x" * 10_000, "ARRAY::", "ARRAY::;;|:|:::", "a;b;c", "|" * 9000, "é;USER_BUSY"):
        found = outcomes(headers(said, originate_causes=said, fsdaemon_tried=said, code=said), DEFAULTS)
        assert [one.kind for one in found if one.kind] == []


def test_the_table_of_the_defaults():
    assert set(DEFAULTS) <= set(ROWS)
    assert set(DEFAULTS.values()) == {*STRONGEST, NONE}
    assert set(CAUSE_OF.values()) <= set(CAUSES)


# --- conf.toml ---------------------------------------------------------------------------------------


def test_rows_that_are_left_out_are_the_defaults():
    config = load('[routing.causes]\n404 = "busy"\n[domains."b.test".routing.causes]\n603 = "busy"\n', "c")
    assert config.routing.causes == {**DEFAULTS, "404": "busy"}
    assert config.for_domain("b.test").routing.causes == {**DEFAULTS, "404": "busy", "603": "busy"}
    assert load('routing.causes = { 404 = "busy" }').routing.causes == config.routing.causes
    assert config.origin["routing.causes"] == "c:1"
    again = load(text(config))
    assert again.routing == config.routing
    assert again.for_domain("b.test").routing == config.for_domain("b.test").routing
    assert default().routing.causes == DEFAULTS


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('48 = "busy"', "routing.causes.48: unknown SIP code or hangup cause; did you mean 48"),
        ('499 = "busy"', "unknown SIP code or hangup cause; did you mean 4"),
        ('user_bussy = "busy"', "did you mean USER_BUSY?"),
        ('603-rining = "busy"', "did you mean 603-ringing?"),
        (
            '486 = "bussy"',
            'must be one of busy, no_answer, not_registered, none, not "bussy"; did you mean "busy"?',
        ),
        ('486 = "always"', "must be one of busy, no_answer, not_registered, none"),
        ("486 = false", "must be one of busy, no_answer, not_registered, none, not false"),
        ("xyzzy12345678 = 1", "unknown SIP code or hangup cause; routing.causes is a table whose rows"),
    ],
)
def test_a_wrong_row_is_refused_in_its_line(row, said):
    with pytest.raises(ConfigError) as found:
        load(f'[routing.causes]\n600 = "busy"\n{row}\n')
    (problem,) = found.value.problems
    assert said in str(problem)
    assert problem.line == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[routing]\ncauses = 3\n", "routing.causes: must be a table whose rows"),
        ('[causes]\n486 = "busy"\n', "causes: is written [routing.causes]"),
    ],
)
def test_a_table_that_is_none(text, said):
    with pytest.raises(ConfigError) as found:
        load(text)
    assert said in str(found.value)


# --- what is decided, told and explained ----------------------------------------------------------------


def after(*args, conf="", forwards=("busy", "no_answer", "not_registered"), **options):
    more = {
        f"fsdaemon_forward_{kind}": {"busy": "1", "no_answer": "2", "not_registered": "3"}[kind]
        for kind in forwards
    }
    stage = {
        "fsdaemon_stage": "after",
        "fsdaemon_callee": "100",
        "fsdaemon_domain": "lab.test",
        "fsdaemon_context": "x",
    }
    return decided(headers(*args, **options, **more, **stage), load(conf))


def test_the_strongest_kind_that_is_forwarded():
    legs = ("NO_ANSWER", "USER_BUSY", "NO_ANSWER")
    assert after(*legs, rang=True).verdict.target == "1"
    assert after(*legs, rang=True, forwards=("no_answer", "not_registered")).verdict.target == "2"
    assert after(*legs, forwards=("not_registered",)).verdict.target == "3"
    assert after(*legs, forwards=("no_answer",)).verdict.action == "ring"


def test_explain_names_the_row():
    config = load("")
    told = facts_of(after("CALL_REJECTED", "CALL_REJECTED", code="603", rang=True), config)
    assert (
        told["answer"]
        == "603 CALL_REJECTED after ringing: busy, by the row 603-ringing of routing.causes (default)"
    )
    told = facts_of(after("CALL_REJECTED", "CALL_REJECTED", code="603"), config)
    assert told["answer"].startswith("603 CALL_REJECTED without ringing: no forward, by the row 603 of")
    told = facts_of(after("GATEWAY_DOWN", "NO_ANSWER"), config)
    assert told["answer"] == "GATEWAY_DOWN without ringing: no forward, by no row of routing.causes (default)"


def test_what_a_trunk_must_not_inherit():
    """continue_on_fail of the user's extension, and the code of the phone before."""
    values = after("USER_BUSY", "USER_BUSY", code="486").values
    assert (
        values["variable_continue_on_fail"]
        == values["variable_last_bridge_proto_specific_hangup_cause"]
        == ""
    )
    assert "variable_continue_on_fail" not in after("GATEWAY_DOWN", code="503").values


def before(**more):
    lines = {
        "fsdaemon_stage": "before",
        "fsdaemon_callee": "100",
        "fsdaemon_domain": "lab.test",
        "fsdaemon_context": "x",
    }
    text = "".join(f"variable_{name}: {value}\n" for name, value in {**lines, **more}.items())
    text += "Unique-ID: b-1\nCaller-Channel-Progress-Time: 0\n"
    return text + "Caller-Channel-Progress-Media-Time: 0\n"


def test_a_plain_call_is_told_nothing_more():
    values = decided(Headers(before().encode()), default()).values
    assert {name for name, value in values.items() if value} == {
        "variable_fsdaemon_verdict",
        "variable_fsdaemon_reason",
    }


def test_after_an_earlier_phone_rang_the_leg_says_that_it_rings():
    text = before(originate_causes="a;NO_ANSWER", last_bridge_proto_specific_hangup_cause="sip:480")
    values = decided(Headers(text.replace("Time: 0", "Time: 1").encode()), default()).values
    assert values["variable_fsdaemon_tried"] == "1"
    assert values["variable_fsdaemon_rung"] == "false"
    assert values["variable_last_bridge_proto_specific_hangup_cause"] == ""
    says = "uuid_setvar b-1 fsdaemon_rung true"
    assert (
        values["variable_fsdaemon_leg"]
        == f"[^^!api_on_ring_fsdaemon={says}!api_on_pre_answer_fsdaemon={says}]"
    )
    hostile = text.replace("Time: 0", "Time: 1").replace("b-1", "b 1]!x=${y}")
    assert "variable_fsdaemon_rung" not in decided(Headers(hostile.encode()), default()).values
