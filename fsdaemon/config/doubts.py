"""What a conf.toml may say and cannot mean: for `fsdaemon check`.

Rule: pure. A daemon starts with all of this, because a call is worth more than a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsdaemon.config.addresses import one_spelling
from fsdaemon.config.problems import Problem
from fsdaemon.config.schema import SCHEMA, Config

_PAGE = 'give the page another port, like "127.0.0.1:9484"'
#: FusionPBX's own scripts do this; freeswitch/dialplan/fusionpbx/README.md says how.
_NOT_ON_FUSIONPBX = (
    "routing.busy",
    "routing.mailbox",
    "routing.missed",
    "routing.causes",
    "routing.ring",
    "routing.bridge",
    "routing.outside_caller_id",
    *(f"codes.{key}" for key in SCHEMA["codes"] if key != "lamp_watchers"),
)


def conflicts(config: Config, resolved: Mapping[str, str]) -> list[Problem]:
    """Addresses of which one takes the other's place; `resolved` has IP addresses for those with names."""
    page, found = config.metrics.listen, []
    at = {one: resolved.get(one, one) for one in (page, *config.server.listen)}
    listening = list(config.server.listen)
    for number, one in enumerate(listening):
        for other in listening[:number]:
            if overlap(at[one], at[other]):
                twice = f'"{one}" and "{other}" cannot both be listened at; leave one of them out'
                found.append(problem(config, "server.listen", twice))
        if page and overlap(at[page], at[one]):
            what = f'"{page}" is where calls come in (server.listen "{one}"); {_PAGE}'
            found.append(problem(config, "metrics.listen", what))
    return found


def overlap(one: str, other: str) -> bool:
    """Whether two `host:port` cannot both be listened at on one machine; names are compared as names."""
    (host, _, port), (at, _, there) = one.rpartition(":"), other.rpartition(":")
    if int(port) != int(there) or int(port) == 0:
        return False
    host, at = one_spelling(host), one_spelling(at)
    if host == at or "[::]" in (host, at):  # that one takes IPv4, too
        return True
    all_of_ipv4 = "0.0.0.0" in (host, at) and "[" not in host + at
    return all_of_ipv4 or {host, at} == {"localhost", "127.0.0.1"}


def without_effect(config: Config) -> Iterator[Problem]:
    """Keys that are set, and do nothing with the preset."""
    if config.preset != "fusionpbx":
        return
    why = 'has no effect with preset = "fusionpbx": FusionPBX does this itself'
    for domain in ("", *config.domains):
        own = config.for_domain(domain) if domain else config
        for key in _NOT_ON_FUSIONPBX:
            section, _, name = key.partition(".")
            changed = own.value(key) != SCHEMA[section][name].default
            if changed and (not domain or key in config.overrides[domain]):
                yield problem(own, key, why, domain)


def problem(config: Config, key: str, what: str, domain: str = "") -> Problem:
    """A mistake in the value of a key, with the line in which it is set."""
    line = config.origin[key].rpartition(":")[2]
    path = f'domains."{domain}".{key}' if domain else key
    return Problem(path, what, int(line) if line.isdigit() else None)
