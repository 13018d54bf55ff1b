"""`python -m tests.configuration` writes docs/configuration.md: conf.toml's comments, and what the code allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fsdaemon.config.schema import OVERRIDABLE, SCHEMA
from fsdaemon.terms.presets import KEYS, PRESETS
from manual import comments

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "configuration.md"

HEAD = """# Configuration

No configuration is needed: without one everything works except exceptions for users, groups and external numbers of your choice.
The daemon reads `/etc/fsdaemon/conf.toml` if it exists, or the file that `--config` names.
`fsdaemon check` reports every mistake in it at once, or prints what is in effect, each value with where it comes from; `--print` does so for each domain, too.
SIGHUP (`systemctl reload fsdaemon`) reads it again: a call is decided by one configuration, and a bad file leaves the old one running.
`server.listen`, `metrics.listen` and `metrics.keep` take effect with a restart only.

This page is made out of [conf.toml](../conf.toml) and of the code that checks it (`python -m tests.configuration`); a test holds it to both.
"""
DOMAINS = """## [domains]

{meaning}
The domain is the callee's, and goes in quotes.
A key that is not set for a domain has the value from the sections above.

```toml
{example}

[domains."b.example".exceptions]
users = ["104"]
```
"""
VARIABLES = """| key | meaning | `"default"` | `"fusionpbx"` |
|---|---|---|---|
"""


def page(conf: str) -> str:
    """The whole page, for this conf.toml."""
    told = comments.read(conf)
    parts = [HEAD]
    for section in told.sections[1:]:
        parts.append(f"## [{section.name}]\n")
        if section.name in OVERRIDABLE:
            parts.append("May differ for each domain.\n")
        keys = section.keys()
        table = [_row(keys[name]) for name in KEYS] if section.name == "variables" else []
        for item in section.items:
            if isinstance(item, str):
                parts.append(_markdown(item) + "\n")
            elif item.name not in KEYS or not table:
                parts.append(_entry(section.name, item))
        if table:
            parts.append(VARIABLES + "\n".join(table) + "\n")
            parts += _lists()
    parts.append(DOMAINS.format(meaning=_markdown(told.domains), example=told.example))
    return "\n".join(parts)


def _markdown(text: str) -> str:
    """A comment, one sentence a line; what is to be typed is marked."""
    marked = (re.sub(r'"[^"]*"|\{\w+\}', r"`\g<0>`", one) for one in comments.sentences(text))
    return "\n".join(marked)


def _entry(section: str, item: comments.Key) -> str:
    key = SCHEMA[section][item.name]
    default = json.dumps(key.default, ensure_ascii=False)
    if key.check.rows:
        return (
            f"### {section}.{item.name}\n\n{_markdown(item.meaning)}\n\n"
            f"Default:\n\n```toml\n{item.default}\n```\n\nAllowed: {_markdown(key.check.text)}.\n"
        )
    return (
        f"### {section}.{item.name}\n\n{_markdown(item.meaning)}\n\n"
        f"Default: `{default}`.\nAllowed: {_markdown(key.check.text)}.\n"
    )


def _lists() -> list[str]:
    """What the keys of [variables] may be."""
    said: dict[str, list[str]] = {}
    for name in KEYS:
        said.setdefault(SCHEMA["variables"][name].check.text, []).append(f"`{name}`")
    return [f"Allowed for {', '.join(names)}: {_markdown(text)}.\n" for text, names in said.items()]


def _row(item: comments.Key) -> str:
    cells = [
        ", ".join(f"`{one.variable}`" for one in PRESETS[preset].lists()[item.name])
        for preset in ("default", "fusionpbx")
    ]
    meaning = _markdown(item.meaning).replace("\n", " ").rstrip(".")
    return f"| `{item.name}` | {meaning} | {cells[0] or '–'} | {cells[1] or '–'} |"


if __name__ == "__main__":
    FILE.write_text(page((ROOT / "conf.toml").read_text("utf-8")), "utf-8")
