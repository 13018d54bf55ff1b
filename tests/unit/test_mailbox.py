"""Whose mailbox takes a call that nobody answered."""

from __future__ import annotations

import pytest

from fsdaemon.config import reader as config
from fsdaemon.core.sentences import facts_of
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from tests.recorded import DIRECTORY, decided

BUSY = (DIRECTORY / "context_after_busy.txt").read_bytes()  # 102 called 103@lab.test
CALLED = '[routing]\nmailbox = "called"\n'


def nobody_answered(text, path="", answers=None, **lines):
    kinds = ",".join("always" for _ in path.split(","))
    way = {"fsdaemon_path": path, "fsdaemon_kinds": kinds, "fsdaemon_hop": "103"} if path else {}
    data = Headers(channel_data(BUSY, {**way, **lines}))
    asked = []

    def answer(command):
        asked.append(command)
        return (answers or {}).get(command, "-ERR no reply")

    return decided(data, config.load(text), answer), asked


@pytest.mark.parametrize(
    ("text", "path", "mailbox"),
    [
        ("", "", None),
        ("", "100", None),
        (CALLED, "", None),
        (CALLED, "100", "lab.test 100"),
        (CALLED, "100,101", "lab.test 100"),
        (CALLED, "100@b.example,101", "b.example 100"),
        ('[domains."lab.test".routing]\nmailbox = "called"\n', "100", "lab.test 100"),
        ('[domains."b.example".routing]\nmailbox = "called"\n', "100", None),
    ],
)
def test_whose(text, path, mailbox):
    """None: the context's own, that of the user whose phone rang."""
    assert nobody_answered(text, path)[0].values.get(v.MAILBOX) == mailbox


@pytest.mark.parametrize(
    ("enabled", "mailbox"), [("false", None), ("NO", None), ("0", None), ("true", "lab.test 100")]
)
def test_who_has_none(enabled, mailbox):
    answers = {"user_data 100@lab.test param vm-enabled": enabled}
    decision, _ = nobody_answered(CALLED, "100,101", answers)
    assert decision.values.get(v.MAILBOX) == mailbox
    said = facts_of(decision, config.load(CALLED))["mailbox"]
    assert ("100 has none" in said) is (mailbox is None)


def test_not_before_the_phone_rang_and_not_where_the_call_goes_on():
    assert v.MAILBOX not in nobody_answered(CALLED, "100", fsdaemon_stage="before")[0].values
    answers = {"user_data 103@lab.test var call_forward_busy": "104", "user_exists id 104 lab.test": "true"}
    decision, _ = nobody_answered(CALLED, "100", answers)
    assert decision.verdict.action == "forward"
    assert v.MAILBOX not in decision.values
    assert facts_of(decision, config.load(CALLED))["mailbox"] == ""


def test_a_dialplan_that_does_not_ask_for_it_is_not_told():
    assert v.MAILBOX not in nobody_answered(CALLED, "100", fsdaemon_context="")[0].values


def test_nobody_is_asked_who_need_not_be():
    assert not [one for one in nobody_answered("", "100")[1] if "vm-enabled" in one]


def test_no_number_of_a_path_ends_the_question():
    for path in ("100 x,101", "1@2@3,101", "a|b,101"):
        decision, asked = nobody_answered(CALLED, path)
        about = {one for one in asked if "vm-enabled" in one}
        assert about <= {"user_data 101@lab.test param vm-enabled"}
        assert (decision.values.get(v.MAILBOX) or "lab.test 101") == "lab.test 101"
