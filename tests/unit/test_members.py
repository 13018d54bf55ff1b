"""Members of FusionPBX's ring groups who are dialled by a loopback."""

from __future__ import annotations

import pytest

from fsdaemon.config.reader import load
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from tests.recorded import DIRECTORY, decided

CONFIG = load('[variables]\npreset = "fusionpbx"\n')
CALLER = "2ad0f362-5de7-4f1f-89a2-a147d7b86a6b"
FORWARDED = {"fsdaemon_path": "100", "fsdaemon_kinds": "always", "fsdaemon_hop": "2000"}


def decide(name, on_caller=None, **lines):
    """The decision, and what was asked; `on_caller` is what the calling channel has."""
    known = {"destination_number": "2000", **(on_caller or {})}
    answers = {f"uuid_getvar {CALLER} {variable}": value for variable, value in known.items()}
    asked = []

    def answer(command):
        asked.append(command)
        return answers.get(command, "_undef_" if command.startswith("uuid_getvar") else "-ERR no reply")

    data = channel_data((DIRECTORY / "fusionpbx" / f"{name}.txt").read_bytes(), lines)
    return decided(Headers(data), CONFIG, answer), asked


@pytest.mark.parametrize(
    ("on_caller", "lines", "path"),
    [
        (FORWARDED, {}, ["100", "103"]),
        ({}, {}, ["103"]),
        ({**FORWARDED, "fsdaemon_hop": "2001"}, {}, ["103"]),
        ({**FORWARDED, "last_bridge_to": "somebody"}, {}, ["103"]),
        ({**FORWARDED, "last_bridge_to": "x", "fsdaemon_bridged": "x"}, {}, ["100", "103"]),
        (FORWARDED, {"last_bridge_to": "somebody"}, ["103"]),
        (FORWARDED, {"confirm": ""}, ["103"]),
        (FORWARDED, {"fsdaemon_stage": "before"}, ["103"]),
    ],
)
def test_the_way_to_the_group(on_caller, lines, path):
    """Only where nobody took the call since, and for a member only."""
    decision, _ = decide("once_member", on_caller, **lines)
    assert [step.number for step in decision.verdict.path] == path


@pytest.mark.parametrize(("to", "reason"), [("2000", "loop"), ("2001", "always"), ("104", "always")])
def test_a_forward_back_to_the_group(to, reason):
    decision, _ = decide("once_member", forward_all_destination=to)
    assert decision.verdict.reason == reason
    assert decision.values.get(v.OFF, "") == ("always" if reason == "loop" else "")


def test_a_member_who_does_not_forward_is_asked_about_once():
    """One question for a call that nobody forwarded."""
    _, asked = decide("once_member", forward_all_enabled="false")
    assert asked == [f"uuid_getvar {CALLER} fsdaemon_path"]
