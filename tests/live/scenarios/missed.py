"""What a phone is told when its ringing ends, and so whether it lists a missed call (docs/records.md)."""

from __future__ import annotations

import re

import pytest

from tests.live.scenarios import with_conf

ELSEWHERE = with_conf('[routing]\nmissed = "completed_elsewhere"\n')
NO_ANSWER, GAVE_UP = 'Q.850;cause=19;text="NO_ANSWER"', 'SIP;cause=487;text="ORIGINATOR_CANCEL"'
COMPLETED = 'SIP;cause=200;text="Call completed elsewhere"'


@pytest.fixture
def wire(site):
    """What FreeSWITCH sends and gets is in its log."""
    site.api("sofia tracelevel notice")  # "console", as it is without, is in no log file of the tests' own
    site.api("sofia global siptrace on")
    yield site
    site.api("sofia global siptrace off")
    site.api("sofia tracelevel console")


def reason(lab, call, of):
    """The Reason of the CANCEL that the phone got."""
    number = lab.site.number(of)
    cancel = re.compile(rf"CANCEL sip:{number}@.*?Reason: ([^\r\n]*)", re.S)
    lab.wait(lambda: cancel.search(lab.site.logged(call.since)), f"a CANCEL to {number} in the log", 8)
    return cancel.search(lab.site.logged(call.since))[1].strip()


def taken_by_the_secretary(lab):
    """Kai calls the boss, who does not answer; the secretary does. Returns the Reason that the boss's phone got."""
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    leg = lab.rings(secretary, 1, 8)
    leg.pick_up()
    lab.talk(call, leg)
    return reason(lab, call, "boss")


def given_up(lab):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    lab.turn(0.5)
    call.end()
    told = reason(lab, call, "boss")
    assert not secretary.rang
    return told


def test_a_forward_on_no_reply_leaves_a_missed_call(wire, site, daemon, lab):
    """The CANCEL comes before the secretary rings: who could know whether that phone will be answered."""
    site.forwards(boss={"no_answer": "secretary"})
    assert taken_by_the_secretary(lab) == NO_ANSWER


@ELSEWHERE
def test_a_forward_on_no_reply_leaves_none_where_that_is_wanted(wire, site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    assert taken_by_the_secretary(lab) == COMPLETED


@pytest.mark.parametrize(
    "conf", ["", '[routing]\nmissed = "completed_elsewhere"\n'], ids=["listed", "elsewhere"]
)
def test_a_caller_who_gives_up_leaves_a_missed_call(wire, site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    assert given_up(lab) == GAVE_UP


@ELSEWHERE
def test_a_call_that_no_forward_catches_is_missed(wire, site, daemon, lab):
    """The secretary has an exception from the forward, so it will not be followed."""
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    call = secretary.dial("boss")
    lab.rings(boss)
    assert reason(lab, call, "boss") == NO_ANSWER


@ELSEWHERE
def test_what_was_to_be_said_at_the_end_of_the_ring_time_is_not_said_later(wire, site, daemon, lab):
    """The boss takes the call in time: nothing is left that would stand in the BYE."""
    site.forwards(boss={"no_answer": "secretary"})
    boss, _, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    leg = lab.rings(boss)
    leg.pick_up()
    lab.talk(call, leg)
    lab.turn(5)
    call.end()
    lab.wait(lambda: leg.gone, "hung up")
    assert "Reason: SIP;cause=200" not in lab.site.logged(call.since)
