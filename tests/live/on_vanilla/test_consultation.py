"""The keys *4: a consultation call (att_xfer) goes through the dialplan, so the forwards of its callee apply."""

from __future__ import annotations

import pytest


def by_keys(lab, number, first):
    """The phone that has the call presses *4 and a number of four digits."""
    lab.turn(0.5)
    first.press("*4")
    lab.turn(0.7)
    first.press(lab.site.number(number))


def test_a_consultation_by_keys_is_forwarded(site, daemon, lab):
    site.forwards(boss={"all": "zoe"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    call, first = lab.connect(kai, "secretary", secretary)
    by_keys(lab, "boss", first)
    leg = lab.rings(zoe, 1, 10)
    assert leg.display == site.label("boss", "secretary")
    assert not boss.rang
    leg.pick_up()
    lab.wait(lambda: leg.up, "the consultation")
    lab.turn(1)
    first.end()
    lab.wait(lambda: first.gone, "handed over")
    lab.turn(1.5)
    assert (call.up, leg.up) == (True, True)


@pytest.mark.parametrize("time", range(5))
def test_the_target_reaches_the_boss_by_keys(site, daemon, lab, time):
    """Five of five: all three are there until one of them hangs up."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, first = lab.connect(kai, "secretary", secretary)
    by_keys(lab, "boss", first)
    leg = lab.rings(boss, 1, 10)
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards always to {secretary}\)")
    leg.pick_up()
    lab.wait(lambda: leg.up, "the consultation")
    lab.turn(1)
    assert call.up
    first.end()
    lab.wait(lambda: first.gone, "handed over")
    lab.turn(1.5)
    assert (call.up, leg.up) == (True, True)


@pytest.mark.parametrize("by", ["the callee", "the caller"])
def test_handed_over_and_sent_on_to_somebody_who_is_absent(site, daemon, lab, by):
    """The channels of the consultation are still there; the call has a mailbox as any other."""
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, first = lab.connect(kai, "secretary", secretary)
    by_keys(lab, "boss", first)
    leg = lab.rings(boss, 1, 10)
    leg.pick_up()
    lab.wait(lambda: leg.up, "the consultation")
    lab.turn(1)
    first.end()
    lab.wait(lambda: first.gone, "handed over")
    lab.turn(1.5)
    sent, sends = (call, leg) if by == "the callee" else (leg, call)
    sent.since = site.log_file.stat().st_size
    sends.send_to("absent")
    lab.unanswered(sent, "absent", 480)
