"""What a phone is told when its ringing ends, and so whether it lists a missed call (docs/records.md)."""

from __future__ import annotations

import re

import pytest


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


def test_a_forward_on_no_reply_leaves_a_missed_call(wire, site, daemon, lab):
    """The CANCEL comes before the secretary rings: who could know whether that phone will be answered."""
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    leg = lab.rings(secretary, 1, 8)
    assert reason(lab, call, "boss") == 'Q.850;cause=19;text="NO_ANSWER"'
    leg.pick_up()
    lab.talk(call, leg)


def test_a_caller_who_gives_up_leaves_a_missed_call(wire, site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    lab.turn(0.5)
    call.end()
    assert reason(lab, call, "boss") == 'SIP;cause=487;text="ORIGINATOR_CANCEL"'
    assert not secretary.rang
