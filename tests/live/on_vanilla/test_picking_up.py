"""Picking up a ringing forwarded call: **EXT (the target, or who forwards), *8 for one's group, 886 for anybody."""

from __future__ import annotations

import json
import re

import pytest

from tests.live.scenarios import labelled, outside_only, own_name_only

CODES = ["**<secretary>", "**<boss>", "*8", "886"]
# What would show in a later leg, or do something later; the rest is memory, which an answer makes void.
ACTS = re.compile(
    r"^variable_(?:sip_h_\S+|origination_\w+|\w*export\w*|fsdaemon_undo|bridge_pre_execute_\w+|execute_on_\w+|"
    r"api_on_\w+|effective_\w+): .*(?:fsdaemon|Uml|iversion).*$|^variable_(?:sip_h_Diversion|fsdaemon_undo):.*$",
    re.M,
)


def picked_up(site, lab, code, to="secretary"):
    """A call to the boss that rings at the secretary, or at Kai in the group, is taken by Zoe: her end of it."""
    site.forwards(boss={"all": to})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    caller, there = (kai, secretary) if to == "secretary" else (secretary, kai)
    call = caller.dial("boss")
    ringing = lab.rings(there)
    labelled(ringing, "kai" if caller is kai else "secretary", boss="unconditional")
    picked = zoe.dial(site.filled(code))
    lab.wait(lambda: call.up and picked.up and ringing.gone, "picked up")
    lab.turn(0.7)
    return picked, boss, secretary


@pytest.mark.parametrize(
    ("code", "to"), [*((code, "secretary") for code in CODES), ("886", "group")], ids=[*CODES, "group"]
)
def test_nothing_of_it_is_left(site, daemon, lab, code, to):
    """Nothing on the picker's channel; on the caller's nothing that acts, and the caller's own name."""
    picked_up(site, lab, code, to)
    rows = json.loads(site.api("show channels as json"))["rows"]
    assert len(rows) == 2
    for row in rows:
        assert "Uml" not in json.dumps(row)
        dump = site.api(f"uuid_dump {row['uuid']}")
        who = re.search(r"^variable_user_name: (\d+)", dump, re.M)[1]
        assert f"variable_effective_caller_id_name: Extension%20{who}\n" in dump
        assert not ACTS.findall(dump)
        if who == site.number("zoe"):
            assert not re.search("fsdaemon|Uml|iversion", dump)


@pytest.mark.parametrize("code", ["**<secretary>", "*8"])
@pytest.mark.parametrize("then", ["secretary", "boss", "outside"])
def test_and_sent_on(site, daemon, lab, code, then):
    """The old way counts no longer: no label at the target it led to, and the boss forwards it anew."""
    picked, boss, secretary = picked_up(site, lab, code)
    picked.send_to(then)
    if then == "outside":
        outside_only(lab.at_carrier())
        return
    leg = lab.rings(secretary, 2)
    if then == "secretary":
        own_name_only(leg)
    else:
        labelled(leg, "kai", boss="unconditional")
    assert not boss.rang


@pytest.mark.parametrize("who", ["boss", "secretary"])
def test_a_colleague(site, daemon, lab, who):
    """*8 is for one's group: of the user who forwards, and of the one whose phone rings."""
    site.extra = {site.number(one): {"callgroup": "sales"} for one in (who, "zoe")}
    picked_up(site, lab, "*8")
