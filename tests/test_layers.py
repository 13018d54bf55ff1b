"""The imports, held to docs/architecture.md: data goes down once, no rule knows a socket."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "fsdaemon").glob("*.py"))
PURE_NEVER = {
    "gevent",
    "socket",
    "time",
    "os",
    "logging",
    "loguru",
    "greenswitch",
    "threading",
    "random",
    "select",
}


def table() -> dict[str, set[str]]:
    """`module` → what it may import, from the table in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)\.py` \|[^|]*\|([^|]*)\|$", text, re.M)
    return {name: set(re.findall(r"`(\w+)`", allowed)) for name, allowed in rows}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "fsdaemon":
            found |= {f"fsdaemon.{alias.name}" for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.stem)
def test_imports(file: Path) -> None:
    if file.stem == "__init__":
        return
    allowed = table()[file.stem]
    ours = {name.split(".")[1] for name in imports(file) if name.startswith("fsdaemon.")}
    assert ours <= allowed
    if "pure" in allowed:
        assert not {name.split(".")[0] for name in imports(file)} & PURE_NEVER


def test_the_table_knows_every_module() -> None:
    assert set(table()) == {file.stem for file in MODULES} - {"__init__"}


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.stem)
def test_a_module_says_its_rule_and_its_functions_are_short(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    assert len((ast.get_docstring(tree) or "x\n" * 9).split("\n")) <= 6
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 50, node.name
