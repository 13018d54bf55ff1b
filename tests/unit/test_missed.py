"""Whether the phone that did not answer will list a missed call (routing.missed)."""

from __future__ import annotations

import pytest

from fsdaemon.core import sentences
from tests.facts import config
from tests.recorded import Recording, decided

ELSEWHERE = '[routing]\nmissed = "completed_elsewhere"\n'
NO_ANSWER, TIME = (
    "user_data 100@lab.test var call_forward_no_answer",
    "user_data 100@lab.test var call_timeout",
)


def call(text=ELSEWHERE, api=None, **variables):
    """What comes of it if 102 calls 100, who forwards on no reply to 101; and what FreeSWITCH was asked."""
    told, asked = {NO_ANSWER: "101", TIME: "20", **(api or {})}, []

    def answer(command):
        asked.append(command)
        return told.get(command, "")

    headers = Recording("context_before", "", {}, variables).headers
    return decided(headers, config(text), answer), asked


def seconds(decision):
    """When the leg of the phone is told to say "completed elsewhere"; None: never."""
    leg = decision.values.get("variable_fsdaemon_leg", "")
    start = "execute_on_originate_fsdaemon_missed=execute_extension missed/"
    return int(leg.partition(start)[2].partition(" XML fsdaemon")[0]) if start in leg else None


@pytest.mark.parametrize(
    ("api", "variables", "expected"),
    [
        ({}, {}, 19),
        ({TIME: ""}, {"call_timeout": ""}, 59),  # FreeSWITCH's own limit
        ({TIME: ""}, {"call_timeout": "30"}, 29),
        ({TIME: "soon"}, {"call_timeout": "30"}, 29),
        ({TIME: "1"}, {}, 0),
        ({"db select/fsdaemon-lab.test/100": ";61=on:103:10"}, {}, 9),
        ({"db select/fsdaemon-lab.test/100": ";61=off:103"}, {}, None),
        ({NO_ANSWER: ""}, {}, None),
        ({NO_ANSWER: "102"}, {}, None),  # the caller is the target: the forward will not be followed
        ({NO_ANSWER: "100"}, {}, None),  # the forward leads to the user who forwards
    ],
)
def test_when_it_is_said(api, variables, expected):
    decision, _ = call(api=api, **variables)
    assert (decision.verdict.action, decision.verdict.reason) == ("ring", "no_forward")
    assert seconds(decision) == expected
    assert bool(sentences.facts_of(decision, config(ELSEWHERE))["missed"]) == (expected is not None)


def test_nobody_is_asked_without_the_key():
    decision, asked = call("")
    assert seconds(decision) is None
    assert not {NO_ANSWER, TIME} & set(asked)


def test_a_call_that_is_forwarded_at_once_rings_nobody_here():
    decision, _ = call(
        api={"user_data 100@lab.test var call_forward_all": "103", "user_exists id 103 lab.test": "true"}
    )
    assert decision.verdict.action == "forward"
    assert seconds(decision) is None


def test_the_kind_is_the_one_that_the_table_of_causes_names():
    causes = f'{ELSEWHERE}causes = {{ "NO_ANSWER-ringing" = "%s" }}\n'
    assert seconds(call(causes % "none")[0]) is None
    busy = {NO_ANSWER: "", "user_data 100@lab.test var call_forward_busy": "101"}
    assert seconds(call(causes % "busy", api=busy)[0]) == 19
    assert NO_ANSWER not in call(causes % "busy", api=busy)[1]
