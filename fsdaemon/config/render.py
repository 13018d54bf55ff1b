"""A `Config` as the text of a conf.toml, each value with where it comes from.

Rule: pure; what it returns is TOML that gives the same configuration again.
"""

from __future__ import annotations

import json
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
    lines = [f"{key} = {_value(config, section, key)}" for key in keys]
    width = min(max(map(len, lines)), 60)
    origins = [config.origin[f"{section}.{key}"] for key in keys]
    return "\n".join([f"[{name}]", *(f"{line:{width}}  # {origin}" for line, origin in zip(lines, origins))])


def _value(config: Config, section: str, key: str) -> str:
    value: Any
    if section != "variables":
        value = config.value(f"{section}.{key}")
    elif key == "preset":
        value = config.preset
    else:
        value = [header.variable for header in config.variables.lists()[key]]
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_json(text)}' for name, text in value.items())} }}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
