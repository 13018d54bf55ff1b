"""Follow-me of FusionPBX: the forwards of its destinations, and the no-answer forward of the user who has it."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only


@pytest.fixture(params=["enterprise", "simultaneous"])
def strategy(site, request):
    """Of follow-me; `enterprise` is the one that FusionPBX has as delivered."""
    site.sql(site.default_setting("follow_me", "strategy", "text", request.param))
    yield request.param
    site.sql("delete from v_default_settings where default_setting_category = 'follow_me'")


def test_a_destination_forwards(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "103", "104")
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    call = kai.dial("boss")
    leg = lab.rings(secretary)
    labelled(leg, "kai", vera="unconditional")
    own_name_only(lab.rings(zoe))
    assert not vera.rang
    assert daemon.says(r"forward {vera} to {secretary} for {kai}: always$")
    leg.pick_up()
    lab.talk(call, leg)


def test_the_target_of_a_destination_calls(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "103")
    secretary, vera = lab.register("secretary", "vera")
    secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    assert not secretary.rang


def test_a_destination_without_a_phone(site, daemon, lab, strategy):
    site.forwards(absent={"not_registered": "secretary"})
    site.follow_me("100", "105")
    kai, secretary = lab.register("kai", "secretary")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", absent="unavailable")


def test_a_chain_by_a_destination(site, daemon, lab, strategy):
    """A forward led to the user with follow-me: the last diverter at the target, the first at the others."""
    site.forwards(zoe={"all": "boss"}, vera={"all": "secretary"})
    site.follow_me("100", "103", "102")
    other, secretary, kai = lab.register("kai", "secretary", "absent")
    kai.dial("zoe")
    labelled(lab.rings(secretary), "absent", vera="unconditional", zoe="unconditional")
    labelled(lab.rings(other), "absent", zoe="unconditional")


def test_a_chain_of_destinations(site, daemon, lab, strategy):
    site.forwards(vera={"all": "zoe"}, zoe={"all": "secretary"})
    site.follow_me("100", "103")
    kai, secretary = lab.register("kai", "secretary")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", zoe="unconditional", vera="unconditional")


def test_a_loop_of_destinations(site, daemon, lab, strategy):
    site.forwards(vera={"all": "zoe"}, zoe={"all": "vera"})
    site.follow_me("100", "103")
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    kai.dial("boss")
    labelled(lab.rings(zoe), "kai", vera="unconditional")
    assert not vera.rang


def test_nobody_answers_and_the_forward_follows(site, daemon, lab, strategy):
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    kai, secretary, vera = lab.register("kai", "secretary", "vera")
    kai.dial("boss")
    own_name_only(lab.rings(vera))
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer")


def test_nobody_answers_and_the_target_calls(site, daemon, lab, strategy):
    """The user's own mailbox takes the call, not that of the caller."""
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    secretary, vera = lab.register("secretary", "vera")
    call = secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    lab.unanswered(call, "boss", 0)
    assert not secretary.rang


def test_a_phone_of_a_destination_forwards(site, daemon, lab, strategy):
    """The others ring on; where there are no others the call goes there."""
    site.follow_me("100", "103", "104")
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    vera.policy = "redirect:secretary"
    kai.dial("boss")
    leg = lab.rings(zoe)
    lab.turn(1)
    assert leg.ringing
    lab.hangup_all()
    site.follow_me("100", "103")
    kai.dial("boss")
    lab.rings(secretary)


def test_without_a_daemon(site, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "103", "104")
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    kai.dial("boss")
    own_name_only(lab.rings(secretary))
    own_name_only(lab.rings(zoe))
