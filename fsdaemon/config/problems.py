"""What can be wrong in a conf.toml, and how values and near words stand in what is said about it.

Rule: knows no key.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple


class Wrong(ValueError):
    """A value is not allowed; the message says what would be right."""


class Problem(NamedTuple):
    """One mistake in a conf.toml."""

    key: str
    what: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`line 3: server.timeout: must be …`, with `line 3, column 11: …` where the parser knows it."""
        column = f", column {self.column}" if self.column else ""
        where = f"line {self.line}{column}: " if self.line else ""
        return f"{where}{self.key}: {self.what}" if self.key else f"{where}{self.what}"


class ConfigError(ValueError):
    """Everything that is wrong with a conf.toml: `problems`, in the order of the `file`."""

    def __init__(self, problems: list[Problem], file: str = "") -> None:
        """Keep the problems, and what the file is called; `str()` has one a line."""
        super().__init__("\n".join(map(str, problems)))
        self.problems, self.file = problems, file


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of `known` that looks most like `word`; empty if none does."""
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, 0.5)
    return lower[near[0]] if near else ""


def show(value: Any) -> str:
    """A value of the file as a message names it, in 60 characters at most."""
    try:
        shown = f'"{value}"' if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else shown[:57] + "…"
