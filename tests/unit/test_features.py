"""What a phone's event means, what is in effect, and what the phone is told (as-feature-event)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.config import reader
from fsdaemon.core import codes, features
from fsdaemon.core.codes import OFF, ON, SET, Code
from fsdaemon.core.features import Forward, number_of, subscribed, told
from fsdaemon.core.questions import drive
from fsdaemon.core.users import User
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.events import Event

RECORDED = Path(__file__).parents[1] / "events"
BOSS = User("1000", "lab.test")
CONFIG = reader.default()


def event(**headers: str) -> Headers:
    own = {"user": "1000", "host": "lab.test", "profile_name": "internal", "call-id": "x", "expires": "300"}
    names = {
        name.replace("_", "-") if name != "profile_name" else name: value for name, value in headers.items()
    }
    lines = [f"{name}: {quote(value)}" for name, value in {**own, **names}.items() if value]
    return Headers("\n".join(lines).encode())


def forwarding(
    name: str = "forward_immediate", on: str = "true", value: str = "1002", **more: str
) -> Headers:
    return event(
        Feature_Action="SetCallForward", Feature_Enabled=on, Action_Name=name, Action_Value=value, **more
    )


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("event_01_initial", None),
        ("event_02_forward_immediate_on", Code(SET, "21", "1002")),
        ("event_03_forward_immediate_off", Code(OFF, "21")),
        ("event_04_forward_noanswer_on", Code(SET, "61", "1002", "18")),
        ("event_05_dnd_on", None),
    ],
)
def test_recorded(file: str, code: Code | None) -> None:
    found = subscribed(Headers((RECORDED / f"{file}.txt").read_bytes().rstrip(b"\n")))
    assert found
    assert found[:4] == ("1001", "lab.test", found.call_id, "internal")
    assert found.expires == 300
    assert (found.wanted.code if found.wanted else None) == code
    assert bool(found.wanted and found.wanted.do_not_disturb) == ("dnd" in file)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (forwarding("forward_busy"), Code(SET, "67", "1002")),
        (forwarding(on="TRUE"), Code(SET, "21", "1002")),
        (forwarding(on="1"), Code(SET, "21", "1002")),
        (forwarding(on="0"), Code(OFF, "21")),
        (forwarding(on="false", value="1002"), Code(OFF, "21")),
        (forwarding(value=""), Code(ON, "21")),
        (forwarding(value=" \t"), Code(ON, "21")),
        (forwarding("forward_no_answer", ringCount="1"), Code(SET, "61", "1002", "6")),
        (forwarding("forward_no_answer", ringCount="9"), Code(SET, "61", "1002", "30")),
        (forwarding("forward_no_answer", ringCount="0"), Code(SET, "61", "1002")),
        (forwarding("forward_no_answer", ringCount="-1"), Code(SET, "61", "1002")),
        (forwarding("forward_no_answer", ringCount="${x}"), Code(SET, "61", "1002")),
        (forwarding(ringCount="3"), Code(SET, "21", "1002")),
        (forwarding(on="perhaps"), None),
        (forwarding(on=""), None),
        (forwarding("forward_moon"), None),
        (event(Feature_Action="SetCallForward"), None),
        (event(Feature_Action="SetLunch"), None),
        (forwarding(value="${system reboot}"), None),
        (forwarding(value="1002\n"), None),
        (forwarding(value="1" * 20000), None),
        (forwarding(value="1" * 33), None),
    ],
)
def test_what_a_key_wants(headers: Headers, code: Code | None) -> None:
    found = subscribed(headers)
    assert found
    assert found.wanted
    assert found.wanted.code == code
    assert bool(found.wanted.why_not) == (code is None)
    assert len(found.wanted.said) <= 60


@pytest.mark.parametrize(
    "headers",
    [
        event(user=""),
        event(host=""),
        event(profile_name=""),
        event(user="1000@b.test"),
        event(user="1000 x"),
        event(user="${x}"),
        event(host="lab.test/x"),
        event(profile_name="../internal"),
        event(profile_name="internal/../x"),
    ],
)
def test_whom_nobody_can_tell(headers: Headers) -> None:
    assert subscribed(headers) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1002", "1002"),
        (" 1002\t", "1002"),
        ("alice.b", "alice.b"),
        ("sip:1002@lab.test", "1002"),
        ("SIP:1002@LAB.TEST:5060;user=phone", "1002"),
        ("<sip:1002@lab.test>", "1002"),
        ("sips:1002@lab.test", "1002"),
        ("1002@lab.test", "1002"),
        ("sip:1002", "1002"),
        ("1002;phone-context=lab.test", "1002"),
        ("sip:+4930123;phone-context=x@lab.test;user=phone", "+4930123"),
        ("tel:+49-30-123-45;phone-context=+1", "+493012345"),
        ("tel:10-02", "1002"),
        ("+49 (30) 123-45", "+493012345"),
        ("+49.30.12345", "+493012345"),
        ("030 123 45", "03012345"),
        ("sip:1002@b.test", ""),
        ("1002@b.test", ""),
        ("mailto:1002", ""),
        ("tel:", ""),
        ("*21#", ""),
        ("10 02 x", ""),
        ("1002,1003", ""),
        ("1002'", ""),
        ('"1002"', ""),
        ("1002|1003", ""),
        ("030/12345", "03012345"),
        ("1002\n1003", ""),
        ("1002\r", ""),
        ("${x}", ""),
        ("$${domain}", ""),
        ("١٠٠٢", ""),
    ],
)
def test_numbers(text: str, number: str) -> None:
    assert number_of(text, "lab.test") == number


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_a_stranger_writes(name: str, on: str, value: str, rings: str) -> None:
    headers = {"Feature_Action": "SetCallForward", "Feature_Enabled": on, "Action_Name": name}
    for more in ({}, {"Feature_Enabled": "true", "Action_Name": "forward_no_answer"}):
        found = subscribed(event(**{**headers, **more, "Action_Value": value, "ringCount": rings}))
        assert found
        code = found.wanted.code if found.wanted else None
        if code and code.do == SET:
            line = codes.write({code.service: codes.Entry(True, code.number, code.seconds)})
            assert codes.read(line)[features_kind(code)] == codes.Entry(True, code.number, code.seconds)
            assert not set(code.number) & set(" ;:=/@'\"${}\\\n\r,|#*<&>")


def features_kind(code: Code) -> str:
    return codes.SERVICES[code.service]


# --- what is in effect ---------------------------------------------------------------------------------


def state(
    line: str = "", config: reader.Config = CONFIG, asked: list[str] | None = None, **directory: str
) -> Mapping[str, Forward]:
    def ask(questions: Sequence[Api]) -> list[str]:
        if asked is not None:
            asked.extend(question.command for question in questions)
        found = {f"user_data 1000@lab.test var {name}": value for name, value in directory.items()}
        found["db select/fsdaemon-lab.test/1000"] = line
        return [found.get(question.command, "") for question in questions]

    return drive(features.state_of(BOSS, config), ask)


def test_the_state_is_what_was_dialled_else_the_directorys() -> None:
    assert state() == {
        "always": Forward(),
        "busy": Forward(),
        "no_answer": Forward(seconds=30),
        "not_registered": Forward(),
    }
    found = state(
        ";21=on:1001;67=off:1003;61=on:1002:20;62=off",
        call_forward_all="1005", call_forward_busy="1006", call_forward_not_registered="1007",
    )  # fmt: skip
    assert found["always"] == Forward("1001", "1001")
    assert found["busy"] == Forward("", "1003")
    assert found["no_answer"] == Forward("1002", "1002", 20)
    assert found["not_registered"] == Forward()
    assert state(call_forward_all="1005")["always"] == Forward("1005", "1005")
    assert state(call_timeout="13")["no_answer"].seconds == 13


@pytest.mark.parametrize("target", ["1000", "a b", "1001,1002", "${x}", "1<2&3", " "])
def test_what_is_no_forward_is_off(target: str) -> None:
    assert state(call_forward_all=target)["always"].target == ""


def test_written_numbers_are_as_they_are_dialled() -> None:
    assert state(call_forward_all="+49 30 / 123-45")["always"].target == "+493012345"


def test_fusionpbx_keeps_forwards_in_variables_with_a_flag() -> None:
    config = reader.load('[variables]\npreset = "fusionpbx"\n')
    on = {"forward_all_destination": "1001", "forward_all_enabled": "true"}
    assert state(config=config, **on)["always"].target == "1001"
    assert state(config=config, **{**on, "forward_all_enabled": "false"})["always"].target == ""
    assert state(";21=on:1005", config, **on)["always"].target == "1001"


def test_codes_that_are_not_allowed_have_no_effect() -> None:
    config = reader.load("[codes]\nenabled = false\n")
    assert state(";21=on:1001", config, call_forward_all="1005")["always"].target == "1005"


def test_variables_of_the_channel_are_not_asked_of_the_directory() -> None:
    asked: list[str] = []
    state(asked=asked)
    assert asked
    assert not any("fsdaemon_forward" in command for command in asked)


# --- who is meant --------------------------------------------------------------------------------------

LISTED = (
    "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"
    "1000|default|lab.test|default|sofia/internal/sip:1000@127.0.0.1:5062,sofia/other/sip:1000@[::1]:5|x|Cora|1000\n"
    "1000|default|lab.test|board|error/user_not_registered|x|Cora|1000\n"
    "1001|default|lab.test|default|error/user_not_registered||Sina|1001\n"
    "x y|default|lab.test|default|error/user_not_registered||Sina|1001\n\n+OK"
)


def test_users_in_a_list() -> None:
    assert features.users_in(LISTED) == [(BOSS, ("internal", "other")), (User("1001", "lab.test"), ())]
    assert features.users_in("") == []


def test_users_that_are_registered() -> None:
    row = '{"reg_user":"1000","realm":"lab.test","url":"sofia/internal/sip:1000@127.0.0.1:1"}'
    assert features.registered_in(f'{{"row_count":2,"rows":[{row},{row}]}}') == [(BOSS, ("internal",))]
    for nothing in (
        "",
        "[]",
        '{"row_count":0}',
        "-ERR",
        '{"rows":[{"reg_user":"a b","realm":"x","url":"sofia/i/"}]}',
    ):
        assert features.registered_in(nothing) == []


@pytest.mark.parametrize(
    ("name", "host", "answers", "user"),
    [
        ("1000", "lab.test", {"user_data 1000@lab.test attr id": "1000"}, BOSS),
        ("4711", "lab.test", {"user_data 4711@lab.test attr id": "1000"}, BOSS),
        ("1000", "pbx", {"list_users user 1000": LISTED.replace("1001|", "1000|")}, BOSS),
        ("1000", "192.0.2.1", {"list_users user 1000": LISTED.replace("1001|", "1000|")}, BOSS),
        ("1000", "::1", {"list_users user 1000": LISTED.replace("1001|", "1000|")}, BOSS),
        ("1000", "192.0.2.1", {"list_users user 1000": f"{LISTED}\n1000|x|b.test|x|x|||"}, None),
        ("1000", "192.0.2.1", {}, None),
    ],
)
def test_who_is_meant(name: str, host: str, answers: dict[str, str], user: User | None) -> None:
    def ask(questions: Sequence[Api]) -> list[str]:
        return [answers.get(question.command, "") for question in questions]

    assert drive(features.user_at(name, host), ask) == user


# --- what a phone is told ------------------------------------------------------------------------------


def notify(one: Event) -> dict[str, str]:
    """A model of mod_sofia's write_csta_xml_chunk: the body that the phone gets; empty values have no header."""
    given = {name: value for name, value in one.headers.items() if value.strip(" ")}
    kind = next(name for name in features.NAMES.values() if name in given)
    body = (
        f"<ForwardingEvent><forwardingType>{kind}</forwardingType><forwardStatus>{given[f'{kind}_enabled']}"
        f"</forwardStatus><forwardTo>{given[kind]}</forwardTo></ForwardingEvent>"
    )
    found = {child.tag: child.text or "" for child in ElementTree.fromstring(body.encode("ascii"))}
    return {**found, "ringCount": given.get("ringCount", "")}


def test_one_event_for_each_kind() -> None:
    to = {"profile": "internal", "user": "1000", "host": "lab.test"}
    events = told(state(";21=on:1001;67=off:1003", call_timeout="20"), to)
    assert [one.name for one in events] == ["PHONE_FEATURE"] * 3
    assert all(to.items() <= one.headers.items() for one in events)
    assert [list(notify(one).values()) for one in events] == [
        ["forward_immediate", "true", "1001", ""],
        ["forward_busy", "false", "1003", ""],
        ["forward_no_answer", "false", "\t", "4"],
    ]


@given(st.text(), st.text())
def test_what_is_told_breaks_no_document(target: str, line: str) -> None:
    for one in told(state(line, call_forward_all=target, call_forward_busy=target, call_timeout=target), {}):
        assert notify(one)["forwardStatus"] in ("true", "false")
        assert all(value.isascii() and "\n" not in value for value in one.headers.values())


@pytest.mark.parametrize("host", ["lab.test", "LAB.test", "lab.TEST"])
def test_one_user_however_the_domain_is_written(host: str) -> None:
    """What is kept of a user is found again, and letters make no second one."""
    assert drive(features.user_at("1000", host), lambda asked: ["1000" for _ in asked]) == BOSS
    listed = "userid|context|domain|group|contact\n1000|default|Lab.Test|x|error/user_not_registered\n"
    found = drive(
        features.user_at("1000", host), lambda asked: [listed if "list" in asked[0].command else ""]
    )
    assert found == BOSS
