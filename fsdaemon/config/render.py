"""A `Config` as the text of a conf.toml, each value with where it comes from.

Rule: pure; what it returns is TOML that gives the same configuration again, but for passwords, which are "…".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fsdaemon.config.schema import OVERRIDABLE, SCHEMA, Config


def text(config: Config, whole_domains: bool = False) -> str:
    """The effective configuration; with `whole_domains` for each domain all that is in effect there."""
    source = config.source or "no conf.toml: the defaults that are built in"
    blocks = [f"# {source}"]
    blocks += [_block(section, section, config) for section in SCHEMA]
    for domain, own in config.domains.items():
        for section in OVERRIDABLE:
            keys = [
                key
                for key in SCHEMA[section]
                if whole_domains or f"{section}.{key}" in config.overrides[domain]
            ]
            if keys:
                blocks.append(_block(f'domains."{domain}".{section}', section, own, keys))
    return "\n\n".join(blocks)


def _block(name: str, section: str, config: Config, keys: list[str] | None = None) -> str:
    keys = keys or list(SCHEMA[section])
    tables = [key for key in keys if SCHEMA[section][key].check.rows]
    keys = [key for key in keys if key not in tables]
    lines = [f"{key} = {_value(config, section, key)}" for key in keys]
    width = min(max(map(len, lines), default=0), 60)
    origins = [config.origin[f"{section}.{key}"] for key in keys]
    text = [f"[{name}]", *(f"{line:{width}}  # {origin}" for line, origin in zip(lines, origins))]
    for key in tables:
        path = f"{section}.{key}"
        text += ["", f"[{name}.{key}]  # {config.origin[path]}", *rows(config.value(path))]
    return "\n".join(text)


def rows(table: Mapping[str, str]) -> list[str]:
    """The rows of a table as TOML."""
    return [f"{row} = {json.dumps(value)}" for row, value in table.items()]


def _value(config: Config, section: str, key: str) -> str:
    value: Any
    if section != "variables":
        value = config.value(f"{section}.{key}")
    elif key == "preset":
        value = config.preset
    else:
        value = [header.variable for header in config.variables.lists()[key]]
    if value and SCHEMA[section][key].check.secret:
        value = "…"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_json(text)}' for name, text in value.items())} }}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
