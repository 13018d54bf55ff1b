"""What is logged during one run, and what must not stand in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from loguru import logger

# Unicode's property Bidi_Control (PropList.txt): they turn the direction of writing.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_listening: list[list[str]] = []


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """The messages logged while it lasts."""
    _sink()
    lines: list[str] = []
    _listening.append(lines)
    try:
        yield lines
    finally:
        _listening.remove(lines)


@cache
def _sink() -> int:
    """One for the process: to add one costs loguru ten times what a run costs."""

    def hear(message: str) -> None:
        for lines in _listening:
            lines.append(message[:-1])

    return logger.add(hear, format="{message}", level="TRACE")


def broken(text: str) -> list[str]:
    """Control characters, line ends, surrogates and turns of the direction of writing."""
    if text.isascii() and text.isprintable():
        return []
    return [ch for ch in text if unicodedata.category(ch) in ("Cc", "Zl", "Zp", "Cs") or ch in BIDI]
