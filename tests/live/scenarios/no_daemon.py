"""The daemon is not there, or dies: forwards are followed all the same, and nothing of its labels stays behind."""

from __future__ import annotations

import signal
import time

import pytest

from tests.live.scenarios import labelled, outside_only, own_name_only
from tests.live.stage import Daemon


def test_every_kind_without_a_daemon(site, lab):
    site.forwards(
        boss={"all": "secretary"},
        vera={"busy": "secretary"},
        absent={"not_registered": "secretary"},
        zoe={"no_answer": "secretary"},
    )
    boss, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    vera.policy = "busy"
    for count, number in enumerate(("boss", "vera", "absent", "zoe"), 1):
        kai.dial(number)
        own_name_only(lab.rings(secretary, count, 8))
        lab.hangup_all()
    assert len(zoe.incoming) == 1
    assert not boss.rang


def test_without_a_daemon_no_call_waits(site, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    start = time.monotonic()
    call = kai.dial("boss")
    leg = lab.rings(secretary)
    assert time.monotonic() - start < 0.5
    own_name_only(leg)
    leg.pick_up()
    lab.talk(call, leg)
    assert not boss.rang


def test_a_loop_without_a_daemon(site, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"all": "boss"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    own_name_only(lab.rings(secretary))
    lab.turn(0.5)
    assert not boss.rang


def test_other_kinds_into_a_loop_without_a_daemon(site, lab):
    """Secretary, Zoe, secretary is not closed, however a call comes there."""
    site.forwards(
        boss={"busy": "secretary"}, vera={"no_answer": "kai"}, absent={"not_registered": "secretary"},
        secretary={"all": "zoe"}, zoe={"all": "secretary"},
    )  # fmt: skip
    boss, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    boss.policy = "busy"
    kai.dial("boss")
    lab.rings(zoe)
    lab.hangup_all()
    kai.dial("absent")
    lab.rings(zoe, 2)
    lab.hangup_all()
    secretary.dial("vera")
    lab.rings(vera)
    lab.rings(kai, 1, 8)


def test_a_group_and_a_trunk_without_a_daemon(site, lab):
    site.forwards(boss={"all": "group"}, secretary={"all": "outside"})
    _, kai, vera, zoe = lab.register("boss", "kai", "vera", "zoe")
    zoe.dial("boss")
    for phone in (kai, vera):
        own_name_only(lab.rings(phone), "zoe")
    lab.hangup_all()
    zoe.dial("secretary")
    outside_only(lab.at_carrier(), "zoe")


# --- killed ---


def test_killed_while_the_phone_rings(site, daemon, lab):
    """The forward for no answer is followed, and without the label of the hop before."""
    site.forwards(boss={"all": "secretary"}, secretary={"no_answer": "vera"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    daemon.signal(signal.SIGKILL)
    own_name_only(lab.rings(vera, 1, 8))
    assert not boss.rang


def test_killed_while_the_first_phone_rings(site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    lab.rings(boss)
    daemon.signal(signal.SIGKILL)
    own_name_only(lab.rings(secretary, 1, 8))


@pytest.mark.parametrize("onward", ["vera", "boss"])
def test_killed_between_hops(site, mortal_daemon, lab, onward):
    """The secretary, of whom it is not asked any more, forwards on, or back in a loop."""
    site.forwards(boss={"all": "secretary"}, secretary={"all": onward})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    own_name_only(lab.rings(vera if onward == "vera" else secretary))
    lab.turn(0.5)
    assert sum(len(phone.incoming) for phone in (boss, secretary, vera)) == 1


@pytest.mark.parametrize("then", ["vera", "outside"])
def test_killed_during_a_call_and_then_a_transfer(site, daemon, lab, then):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call, leg = lab.connect(kai, "boss", secretary)
    labelled(leg, "kai", boss="unconditional")
    daemon.signal(signal.SIGKILL)
    lab.turn(1)
    assert call.up
    assert leg.up
    leg.send_to(then)
    if then == "vera":
        own_name_only(lab.rings(vera))
    else:
        outside_only(lab.at_carrier())


def test_killed_while_the_group_rings(site, daemon, lab):
    """The label on the channel is taken back by FreeSWITCH when somebody answers, with nobody to ask."""
    site.forwards(boss={"all": "group"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call = secretary.dial("boss")
    leg = lab.rings(kai)
    daemon.signal(signal.SIGKILL)
    lab.rings(vera)
    leg.pick_up()
    lab.talk(call, leg)
    leg.send_to("vera")
    own_name_only(lab.rings(vera, 2), "secretary")


def test_killed_before_the_group_is_asked_about(site, mortal_daemon, lab):
    """It lent label and Diversion to the channel for the group, and is gone: they are taken back, not left."""
    site.forwards(boss={"all": "group"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call = secretary.dial("boss")
    leg = lab.rings(kai)
    for one in (leg, lab.rings(vera)):
        own_name_only(one, "secretary")
    leg.pick_up()
    lab.talk(call, leg)
    leg.send_to("outside")
    outside_only(lab.at_carrier(), "secretary")


def test_back_again(site, scene):
    """A daemon that is started in between is asked at the next call."""
    site.forwards(boss={"all": "secretary"})

    def shown(lab):
        _, secretary, kai = lab.register("boss", "secretary", "kai")
        kai.dial("boss")
        return lab.rings(secretary).display

    assert scene(shown) == site.names["kai"]
    with Daemon(site):
        assert scene(shown) == site.label("boss", "kai")
