"""Channel data to facts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core.call import Call, read
from fsdaemon.core.decide import Decision, decide
from fsdaemon.core.users import Person, User
from fsdaemon.esl.fake_switch import Switch, channel_data, url_encode
from fsdaemon.esl.protocol import to_bytes
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from tests.recorded import DIRECTORY

CONFIG = config.load(
    '[exceptions]\ngroups = ["board"]\n[routing]\noutside_caller_id = "diverter"\nring = "bridge"\n'
    '[display]\ndiversion_from = ["127.0.0.1"]\n'
)


def headers(data: bytes) -> Headers:
    return Headers(data.rstrip(b"\n"))


def facts(name: str, line: bytes = b"", **variables: str) -> Call:
    """The facts of a recording with another `line` and variables, every question answered with nothing."""
    data = headers(line + channel_data((DIRECTORY / f"{name}.txt").read_bytes(), variables))
    answers: dict[Api, str] = {}
    while not isinstance(call := read(data, answers, config.default()), Call):
        answers.update(dict.fromkeys(call, "-ERR no reply"))
    return call


@pytest.mark.parametrize(
    ("disposition", "cause", "kind"),
    [
        ("USER_BUSY", "USER_BUSY", "busy"),
        ("NO_ANSWER", "NO_ANSWER", "not_registered"),  # no phone rang in this recording
        ("NO_USER_RESPONSE", "NO_USER_RESPONSE", None),
        ("SUCCESS", "NO_USER_RESPONSE", "no_answer"),
        ("USER_NOT_REGISTERED", "", "not_registered"),
        ("SUBSCRIBER_ABSENT", "", "not_registered"),
        ("SUCCESS", "USER_BUSY", "busy"),
        ("SUCCESS", "NORMAL_TEMPORARY_FAILURE", "not_registered"),
        ("NETWORK_OUT_OF_ORDER", "NETWORK_OUT_OF_ORDER", "not_registered"),
        ("SUCCESS", "NORMAL_CLEARING", None),
        ("CALL_REJECTED", "CALL_REJECTED", None),
        ("", "", None),
    ],
)
def test_why_the_bridge_failed(disposition, cause, kind):
    call = facts(
        "internal_after_busy",
        fsdaemon_stage="after",
        originate_disposition=disposition,
        last_bridge_hangup_cause=cause,
    )
    assert call.failure == kind


def test_a_hook_of_another_dialplan_finds_out_when_it_is():
    assert facts("internal_after_busy").stage == "after"
    assert facts("internal_after_busy", fsdaemon_stage="before").stage == "before"
    # what stays of an earlier callee's bridge does not count
    assert facts("internal_after_busy", dialed_user="104").stage == "before"
    assert facts("internal_before_bridge").stage == "before"


def test_a_path_is_for_one_callee_and_one_bridge():
    on_the_way = {"fsdaemon_path": "100", "fsdaemon_kinds": "always", "fsdaemon_hop": "101"}
    assert [s.number for s in facts("internal_second_hop_after_transfer", **on_the_way).path] == ["100"]
    assert facts("internal_second_hop_after_transfer", **{**on_the_way, "fsdaemon_hop": "103"}).path == ()
    assert (
        facts(
            "internal_second_hop_after_transfer",
            **on_the_way,
            last_bridge_to="e9f48b4d-283c-43da-b3a3-c3f9dc566391",
        ).path
        == ()
    )
    kept = {
        **on_the_way,
        "last_bridge_to": "e9f48b4d-283c-43da-b3a3-c3f9dc566391",
        "fsdaemon_bridged": "e9f48b4d-283c-43da-b3a3-c3f9dc566391",
    }
    assert len(facts("internal_second_hop_after_transfer", **kept).path) == 1


def test_nobody_is_established_by_half():
    domain = {"requested_domain_name": "", "domain_name": ""}
    for missing in ({"sip_authorized": ""}, {"user_name": ""}, domain):
        assert facts("internal_before_bridge", **missing).caller.user is None
    assert facts("internal_before_bridge", sip_authorized="false").caller.user is None


def test_a_phone_that_sent_the_call_to_another_host():
    away = {"sip_redirected_to": "<sip:1@192.0.2.1>"}
    assert facts("internal_after_busy", fsdaemon_stage="after", **away).sent_away == "<sip:1@192.0.2.1>"
    assert facts("internal_after_busy", fsdaemon_stage="before", **away).sent_away == ""
    assert facts("internal_after_busy", fsdaemon_stage="after").sent_away == ""


@pytest.mark.parametrize("privacy", ["full", "user", "header;id", "Session, ID", "user;critical"])
def test_who_wants_privacy_is_withheld(privacy):
    """FreeSWITCH itself acts on "id" only; RFC 3323 has more words for it."""
    assert facts("external_before_bridge", sip_Privacy=privacy).caller.withheld


@pytest.mark.parametrize("number", ["anonymous", "Anonymous", "restricted", "unavailable"])
def test_whose_from_is_nobodys_is_withheld(number):
    """RFC 3323 section 4.1.1.3. On a leg that FreeSWITCH dialled, the number is whose call it was."""
    line = f"{v.CALLER_NUMBER}: {number}\n".encode()
    assert facts("external_before_bridge", line).caller.withheld
    assert not facts("blind_transfer_by_caller", line).caller.withheld


@pytest.mark.parametrize("privacy", ["none", "session", "critical", ""])
def test_who_does_not_is_not(privacy):
    assert not facts("external_before_bridge", sip_Privacy=privacy).caller.withheld


def test_a_channel_that_was_given_the_variables_of_another():
    """switch_channel.c switch_channel_caller_extension_masquerade; the Caller-… fields stay the caller's."""
    line = b"".join(b"%sUnique-ID: 11111111-2222-3333-4444-555555555555\n" % one for one in (b"", b"Caller-"))
    line += b"Caller-Caller-ID-Name: Max\n"
    for name in ("internal_before_bridge", "blind_transfer_by_caller"):
        assert facts(name).caller.user
        assert facts(name, line).caller.user is None
    assert facts("internal_before_bridge").caller.name == "Sina Sekretariat"
    assert facts("internal_before_bridge", line).caller.name == "Max"
    bridge = {"fsdaemon_stage": "after", "originate_disposition": "failure"}
    made = facts("internal_before_bridge", line, **bridge)
    assert made.failure == "no_answer"
    assert made.referrer == Person(User("101", "lab.test"))
    assert facts("internal_before_bridge", line, **{**bridge, "fsdaemon_stage": "before"}).referrer is None
    assert (
        facts("internal_before_bridge", line, **{**bridge, "originate_disposition": "USER_BUSY"}).failure
        == "busy"
    )
    assert facts("internal_before_bridge", **bridge).failure != "no_answer"


def test_a_leg_that_a_302_took_to_a_foreign_host_is_nobodys():
    assert facts("blind_transfer_by_caller").caller.user == User("102", "lab.test")
    assert facts("blind_transfer_by_caller", sip_redirect_contact_host_0="192.0.2.1").caller.user is None
    assert facts("blind_transfer_by_caller", sip_gateway_name="carrier").caller.user is None


def test_a_member_of_a_ring_group_is_known_by_the_dial_string():
    nobody = {"dialed_user": "", "dialed_domain": "", "originate_disposition": ""}
    assert facts("blind_transfer_by_caller", **nobody, presence_id="102@lab.test").caller.user == User(
        "102", "lab.test"
    )
    assert facts("blind_transfer_by_caller", **nobody, presence_id="").caller.user is None


def test_an_alias_of_the_callee_is_the_callee():
    """1004 with number-alias 4711: the forward led to 4711, and it is she who rings."""
    there = {"Caller-Destination-Number": "4711", "fsdaemon_callee": "104", "fsdaemon_domain": "lab.test"}
    way = {"fsdaemon_kinds": "always", "fsdaemon_hop": "4711"}
    assert [s.number for s in facts("internal_before_bridge", **there, **way, fsdaemon_path="100").path] == [
        "100"
    ]
    assert facts("internal_before_bridge", **there, **way, fsdaemon_path="104").path == ()


def test_a_forward_to_nothing_is_noticed():
    assert facts("internal_before_bridge", fsdaemon_forward_all=" ").target == " "


ANYTHING = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["true", "before", "after", "beyond", "100", "101", "101@lab.test", "SUCCESS", "USER_BUSY", "a,b",
                     "x" * 5000, "${x}", "%0A", "outbound", "ARRAY::", "<sip:100@lab.test?Replaces=x>", "127.0.0.1", "inbound", "a${x} <sip:1@h>;reason=busy, <tel:100>", "ab-cd", " "]),
)  # fmt: skip
NAMES = sorted({str(value) for value in vars(v).values() if isinstance(value, v.Header)})


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=25), st.data())
def test_whatever_stands_there(lines: dict[str, str], data: st.DataObject) -> None:
    """Never raises, ends, and what it sends is one command each in which nothing can be expanded."""
    block = [
        name.encode() + b": " + url_encode(value.encode("utf-8", "replace")) for name, value in lines.items()
    ]
    received = Headers(b"\n".join(block))
    answers: dict[Api, str] = {}
    for _ in range(6):
        outcome = decide(received, answers, CONFIG)
        if isinstance(outcome, Decision):
            break
        for question in outcome:
            to_bytes(question)
            answers[question] = data.draw(ANYTHING)
    assert isinstance(outcome, Decision)
    switch = Switch(b"")
    for command in outcome.commands:
        sent = to_bytes(command)
        if command.application == "multiset":
            switch.answer(sent.rstrip(b"\n"))
    assert set(switch.played.expanded) <= {v.UNDO.variable}  # which the daemon wrote
    assert set(switch.played.variables) <= {header.variable for header in outcome.values}
