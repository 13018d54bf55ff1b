"""All rules: facts and the configuration in, findings out, the worst first.

Rule: pure. A rule that fails on something that nobody thought of is itself a finding, and hides no other.
"""

from __future__ import annotations

from fsdaemon.config.reader import Config
from fsdaemon.doctor import dialplan, directory, login, sockets, switch, variables
from fsdaemon.doctor.facts import Facts
from fsdaemon.doctor.finding import Finding

_RULES = (switch, dialplan, sockets, directory, variables, login)


def findings(facts: Facts, config: Config) -> list[Finding]:
    """Everything that is wrong, then what is worth a look; each in the order in which it should be mended."""
    found: list[Finding] = []
    collect(facts, config, found)
    return in_order(found)


def in_order(found: list[Finding]) -> list[Finding]:
    """Each once, what is wrong first."""
    return sorted(dict.fromkeys(found), key=lambda one: not one.wrong)


def collect(facts: Facts, config: Config, found: list[Finding]) -> None:
    """Add all findings to `found` one by one, so that those are there that were found in time."""
    for rule in _RULES:
        try:
            for one in rule.findings(facts, config):
                found.append(one)  # what is found is kept when the time is over
        except Exception as error:  # a configuration that nobody thought of
            name = rule.__name__.rpartition(".")[2]
            found.append(
                Finding(
                    "failed",
                    f"The check of {name} failed: {type(error).__name__}: {error}.",
                    None,
                    "Please report it, with what is above it.",
                )
            )
