"""Findings about [variables] of conf.toml: names that nothing in the dialplan sets, and the wrong preset.

Rule: pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsdaemon.config.reader import Config
from fsdaemon.daemon.expected import named
from fsdaemon.doctor.facts import SCRIPTS, Action, Facts, Place
from fsdaemon.doctor.finding import Finding
from fsdaemon.terms.presets import PRESETS

_READS = ("read", "play_and_get_digits")  # their argument names a variable
_FUSIONPBX = "fusionpbx"
_HANDLER = "app.lua xml_handler"  # its lua.conf.xml


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about it."""
    yield from _preset(facts, config)
    if facts.files.broken or not facts.files.contexts or facts.files.elsewhere("dialplan"):
        return
    extensions = [e for all_ in facts.files.contexts.values() for e in all_]
    actions = [action for one in extensions for action in one.actions]
    on_the_way = [action for one in extensions if one.goes_on or one.ours for action in one.actions]
    script = next((one.application for one in on_the_way if one.application in SCRIPTS), "")
    for header, key in named(config).items():
        if header.variable[:1].isupper() or _set(header.variable, actions, facts):
            continue
        unless = f", unless a script does it (application `{script}`)" if script else ""
        yield Finding(
            "variable",
            f"variables.{key} names {header.variable}, which nothing in the dialplan "
            f"or the directory sets{unless}.",
            _line(config, key),
            "Write the name that your dialplan sets, or set it there.",
            wrong=not script,
        )


def _set(name: str, actions: list[Action], facts: Facts) -> bool:
    assigned = re.compile(rf"(?<![\w]){re.escape(name)}\s*=")
    if name in facts.files.variables or any(assigned.search(one.data) for one in actions):
        return True
    if any(one.application in _READS and name in one.data.split() for one in actions):
        return True
    return any(name in one.variables for one in facts.files.users)


def _line(config: Config, key: str) -> Place | None:
    file, _, line = config.origin.get(f"variables.{key}", "").rpartition(":")
    place = Place(file or config.source, int(line) if line.isdigit() else 0)
    return place if place.file else None  # there is no conf.toml


def _preset(facts: Facts, config: Config) -> Iterator[Finding]:
    where = _line(config, "preset")
    binding = facts.files.elsewhere("dialplan")
    fusionpbx = facts.fusionpbx or (binding.asked if binding and _HANDLER in binding.asked else "")
    if fusionpbx and config.preset != _FUSIONPBX:
        yield Finding(
            "preset",
            f"This is FusionPBX ({fusionpbx}), and variables.preset is "
            f'"{config.preset}": its forwards are not read.',
            where,
            f'Write preset = "{_FUSIONPBX}" under [variables], then systemctl reload fsdaemon.',
        )
        return
    if config.preset != _FUSIONPBX or fusionpbx or binding:
        return
    names = {n.variable for p in PRESETS[_FUSIONPBX].forwards.values() for n in p.target}
    data = [a.data for all_ in facts.files.contexts.values() for e in all_ for a in e.actions]
    if facts.files.contexts and not any(name in one for name in names for one in data):
        yield Finding(
            "preset",
            f'variables.preset is "{_FUSIONPBX}", and this dialplan sets none of its variables.',
            where,
            'Write preset = "default", or delete the line, then systemctl reload fsdaemon.',
        )
