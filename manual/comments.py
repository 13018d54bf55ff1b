"""What conf.toml says about its keys: the comment before each, for the man page and docs/configuration.md.

Rule: the file has sections, and they have `key = default` or, commented out, `# key = [default]`, each right
after the comment that explains it. A comment with an empty line after it is about all that follows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SECTION = re.compile(r"\[(\w+)\]")
_TABLE = re.compile(r"\[\w+\.(\w+)\]")  # a key that is a table: up to an empty line
_KEY = re.compile(r"(?:# )?(?P<key>[a-z_]+) = (?P<value>.*)")
_COMMENTED_OUT = re.compile(r"# [a-z_]+ = \[")


class Key(NamedTuple):
    """A key of conf.toml."""

    name: str
    default: str  #: as it is written; of a table all its lines
    meaning: str


class Section(NamedTuple):
    """A section; `items` are its keys, and the comments about several of them."""

    name: str  #: empty before the first
    items: list[Key | str]

    def keys(self) -> dict[str, Key]:
        """The keys by name."""
        return {item.name: item for item in self.items if isinstance(item, Key)}


class Conf(NamedTuple):
    """A whole conf.toml."""

    sections: list[Section]
    domains: str  #: what it says about [domains]
    example: str  #: TOML


def read(conf: str) -> Conf:
    """Read the comments of a conf.toml."""
    sections = [Section("", [])]
    comment: list[str] = []
    rows: list[str] = []
    for line in [*conf.splitlines(), ""]:
        header, key, table = (one.fullmatch(line) for one in (_SECTION, _KEY, _TABLE))
        if line and (rows or table):
            rows.append(line)
        elif rows:
            name = re.sub(r".*\.|\]", "", rows[0])
            sections[-1].items.append(Key(name, "\n".join(rows), _text(comment)))
            rows, comment = [], []
        elif header:
            sections.append(Section(header[1], []))
        elif key and (not line.startswith("#") or _COMMENTED_OUT.match(line)):
            sections[-1].items.append(Key(key["key"], key["value"], _text(comment)))
            comment = []
        elif line:
            comment.append(line)
        elif comment:
            sections[-1].items.append(_text(comment))
            last, comment = comment, []
    sections[-1].items.pop()
    example = next(at for at, line in enumerate(last) if line.startswith("# ["))
    return Conf(sections, _text(last[:example]), "\n".join(line[2:] for line in last[example:]))


def _text(comment: list[str]) -> str:
    return " ".join(line.lstrip("# ") for line in comment)


def sentences(text: str) -> list[str]:
    """The sentences of a comment."""
    return re.split(r'(?<=[.]) (?=[A-Z"{])', text)
