"""Preprocessed text to elements, each with its place: the sections that matter, and where it is not XML.

Rule: tolerant of what FreeSWITCH's own parser takes (`<` and `&` in attributes). No entity is ever expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.parsers import expat

from fsdaemon.doctor.facts import Place

MODULES = ("pre_load_modules.conf", "modules.conf", "post_load_modules.conf")
_CONFIGURATIONS = (*MODULES, "lua.conf", "xml_curl.conf")
_DEEPEST = 100  # elements in one another; nobody needs more
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(\[.*?\]\s*)?>", re.S)
_DOCTYPE_ENDS = 1 << 14  # characters from its beginning on
_ATTRIBUTE = re.compile(r'(?<==)"[^"]*"|(?<==)\'[^\']*\'')
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


class NotXml(Exception):
    """The text is not XML."""

    def __init__(self, place: Place, what: str) -> None:
        """`what` is wrong at `place`."""
        super().__init__(what)
        self.place, self.what = place, what


class Node:
    """An element."""

    __slots__ = ("attributes", "children", "place", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], place: Place) -> None:
        """An element without children so far."""
        self.tag, self.attributes, self.place = tag, attributes, place
        self.children: list[Node] = []
        self.text = ""

    def get(self, name: str) -> str:
        """An attribute; empty if it is missing."""
        return self.attributes.get(name, "")

    def all(self, *tags: str) -> Iterator[Node]:
        """The children with one of these tags."""
        return (child for child in self.children if child.tag in tags)

    def below(self, *path: str) -> Iterator[Node]:
        """The elements that a path of tags leads to."""
        if not path:
            yield self
            return
        for child in self.all(path[0]):
            yield from child.below(*path[1:])


def parse(lines: Sequence[str], places: Sequence[Place]) -> Node:
    """The document, with the sections that matter. Raises NotXml."""
    text = _tolerable("\n".join(lines))
    builder = _Builder(places)
    try:
        builder.parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise NotXml(builder.place(error.lineno), expat.ErrorString(error.code)) from None
    return builder.root


def _tolerable(text: str) -> str:
    """What expat takes as FreeSWITCH takes it. (Of `--` in a comment both say that it is wrong.)"""
    text = _CONTROL.sub("\ufffd", text)
    start = text.find("<!DOCTYPE")
    if start >= 0:
        head, tail = text[: start + _DOCTYPE_ENDS], text[start + _DOCTYPE_ENDS :]
        text = _DOCTYPE.sub(lambda found: "\n" * found[0].count("\n"), head, count=1) + tail
    parts, at = [], 0
    while at < len(text):
        start = text.find("<!--", at)
        start = len(text) if start < 0 else start
        end = text.find("-->", start)
        end = len(text) if end < 0 else end + 3
        parts += [_outside_comments(text[at:start]), text[start:end]]
        at = end
    return "".join(parts)


def _outside_comments(text: str) -> str:
    return _ATTRIBUTE.sub(lambda found: found[0].replace("<", "&lt;"), _BARE.sub("&amp;", text))


class _Builder:
    def __init__(self, places: Sequence[Place]) -> None:
        self.places = places
        self.root = Node("", {}, Place(""))
        self.stack = [self.root]
        self.skipped = 0  # depth in an element that is of no interest
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def place(self, line: int) -> Place:
        return self.places[min(line, len(self.places)) - 1] if self.places else Place("")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.skipped or len(self.stack) > _DEEPEST or not self._matters(tag, attributes):
            self.skipped += 1
            return
        node = Node(tag, attributes, self.place(self.parser.CurrentLineNumber))
        self.stack[-1].children.append(node)
        self.stack.append(node)

    def _end(self, _: str) -> None:
        if self.skipped:
            self.skipped -= 1
        else:
            self.stack.pop()

    def _text(self, text: str) -> None:
        if not self.skipped:
            self.stack[-1].text += text

    def _matters(self, tag: str, attributes: dict[str, str]) -> bool:
        name = attributes.get("name", "")
        if tag == "section":
            return name in ("dialplan", "directory", "configuration")
        return tag != "configuration" or name in _CONFIGURATIONS
