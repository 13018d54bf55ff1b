"""fsdaemon.conf(5), and what fsdaemon(1) says beside its options; man(7) text."""

from __future__ import annotations

import re

from fsdaemon.config.schema import SCHEMA
from manual import comments

COMMAND_SECTIONS = {
    "exit status": """0: success.
1: the input is wrong, and standard error lists every problem; or
.B doctor
found something wrong.
2: usage.
""",
    "signals": """.TP
SIGHUP
reads the configuration again; a bad file leaves the old one running
.TP
SIGTERM, SIGINT
accepts no further call, finishes those in progress, and ends
""",
    "files": """.TP
.I /etc/fsdaemon/conf.toml
read if it exists; see
.BR fsdaemon.conf (5)
.TP
.I /usr/share/fsdaemon/freeswitch/dialplan/
what FreeSWITCH's dialplan includes to ask the daemon; see
.BR fsdaemon\\-dialplan (7)
.TP
.I /usr/share/doc/fsdaemon/docs/
how to install it, what it does with each call, codes, phones, trunks, call records, and what to do if
something is wrong
""",
    "see also": """.BR fsdaemon\\-dialplan (7),
.BR fsdaemon.conf (5),
.BR systemd.socket (5)
""",
}


def escape(text: str) -> str:
    """`text` as it stands in a man page: nothing in it is a command."""
    return no_command(text.replace("\\", "\\e").replace("-", "\\-"))


def no_command(text: str) -> str:
    """`text`, in which no line begins as a command of man(7) does."""
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def conf_page(conf: str, version: str) -> str:
    """The page for a conf.toml, out of its comments and what the code allows."""
    told = comments.read(conf)
    lines = [
        f'.TH FSDAEMON.CONF 5 "" "fsdaemon {version}" "fsdaemon"',
        ".SH NAME",
        "fsdaemon.conf \\- /etc/fsdaemon/conf.toml, the configuration of fsdaemon(1)",
        ".SH DESCRIPTION",
        "A file in TOML, in UTF\\-8.",
        "It is optional.",
    ]
    for section in told.sections:
        lines += [f".SH [{section.name}]"] if section.name else []
        for item in section.items:
            lines += [".PP", escape(item)] if isinstance(item, str) else _entry(section.name, item)
    lines += [".SH [domains]", escape(told.domains), ".PP", ".nf", escape(told.example), ".fi"]
    lines += [".SH SEE ALSO", ".BR fsdaemon (1),", ".BR fsdaemon\\-dialplan (7)"]
    return "\n".join(lines) + "\n"


def _entry(section: str, item: comments.Key) -> list[str]:
    allowed = SCHEMA[section][item.name].check.text
    if "\n" in item.default:  # a table
        table = [".nf", escape(item.default), ".fi"]
        entry = [".TP", f"\\fB{escape(item.name)}\\fR", escape(item.meaning), ".br"]
        return [*entry, escape(f"Allowed: {allowed}."), *table]
    return [
        ".TP",
        f"\\fB{escape(item.name)}\\fR = {escape(item.default)}",
        escape(item.meaning),
        ".br",
        escape(f"Allowed: {allowed}."),
    ]
