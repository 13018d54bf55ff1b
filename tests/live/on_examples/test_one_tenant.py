"""What docs/dialplan.md says besides, on the site of one tenant: see OneTenant in tests/live/sites.py."""

from __future__ import annotations

import pytest

from tests.live.scenarios import outside_only
from tests.live.scenarios.causes import as_if_dialled, wait_for
from tests.live.scenarios.codes import (  # noqa: F401
    test_a_phone_dials_a_forward_and_it_survives_a_restart,
    test_every_kind,
    test_how_long_it_rings,
    test_off_on_erase_and_ask,
    test_several_kinds_of_one_user,
)
from tests.live.scenarios.exceptions import test_a_forward_that_is_none  # noqa: F401
from tests.live.scenarios.leaks import taken_by_the_group
from tests.live.scenarios.redirects import test_the_phone_forwards_out_of_a_trunk  # noqa: F401

pytestmark = pytest.mark.parametrize("running", ["one_tenant"], indirect=True)


def test_a_group_passes_the_call_on_to_a_trunk(site, daemon, lab):
    """Nobody took it: it is a forwarded call still, and outside there is no label."""
    site.forwards(boss={"all": "2001"})
    site.api("global_setvar night=95551234567")
    _, kai = lab.register("boss", "kai")
    kai.dial("boss")
    leg = lab.at_carrier()
    assert leg.display == "Kai Kollege"
    assert "Uml." not in leg.msg
    assert leg.header("Diversion") == site.trunk_diversion(boss="unconditional")


@pytest.mark.parametrize("trunk", ["outside", "outside with us"])
def test_a_conference_passes_the_call_on_to_a_trunk(site, daemon, lab, trunk):
    """The conference took it: it is not a forwarded call any more."""
    site.forwards(boss={"all": "conference"})
    _, kai = lab.register("boss", "kai")
    call = kai.dial("boss")
    lab.talk(call)
    lab.turn(4.5)
    site.api(f"uuid_transfer {site.channel_of('kai')} {site.number(trunk)} XML office")
    outside_only(lab.at_carrier())


def test_a_group_with_the_leg_before_each_phone(site, daemon, lab):
    """Not needed, and harmless."""
    at_kai, _, _ = taken_by_the_group(site, lab, "2002")
    at_kai.send_to("outside")
    outside_only(lab.at_carrier(), "secretary")


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize(
    ("target", "code", "cause"),
    [
        ("51", 503, "GATEWAY_DOWN"),
        ("52", 484, "INVALID_GATEWAY"),
        ("2003", 603, "CALL_REJECTED"),  # a group that says itself how it goes on
    ],
)
def test_where_a_forward_ends(site, alive, target, code, cause, inside):
    """As if the caller had dialled it, whatever the phone before said."""
    if target == "51":
        wait_for(lambda: "DOWN" in site.api("sofia status gateway down"), 60)
    found, reason = as_if_dialled(site, target, inside)
    assert found == code
    assert cause in reason
