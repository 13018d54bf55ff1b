"""A daemon on other settings than the dialplan says so, once for each name."""

from __future__ import annotations

from fsdaemon.config import reader as config
from fsdaemon.daemon.expected import Expected
from fsdaemon.terms.channel import Headers


def calls(text: str, block: str, count: int = 120) -> list[str]:
    expected = Expected(config.load(text))
    return [warning for _ in range(count) for warning in expected.look(Headers(block.encode()))]


OWN = '[variables]\nalways = ["my_forward", "directory:call_forward_all"]\ncallee = ["my_callee"]\n'


def test_nothing_is_expected_of_the_defaults():
    assert calls("", "variable_user_name: 100") == []


def test_a_name_that_never_comes_is_said_once():
    assert calls(OWN, "variable_my_callee: 100") == [
        "variables.always: no call of the first 50 had my_forward; does the dialplan set it under this name?"
    ]
    assert len(calls(OWN, "variable_other: 100")) == 2


def test_not_before_fifty_calls():
    assert calls(OWN, "variable_other: 100", 49) == []


def test_one_call_that_has_it_is_enough():
    expected = Expected(config.load(OWN))
    assert expected.look(Headers(b"variable_my_forward: \nvariable_my_callee: 1")) == []
    assert [warning for _ in range(99) for warning in expected.look(Headers(b"x: y"))] == []


def test_the_other_dialplan():
    (warning,) = calls("", "variable_forward_all_destination: 101\nvariable_forward_busy_destination: 1")[:1]
    assert "forward_" in warning
    assert 'is it "fusionpbx"?' in warning
    (warning,) = calls('[variables]\npreset = "fusionpbx"\n', "variable_fsdaemon_forward_all: 101")
    assert 'is it "default"?' in warning
