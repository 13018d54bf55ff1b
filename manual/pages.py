"""fsdaemon.conf(5) out of conf.toml, and what fsdaemon(1) says beside its options; man(7) text."""

from __future__ import annotations

import re

COMMAND_SECTIONS = {
    "exit status": """0: fine.
1: the input is wrong, and standard error says every problem.
2: usage.
""",
    "signals": """.TP
SIGHUP
reads the configuration again; a bad file leaves the old one running
.TP
SIGTERM, SIGINT
accepts no more calls, finishes those in flight, ends
""",
    "files": """.TP
.I /etc/fsdaemon/conf.toml
read if it is there; see
.BR fsdaemon.conf (5)
""",
    "see also": """.BR fsdaemon.conf (5),
.BR systemd.socket (5)
""",
}

_KEY = re.compile(r"([a-z_]+) = (.*)")
_COMMENTED_OUT = re.compile(r"# ([a-z_]+) = (\[.*)")  # the presets of [variables]
_SECTION = re.compile(r"\[(\w+)\]")


def escape(text: str) -> str:
    """`text` as it stands in a man page: nothing in it is a command."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def conf_page(conf: str, version: str) -> str:
    """The page for a conf.toml in which a comment stands before each `key = default` it explains."""
    blocks = re.split(r"\n\n+", conf.strip())
    lines = [
        f'.TH FSDAEMON.CONF 5 "" "fsdaemon {version}" "fsdaemon"',
        ".SH NAME",
        "fsdaemon.conf \\- /etc/fsdaemon/conf.toml, the configuration of fsdaemon(1)",
        ".SH DESCRIPTION",
        "A file in TOML, in UTF\\-8.",
        "None is needed.",
    ]
    for block in blocks:
        lines += _block(block)
    lines += [".SH SEE ALSO", ".BR fsdaemon (1)"]
    return "\n".join(lines) + "\n"


def _block(block: str) -> list[str]:
    """One section of the file; a block of comments alone is a paragraph, or an example."""
    lines: list[str] = []
    comment: list[str] = []
    for line in block.splitlines():
        section, key = _SECTION.fullmatch(line), _KEY.fullmatch(line) or _COMMENTED_OUT.fullmatch(line)
        if section:
            lines.append(f".SH [{section[1]}]")
        elif key:
            lines += [".TP", f"\\fB{escape(key[1])}\\fR = {escape(key[2])}", escape(" ".join(comment))]
            comment = []
        else:
            comment.append(line.lstrip("# "))
    if comment:
        lines += _remark(comment)
    return lines


def _remark(comment: list[str]) -> list[str]:
    """Comments that explain no key: what is written as TOML is shown as it stands."""
    example = [line for line in comment if line.startswith("[") or _KEY.fullmatch(line)]
    text = [line for line in comment if line not in example]
    lines = [".SH [domains]"] if example else [".PP"]
    lines.append(escape(" ".join(text)))
    return lines + ([".PP", ".nf", *map(escape, example), ".fi"] if example else [])
