"""Picking up a forwarded call that rings: FusionPBX's own **EXT of who rings, and ours of who forwards."""

from __future__ import annotations

import json
import re

import pytest

from tests.live.scenarios import labelled, own_name_only

# What would show in a later leg, or do something later.
ACTS = re.compile(r"^variable_(?:sip_h_\S+|nolocal%3A\w+): .*(?:fsdaemon|Uml|iversion).*$", re.M)


def picked_up(site, lab, code, call, ringing, zoe):
    """Zoe dials the code, and has the call; nothing that acts is left."""
    lab.turn(0.6)  # FreeSWITCH's table of channels comes a moment late
    picked = zoe.dial(code)
    lab.wait(lambda: call.up and picked.up and ringing.gone, "picked up")
    lab.turn(0.7)
    rows = json.loads(site.api("show channels as json"))["rows"]
    assert len(rows) == 2
    for row in rows:
        assert not ACTS.findall(site.api(f"uuid_dump {row['uuid']}"))
    return picked


@pytest.mark.parametrize("code", ["**<secretary>", "**<boss>", "*97<boss>", "**<absent>"])
def test_a_chain(site, daemon, lab, code):
    """The boss was dialled, the absent one forwarded it last, the secretary's phone rings."""
    site.forwards(boss={"all": "absent"}, absent={"all": "secretary"})
    secretary, kai, zoe, vera = lab.register("secretary", "kai", "zoe", "vera")
    call = kai.dial("boss")
    ringing = lab.rings(secretary)
    labelled(ringing, "kai", absent="unconditional", boss="unconditional")
    picked = picked_up(site, lab, site.filled(code), call, ringing, zoe)
    picked.send_to("vera")
    own_name_only(lab.rings(vera))


def test_a_no_answer_forward(site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    call = kai.dial("boss")
    lab.rings(boss)
    picked_up(site, lab, site.filled("**<boss>"), call, lab.rings(secretary, 1, 10), zoe)


@pytest.mark.parametrize("strategy", ["simultaneous", "enterprise", "sequence"])
def test_the_target_is_a_ring_group(site, daemon, lab, strategy):
    site.forwards(boss={"all": "group"})
    site.sql(f"update v_ring_groups set ring_group_strategy = '{strategy}'")
    vera, kai, secretary = lab.register("vera", "kai", "secretary")
    call = kai.dial("boss")
    picked_up(site, lab, site.filled("**<boss>"), call, lab.rings(vera), secretary)


@pytest.mark.parametrize("then", ["answered", "sent on", "plain", "gone", "mailbox"])
def test_only_while_it_rings(site, daemon, lab, then):
    """What was forwarded before is not taken away, and FusionPBX's own pick-up goes on working."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai, zoe, vera = lab.register("boss", "secretary", "kai", "zoe", "vera")
    if then == "mailbox":
        call = kai.dial("boss")
        lab.unanswered(call, "secretary", 0)
    else:
        call, leg = lab.connect(kai, "boss", secretary)
    ringing = None
    if then == "sent on":
        leg.send_to("vera")
        ringing = lab.rings(vera)
    elif then in ("plain", "gone"):
        call.end()
        lab.turn(0.7)
    if then == "plain":
        call = secretary.dial("boss")  # whom the forward leads to
        picked_up(site, lab, site.filled("**<boss>"), call, lab.rings(boss), zoe)
        return
    picked = zoe.dial(site.filled("**<boss>"))
    lab.wait(lambda: picked.gone, "nothing to pick up", 8)
    if then in ("answered", "mailbox"):
        assert call.up
        assert then == "mailbox" or leg.up
    elif ringing:
        assert ringing.ringing


def test_another_tenants_call(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    there = lab.phone("104", domain="b.test")
    lab.wait(lambda: there.reg == 200, "registered", 8)
    kai.dial("boss")
    ringing = lab.rings(secretary)
    picked = there.dial("**100")
    lab.wait(lambda: picked.gone, "nothing to pick up", 8)
    assert ringing.ringing
