"""Somebody is sent to the boss, who forwards to the secretary."""

from __future__ import annotations

from tests.live.scenarios import labelled, own_name_only


def test_attended_once_the_boss_answered(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, first = lab.connect(kai, "boss", secretary)
    consultation, at_boss = lab.connect(secretary, "boss", boss)
    first.join(consultation)
    lab.wait(lambda: first.gone and consultation.gone, "the secretary out of it")
    lab.turn(0.5)
    assert call.up
    assert at_boss.up


def test_attended_while_the_boss_rings(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, first = lab.connect(kai, "boss", secretary)
    consultation = secretary.dial("boss")
    at_boss = lab.rings(boss)
    lab.wait(lambda: consultation.ringing, "heard by the secretary")
    first.join(consultation)
    lab.turn(1)
    at_boss.pick_up()
    lab.talk(call, at_boss)
    assert len(secretary.incoming) == 1


def transferred_to_the_boss_at_once(site, lab, policy="ring", **kinds):
    """The secretary's consultation call has not reached anybody when she joins it with Kai's."""
    site.forwards(boss=kinds)
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = policy
    _, first = lab.connect(kai, "secretary", secretary)
    consultation = secretary.dial("boss", [("X-Wait", "yes")])
    lab.wait(lambda: consultation.ringing, "waiting")
    first.join(consultation)
    own_name_only(lab.rings(boss))
    lab.turn(1)
    assert len(secretary.incoming) == 1


def test_attended_before_anybody_was_reached(site, daemon, lab):
    transferred_to_the_boss_at_once(site, lab, all="secretary")
    assert daemon.says(r"ring {boss} for {kai}: referrer \({boss} forwards always to {secretary}\)")


def test_attended_to_a_busy_boss(site, daemon, lab):
    """The secretary who transferred is not rung back by the boss's busy forward to her."""
    transferred_to_the_boss_at_once(site, lab, "busy", all="secretary", busy="secretary")
    assert daemon.says(r"ring {boss} for {kai}: referrer \({boss} forwards busy to {secretary}\)")


def test_attended_by_keys(site, daemon, lab):
    """*4 and the number: FreeSWITCH's own att_xfer."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    _, first = lab.connect(kai, "secretary", secretary)
    lab.turn(0.5)
    first.press("*4")
    lab.turn(0.7)
    first.press(site.number("boss") + "#")
    lab.rings(boss, 1, 10)
    assert len(secretary.incoming) == 1
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards always to {secretary}\)")


def test_blind_by_the_callee_comes_back(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    _, first = lab.connect(kai, "secretary", secretary)
    own_name_only(first)
    first.send_to("boss")
    labelled(lab.rings(secretary, 2), "kai", boss="unconditional")
    assert not boss.rang


def test_blind_by_the_caller(site, daemon, lab):
    """The right is that of who is sent: not the caller's, as which Kai would get through."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    assert not boss.rang
    lab.hangup_all()
    call, _ = lab.connect(kai, "secretary", secretary)
    call.send_to("boss")
    own_name_only(lab.rings(boss), "secretary")


def test_blind_by_the_caller_to_one_who_forwards_to_him(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, zoe={"all": "kai"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("boss")
    lab.rings(secretary)
    lab.hangup_all()
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("zoe")
    own_name_only(lab.rings(zoe))
    assert len(kai.incoming) == 2
    assert not boss.rang


def test_blind_to_a_busy_one_who_forwards_to_him(site, daemon, lab):
    """On the leg that FreeSWITCH dialled, Kai stays Kai after the bridge to the boss failed."""
    site.forwards(boss={"busy": "kai"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = "busy"
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("boss")
    lab.rings(boss)
    lab.turn(1)
    assert len(kai.incoming) == 1
    assert daemon.says(r"ring {boss} for {kai}: target \({boss} forwards busy to {kai}\)")


def test_the_right_of_one_pair_is_no_other_pairs(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, zoe={"all": "vera"})
    _, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    call, first = lab.connect(kai, "boss", secretary)
    consultation, leg = lab.connect(secretary, "zoe", vera)
    labelled(leg, "secretary", zoe="unconditional")
    first.join(consultation)
    lab.turn(0.7)
    assert call.up
    assert leg.up
    assert not zoe.rang


def test_the_one_who_is_let_through_transfers(site, daemon, lab):
    """Attended it counts, blind it does not."""
    site.lets_through("boss", "<secretary>")
    site.forwards(boss={"all": "vera"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    _, first = lab.connect(kai, "secretary", secretary)
    first.send_to("boss")
    labelled(lab.rings(vera), "kai", boss="unconditional")
    assert not boss.rang
    lab.hangup_all()
    _, first = lab.connect(kai, "secretary", secretary)
    consultation = secretary.dial("boss")
    at_boss = lab.rings(boss)
    lab.wait(lambda: consultation.ringing, "heard by the secretary")
    first.join(consultation)
    lab.turn(1)
    at_boss.pick_up()
    assert len(vera.incoming) == 1
