"""`python -m tests.configuration` writes docs/configuration.md: conf.toml's comments, and what the code allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fsdaemon.config.reader import OVERRIDABLE, SCHEMA, Key, Wrong
from fsdaemon.terms.presets import KEYS, PRESETS

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "configuration.md"

HEAD = """# Configuration

No configuration is needed: without one everything works but exceptions for users, groups and outside numbers of your choice.
The daemon reads `/etc/fsdaemon/conf.toml` if it is there, or what `--config` names.
`fsdaemon check` says everything that is wrong in it at once, and prints what is in effect, each value with where it comes from; `--print` does so for each domain, too.
SIGHUP (`systemctl reload fsdaemon`) reads it again: a call is decided by one configuration, and a bad file leaves the old one running.
`server.listen`, `metrics.listen` and `metrics.keep` take effect with a restart only.

This page is made out of [conf.toml](../conf.toml) and of the code that checks it (`python -m tests.configuration`); a test holds it to both.
"""
DOMAINS = """## [domains]

What is different for the users of one domain stands in sections of its own; {sections} can be.
The domain is the callee's, and goes in quotes.
What a domain does not say it has from the sections above.

```toml
[domains."b.example".display]
label = "For {{diverter}}: {{caller}}"

[domains."b.example".exceptions]
users = ["104"]
```
"""
VARIABLES = """Where the dialplan puts things: channel variables, tried in order.
A name with a capital letter first is a header of the channel data.
`preset` chooses a column; a key of the same name puts something else in its place.

| key | what | `"default"` | `"fusionpbx"` |
|---|---|---|---|
"""
MEANINGS = {
    "callee": "who is dialled",
    "callee_name": "the callee's name; else `effective_caller_id_name` of the callee's directory entry",
    "domain": "the callee's domain",
    "always": "where the callee forwards to, always",
    "busy": "the same when busy",
    "no_answer": "the same when nobody answers",
    "not_registered": "the same when no phone is registered",
    "groups": "the groups of the one who calls",
    "is_user": '"true": who is dialled is a user; without a variable: it always is one',
    "always_enabled": '"true": the forward counts; without a variable: it always does',
    "busy_enabled": "the same for busy",
    "no_answer_enabled": "the same for no answer",
    "not_registered_enabled": "the same for not registered",
    "caller_domain": "the domain of a caller whom FreeSWITCH authenticated",
}


def allowed(key: Key) -> str:
    """What the check of a key says would be right."""
    said = []
    for probe in (object(), " ?!{nobody}", [" ?!{nobody}"]):
        try:
            key.check(probe)
        except Wrong as wrong:
            text = str(wrong).partition(", not ")[0]
            said.append(re.sub(r"^must be |^is ", "", text))
    if said[0].startswith("a list") and len(said) > 2:
        return f"a list, each item {said[2]}"
    if said[0].startswith("a text") and len(said) > 1:
        return (
            said[1]
            if said[1] != said[0] and not said[1].startswith("knows")
            else "; ".join(dict.fromkeys(said[:2]))
        )
    return said[0]


def page(conf: str) -> str:
    """The whole page, for this conf.toml."""
    parts = [HEAD]
    for section, keys in SCHEMA.items():
        parts.append(f"## [{section}]\n")
        if section in OVERRIDABLE:
            parts.append("May differ for each domain.\n")
        if section == "variables":
            rows = [_row(name) for name in KEYS]
            parts.append(VARIABLES + "\n".join(rows) + "\n")
            continue
        for name, key in keys.items():
            default = json.dumps(key.default, ensure_ascii=False)
            parts.append(
                f"### {section}.{name}\n\n{_meaning(conf, section, name)}\n\n"
                f"Default: `{default}`.\nAllowed: {allowed(key)}.\n"
            )
    sections = [f"`{section}`" for section in OVERRIDABLE]
    parts.append(DOMAINS.format(sections=", ".join(sections[:-1]) + f" and {sections[-1]}"))
    return "\n".join(parts)


def _meaning(conf: str, section: str, name: str) -> str:
    """The comment before a key of conf.toml, one sentence a line."""
    text = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", conf, re.M | re.S)
    assert text
    comment = re.search(rf"((?:^#.*\n)+){name} = ", text[1], re.M)
    assert comment
    words = " ".join(line.lstrip("# ") for line in comment[1].splitlines())
    words = re.sub(r"\{(\w+)\}", r"`{\1}`", words)
    return re.sub(r"(?<=[.)]) (?=[A-Z`0-9])(?!0\.1)", "\n", words)


def _row(name: str) -> str:
    cells = [
        ", ".join(f"`{one.variable}`" for one in PRESETS[preset].lists()[name])
        for preset in ("default", "fusionpbx")
    ]
    return f"| `{name}` | {MEANINGS[name]} | {cells[0] or '–'} | {cells[1] or '–'} |"


if __name__ == "__main__":
    FILE.write_text(page((ROOT / "conf.toml").read_text("utf-8")), "utf-8")
