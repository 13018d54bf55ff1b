"""How the numbers of a call were read, in words.

Rule: decides nothing; tells what policy.py and identity.py compare (terms/e164.py). Tells nothing of a
withheld caller.
"""

from __future__ import annotations

from collections.abc import Callable

from fsdaemon.config.reader import Config
from fsdaemon.core.call import Call
from fsdaemon.terms import numbers
from fsdaemon.terms.e164 import Reading

ROWS = _NUMBER, _TARGETS, _EXTERNAL = ("number read as", "target read as", "exceptions for")


def rows(call: Call, config: Config, key: Callable[[str], str] = str) -> dict[str, str]:
    """The caller's number, the outside numbers of the forwards, and those that may break through.

    Empty where no outside number is compared. `key` is how a key of conf.toml is written.
    """
    caller = call.caller
    if caller.user or caller.withheld or not numbers.is_written_number(caller.number):
        return {}
    trunk_prefix = config.numbers.trunk_prefix
    targets = [one for one in call.forwards.values() if numbers.looks_outside(one, trunk_prefix)]
    exempt = [one.number for one in call.own.entries if numbers.looks_outside(one.number, trunk_prefix)]
    exempt = [*config.exceptions.external, *exempt]
    if not any(target.strip() for target in call.forwards.values()):
        return {}
    if not config.numbers.region:
        if not (targets or exempt):
            return {}
        return {_NUMBER: f"{caller.number} is compared digit by digit ({key('numbers.region')} is empty)"}
    how = f"({key('numbers.inbound')} = {config.numbers.inbound})"
    read = numbers.as_sent(caller.number, *config.numbers.ways)
    found = {
        _NUMBER: f"the number {_said(caller.number, read)} {how}",
        _TARGETS: _written(targets, config),
        _EXTERNAL: _written(exempt, config),
    }
    return {name: value for name, value in found.items() if value}


def _written(written: list[str], config: Config) -> str:
    ways = config.numbers.ways
    return ", ".join(_said(one, numbers.as_written(one, *ways)) for one in dict.fromkeys(written))


def _said(number: str, read: Reading) -> str:
    if read.choices:
        return f"{number} can be {' or '.join(read.choices)}, so it has no exception"
    if not read.is_e164:
        return f"{number} was not read as a public number"
    return f"{number} was read as {read.number}"
