"""Findings in words for one screen, and as values for --json.

Rule: what the files say is shown printable; of many findings of one kind the first ones are shown.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from fsdaemon.config.reader import Config
from fsdaemon.core.sentences import printable
from fsdaemon.doctor.facts import FSDAEMON, Facts
from fsdaemon.doctor.finding import Finding
from fsdaemon.doctor.switch import running_version

_OF_A_KIND = 3
_WIDEST = 110


def text(facts: Facts, findings: list[Finding], config: Config) -> str:
    """All of it for a person."""
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    wrong = [one for one in findings if one.wrong]
    maybe = [one for one in findings if not one.wrong]
    parts = [_headline(wrong), *_listed(wrong, width)]
    if maybe:
        parts += ["", "worth a look, and perhaps meant so:", *_listed(maybe, width)]
    parts += ["", *_filled("looked at:     ", ", ".join(_seen(facts, config)), width)]
    for line in facts.unseen:
        parts += _filled("not looked at: ", line, width)
    return printable_lines("\n".join(parts))


def printable_lines(words: str) -> str:
    """Each line without control characters."""
    return "\n".join(printable(line) for line in words.split("\n"))


def _headline(wrong: list[Finding]) -> str:
    if not wrong:
        return "nothing is wrong between FreeSWITCH and fsdaemon, as far as could be seen"
    return "1 thing is wrong" if len(wrong) == 1 else f"{len(wrong)} things are wrong"


def _listed(findings: list[Finding], width: int) -> Iterator[str]:
    shown: dict[str, int] = {}
    for one in findings:
        shown[one.code] = shown.get(one.code, 0) + 1
        if shown[one.code] <= _OF_A_KIND:
            yield ""
            yield from _filled(f"[{one.code}] ", one.what, width)
            if one.where:
                yield f"   at: {one.where}"  # not broken, so that it can be copied
            yield f"   do: {one.mend}"
    for code, count in shown.items():
        if count > _OF_A_KIND:
            yield ""
            yield f"[{code}] and {count - _OF_A_KIND} more like this; --json prints all"


def _filled(first: str, words: str, width: int) -> list[str]:
    return textwrap.wrap(
        first + words, width, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False
    )


def _seen(facts: Facts, config: Config) -> Iterator[str]:
    yield config.source or "the built-in defaults (there is no conf.toml)"
    version = running_version(facts.running)
    if facts.conf:
        yield f"{facts.conf} ({sum(map(len, facts.files.contexts.values()))} extensions, " + (
            f"{len(facts.files.users)} users)"
        )
    if facts.user:
        yield f"what {facts.user} may read"
    if facts.running:
        yield f"the running FreeSWITCH {version}".rstrip()
    listening = [address for address, who in facts.listeners.items() if who == FSDAEMON]
    if listening:
        yield f"fsdaemon {facts.daemon}".rstrip() + f" at {', '.join(listening)}"


def values(facts: Facts, findings: list[Finding], config: Config) -> dict[str, Any]:
    """All of it for a program."""
    return {
        "wrong": any(one.wrong for one in findings),
        "findings": [
            {
                "code": one.code,
                "wrong": one.wrong,
                "what": one.what,
                "file": one.where.file if one.where else "",
                "line": one.where.line if one.where else 0,
                "mend": one.mend,
            }
            for one in findings
        ],
        "freeswitch": {
            "conf": facts.conf,
            "version": running_version(facts.running),
            "running": facts.running is not None,
            "user": facts.user,
            "users": len(facts.files.users),
        },
        "fsdaemon": {"conf": config.source, "version": facts.daemon, "listeners": dict(facts.listeners)},
        "not_looked_at": list(facts.unseen),
    }
