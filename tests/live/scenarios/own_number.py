"""A user dials the own number: the user's phones ring, then the mailbox, and no forward is followed."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only
from tests.live.scripted import Scripted

EVERYTHING = dict.fromkeys(("all", "busy", "no_answer", "not_registered"), "secretary")


@pytest.mark.parametrize("policy", ["ring", "busy"])
def test_ones_own_number(site, alive, lab, policy):
    """Also without a daemon."""
    site.forwards(boss=EVERYTHING)
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = policy
    call = boss.dial("boss")
    own_name_only(lab.rings(boss), "boss")
    lab.unanswered(call, "boss", 486 if policy == "busy" else 480)
    assert not secretary.rang
    lab.hangup_all()
    kai.dial("boss")
    lab.rings(secretary)


def test_ones_own_number_and_a_second_phone(site, daemon, lab):
    site.forwards(boss=EVERYTHING)
    boss, secretary = lab.register("boss", "secretary")
    with Scripted(site, (180,), "boss") as mobile:
        boss.dial("boss")
        own_name_only(lab.rings(boss), "boss")
        lab.wait(lambda: mobile.reasons, "the mobile rings")
        assert mobile.reasons == [None]
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for {boss}: self \({boss} forwards always to {secretary}\)$")


def test_who_writes_the_bosss_number_is_not_the_boss(site, daemon, lab):
    site.forwards(boss=EVERYTHING)
    boss, secretary = lab.register("boss", "secretary")
    lab.stranger("boss", site.names["boss"], site.domain).dial("boss from outside")
    lab.rings(secretary)
    assert not boss.rang


def test_blind_to_ones_own_number(site, daemon, lab):
    """The caller is who was transferred."""
    site.forwards(boss=EVERYTHING)
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, _ = lab.connect(boss, "kai", kai)
    call.send_to("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    assert not boss.rang


def test_attended_to_ones_own_number(site, daemon, lab):
    """Whom the boss reached alone, the boss's transfer reaches too."""
    site.forwards(boss=EVERYTHING)
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, _ = lab.connect(boss, "kai", kai)
    consultation = boss.dial("boss", [("X-Wait", "yes")])
    lab.wait(lambda: consultation.ringing, "waiting")
    call.join(consultation)
    own_name_only(lab.rings(boss))
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for {kai}: referrer \({boss} forwards always to {secretary}\)")


def test_ones_own_number_from_a_phone_with_the_domain_in_other_letters(site, alive, lab):
    """Also without a daemon."""
    site.forwards(boss=EVERYTHING)
    (secretary,) = lab.register("secretary")
    boss = lab.phone("boss", domain=site.domain.upper())
    lab.wait(lambda: boss.reg == 200, "registered")
    call = boss.dial("boss")
    lab.wait(lambda: boss.rang or secretary.rang or call.gone, "the call is somewhere")
    lab.turn(1)
    assert not secretary.rang
