"""Wherever a forwarded call goes next, no label and no Diversion of ours goes with it; and what goes to a group."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, nothing_of_ours, outside_only, own_name_only

by_either = pytest.mark.parametrize("who", ["secretary", "caller"])


def answered(site, lab, *others, dialled="boss"):
    """Kai's call to the boss, taken by the secretary: both ends of it, and the phones of others."""
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai, *phones = lab.register("boss", "secretary", "kai", *others)
    call, leg = lab.connect(kai, dialled, secretary)
    labelled(leg, "kai", boss="unconditional")
    return call, leg, *phones


@by_either
def test_sent_on_to_a_colleague(site, daemon, lab, who):
    """By the secretary: the colleague sees the caller. By the caller: the secretary, and not by a label."""
    call, leg, vera = answered(site, lab, "vera")
    (leg if who == "secretary" else call).send_to("vera")
    at_vera = lab.rings(vera)
    nothing_of_ours(at_vera)
    if who == "secretary":
        own_name_only(at_vera)


@by_either
def test_sent_on_out_of_a_trunk(site, daemon, lab, who):
    call, leg = answered(site, lab)
    (leg if who == "secretary" else call).send_to("outside")
    there = lab.at_carrier()
    nothing_of_ours(there)
    if who == "secretary":
        outside_only(there)


def test_sent_on_after_an_announcement(site, daemon, lab):
    _, leg = answered(site, lab, dialled="announcement")
    leg.send_to("outside")
    outside_only(lab.at_carrier())


def in_conference(lab, who):
    """Only the own name is there."""
    lab.turn(1.5)
    members = lab.site.api("conference list")
    assert lab.site.number(who) in members
    assert "Uml" not in members


def test_sent_on_into_a_conference(site, daemon, lab):
    _, leg = answered(site, lab)
    leg.send_to("conference")
    in_conference(lab, "kai")


# --- out of a trunk ---


@pytest.mark.parametrize(("kind", "reason"), [("all", "unconditional"), ("busy", "user-busy")])
def test_a_forward_out_of_a_trunk(site, daemon, lab, kind, reason):
    """A Diversion, and no label; nothing of it at the next call."""
    site.forwards(boss={kind: "outside"})
    boss, kai = lab.register("boss", "kai")
    boss.policy = "busy"
    kai.dial("boss")
    leg = lab.at_carrier()
    assert leg.display == site.outside_name("kai")
    assert leg.header("Diversion") == site.trunk_diversion(boss=reason)
    assert "Uml." not in leg.msg
    assert site.trunk_number in leg.header("From")
    lab.hangup_all()
    kai.dial("outside")
    outside_only(lab.at_carrier(2))


def test_a_forward_out_of_a_trunk_and_the_other_end_sends_on(site, daemon, lab):
    site.forwards(boss={"all": "outside"})
    _, kai, vera = lab.register("boss", "kai", "vera")
    call = kai.dial("boss")
    leg = lab.at_carrier()
    leg.pick_up()
    lab.talk(call, leg)
    leg.send_to("vera")
    own_name_only(lab.rings(vera))
    lab.hangup_all()
    kai.dial("outside")
    outside_only(lab.at_carrier(2))


def test_the_ring_time_of_one_is_not_the_next_ones(site, daemon, lab):
    """The boss's four seconds do not cut the ringing at the carrier that she forwards to, or is left for."""
    site.forwards(boss={"all": "outside"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    leg = lab.at_carrier()
    lab.turn(5.5)
    assert leg.ringing
    lab.hangup_all()
    _, leg = lab.connect(kai, "secretary", secretary)
    leg.send_to("outside")
    leg = lab.at_carrier(2)
    lab.turn(5.5)
    assert leg.ringing


# --- the group, of Kai and Vera ---


def test_a_call_to_the_group(site, daemon, lab):
    """Nobody forwarded it: no label, though each user in it may forward."""
    site.forwards(boss={"all": "secretary"}, kai={"all": "secretary"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    boss.dial("group")
    for phone in (kai, vera):
        own_name_only(lab.rings(phone), "boss")
    assert not secretary.rang


def taken_by_the_group(site, lab, group="group"):
    """The secretary's call to the boss, taken by Kai: Kai's end of it, and the phones of the others."""
    site.forwards(boss={"all": group})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call = secretary.dial("boss")
    at_kai, at_vera = lab.rings(kai), lab.rings(vera)
    for leg in (at_kai, at_vera):
        labelled(leg, "secretary", boss="unconditional")
        assert leg.msg.count("Uml.") <= 2  # From, and Remote-Party-ID
    at_kai.pick_up()
    lab.talk(call, at_kai)
    return at_kai, secretary, vera


@pytest.mark.parametrize("then", ["vera", "outside", "conference", "group", "secretary"])
def test_a_forward_to_the_group_and_what_comes_after(site, daemon, lab, then):
    """The label once on each phone, and nothing of it after somebody took the call."""
    at_kai, secretary, vera = taken_by_the_group(site, lab)
    at_kai.send_to(then)
    if then == "conference":
        in_conference(lab, "secretary")
    elif then == "outside":
        outside_only(lab.at_carrier(), "secretary")
    else:
        own_name_only(lab.rings(secretary) if then == "secretary" else lab.rings(vera, 2), "secretary")


def test_a_member_of_the_group_it_points_to(site, daemon, lab):
    """A group is nobody's number."""
    site.forwards(boss={"all": "group"})
    boss, kai, vera = lab.register("boss", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(vera), "kai", boss="unconditional")
    assert not boss.rang


def test_a_chain_to_the_group(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"no_answer": "group"})
    _, secretary, zoe, kai, vera = lab.register("boss", "secretary", "zoe", "kai", "vera")
    zoe.dial("boss")
    labelled(lab.rings(secretary), "zoe", boss="unconditional")
    for phone in (kai, vera):
        labelled(lab.rings(phone, 1, 8), "zoe", secretary="no-answer", boss="unconditional")
