"""The example sites of freeswitch/dialplan/examples: as short as docs/dialplan.md promises, and plain."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIALPLAN = ROOT / "freeswitch" / "dialplan"
EXAMPLES = sorted((DIALPLAN / "examples").glob("*.xml"))
SCRIPTS = sorted((DIALPLAN / "examples").glob("*.lua"))
FOUR = ("all", "busy", "no_answer", "not_registered")
AT_A_USER, AT_A_GROUP = 7, 3

each = pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)


def extensions(file: Path) -> list[ET.Element]:
    return list(ET.parse(file).iter("extension"))


def actions(extension: ET.Element) -> list[tuple[str, str]]:
    """Application and data of each action; a line end in an attribute is a blank."""
    return [
        (one.get("application", ""), one.get("data", "")) for one in extension.iter() if "action" in one.tag
    ]


def ours(extension: ET.Element) -> int:
    """How many of its lines are there because of fsdaemon: those that name it, or its script."""
    words = ("fsdaemon", *(script.name for script in SCRIPTS))
    lines = ET.tostring(extension, "unicode").replace("&#10;", "\n")
    return sum(any(word in line for word in words) for line in re.sub(r"\n +,", "\n", lines).splitlines())


def kind(extension: ET.Element) -> str:
    bridges = [data for application, data in actions(extension) if application == "bridge"]
    if any("user/$1@" in data for data in bridges):
        return "user"
    if any("user/" in data for data in bridges):
        return "group"
    return "trunk" if any("sofia/gateway/" in data for data in bridges) else "other"


def test_there_are_two_sites() -> None:
    assert [file.stem for file in EXAMPLES] == ["one_tenant", "two_tenants"]
    assert [script.stem for script in SCRIPTS] == ["two_tenants_forwards"]


@each
def test_how_many_lines_are_ours(file: Path) -> None:
    counted = [(kind(extension), ours(extension)) for extension in extensions(file)]
    assert {"user", "group", "trunk"} <= {name for name, _ in counted}
    for name, lines in counted:
        assert lines <= {"user": AT_A_USER, "group": AT_A_GROUP}.get(name, 0), (name, lines)
        assert lines or name not in ("user", "group")


@each
def test_the_order_at_a_user(file: Path) -> None:
    for extension in extensions(file):
        if kind(extension) != "user":
            continue
        steps = actions(extension)
        names = [
            f"{application} {data.partition('/')[0]}" if data.endswith("XML fsdaemon") else application
            for application, data in steps
        ]
        before, bridge = names.index("execute_extension before"), names.index("bridge")
        assert before < bridge < names.index("execute_extension after XML fsdaemon")
        assert "}${fsdaemon_leg}user/$1@" in steps[bridge][1]
        set_first = {data for application, data in steps[:before] if application == "set"}
        assert {"continue_on_fail=true", "hangup_after_bridge=true"} <= set_first


@each
def test_every_call_names_its_own_domain_and_context(file: Path) -> None:
    """The caller's domain is not the callee's, and a forward goes on where the callee is."""
    assert "domain_name" not in re.sub(r"<!--.*?-->", "", file.read_text("utf-8"), flags=re.S)
    for context in ET.parse(file).iter("context"):
        for _, data in (step for extension in context.iter("extension") for step in actions(extension)):
            asked = re.match(r"(?:before|beyond)/\S+@(\S+)/(\w+) XML fsdaemon", data)
            if asked:
                assert asked[2] == context.get("name")
                assert asked[1] in ("$${domain}", f"{asked[2]}.test")


@each
def test_expressions_are_plain(file: Path) -> None:
    for condition in ET.parse(file).iter("condition"):
        expression = condition.get("expression", "")
        assert len(expression) <= 60
        assert not re.search(r"\(\?|\\[1-9]", expression), expression  # look-around, back reference
    assert "<regex" not in file.read_text("utf-8")


@pytest.mark.parametrize("file", [*EXAMPLES, *SCRIPTS], ids=lambda file: file.name)
def test_lines_are_short(file: Path) -> None:
    assert [line for line in file.read_text("utf-8").splitlines() if len(line) > 120] == []


def test_the_script_sets_all_four_each_time() -> None:
    text = SCRIPTS[0].read_text("utf-8")
    table = re.search(r"local kinds = \{(.*?)\}", text)
    assert table
    assert tuple(re.findall(r'(\w+) = ""', table[1])) == FOUR
    assert 'session:setVariable("fsdaemon_forward_" .. kind, target)' in text


def test_the_page_names_every_variable() -> None:
    """docs/dialplan.md has a row for each fsdaemon_ variable of our dialplan files."""
    text = "".join(file.read_text("utf-8") for file in sorted(DIALPLAN.rglob("*.xml")))
    text = re.sub(r'<!--.*?-->|(?<=extension name=")\w+|fsdaemon_\w+\.(?:xml|lua)', "", text, flags=re.S)
    used = set(
        re.findall(r"(?<!execute_on_pre_bridge_)(?<!execute_on_originate_)\bfsdaemon_[a-z_]*[a-z]", text)
    )
    used = {name for name in used if name != "fsdaemon_forward"} | {
        f"fsdaemon_forward_{kind}" for kind in FOUR
    }
    page = (ROOT / "docs" / "dialplan.md").read_text("utf-8")
    rows = {
        name
        for row in re.findall(r"^\| (`fsdaemon_.*?) \|", page, re.M)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert used - rows == set()
