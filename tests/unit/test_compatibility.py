"""docs/compatibility.md names everything of FreeSWITCH that our dialplan uses."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
DIALPLANS = ROOT / "freeswitch" / "dialplan"
DIALPLAN = "".join(
    file.read_text("utf-8")
    for file in (DIALPLANS / "fsdaemon.xml", *sorted((DIALPLANS / "default").glob("*.xml")))
)


def _spelled() -> set[str]:
    """The words of the first column of the last table."""
    rows = [line for line in PAGE.partition("## What is used")[2].split("\n") if line.startswith("| ")]
    return set(re.findall(r"\w+", " ".join(row.split(" | ")[0] for row in rows)))


def test_every_application_is_in_the_table() -> None:
    used = set(re.findall(r'application="(\w+)"', DIALPLAN))
    assert "execute_extension" in used
    assert used <= _spelled()


def test_every_api_function_is_in_the_table() -> None:
    used = set(re.findall(r"\$\{(\w+)\(", DIALPLAN))
    assert "user_data" in used
    assert used <= _spelled()
