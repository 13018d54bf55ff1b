"""Members of a ring group that are written as loopback/EXT: each passes the dialplan, so the forwards apply."""

from __future__ import annotations

import signal

import pytest

from tests.live.on_fusionpbx.test_fusionpbx import EVIL, wait_for_mail
from tests.live.scenarios import labelled, nothing_of_ours, own_name_only, with_conf

STRATEGIES = ["simultaneous", "enterprise", "sequence", "rollover", "random"]
EVERY = pytest.mark.parametrize("strategy", STRATEGIES)
AT_ONCE = ("simultaneous", "enterprise")  # all members ring
BOTH = pytest.mark.parametrize("strategy", AT_ONCE)


def group(site, strategy, *members, seconds=6):
    site.members(*members or ("loopback/103", "loopback/104"), seconds=seconds)
    site.sql(f"update v_ring_groups set ring_group_strategy = '{strategy}'")


@EVERY
def test_a_member_forwards(site, daemon, lab, strategy):
    """The label on that leg only, and somebody can take the call."""
    site.forwards(vera={"all": "secretary"})
    group(site, strategy)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    call = kai.dial("group")
    leg = lab.rings(secretary, 1, 14)
    labelled(leg, "kai", vera="unconditional")
    if strategy in AT_ONCE:
        own_name_only(lab.rings(zoe))
    assert not vera.rang
    leg.pick_up()
    lab.talk(call, leg)
    if strategy in AT_ONCE:
        lab.wait(lambda: zoe.last.gone, "the others are cancelled")


@EVERY
@pytest.mark.parametrize("kind", ["busy", "no_answer"])
def test_a_member_forwards_when_the_phone_did_not_take_the_call(site, daemon, lab, strategy, kind):
    """And the mailbox of a member does not take it, whoever does not answer."""
    site.forwards(vera={kind: "secretary"})
    group(site, strategy, "loopback/103/lab.test", "104", seconds=8)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    vera.policy = "busy" if kind == "busy" else "ring"
    zoe.policy = "ring" if strategy in AT_ONCE else "busy"
    call = kai.dial("group")
    labelled(lab.rings(secretary, 1, 14), "kai", vera={"busy": "user-busy"}.get(kind, "no-answer"))
    assert not call.up
    if strategy in AT_ONCE:
        assert zoe.last.ringing


@EVERY
def test_the_target_calls(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    group(site, strategy, "loopback/103")
    secretary, vera = lab.register("secretary", "vera")
    call = secretary.dial("group")
    leg = lab.rings(vera)
    own_name_only(leg, "secretary")
    leg.pick_up()
    lab.talk(call, leg)
    assert not secretary.rang
    assert daemon.says(r"ring {vera} for {secretary}: target \({vera} forwards always to {secretary}\)")


@BOTH
@pytest.mark.parametrize("kind", ["busy", "no_answer"])
def test_the_target_of_another_kind_calls(site, daemon, lab, strategy, kind):
    site.forwards(vera={kind: "secretary"})
    group(site, strategy, "loopback/103", "104", seconds=8)
    secretary, vera, zoe = lab.register("secretary", "vera", "zoe")
    vera.policy = "busy" if kind == "busy" else "ring"
    call = secretary.dial("group")
    lab.rings(zoe)
    lab.wait(lambda: vera.rang and vera.last.gone, "no answer", 7)
    lab.turn(1)
    assert zoe.last.ringing
    assert not call.up
    assert not secretary.rang


@with_conf('[exceptions]\nusers = ["<kai>"]\n')
def test_another_who_may_break_through(site, daemon, lab):
    site.forwards(vera={"all": "secretary"}, zoe={"all": "secretary"})
    site.lets_through("zoe", "<boss>")
    group(site, "simultaneous")
    kai, boss, secretary, vera, zoe = lab.register("kai", "boss", "secretary", "vera", "zoe")
    kai.dial("group")
    for phone in (vera, zoe):
        own_name_only(lab.rings(phone))
    assert not secretary.rang
    lab.hangup_all()
    boss.dial("group")
    own_name_only(lab.rings(zoe, 2), "boss")
    labelled(lab.rings(secretary), "boss", vera="unconditional")


# --- no mailbox ---


@EVERY
@pytest.mark.parametrize("who", ["busy", "no phone", "follow-me", "to the mailbox"])
def test_no_mailbox_of_a_member_takes_the_call(site, alive, lab, strategy, who):
    """Whoever is there gets it; if nobody is, it ends as the group's."""
    if who == "to the mailbox":
        site.set_forwards({"103": {"all": "*99103"}})
    elif who == "follow-me":
        site.follow_me("103", "100", seconds=2)
    group(site, strategy, "loopback/103", seconds=8)
    kai, boss = lab.register("kai", "boss")
    if who != "no phone":
        (vera,) = lab.register("vera")
        vera.policy = "busy"
    call = kai.dial("group")
    lab.wait(lambda: call.gone, "ended", 14)
    assert "CONFIRMED" not in call.states
    assert boss.rang is (who == "follow-me")


@pytest.mark.parametrize("strategy", ["sequence", "random"])
def test_the_next_member_gets_the_call(site, daemon, lab, strategy):
    group(site, strategy, "loopback/103", "loopback/104", "loopback/105")
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    vera.policy = "busy"
    call = kai.dial("group")
    leg = lab.rings(zoe)
    leg.pick_up()
    lab.talk(call, leg)


# --- a forward led to the group ---


@BOTH
def test_a_chain(site, daemon, lab, strategy):
    """The chain at the target, the first forward at the others; none twice."""
    site.forwards(boss={"all": "group"}, vera={"all": "secretary"})
    group(site, strategy, "loopback/103", "loopback/104", "105")
    kai, secretary, zoe = lab.register("kai", "secretary", "zoe")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", vera="unconditional", boss="unconditional")
    labelled(lab.rings(zoe), "kai", boss="unconditional")
    for phone in (secretary, zoe):
        assert phone.last.msg.count("\nDiversion:") == 1
    lab.hangup_all()
    kai.dial("group")
    labelled(lab.rings(secretary, 2), "kai", vera="unconditional")
    own_name_only(lab.rings(zoe, 2))


def test_a_chain_by_a_busy_user_and_a_busy_member(site, daemon, lab):
    site.forwards(boss={"busy": "group"}, vera={"busy": "secretary"})
    group(site, "simultaneous")
    kai, boss, secretary, vera, zoe = lab.register("kai", "boss", "secretary", "vera", "zoe")
    boss.policy = vera.policy = "busy"
    call = kai.dial("boss")
    leg = lab.rings(secretary)
    labelled(leg, "kai", vera="user-busy", boss="user-busy")
    leg.pick_up()
    lab.talk(call, leg)
    leg.send_to("zoe")
    lab.wait(lambda: len(zoe.incoming) > 1, "sent on")
    nothing_of_ours(zoe.last)


@pytest.mark.parametrize("way", ["to the group", "by a user", "everybody"])
def test_a_loop(site, daemon, lab, way):
    """Each member is called once."""
    forwards = {
        "to the group": {"vera": {"all": "group"}},
        "by a user": {"vera": {"all": "boss"}, "boss": {"all": "group"}},
        "everybody": {"vera": {"all": "group"}, "zoe": {"all": "group"}},
    }[way]
    site.forwards(**forwards)
    group(site, "simultaneous")
    kai, boss, vera, zoe = lab.register("kai", "boss", "vera", "zoe")
    kai.dial("group")
    lab.rings(zoe)
    lab.rings(boss if way == "by a user" else vera)
    lab.turn(2)
    assert daemon.says("for {kai}: loop")
    assert len(zoe.incoming) == 1
    assert zoe.last.ringing


# --- the daemon, and what is no member ---


@BOTH
def test_without_a_daemon(site, lab, strategy):
    """As without us: the dialplan follows the forwards, and the others ring."""
    site.forwards(vera={"all": "secretary"})
    group(site, strategy)
    kai, secretary, zoe = lab.register("kai", "secretary", "zoe")
    call = kai.dial("group")
    own_name_only(lab.rings(zoe))
    leg = lab.rings(secretary)
    own_name_only(leg)
    leg.pick_up()
    lab.talk(call, leg)


def test_killed_while_the_group_rings(site, daemon, lab):
    site.forwards(vera={"all": "secretary"})
    group(site, "simultaneous")
    kai, secretary, zoe = lab.register("kai", "secretary", "zoe")
    call = kai.dial("group")
    lab.rings(secretary)
    leg = lab.rings(zoe)
    daemon.signal(signal.SIGKILL)
    lab.turn(0.5)
    leg.pick_up()
    lab.talk(call, leg)
    lab.wait(lambda: secretary.last.gone, "the others are cancelled")


def test_a_loopback_that_is_no_member(site, daemon, lab):
    """A program that calls a user so gets the mailbox as before."""
    (boss,) = lab.register("boss")
    boss.policy = "busy"
    since = site.log_file.stat().st_size
    site.api("bgapi originate {originate_timeout=20}loopback/100/lab.test &park()")
    mailbox = site.mailbox.format(user="100")
    lab.wait(lambda: mailbox in site.logged(since), "the mailbox")


# --- others who call, and others who are called ---


@BOTH
def test_a_stranger(site, daemon, lab, strategy):
    """Whatever the name says."""
    site.forwards(vera={"all": "secretary"})
    group(site, strategy)
    secretary, vera, zoe = lab.register("secretary", "vera", "zoe")
    headers = [("X-confirm", "true"), ("Diversion", f"<sip:{EVIL}>"), ("X-loopback_leg", "B")]
    lab.stranger("+491701234567", EVIL, "lab.test").dial("group", headers)
    leg = lab.rings(secretary)
    assert leg.display.startswith("Uml. fuer Vera Vertrieb: %{global_setvar")
    assert leg.header("Diversion") == site.diversion(vera="unconditional")
    assert "global_setvar" in lab.rings(zoe).display
    assert not vera.rang
    assert site.api("global_getvar fsdaemon_was_here").strip() in ("", "-ERR no reply")


def test_a_member_forwards_out_of_a_trunk(site, daemon, lab):
    site.forwards(vera={"all": "outside"})
    group(site, "simultaneous")
    kai, zoe = lab.register("kai", "zoe")
    call = kai.dial("group")
    leg = lab.rings(zoe)
    carrier = lab.at_carrier()
    assert leg.ringing
    carrier.pick_up()
    lab.talk(call, carrier)


def test_the_phone_of_a_member_sends_the_call_on(site, daemon, lab):
    """302: the others ring on, and the label says whose phone it was."""
    group(site, "simultaneous")
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    vera.policy = "redirect:secretary"
    call = kai.dial("group")
    leg = lab.rings(secretary)
    labelled(leg, "kai", vera="deflection")
    lab.turn(1)
    assert zoe.last.ringing
    leg.pick_up()
    lab.talk(call, leg)


@BOTH
def test_a_member_calls_the_group(site, alive, lab, strategy):
    """The member's other phone rings, as in a group of plain extensions, and the member's mailbox does not answer."""
    site.forwards(zoe={"all": "secretary"})
    group(site, strategy)
    vera, secretary = lab.register("vera", "secretary")
    call = vera.dial("group")
    lab.rings(vera)
    lab.rings(secretary)
    lab.turn(2)
    assert not call.up


def test_a_member_twice(site, daemon, lab):
    site.forwards(vera={"all": "secretary"})
    group(site, "simultaneous", "loopback/103", "loopback/103", "103")
    kai, secretary = lab.register("kai", "secretary")
    kai.dial("group")
    labelled(lab.rings(secretary, 2), "kai", vera="unconditional")


def test_a_member_of_another_tenant(site, daemon, lab):
    """101 there is somebody else than 101 here."""
    site.sql(site.changed("100", {"all": "101"}, "b.test"))
    group(site, "simultaneous", "loopback/100/b.test", "loopback/104")
    there = lab.phone("101", domain="b.test")
    lab.wait(lambda: there.reg == 200, "registered", 8)
    lab.turn(1)
    kai, zoe = lab.register("kai", "zoe")
    kai.dial("group")
    assert lab.rings(there).display == "Uml. fuer B 100: Kai Kollege"
    own_name_only(lab.rings(zoe))


def test_a_call_that_the_caller_cancels_is_mailed(site, daemon, scene):
    """By the group, with the caller's own name."""
    site.forwards(boss={"all": "group"}, vera={"all": "secretary"})
    group(site, "simultaneous")

    def story(lab):
        kai, secretary = lab.register("kai", "secretary")
        call = kai.dial("boss")
        lab.rings(secretary)
        call.end()
        lab.turn(0.5)

    scene(story)
    wait_for_mail(site, "2000@lab.test: Kai Kollege|102|2000")
