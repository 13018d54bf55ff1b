"""FreeSWITCH's preprocessor: include lines, `$${variables}`, and what it drops; each line keeps its place.

Rule: as switch_xml.c (preprocess, preprocess_glob, expand_vars) does it. Nothing is executed: what `exec-set`
and `stun-set` set is known only if FreeSWITCH runs. Files come from a `Reader`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fsdaemon.doctor.facts import Include, Lost, Place, Value

_DEEPEST = 100
DENIED = "permission denied"  # to us; FreeSWITCH may be allowed
_VARIABLE = re.compile(r"\$\$\{([^{}]*)\}")
_COMMENT = re.compile(r"<!--.*?(-->|$)|-->")
_FRAME = re.compile(r"</?include>|<\?[^>]*\??>")
_LONGEST = 1 << 16  # characters of a variable, which may contain itself
_MARK = re.compile("x-pre-process", re.I)


class Unreadable(Exception):
    """A file cannot be read; the text says why."""


class Reader(Protocol):
    """Where files come from."""

    def read(self, path: str) -> str:
        """The text of a file. Raises Unreadable."""

    def glob(self, pattern: str) -> list[str]:
        """The files that a pattern names, in FreeSWITCH's order."""


@dataclass
class Preprocessed:
    """What FreeSWITCH's XML parser would get."""

    variables: dict[str, Value] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def preprocess(conf: str, variables: Mapping[str, str], reader: Reader) -> Preprocessed:
    """Read freeswitch.xml in the directory `conf`; `variables` are those that FreeSWITCH has at its start."""
    out = Preprocessed({name: Value(text, Place("")) for name, text in variables.items()})
    _Pass(out, reader).file(posixpath.join(conf, "freeswitch.xml"), conf, 0)
    return out


def expand(text: str, variables: Mapping[str, Value]) -> str:
    """`$${name}` replaced; a name that is not known stays as it is written, so that it can be read."""
    return _VARIABLE.sub(lambda found: variables[found[1]].text if found[1] in variables else found[0], text)


def _attributes(directive: str, *names: str) -> tuple[str, ...]:
    """The values of attributes that have to be in this order; empty if one of them is not there."""
    lower, at, found = directive.lower(), 0, []
    for name in names:
        for mark in (name, "=", '"'):
            at = lower.find(mark, at)
            if at < 0:
                return ()
            at += len(mark)
        end = directive.find('"', at)
        end = len(directive) if end < 0 else end
        found.append(directive[at:end])
        at = end + 1
    return tuple(found)


class _Pass:
    def __init__(self, out: Preprocessed, reader: Reader) -> None:
        self.out, self.reader = out, reader

    def file(self, path: str, directory: str, depth: int) -> None:
        if depth > _DEEPEST:
            return
        try:
            text = self.reader.read(path)
        except Unreadable as error:
            self.out.unread.append((path, str(error)))
            return
        self.out.files.append(path)
        for number, line in enumerate(text.split("\n"), 1):
            self._line(line, Place(path, number), directory, depth)

    def _line(self, raw: str, place: Place, directory: str, depth: int) -> None:
        if "<include>" in raw or "</include>" in raw or "<?" in raw:
            self._dropped(_FRAME.sub("", raw), place, raw)
            return
        line = expand(raw, self.out.variables) if "$${" in raw else raw
        mark = _MARK.search(line)
        if not mark:
            self.out.lines.append(line)
            self.out.places.append(place)
            return
        end = line.find("/>", mark.start())
        directive = line[mark.start() : end if end >= 0 else None]
        before, after = line[: mark.start()], line[end + 2 :] if end >= 0 else ""
        found = _attributes(directive, "cmd", "data")
        if not before.endswith("<") or not found:
            why = 'FreeSWITCH wants cmd="..." data="..." in this order and in these quotes'
            self.out.lost.append(Lost(place, raw.strip(), why))
            return
        self._dropped(before[:-1] + after, place, raw)
        self._execute(found[0].lower(), found[1], place, directory, depth)

    def _dropped(self, rest: str, place: Place, raw: str) -> None:
        """Remember what else is on a line that FreeSWITCH does not pass on."""
        if "<" in _COMMENT.sub("", rest):
            why = "FreeSWITCH does not read what shares a line with <include>, <?…?> or <X-PRE-PROCESS>"
            self.out.lost.append(Lost(place, raw.strip(), why))

    def _execute(self, command: str, data: str, place: Place, directory: str, depth: int) -> None:
        if command == "set" and "=" in data:
            name, _, value = data.partition("=")
            self.out.variables[name.rstrip(" ")] = Value(value.lstrip(" ")[:_LONGEST], place)
        elif command == "include":
            pattern = data if data.startswith("/") else posixpath.join(directory, data)
            files = self.reader.glob(pattern)
            self.out.includes.append(Include(pattern, place, len(files)))
            for file in files:
                self.file(file, posixpath.dirname(file), depth + 1)
