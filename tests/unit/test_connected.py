"""What the caller's phone shows of the one who is reached."""

from __future__ import annotations

import pytest

from fsdaemon.core import connected, policy
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.history import OnChannel
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.terms import variables as v
from tests.facts import call, config, inside, outside

PATH = (Diverter("100", "always", "Cora Chefin"),)
LEG_ONLY = OnChannel(leg_only=True)


def seen(caller, callee="101", text="", **facts):
    """Of a call that was forwarded by 100, unless said otherwise."""
    facts = {"path": PATH, "channel": LEG_ONLY, "callee_name": "Sina Sekretariat", **facts}
    made, configuration = call(caller, callee, **facts), config(text)
    return connected.decide(made, policy.decide(made, configuration), configuration)


def display(**keys):
    return "[display]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


KAI, MAX = inside("102", "Kai"), outside("+491701234567", "Max")
MOBILE = {"always": "+491709999999", "path": (), "callee_name": "Cora Chefin"}


@pytest.mark.parametrize(
    ("caller", "text", "facts", "shown"),
    [
        (KAI, "", {}, ("Sina Sekretariat", "101")),
        (KAI, "", {"callee_name": ""}, ("101", "101")),
        (KAI, display(caller="target_for_diverter"), {}, ("Sina Sekretariat fuer Cora Chefin", "101")),
        (KAI, display(caller="called"), {}, ("Cora Chefin", "100")),
        (KAI, display(caller="off"), {}, ("", "")),
        (KAI, "", {"hides_target": True}, ("Cora Chefin", "100")),
        (KAI, "", {"path": ()}, ("", "")),  # nobody forwarded it
        (KAI, "", {"stage": "after", "failure": "busy"}, ("", "")),  # no phone rings next
        (KAI, "", {"channel": OnChannel()}, ("", "")),  # the dialplan does not take the leg's part
        (MAX, display(caller_outside="target"), {}, ("Sina Sekretariat", "101")),
        (MAX, display(caller_outside="off"), {}, ("", "")),
    ],
)
def test_who_is_shown(caller, text, facts, shown):
    assert (seen(caller, text=text, **facts).name, seen(caller, text=text, **facts).number) == shown


@pytest.mark.parametrize("wanted", ["target", "target_for_diverter", "called"])
def test_an_external_target_is_never_shown(wanted):
    found = seen(KAI, "100", display(caller=wanted, caller_outside=wanted), **MOBILE)
    assert (found.name, found.number) == ("Cora Chefin", "100")
    assert found.leg[v.IGNORE_UPDATES.variable] == "true"
    assert "491709999999" not in repr(found)
    from_outside = seen(MAX, "100", **MOBILE)
    assert from_outside.hidden
    assert "Cora" not in repr(from_outside)
    assert from_outside.leg == {}


def test_from_outside_nothing_internal_is_shown():
    found = seen(MAX)
    assert found.channel == {v.CALLEE_IN_1XX: "false", v.IGNORE_UPDATES: "true"}
    assert not found.leg


def test_a_break_through_shows_the_boss():
    found = seen(inside("101"), "100", always="101", path=(), callee_name="Cora Chefin")
    assert (found.name, found.number) == ("Cora Chefin", "100")


@pytest.mark.parametrize("name", ['a "b" c', "50% : / @", "${x}", "Müller\r\nVia: x", "x!y]z", "a~b|c"])
def test_whatever_the_name_is(name):
    found = seen(KAI, callee_name=name)
    for value in (*found.channel.values(), *found.leg.values()):
        assert not set(value) & set("\r\n$![]~|{}\"'")
    assert shown_by_mod_sofia(found.channel[v.CALLEE_SHOWN]) == found.name
