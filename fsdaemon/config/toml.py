"""TOML text to a document: where each key stands, and what is wrong with the TOML itself.

Rule: knows no key of ours.
"""

from __future__ import annotations

import re
from typing import Any

import tomli

from fsdaemon.config.problems import Problem

_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
#: `key = …`; what is wrong with it stays in it
_ONE_LINE = re.compile(r"\s*[\w.\"'-]+\s*=(?!.*(\"\"\"|\'\'\'))")
_MOST_BROKEN = 50  # lines
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.?)""")


def path_of(parts: list[str]) -> str:
    """The parts of a TOML key as problems name it."""
    return ".".join(
        f'"{part}"' if at == 1 and parts[0] == "domains" else part for at, part in enumerate(parts)
    )


def _dotted(text: str) -> tuple[list[str], int]:
    """The parts of a TOML key at the start of `text`, and where it ends."""
    parts: list[str] = []
    at = 0
    while (match := _PART.match(text, at)) is not None:
        parts.append(match[1] or match[2] or match[3] or "")
        at = match.end()
        if not match[4]:
            break
    return parts, at


class Source:
    """The text of a conf.toml: where its keys stand, as far as it shows that line by line."""

    def __init__(self, text: str) -> None:
        """Find the keys, and the sections around them."""
        self.text = text.split("\n")
        self._lines: dict[str, int] = {}  #: path of a key or a section → line of the first
        self._keys: list[tuple[int, str]] = []  #: line → path of the key that begins there; empty: a header
        self._find()

    def _find(self) -> None:
        section, inside = list[str](), ""
        for number, line in enumerate(self.text, 1):
            if inside:
                inside = "" if inside in line else inside
                continue
            header = re.match(r"\s*\[+", line)
            rest = line[header.end() :] if header else line
            parts, end = _dotted(rest)
            if header:
                section = parts
            elif not (parts and rest[end:].lstrip().startswith("=")):
                continue
            whole = section if header else [*section, *parts]
            for length in range(1, len(whole) + 1):
                self._lines.setdefault(path_of(whole[:length]), number)
            self._keys.append((number, "" if header else path_of(whole)))
            value = "" if header else rest[end:].lstrip("= ")
            inside = next((q for q in ('"""', "'''") if value.startswith(q) and value.count(q) == 1), "")

    def line(self, path: str) -> int | None:
        """Where a key stands, or the section around it."""
        return self._lines.get(path) or self._lines.get(path.rpartition(".")[0])

    def key_at(self, number: int) -> tuple[str, int]:
        """The key that is written in this line, and the line in which it begins; empty for none."""
        began = [(path, line) for line, path in self._keys if line <= number]
        return began[-1] if began else ("", 0)

    def written(self, path: str) -> str:
        """The lines from a key to the next one."""
        first = self._lines.get(path, 0)
        after = [line for line, _ in self._keys if line > first]
        return "\n".join(self.text[first - 1 : after[0] - 1 if after else None]) if first else ""

    def twice(self, number: int) -> Problem | None:
        """The key that is set a second time, up to this line."""
        seen: dict[str, int] = {}
        for line, path in self._keys:
            if path and path in seen and line >= number:
                return Problem(path, f"is set twice; the first is in line {seen[path]}", line)
            seen.setdefault(path, line)
        return None


def document_of(source: Source) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The document, and what in it is invalid TOML; no document where nothing after a mistake can be trusted.

    A parser stops at the first mistake. A line `key = …` can be left out and the rest be read, so that
    all that is wrong is said at once.
    """
    lines, problems = list(source.text), list[Problem]()
    while True:
        try:
            return tomli.loads("\n".join(lines)), problems
        except tomli.TOMLDecodeError as error:
            problem = _syntax(error, source)
        except (ValueError, RecursionError) as error:  # numbers of thousands of digits, hundreds of brackets
            return None, [*problems, Problem("", f"invalid TOML: {error}")]
        at = (problem.line or 0) - 1
        if problems and not any(map(str.strip, lines[problems[-1].line or 0 : max(at, 0)])):
            return None, problems  # what follows at once may be of the same mistake: an open [
        problems.append(problem)
        if at < 0 or not _ONE_LINE.match(lines[at]) or len(problems) > _MOST_BROKEN:
            return None, problems
        lines[at] = ""


def _syntax(error: tomli.TOMLDecodeError, source: Source) -> Problem:
    match = _SYNTAX.fullmatch(str(error))
    if not match:
        return Problem("", f"invalid TOML: {error}")
    what, line, column = match[1], int(match[2] or 0), int(match[3] or 0)
    twice = _TWICE.match(what)
    if twice and line:
        section = path_of(re.findall(r"'([^']*)'", twice[1]))
        said = f"[{section}] is there already, perhaps as {section}.… = …; all of it goes under one header"
        return Problem("", f"invalid TOML: {said}", line)
    if what == "Cannot overwrite a value" and (again := source.twice(line)):
        return again
    path, began = source.key_at(line or len(source.text))
    if what == "Unclosed array":
        return _unclosed(path, began, line, column, source)
    if not line:
        return Problem("", f"invalid TOML: {what} (at the end of the file)")
    return Problem(path, f"invalid TOML: {what}", line, column)


def _unclosed(path: str, began: int, line: int, column: int, source: Source) -> Problem:
    """Of a list that has no end; the next key may be what the parser found in it."""
    if began == line and "[" not in source.text[line - 1]:
        path, began = source.key_at(line - 1)
    if not path:
        return Problem("", "invalid TOML: Unclosed array", line or None, column or None)
    if not line:
        return Problem(path, "invalid TOML: the ] of this list is missing", began)
    where = "" if began == line else f" in the list that begins in line {began}"
    return Problem(path, f"invalid TOML: a comma or a ] is missing{where}", line, column)
