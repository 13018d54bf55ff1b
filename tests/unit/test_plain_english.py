"""What a user reads is plain English: the turns of phrase that we do not use, searched for in every text."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What stands there, and what to write instead.
AVOID = {
    r"\b(she|her|hers|herself|whom)\b": "the user, the caller, the callee, they",
    r"\bhouse\b": "internal, external, on-net, off-net",
    # "there is no forward" is right; so is "is no longer".
    r"(?<!there )\b(is|are|was|were) no (?!longer\b|(more|less|fewer|later) than\b)\w+": "is not a, invalid",
    r"\bno TOML\b": "invalid TOML",
    r"\bby (itself|themselves|himself|oneself)\b": "say what does it",
    r"\bno more\b(?! \w)": "no longer, not any more",
    r"\bthe matter\b": "say what happened",
    r"\bfor good\b": "permanently",
    r"\bmeanwhile\b": "say when",
    r"\bnone fits\b": "no exception matched",
    r"\bwhoever\b": "the user who, anyone who",
    r"\bthere (is|are) no such\b": "there is no",
    r"\bone (sees|hears|has|may|can|dials|must)\b": "you, the user",
}
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "bench" / "README.md"]
PAGES += [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "freeswitch").glob("**/*.md"))]
XML = sorted((ROOT / "freeswitch").glob("**/*.xml"))
HASH = [ROOT / "conf.toml", *sorted((ROOT / "systemd").iterdir())]
HASH += [file for file in sorted((ROOT / "debian").iterdir()) if file.is_file() and file.name != "copyright"]
TEXT = [
    *sorted((ROOT / "freeswitch").glob("**/*.lua")),
    *sorted((ROOT / "freeswitch").glob("**/*.php")),
    *sorted((ROOT / "fsdaemon").glob("**/*.html")),
]
CODE = [*sorted((ROOT / "fsdaemon").glob("**/*.py")), *sorted((ROOT / "manual").glob("*.py"))]


def phrases(file: Path) -> list[str]:
    """What is read in a file, a text each: a literal, a comment, or all of it. Lines of one text are joined."""
    text = file.read_text("utf-8")
    if file.suffix == ".py":
        return literals(ast.parse(text))
    if file.suffix == ".xml":
        return re.findall(r"<!--(.*?)-->", text, re.S)
    if file.suffix == ".md":
        # What a command prints is found where the command has it.
        text = re.sub(r"^```console\n.*?^```$", "", text, flags=re.M | re.S)
    elif file in HASH:
        text = re.sub(r"^ *#", "", text, flags=re.M)
    return [text]


def literals(tree: ast.AST) -> list[str]:
    """Every string of a module but its docstrings; what an f-string inserts is an "X"."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            found.append("".join(str(part) for part in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            found.append(node.value)
    return found


@pytest.mark.parametrize(
    "file", [*PAGES, *XML, *HASH, *TEXT, *CODE], ids=lambda file: file.relative_to(ROOT).as_posix()
)
def test_plain(file: Path) -> None:
    found = []
    for phrase in phrases(file):
        text = re.sub(r"\s+", " ", phrase)
        for pattern, instead in AVOID.items():
            for match in re.finditer(pattern, text, re.I):
                around = text[max(0, match.start() - 40) : match.end() + 30]
                found.append(f"…{around}…  ({instead})")
    assert not found, "\n" + "\n".join(found)
