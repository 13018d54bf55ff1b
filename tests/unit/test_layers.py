"""The imports, held to docs/architecture.md: data goes down once, no rule knows a socket."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "terms",
    "config",
    "core",
    "esl",
    "daemon",
    "doctor",
    "cli",
)  # each imports those before it, and no other
PURE = ("terms", "config", "core")
DOCTOR_LOOKS = ("disk", "machine", "gather")  # the others judge
MODULES = sorted((ROOT / "fsdaemon").rglob("*.py"))
INSIDE = [file for file in MODULES if file.parent.name in FOLDERS]
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


def folders_of(file: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(file) if name.startswith("fsdaemon.")}


@pytest.mark.parametrize("file", INSIDE, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_a_folder_imports_those_before_it(file: Path) -> None:
    allowed = set(FOLDERS[: FOLDERS.index(file.parent.name) + 1])
    assert folders_of(file) <= allowed
    if file.parent.name in PURE or (
        file.parent.name == "doctor" and file.stem not in (*DOCTOR_LOOKS, "report")
    ):
        assert not {name.split(".")[0] for name in imports(file)} & PURE_NEVER


def test_nothing_stands_outside_the_folders() -> None:
    outside = {file.name for file in MODULES} - {file.name for file in INSIDE}
    assert outside <= {"__init__.py", "__main__.py"}
    assert all(file.parent.name in (*FOLDERS, "fsdaemon") for file in MODULES)


def test_the_document_names_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"^\| `(\w+/\w+)\.py` \|", text, re.M))
    assert named == {f"{file.parent.name}/{file.stem}" for file in INSIDE if file.stem != "__init__"}
    order = [text.index(f"`{folder}/`") for folder in FOLDERS]
    assert order == sorted(order)


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.stem)
def test_a_module_says_its_rule_and_its_functions_are_short(file: Path) -> None:
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    assert len((ast.get_docstring(tree) or "x\n" * 9).split("\n")) <= 6
    assert text.count("\n") <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 40, node.name
