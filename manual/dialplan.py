"""fsdaemon-dialplan(7), out of the pages that say how FreeSWITCH's dialplan calls fsdaemon.

Rule: what it says stands in docs/ and in the pages beside the dialplan files; here is only the choice of
their sections, and how Markdown becomes man(7). A table is a list: each row under its first cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from manual.pages import escape, no_command

INSTALL, DIALPLAN, FUSIONPBX = (
    "docs/install.md",
    "docs/dialplan.md",
    "freeswitch/dialplan/fusionpbx/README.md",
)
DELIVERED = "/usr/share/fsdaemon/freeswitch/dialplan"


class Part(NamedTuple):
    """A section of the page: its heading here, the file, and the section of the file."""

    heading: str
    file: str
    section: str


PARTS = (
    Part("the example configuration", INSTALL, "Into FreeSWITCH's dialplan"),
    Part("your own dialplan", DIALPLAN, "Call a user"),
    Part("ring groups", DIALPLAN, "Call a ring group"),
    Part("trunks", DIALPLAN, "Call a trunk"),
    Part("several domains", DIALPLAN, "Several domains"),
    Part("where the forwards come from", DIALPLAN, "Where the forwards come from"),
    Part("FusionPBX", FUSIONPBX, "Install"),
    Part("remove it from FusionPBX", FUSIONPBX, "Remove"),
    Part("another port", INSTALL, "Another port or address"),
    Part("when the daemon is down", DIALPLAN, "When the daemon is down"),
    Part("variables", DIALPLAN, "The variables"),
)
FILES = """.TP
.I /usr/share/fsdaemon/freeswitch/dialplan/
the dialplan files, and two complete examples; below
.I /usr/local/share
after `make install`
.TP
.I /etc/freeswitch/dialplan/fsdaemon.xml
a link to the context in there, if that folder existed at the installation
.TP
.I /usr/share/doc/fsdaemon/docs/
the pages that this one is made of, and others: behaviour, codes, phones, trunks, call records,
troubleshooting"""


def page(root: Path, version: str) -> str:
    """The page, out of the documents below `root`."""
    lines = [
        f'.TH FSDAEMON-DIALPLAN 7 "" "fsdaemon {version}" "fsdaemon"',
        ".SH NAME",
        "fsdaemon\\-dialplan \\- connect FreeSWITCH to fsdaemon(1)",
        ".SH DESCRIPTION",
        *_man((root / DIALPLAN).read_text("utf-8").partition("\n")[2].partition("\n## ")[0]),
    ]
    for part in PARTS:
        lines += [f".SH {escape(part.heading.upper())}"]
        lines += _man(section((root / part.file).read_text("utf-8"), part.section))
    lines += [".SH FILES", FILES, ".SH SEE ALSO", ".BR fsdaemon (1),", ".BR fsdaemon.conf (5)"]
    return "\n".join(lines) + "\n"


def section(text: str, heading: str) -> str:
    """What stands below a heading of a Markdown text, without the sections after it. Raises ValueError."""
    found = re.search(rf"(?m)^(#+) {re.escape(heading)}\n", text)
    if not found:
        raise ValueError(f"no section {heading!r}")
    below = text[found.end() :]
    end = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", below)
    return below[: end.start()] if end else below


def _man(markdown: str) -> Iterator[str]:
    markdown = markdown.replace("`freeswitch/dialplan/", f"`{DELIVERED}/")
    tokens = iter(MarkdownIt("commonmark").enable("table").parse(markdown))
    numbers: list[int] = []  #: of each list that we are in the number of its last item; 0: it has none
    for token in tokens:
        if token.type == "table_open":
            yield from _table(tokens)
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.type == "ordered_list_open"))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            yield f".IP {token.info + '.' if numbers[-1] else '•'} 4"
            next(tokens)  # its first paragraph follows on the line of the mark
        else:
            yield from _BLOCKS.get(token.type, _nothing)(token, bool(numbers))


def _table(tokens: Iterator[Token]) -> Iterator[str]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token))
        elif token.type == "table_close":
            break
    head, *body = rows
    for first, *others in body:
        cells = [(name, cell) for name, cell in zip(head[1:], others) if cell]
        if first:
            yield from (".TP", first if first.startswith("\\fB") else f"{head[0]}: {first}")
        for at, (name, cell) in enumerate(cells):
            yield from ([] if at == 0 and first else [".br"])
            yield no_command(cell) if len(others) == 1 else f"{name}: {cell}"


def _nothing(_: Token, __: bool) -> list[str]:
    return []


def _fence(token: Token, inside: bool) -> list[str]:
    return [".IP" if inside else ".PP", ".nf", ".RS 4", escape(token.content.rstrip("\n")), ".RE", ".fi"]


_BLOCKS: dict[str, Callable[[Token, bool], list[str]]] = {
    "heading_open": lambda _, __: [".PP"],
    "paragraph_open": lambda _, inside: [".IP" if inside else ".PP"],
    "inline": lambda token, _: [no_command(_inline(token))],
    "fence": _fence,
}


_MARKS = {
    "strong_open": "\\fB",
    "strong_close": "\\fR",
    "em_open": "\\fI",
    "em_close": "\\fR",
    "softbreak": "\n",
}


def _inline(token: Token) -> str:
    parts = []
    target = ""
    for child in token.children or []:
        if child.type == "code_inline":
            parts.append(f"\\fB{escape(child.content)}\\fR")
        elif child.type == "text":
            parts.append(child.content.replace("\\", "\\e").replace("-", "\\-"))
        elif child.type == "link_open":
            target = str(child.attrs["href"])
        elif child.type == "link_close":
            parts.append(f" ({escape(_where(target))})")
        else:
            parts.append(_MARKS.get(child.type, ""))
    return "".join(parts)


def _where(target: str) -> str:
    """Where a reader of the man page finds what a link leads to."""
    path, _, anchor = target.partition("#")
    file = path.rpartition("/")[2]
    if file == "README.md":
        folder = path.split("/")[-2]
        if folder == "..":
            return "/usr/share/doc/fsdaemon/README.md"
        return "FUSIONPBX, below" if folder == "fusionpbx" else f"{DELIVERED}/{folder}/README.md"
    for part in PARTS:
        if file in ("", Path(part.file).name) and part.section.lower().replace(" ", "-") == anchor:
            return f"{part.heading.upper()}, below"
    return f"/usr/share/doc/fsdaemon/docs/{file or Path(INSTALL).name}"
