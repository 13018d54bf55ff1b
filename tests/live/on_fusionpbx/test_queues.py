"""A queue of the call centre: a call that a forward brought there, and its agent 103 as FusionPBX calls agents."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, nothing_of_ours, own_name_only


@pytest.fixture
def queue(site):
    if "+OK" not in site.api("load mod_callcenter") and "true" not in site.api(
        "module_exists mod_callcenter"
    ):
        pytest.skip("this FreeSWITCH has no mod_callcenter")
    return "7000"


def test_a_forward_leads_to_the_queue(site, daemon, lab, queue):
    """The agent sees for whom the call was; whoever gets the caller from the agent does not."""
    site.forwards(boss={"all": queue})
    vera, zoe, kai = lab.register("vera", "zoe", "kai")
    call = kai.dial("boss")
    leg = lab.rings(vera, 1, 8)
    labelled(leg, "kai", boss="unconditional")
    leg.pick_up()
    lab.talk(call, leg)
    lab.turn(0.5)
    leg.send_to("zoe")
    own_name_only(lab.rings(zoe))
    lab.hangup_all()
    lab.turn(1)
    kai.dial(queue)
    own_name_only(lab.rings(vera, 2, 8))


def test_nobody_took_the_call_in_the_queue(site, daemon, lab, queue):
    """It goes on to the number that the queue names for that, and is still the boss's."""
    site.forwards(boss={"all": queue})
    vera, zoe, kai = lab.register("vera", "zoe", "kai")
    kai.dial("boss")
    lab.rings(vera, 1, 8)
    site.api(f"uuid_transfer {site.channel_of('kai')} {site.number('zoe')}")
    assert lab.rings(zoe).display == site.label("boss", "kai")


def test_a_withheld_number(site, daemon, lab, queue):
    site.forwards(boss={"all": queue})
    vera, kai = lab.register("vera", "kai")
    kai.dial("boss", headers=[("Privacy", "id")])
    leg = lab.rings(vera, 1, 8)
    assert leg.display == site.label("boss", "Anonym")
    assert f"sip:{site.number('kai')}@" not in leg.msg


def test_without_a_daemon(site, lab, queue):
    site.forwards(boss={"all": queue})
    vera, kai = lab.register("vera", "kai")
    kai.dial("boss")
    nothing_of_ours(lab.rings(vera, 1, 8))
