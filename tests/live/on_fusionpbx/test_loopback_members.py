"""Members of a ring group that are written as loopback/EXT: each passes the dialplan, so the forwards apply."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only

EVERY = pytest.mark.parametrize("strategy", ["simultaneous", "enterprise", "sequence", "rollover", "random"])


def group(site, strategy, *members, seconds=6):
    site.members(*members or ("loopback/103", "loopback/104"), seconds=seconds)
    site.sql(f"update v_ring_groups set ring_group_strategy = '{strategy}'")


@EVERY
def test_a_member_forwards(site, daemon, lab, strategy):
    """The label on that leg only, and somebody can take the call."""
    site.forwards(vera={"all": "secretary"})
    group(site, strategy)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    call = kai.dial("group")
    leg = lab.rings(secretary, 1, 14)
    labelled(leg, "kai", vera="unconditional")
    if strategy in ("simultaneous", "enterprise"):
        own_name_only(lab.rings(zoe))
    assert not vera.rang
    leg.pick_up()
    lab.talk(call, leg)
