"""The rules."""

from __future__ import annotations

import pytest

from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import AFTER, ONCE
from fsdaemon.core.policy import decide
from fsdaemon.core.sentences import line, warning
from fsdaemon.core.users import User
from tests.facts import call, config, inside, outside

CONFIG = config()
A, B, C = Diverter("100", "always", "Cora"), Diverter("101", "always", "Sina"), Diverter("102", "busy", "Kai")


def verdict(made, configuration=CONFIG):
    result = decide(made, configuration)
    return result.action, result.reason


def test_no_forward():
    assert verdict(call(inside("102"))) == ("ring", "no_forward")


def test_always():
    result = decide(call(inside("102"), always="101", callee_name="Cora"), CONFIG)
    assert (result.action, result.reason) == ("forward", "always")
    assert result.target == "101"
    assert result.path == (A,)


def test_the_target_breaks_through():
    assert verdict(call(inside("101"), always="101")) == ("ring", "target")
    assert verdict(call(inside("101"), always="101@lab.test")) == ("ring", "target")
    assert verdict(call(inside("101"), always="101@LAB.TEST")) == ("ring", "target")


def test_a_phone_that_sent_the_call_elsewhere_by_itself_is_told_of():
    away = call(inside("102"), busy="101", stage=AFTER, failure="busy", sent_away="<sip:1@192.0.2.1>")
    result = decide(away, CONFIG)
    assert (result.action, result.reason) == ("forward", "busy")
    assert "100" in warning(away, result)
    assert "'<sip:1@192.0.2.1>'" in warning(away, result)


def test_unless_switched_off():
    assert verdict(call(inside("101"), always="101"), config("[exceptions]\ntarget = false")) == (
        "forward",
        "always",
    )


def test_another_tenants_101_does_not():
    made = call(inside("101"), always="101", callee="100")
    other = made.caller._replace(user=User("101", "b.example"))
    assert verdict(call(other, always="101")) == ("forward", "always")
    assert verdict(call(inside("101"), always="101@b.example")) == ("forward", "always")


def test_a_stranger_who_calls_herself_101_does_not():
    assert verdict(call(outside("101", "Sina"), always="101")) == ("forward", "always")


def test_a_chain():
    """A→B→C: C breaks B's forward, not A's."""
    assert verdict(call(inside("102"), "101", always="102", path=(A,))) == ("ring", "target")
    assert verdict(call(inside("102"), "100", always="101")) == ("forward", "always")
    result = decide(call(inside("104"), "101", always="102", callee_name="Sina", path=(A,)), CONFIG)
    assert result.path == (A, B)


@pytest.mark.parametrize(
    ("failure", "target"), [("busy", "101"), ("no_answer", "102"), ("not_registered", "103")]
)
def test_after_the_bridge_the_kind_of_the_failure_counts(failure, target):
    kinds = {"always": "999", "busy": "101", "no_answer": "102", "not_registered": "103"}
    made = call(inside("104"), failure=failure, stage=AFTER, **kinds)
    result = decide(made, CONFIG)
    assert (result.action, result.reason) == ("forward", failure)
    assert result.target == target
    assert verdict(call(inside(target), failure=failure, stage=AFTER, **kinds)) == ("ring", "target")


def test_a_failure_that_is_no_kind_forwards_nothing():
    assert verdict(call(inside("104"), stage=AFTER, failure=None, always="101")) == ("ring", "no_forward")


@pytest.mark.parametrize(
    "target", ["", " ", "100", "100@lab.test", "a b", "${x}", "101,102", "x" * 200, "-", "#"]
)
def test_what_is_no_forward(target):
    assert verdict(call(inside("102"), always=target)) == ("ring", "no_forward")


def test_a_target_that_is_no_number_is_warned_of():
    made = call(inside("102"), always="a b")
    assert "100 forwards always to 'a b'" in warning(made, decide(made, CONFIG))
    made = call(inside("102"), always="")
    assert warning(made, decide(made, CONFIG)) == ""


def test_loops():
    assert verdict(call(inside("104"), "101", always="100", path=(A,))) == ("ring", "loop")
    assert verdict(call(inside("104"), "102", always="100", path=(A, B))) == ("ring", "loop")
    # somebody asked already is not asked again
    assert verdict(call(inside("104"), "100", always="103", path=(A, B))) == ("ring", "loop")


def test_hops():
    path = tuple(Diverter(str(n), "always") for n in range(1, 6))
    assert verdict(call(inside("104"), always="101", path=path)) == ("ring", "hops")
    assert verdict(call(inside("104"), always="101", path=path[:4])) == ("forward", "always")
    assert (
        verdict(call(inside("104"), always="101", path=(A,)), config("[routing]\nmax_hops = 1"))[0] == "ring"
    )


def test_the_sentence():
    made = call(inside("101"), always="101")
    assert line(made, decide(made, CONFIG)) == "ring 100 for 101: target (100 forwards always to 101)"
    made = call(outside("+491701234567"), always="101")
    assert line(made, decide(made, CONFIG)) == "forward 100 to 101 for +491701234567: always"
    made = call(outside("+491701234567", withheld=True))
    assert line(made, decide(made, CONFIG)) == "ring 100 for anonymous: no_forward"
    made = call(inside("101"), always="100")
    assert line(made, decide(made, CONFIG)) == "ring 100 for 101: no_forward (100 forwards always to 100)"
    made = call(inside("101"), always="a b")
    said = "100 forwards always to 'a b', which is not a number"
    assert line(made, decide(made, CONFIG)) == f"ring 100 for 101: no_forward ({said})"


def test_a_loop_through_an_extension_of_somebody_elses():
    """100 forwards to "0", which is 101, who forwards to 100: no path of ours leads there."""
    assert verdict(call(inside("104"), "101", always="100", visited=("100",))) == ("ring", "loop")
    assert verdict(call(inside("104"), "100", always="870", visited=("100",))) == ("ring", "loop")
    assert verdict(call(inside("104"), "100", always="101", visited=("103",))) == ("forward", "always")
    far = ("1", "2", "3", "4", "5")
    assert verdict(call(inside("104"), "100", always="101", visited=far)) == ("ring", "hops")


def once(caller, now=(), later=(), **facts):
    """A hook that decides every kind: nobody asks again when the bridge failed."""
    return call(caller, stage=ONCE, now=now, later=later, **facts)


def test_each_kind_is_judged_by_itself():
    made = once(inside("101"), ("always",), ("busy", "no_answer"), always="102", busy="101", no_answer="100")
    result = decide(made, CONFIG)
    assert (result.action, result.reason) == ("forward", "always")
    assert result.off == ("busy", "no_answer")  # exempt; a forward to oneself is none
    assert result.pending == ()


def test_the_first_kind_that_is_not_exempt_acts():
    made = once(inside("101"), ("not_registered", "always"), always="102", not_registered="101")
    result = decide(made, CONFIG)
    assert (result.reason, result.target, result.off) == ("always", "102", ("not_registered",))


def test_what_acts_later_is_remembered():
    made = once(inside("101"), (), ("busy", "no_answer"), busy="101", no_answer="103")
    result = decide(made, CONFIG)
    assert (result.action, result.reason) == ("ring", "target")
    assert (result.kind, result.off, result.pending) == ("busy", ("busy",), (("no_answer", "103"),))


def test_an_outside_number_is_the_target_of_one_kind():
    made = once(
        outside("+491701234567"), ("always",), ("busy",), always="+491701234567", busy="101",
        is_target_number=frozenset(["always"]),
    )  # fmt: skip
    assert verdict(made) == ("ring", "target")
    assert decide(made, CONFIG).off == ("always",)


def test_loops_and_hops_for_each_kind():
    made = once(inside("104"), ("always",), ("busy",), callee="101", always="100", busy="103", path=(A,))
    result = decide(made, CONFIG)
    assert ((result.action, result.reason), result.off, result.pending) == (
        ("ring", "loop"),
        ("always",),
        (("busy", "103"),),
    )


def test_the_sentence_says_what_was_followed_unasked():
    made = once(inside("102"), callee="101", path=(Diverter("100", "busy"),), unasked="busy")
    said = line(made, decide(made, CONFIG))
    assert said == "forward 100 to 101 for 102: busy; ring 101 for 102: no_forward"
