"""The secretary transfers a caller to the boss, whose phone rings, and nobody takes the call there.

FreeSWITCH then gives the caller's channel all variables of the secretary's consultation call.
"""

from __future__ import annotations


def not_taken(site, lab):
    """Max, from outside, and his channel; the boss's phone has given up."""
    boss, secretary = lab.register("boss", "secretary")
    call = lab.stranger().dial("secretary")
    first = lab.rings(secretary)
    first.pick_up()
    lab.talk(call, first)
    channel = site.channel_of("+491701234567")
    consultation = secretary.dial("boss")
    lab.rings(boss)
    lab.wait(lambda: consultation.ringing, "heard by the secretary")
    first.join(consultation)
    lab.wait(lambda: boss.last.gone, "given up", 12)
    return call, channel, secretary


def test_the_caller_is_not_the_secretary(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, zoe={"all": "secretary"})
    (zoe,) = lab.register("zoe")
    _, channel, secretary = not_taken(site, lab)
    assert daemon.says(r"ring {boss} for \+491701234567: ")
    site.api(f"uuid_transfer {channel} {zoe.user} XML default")
    assert lab.rings(secretary, 2).display == site.label("zoe", "Max")
    assert not zoe.rang


def test_the_forward_on_no_reply_is_followed(site, daemon, lab):
    site.forwards(boss={"no_answer": "zoe"}, zoe={"all": "secretary", "busy": "kai"})
    zoe, kai = lab.register("zoe", "kai")
    call, _, secretary = not_taken(site, lab)
    leg = lab.rings(secretary, 2)
    assert leg.display == site.label("boss", "zoe", "Max")
    leg.pick_up()
    lab.talk(call, leg)
    assert not zoe.rang
    assert not kai.rang


def test_the_secretary_is_not_rung_back(site, daemon, lab):
    site.forwards(boss={"all": "secretary", "no_answer": "secretary"})
    call, _, secretary = not_taken(site, lab)
    assert daemon.says(
        r"ring {boss} for \+491701234567: referrer \({boss} forwards no_answer to {secretary}\)"
    )
    lab.unanswered(call, "boss", 0)
    assert len(secretary.incoming) == 1
