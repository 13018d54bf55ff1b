"""Which dialled strings are codes of ours, and what each means: the expressions of fsdaemon_codes.xml."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

FILE = Path(__file__).parents[1] / "freeswitch" / "dialplan" / "default" / "fsdaemon_codes.xml"
CONDITIONS = [
    (re.compile(condition.get("expression", "").replace(r"\z", r"\Z")), condition)  # Python's word for it
    for condition in ElementTree.fromstring(FILE.read_text("utf-8")).iter("condition")
    if condition.get("field") == "destination_number"
]


def meaning(dialled: str) -> str | None:
    """What is done: "" is refused, None leaves the call to others. The target in brackets."""
    ours, *others = CONDITIONS
    if not ours[0].search(dialled):
        return None
    done = []
    for expression, condition in others:
        match = expression.search(dialled)
        for action in condition.iter("action") if match else ():
            name, _, value = action.get("data", "").partition("=")
            if name == "fsdaemon_code_do":
                done.append(value)
            elif name == "fsdaemon_code_number":
                done[-1] += f"({match.expand(value.replace('$', chr(92)))})"
    assert len(done) < 2, f"{dialled} means {done}"
    return done[0] if done else ""


@pytest.mark.parametrize("kind", ["21", "67", "61", "62"])
@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("*KK*1001#", "set(1001)"),
        ("**KK*1001#", "set(1001)"),
        ("*KK*1001", "set(1001)"),
        ("*KK*+491701234567#", "set(+491701234567)"),
        ("*KK*alice.b#", "set(alice.b)"),
        ("*KK#", "on"),
        ("*KK", "on"),
        ("*KK**1", "on"),
        ("#KK#", "off"),
        ("#KK", "off"),
        ("*KK**0", "off"),
        ("##KK#", "erase"),
        ("##KK", "erase"),
        ("*KK**9", "erase"),
        ("*#KK#", "ask"),
        ("*#KK", "ask"),
        ("*KK**2", "ask"),
        ("*KK*#", ""),
        ("*KK**", ""),
        ("*KK**3", ""),
        ("*KK**0#", ""),
        ("*KK*1001##", ""),
        ("*KK*1001*11#", ""),
        ("*KK*1001#\n", ""),
        ("*KK\n", None),
        ("*KK*1001\n", ""),
        ("*KK*10 01#", ""),
        ("*KK*${x}#", ""),
        ("*KK*10;KK=on:1#", ""),
        ("*KK*" + "1" * 33 + "#", ""),
        ("#KK*1001#", ""),
        ("**KK", None),  # the example configuration's pick-up
        ("**KK#", ""),
        ("*KK1", None),
        ("KK", None),
        ("#*KK#", None),
        ("***KK*1#", None),
    ],
)
def test_every_kind(kind: str, code: str, means: str | None) -> None:
    assert meaning(code.replace("KK", kind)) == means


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("*61*1001**20#", "set(1001)"),
        ("*61*1001**5", "set(1001)"),
        ("*61*1001**30", "set(1001)"),
        ("*61*1001**4#", ""),
        ("*61*1001**31#", ""),
        ("*61*1001**200#", ""),
        ("*21*1001**20#", ""),
        ("##002#", "all_erase"),
        ("##002", "all_erase"),
        ("*21**99", "all_erase"),
        ("#002#", "all_off"),
        ("*21**00", "all_off"),
        ("*67**99", ""),
        ("*#002#", ""),
        ("##004#", ""),
        ("*002*1001#", None),
        ("*8", None),
        ("*69", None),
        ("*98", None),
        ("*97", None),
        ("*01001", None),
        ("**1001", None),
        ("1001", None),
        ("2100", None),
        ("+491701234567", None),
    ],
)
def test_others(code: str, means: str | None) -> None:
    assert meaning(code) == means
