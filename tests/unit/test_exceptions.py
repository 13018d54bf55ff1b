"""Who may break through a forward, and who must not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core.policy import decide as rule
from fsdaemon.core.users import Caller, Person, User
from fsdaemon.esl.fake_switch import channel_data
from tests.facts import call, inside, outside
from tests.recorded import DIRECTORY, decided
from tests.unit.test_call import headers


def verdict(made, text=""):
    configuration = config.load(text).for_domain(made.callee.domain)
    result = rule(made, configuration)
    return result.action, result.reason


def test_users():
    made = call(inside("104"), always="101")
    assert verdict(made, '[exceptions]\nusers = ["104"]') == ("ring", "user")
    assert verdict(made, '[exceptions]\nusers = ["104@LAB.test"]') == ("ring", "user")
    assert verdict(made, '[exceptions]\nusers = ["104@b.example", "1045"]') == ("forward", "always")
    stranger = call(outside("104"), always="101")
    assert verdict(stranger, '[exceptions]\nusers = ["104"]') == ("forward", "always")


def test_every_kind():
    for kind in ("busy", "no_answer", "not_registered"):
        made = call(inside("104"), stage="after", failure=kind, **{kind: "101"})
        assert verdict(made, '[exceptions]\nusers = ["104"]') == ("ring", "user")


def test_groups_are_those_of_ones_own_house():
    caller = Caller(User("104", "lab.test"), "Zoe", "104", False)
    member = call(caller, always="101", person=Person(caller.user, ("reception",)))
    assert verdict(member, '[exceptions]\ngroups = ["reception"]') == ("ring", "group")
    assert verdict(member, '[exceptions]\ngroups = ["office"]') == ("forward", "always")
    other = Caller(User("104", "b.example"), "Zoe", "104", False)
    foreign = call(other, always="101", person=Person(other.user, ("reception",)))
    assert verdict(foreign, '[exceptions]\ngroups = ["reception"]') == ("forward", "always")
    stranger = call(outside("104"), always="101", person=None)
    assert verdict(stranger, '[exceptions]\ngroups = ["reception"]') == ("forward", "always")


EXTERNAL = '[exceptions]\nexternal = ["+49 170 1234567"]\n[numbers]\nregion = "DE"\n'


def test_external():
    assert verdict(call(outside("01701234567"), always="101"), EXTERNAL) == ("ring", "external")
    assert verdict(call(outside("01701234567", withheld=True), always="101"), EXTERNAL) == (
        "forward",
        "always",
    )
    # a user whose extension reads like that number is no outside caller
    assert verdict(call(inside("01701234567"), always="101"), EXTERNAL) == ("forward", "always")


@pytest.mark.parametrize(
    ("number", "target", "is_user", "reason"),
    [
        ("+491701234567", "01701234567", "false", "target"),
        ("+491701234567", "01701234567", "true", "always"),
        ("+491701234567", "01701234567", "-ERR no reply", "always"),
        ("+491701234568", "01701234567", "false", "always"),
        ("101", "101", "false", "always"),
        ("01701234567", "01701234567@lab.test", "false", "always"),
    ],
)
def test_an_outside_target(number, target, is_user, reason):
    text = '[numbers]\nregion = "DE"\n'
    lines = {"fsdaemon_forward_all": target, "fsdaemon_domain": "lab.test", "Caller-Caller-ID-Number": number}
    data = headers(channel_data(STRANGER, lines))

    def answer(command):
        return is_user if "user_exists" in command else "-ERR no reply"

    assert decided(data, config.load(text), answer).verdict.reason == reason
    switched_off = decided(data, config.load(text + "[exceptions]\ntarget = false\n"), answer)
    assert switched_off.verdict.reason == "always"


def test_the_referrer():
    made = call(inside("102"), always="101", referrer=Person(User("101", "lab.test")))
    assert verdict(made) == ("ring", "referrer")
    assert verdict(call(inside("102"), always="103", referrer=Person(User("101", "lab.test")))) == (
        "forward",
        "always",
    )
    made = call(inside("102"), always="103", referrer=Person(User("101", "lab.test")))
    assert verdict(made, '[exceptions]\nusers = ["101"]') == ("ring", "referrer")


def test_ones_own_number():
    """Whatever conf.toml says; a 302 is the phone's own."""
    own = '[exceptions]\ntarget = false\nusers = ["100"]'
    assert verdict(call(inside("100"), always="101"), own) == ("ring", "self")
    for kind in ("busy", "no_answer", "not_registered"):
        assert verdict(call(inside("100"), stage="after", failure=kind, **{kind: "101"})) == ("ring", "self")
    phone = call(inside("100"), stage="after", failure="redirect", now=("redirect",))
    assert verdict(phone._replace(forwards={"redirect": "101"})) == ("forward", "redirect")
    assert verdict(call(outside("100"), always="101")) == ("forward", "always")
    assert verdict(call(inside("102"), always="101", referrer=Person(User("100", "lab.test")))) == (
        "ring",
        "referrer",
    )


@pytest.mark.parametrize(
    ("name", "target", "callee", "ids", "reason"),
    [
        ("anna", "101", "100", {"101": "anna"}, "target"),
        ("anna", "101", "100", {"101": "ANNA"}, "target"),
        ("anna", "101", "100", {"101": "bea"}, "always"),
        ("anna", "101", "100", {}, "always"),
        ("anna", "101@b.example", "100", {"101": "anna"}, "always"),
        ("anna", "103", "101", {"101": "anna", "103": "bea"}, "self"),
        ("102", "101", "100", {"101": "102"}, "always"),
    ],
)
def test_a_user_whose_name_is_not_a_number(name, target, callee, ids, reason):
    """The number-alias is the user's number; that of a user who has a number is not."""
    lines = {
        "fsdaemon_forward_all": target,
        "fsdaemon_domain": "lab.test",
        "fsdaemon_callee": callee,
        "user_name": name,
    }
    data = headers(channel_data((DIRECTORY / "internal_before_bridge.txt").read_bytes(), lines))

    def answer(command):
        found = re.fullmatch(r"user_data (\d+)@lab.test attr id", command)
        return ids.get(found[1], "") if found else "-ERR no reply"

    assert decided(data, config.load(""), answer).verdict.reason == reason


def test_one_domain_may_have_its_own():
    text = '[exceptions]\nusers = ["104"]\n[domains."lab.test".exceptions]\nusers = []\ntarget = false\n'
    assert verdict(call(inside("104"), always="101"), text) == ("forward", "always")
    assert verdict(call(inside("101"), always="101"), text) == ("forward", "always")


def test_which_rule_it_was():
    made = call(outside("01701234567"), always="101")
    assert rule(made, config.load(EXTERNAL)).rule == 'exceptions.external "+49 170 1234567"'
    assert rule(call(inside("101"), always="101"), config.default()).rule == "exceptions.target"


# --- stealing a right -----------------------------------------------------------------------------------

EVERYTHING = config.load(
    '[exceptions]\nusers = ["101", "104"]\ngroups = ["office", "board"]\nexternal = ["+49 170 1234567"]\n'
    '[numbers]\nregion = "DE"\n'
)
STRANGER = (DIRECTORY / "external_forged_identity.txt").read_bytes()
# What a caller, her provider or her phone can write: every header of SIP ends in one of these.
FORGEABLE = [
    "Caller-Caller-ID-Name", "Caller-Caller-ID-Number", "Caller-Username", "Caller-ANI", "Caller-RDNIS",
    "sip_from_user", "sip_from_display", "sip_from_host", "sip_P-Asserted-Identity", "sip_Remote-Party-ID",
    "sip_referred_by_user", "sip_referred_by_uri", "sip_h_Diversion", "sip_h_X-user_name", "sip_h_Referred-By",
    "sip_h_X-fsdaemon_path", "sip_contact_user", "sip_history_info", "sip_call_id", "sip_user_agent",
    "sip_h_X-sip_authorized", "effective_caller_id_name", "effective_caller_id_number", "sip_to_user",
]  # fmt: skip
CLAIMS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["101", "104", "101@lab.test", "<sip:101@lab.test>", "office", "true", "101\nvariable_user_name: 101",
                     "a%0Avariable_user_name: 101", "\u2028variable_user_name: 101", "${user_name}", "' office"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FORGEABLE), CLAIMS, max_size=8), st.sampled_from(["101", "104", "2000"])
)
def test_nothing_a_stranger_writes_gives_her_a_right(claims, target):
    forged = {name: value.encode("utf-8", "replace").decode() for name, value in claims.items()}
    data = channel_data(STRANGER, {**forged, "fsdaemon_forward_all": target, "fsdaemon_domain": "lab.test"})
    outcome = decided(headers(data), EVERYTHING, lambda _: "true")
    assert outcome.verdict.reason not in ("target", "user", "group", "referrer")


@pytest.mark.parametrize(
    "number", ["101", "sip:101", "101@lab.test", "+101", "0101", " 101", "101 ", "1 0 1", "１０１"]
)
def test_a_number_that_reads_like_the_target(number):
    data = channel_data(
        STRANGER,
        {"Caller-Caller-ID-Number": number, "fsdaemon_forward_all": "101", "fsdaemon_domain": "lab.test"},
    )
    # Whatever FreeSWITCH says about the target.
    outcome = decided(headers(data), config.default(), lambda _: "false")
    assert outcome.verdict.reason == "always"
