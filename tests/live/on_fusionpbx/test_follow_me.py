"""Follow-me: FusionPBX's Lua calls the destinations, and acts on the no-answer forward, without the dialplan."""

from __future__ import annotations

import signal

import pytest

from tests.live.scenarios import labelled, own_name_only, with_conf

STRATEGY = pytest.mark.parametrize("strategy", ["enterprise", "simultaneous"], indirect=True)


@pytest.fixture
def strategy(site, request):
    """Of follow-me; `enterprise` is the one that FusionPBX has as delivered."""
    where = "default_setting_category = 'follow_me'"
    site.sql(site.default_setting("follow_me", "strategy", "text", request.param))
    yield request.param
    site.sql(f"delete from v_default_settings where {where}")


@STRATEGY
def test_nobody_answers_and_the_forward_follows(site, daemon, lab, strategy):
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", "104", seconds=2)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    kai.dial("boss")
    for phone in (vera, zoe):
        own_name_only(lab.rings(phone))
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer")


@STRATEGY
def test_the_target_calls(site, daemon, lab, strategy):
    """The destinations ring, and then the user's own mailbox takes the call, not that of the caller."""
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    secretary, vera = lab.register("secretary", "vera")
    call = secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    lab.unanswered(call, "boss", 0)
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards no_answer to {secretary}\)")


@with_conf('[exceptions]\nusers = ["<kai>"]\n')
@pytest.mark.parametrize("to", ["secretary", "outside", "group"])
def test_another_who_may_break_through(site, daemon, lab, to):
    """Also where the target is no user."""
    site.forwards(boss={"no_answer": to})
    site.follow_me("100", "105", "101", seconds=2)
    kai, secretary, vera = lab.register("kai", "secretary", "vera")
    call = kai.dial("boss")
    lab.rings(secretary)
    lab.unanswered(call, "boss", 0)
    assert len(secretary.incoming) == 1
    assert not vera.rang
    assert not lab.carried()


def test_after_a_forward(site, daemon, lab):
    """To a user with follow-me: the label, and after that the chain."""
    site.forwards(zoe={"all": "boss"}, boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    kai, secretary, vera = lab.register("kai", "secretary", "vera")
    kai.dial("zoe")
    labelled(lab.rings(vera), "kai", zoe="unconditional")
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer", zoe="unconditional")
    lab.hangup_all()
    call = secretary.dial("zoe")
    labelled(lab.rings(vera, 2), "secretary", zoe="unconditional")
    lab.unanswered(call, "boss", 0)
    assert len(secretary.incoming) == 1


def test_a_loop_by_the_no_answer_forward(site, daemon, lab):
    """FusionPBX itself would go round for ever."""
    site.forwards(zoe={"all": "boss"}, boss={"no_answer": "zoe"})
    site.follow_me("100", "103", seconds=2)
    kai, vera = lab.register("kai", "vera")
    call = kai.dial("zoe")
    lab.rings(vera)
    lab.unanswered(call, "boss", 0)
    assert len(vera.incoming) == 1


# --- forwards of destinations ---


@STRATEGY
def test_a_destination_forwards_always(site, daemon, lab, strategy):
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


@STRATEGY
def test_the_target_of_an_always_forward_calls(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "103")
    secretary, vera = lab.register("secretary", "vera")
    secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    assert not secretary.rang


@STRATEGY
def test_a_destination_without_a_phone(site, daemon, lab, strategy):
    site.forwards(absent={"not_registered": "secretary"})
    site.follow_me("100", "105")
    kai, secretary = lab.register("kai", "secretary")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", absent="unavailable")


@STRATEGY
def test_a_chain_by_an_always_forward(site, daemon, lab, strategy):
    """A forward led to the user with follow-me: the last diverter at the target, the first at the others."""
    site.forwards(zoe={"all": "boss"}, vera={"all": "secretary"})
    site.follow_me("100", "103", "102")
    other, secretary, kai = lab.register("kai", "secretary", "absent")
    kai.dial("zoe")
    labelled(lab.rings(secretary), "absent", vera="unconditional", zoe="unconditional")
    labelled(lab.rings(other), "absent", zoe="unconditional")


@STRATEGY
def test_a_chain_of_destinations(site, daemon, lab, strategy):
    site.forwards(vera={"all": "zoe"}, zoe={"all": "secretary"})
    site.follow_me("100", "103")
    kai, secretary = lab.register("kai", "secretary")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", zoe="unconditional", vera="unconditional")


@STRATEGY
def test_a_loop_of_destinations(site, daemon, lab, strategy):
    site.forwards(vera={"all": "zoe"}, zoe={"all": "vera"})
    site.follow_me("100", "103")
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    kai.dial("boss")
    labelled(lab.rings(zoe), "kai", vera="unconditional")
    assert not vera.rang


@STRATEGY
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


@STRATEGY
def test_a_destination_forwards_without_a_daemon(site, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "103", "104")
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    kai.dial("boss")
    own_name_only(lab.rings(secretary))
    own_name_only(lab.rings(zoe))


# --- destinations that are written as loopback/EXT ---


@STRATEGY
@pytest.mark.parametrize("kind", ["all", "busy", "no_answer"])
def test_a_destination_forwards(site, daemon, lab, strategy, kind):
    site.forwards(vera={kind: "secretary"})
    site.follow_me("100", "loopback/103", "104", seconds=8)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    vera.policy = "busy" if kind == "busy" else "ring"
    call = kai.dial("boss")
    leg = lab.rings(secretary, 1, 8)
    reasons = {"all": "unconditional", "busy": "user-busy", "no_answer": "no-answer"}
    labelled(leg, "kai", vera=reasons[kind])
    own_name_only(lab.rings(zoe))
    leg.pick_up()
    lab.talk(call, leg)


@STRATEGY
def test_the_target_of_a_destination_calls(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    site.follow_me("100", "loopback/103/lab.test")
    secretary, vera = lab.register("secretary", "vera")
    secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    assert not secretary.rang


def test_a_chain_by_a_destination(site, daemon, lab):
    site.forwards(zoe={"all": "boss"}, vera={"all": "secretary"})
    site.follow_me("100", "loopback/103")
    kai, secretary, _ = lab.register("kai", "secretary", "vera")
    kai.dial("zoe")
    labelled(lab.rings(secretary), "kai", vera="unconditional", zoe="unconditional")


def test_no_mailbox_of_a_destination_takes_the_call(site, daemon, lab):
    """The user's own does."""
    site.follow_me("100", "loopback/103", "loopback/105", seconds=3)
    kai, vera = lab.register("kai", "vera")
    vera.policy = "busy"
    call = kai.dial("boss")
    lab.unanswered(call, "boss", 0)
    assert vera.rang


def test_a_destination_that_forwards_back(site, daemon, lab):
    site.forwards(vera={"all": "boss"})
    site.follow_me("100", "loopback/103", "104")
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    kai.dial("boss")
    own_name_only(lab.rings(vera))
    own_name_only(lab.rings(zoe))
    assert daemon.says("ring {vera} for {kai}: loop")
    lab.turn(1)
    assert (len(vera.incoming), len(zoe.incoming)) == (1, 1)


# --- the daemon ---


@pytest.mark.parametrize("when", ["never there", "killed"])
def test_without_a_daemon(site, request, lab, when):
    """The forward is followed, also for its target, if no verdict had come; nothing of a verdict is left afterwards."""
    daemon = request.getfixturevalue("daemon") if when == "killed" else None
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    kai, secretary, vera = lab.register("kai", "secretary", "vera")
    call = secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    if daemon:
        daemon.signal(signal.SIGKILL)
    lab.unanswered(call, "boss" if daemon else "secretary", 0)
    lab.hangup_all()
    kai.dial("boss")
    own_name_only(lab.rings(secretary, 1, 8))
