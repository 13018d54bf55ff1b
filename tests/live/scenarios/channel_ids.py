"""Who somebody is, and what was answered since, whatever the ids of the channels look like."""

from __future__ import annotations

from tests.live.scenarios import labelled, own_name_only


def test_an_exception_through_a_loopback(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    secretary.dial("91" + site.number("boss"))
    lab.rings(boss)
    lab.hangup_all()
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards always to {secretary}\)")
    kai.dial("91" + site.number("boss"))
    lab.rings(secretary)
    assert len(boss.incoming) == 1


def test_a_call_after_an_answered_one_has_no_label(site, daemon, lab):
    """Kai's leg, which FreeSWITCH dialled, was bridged to Sina's, then forwarded and bridged to Vera's."""
    site.forwards(boss={"all": "vera"})
    _, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("boss")
    leg = lab.rings(vera)
    labelled(leg, "kai", boss="unconditional")
    leg.pick_up()
    lab.turn(0.7)
    leg.send_to("zoe")
    own_name_only(lab.rings(zoe), "kai")


def test_a_loop_of_a_leg_that_was_answered_without_a_daemon(site, lab):
    site.forwards(boss={"all": "vera"}, vera={"all": "boss"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call, _ = lab.connect(secretary, "kai", kai)
    call.send_to("boss")
    lab.rings(vera)
    lab.turn(0.5)
    assert not boss.rang
