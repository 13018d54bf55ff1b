"""Does the dialplan set what conf.toml says that it sets? Said once for each name that never comes.

Rule: pure; looks at names only, and decides nothing.
"""

from __future__ import annotations

from fsdaemon.config.reader import Config
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.presets import PRESETS

_CALLS = 50  # after which a name that was never there is not going to come


def named(config: Config) -> dict[v.Header, str]:
    """What conf.toml itself names under [variables], and with which key; not what is in the directory."""
    return {
        name: key
        for key, names in config.variables.lists().items()
        if config.origin.get(f"variables.{key}", "default") != "default"
        for name in names
        if not name.directory
    }


class Expected:
    """What one configuration waits for, over many calls."""

    def __init__(self, config: Config) -> None:
        """Wait for the names that conf.toml gives under [variables]."""
        self._preset = config.preset
        self._calls = 0
        self._waiting = named(config)
        theirs = (preset for name, preset in PRESETS.items() if name != config.preset)
        names = {name for preset in theirs for place in preset.forwards.values() for name in place.target}
        self._foreign = {name for name in names if not name.directory} - set(self._waiting)

    def look(self, headers: Headers) -> list[str]:
        """Look at one call; what there is to warn of, each thing once."""
        self._calls += 1
        warnings = [self._of_another(name) for name in self._foreign if name in headers]
        if warnings:
            self._foreign = set()
        self._waiting = {name: key for name, key in self._waiting.items() if name not in headers}
        if self._calls == _CALLS:
            warnings += [self._missing(name, key) for name, key in self._waiting.items()]
            self._waiting = {}
        return warnings

    def _of_another(self, name: v.Header) -> str:
        preset = next(one for one in PRESETS if one != self._preset)
        unread = f'the dialplan sets {name.variable}, which variables.preset = "{self._preset}" does not read'
        return f'{unread}; is it "{preset}"?'

    @staticmethod
    def _missing(name: v.Header, key: str) -> str:
        missing = f"variables.{key}: no call of the first {_CALLS} had {name.variable}"
        return f"{missing}; does the dialplan set it under this name?"
