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


@pytest.fixture
def by_loopback(site, queue):
    """The setting call_center / agent_contact_method = loopback."""
    contact = site.api("callcenter_config agent list one").splitlines()[1].split("|")[4]
    site.api("callcenter_config agent set contact one loopback/103/lab.test")
    yield queue
    site.api(f"callcenter_config agent set contact one {contact}")


def test_an_agent_by_a_loopback_forwards(site, daemon, lab, by_loopback):
    """The forward has label and exception, for the caller who waits."""
    site.forwards(vera={"all": "secretary"})
    vera, secretary, kai = lab.register("vera", "secretary", "kai")
    call = kai.dial(by_loopback)
    leg = lab.rings(secretary, 1, 8)
    labelled(leg, "kai", vera="unconditional")
    leg.pick_up()
    lab.talk(call, leg)
    lab.hangup_all()
    lab.turn(1)
    secretary.dial(by_loopback)
    own_name_only(lab.rings(vera, 1, 8), "secretary")


def test_no_mailbox_of_an_agent(site, daemon, lab, by_loopback):
    """It would take the call from the queue."""
    vera, kai = lab.register("vera", "kai")
    vera.policy = "busy"
    kai.dial(by_loopback)
    lab.rings(vera, 2, 12)
