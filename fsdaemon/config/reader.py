"""conf.toml: TOML text to a frozen `Config`, or every problem in it at once.

Rule: reads no file and knows no call. What may stand in a conf.toml says `schema`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fsdaemon.config import slips, switch
from fsdaemon.config.addresses import host_port
from fsdaemon.config.checks import Check
from fsdaemon.config.problems import ConfigError, Problem, Wrong, nearest
from fsdaemon.config.schema import LABEL_FIELDS, OVERRIDABLE, SCHEMA, Codes, Config, Key, Log, build
from fsdaemon.config.toml import Source, document_of
from fsdaemon.terms.e164 import NATIONAL

__all__ = [
    "LABEL_FIELDS",
    "OVERRIDABLE",
    "SCHEMA",
    "Codes",
    "Config",
    "ConfigError",
    "Key",
    "Log",
    "Problem",
    "Wrong",
    "default",
    "host_port",
    "load",
]

Values = dict[str, dict[str, Any]]  # section → key → value


def load(text: str, name: str = "conf.toml") -> Config:
    """Read a conf.toml. Raises ConfigError with every problem that is in it."""
    source = Source(text)
    document, broken = document_of(source)
    reader = _Reader(source, name)
    reader.problems += [_explained(problem, source) for problem in broken]
    if document is None:
        raise ConfigError(reader.problems, name)
    values = reader.read(document)
    overrides = reader.read_domains(document.get("domains", {}), values)
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=lambda p: p.line or 0), name)
    domains = {
        domain.lower(): build(changed, {**reader.origin, **origin})
        for domain, (changed, origin) in overrides.items()
    }
    own = {domain.lower(): tuple(origin) for domain, (_, origin) in overrides.items()}
    return replace(build(values, reader.origin), domains=domains, overrides=own, source=name)


def default() -> Config:
    """The configuration of a machine that has no conf.toml."""
    return load("", "")


def _explained(problem: Problem, source: Source) -> Problem:
    """A mistake in the TOML, and what the key wants, if one is known."""
    section, _, name = re.sub(r'^domains\."[^"]*"\.', "", problem.key).partition(".")
    key = SCHEMA.get(section, {}).get(name)
    if not key or not problem.column or not problem.line:
        return problem
    line = source.text[problem.line - 1]
    check = key.check
    if source.key_at(problem.line)[1] == problem.line:
        line = line.partition("=")[2]
    else:  # further down in a list
        check = check.item or check
    guess = slips.meant(check, slips.bare(line), line)
    hint = f"; did you mean {guess}?" if guess else ""
    return problem._replace(what=f"{problem.what}; must be {check.text}{hint}")


def _owners(key: str) -> list[str]:
    return [section for section, keys in SCHEMA.items() if key in keys]


class _Reader:
    """One conf.toml while it is read: collects values, where they came from, and the problems."""

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.problems: list[Problem] = []
        self.origin: dict[str, str] = {}

    def read(self, document: dict[str, Any]) -> Values:
        values = {}
        for section, table in document.items():
            if section not in SCHEMA and section != "domains":
                self._unknown_section(section, table)
        for section, keys in SCHEMA.items():
            table = document.get(section, {})
            if not isinstance(table, dict):
                owners = "".join(f"; the key {section} goes below [{one}]" for one in _owners(section))
                self._problem(section, f"is a section and is written [{section}]{owners}")
                table = {}
            values[section] = self._section(section, keys, table)
        self._numbers("numbers", values["numbers"])
        if not any(problem.key.startswith("switch.") for problem in self.problems):
            for key, what in switch.contradictions(values):
                self._problem(key, what)
        return values

    def read_domains(self, domains: Any, values: Values) -> dict[str, tuple[Values, dict[str, str]]]:
        """For each domain its values and, where they differ, their origins."""
        if not isinstance(domains, dict):
            self._problem("domains", 'is written [domains."b.example".display]')
            return {}
        seen: set[str] = set()
        for domain, sections in domains.items():
            if domain.lower() in seen:
                first = next(iter(sections), "") if isinstance(sections, dict) else ""
                what = "the same domain twice; write all of it under one spelling"
                self._problem(f'domains."{domain}".{first}', what)
            seen.add(domain.lower())
        return {domain: self._domain(domain, table, values) for domain, table in domains.items()}

    def _domain(self, domain: str, table: Any, values: Values) -> tuple[Values, dict[str, str]]:
        changed, origin = dict(values), dict[str, str]()
        prefix = f'domains."{domain}"'
        if not isinstance(table, dict):
            self._problem(prefix, f"is written [{prefix}.display]")
            return changed, origin
        for section, keys in table.items():
            path = f"{prefix}.{section}"
            if section not in OVERRIDABLE and isinstance(keys, dict) and set(keys) & set(OVERRIDABLE):
                self._problem(path, f'a domain with dots goes in quotes: [domains."{domain}.{section}".…]')
            elif section not in OVERRIDABLE:
                self._unknown(path, "section for a domain", OVERRIDABLE)
            elif not isinstance(keys, dict):
                self._problem(path, f"is a section and is written [{path}]")
            else:
                known = SCHEMA[section]
                changed[section] = self._section(path, known, keys, values[section])
                if section == "numbers":
                    self._numbers(path, changed[section])
                origin.update(
                    {f"{section}.{key}": self.origin.pop(f"{path}.{key}") for key in keys if key in known}
                )
        return changed, origin

    def _section(
        self,
        section: str,
        keys: dict[str, Key],
        table: dict[str, Any],
        initially: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        for key in table:
            if key not in keys:
                self._unknown_key(section, key, keys, table[key])
        values = {}
        for key, (initial, check) in keys.items():
            path = f"{section}.{key}"
            values[key] = initially[key] if initially else initial
            if key in table:
                self.origin[path] = f"{self.name}:{self.source.line(path) or '?'}"
                if check.rows and isinstance(table[key], dict):
                    values[key] = self._rows(path, check, table[key], values[key])
                    continue
                try:
                    values[key] = check(table[key])
                except Wrong as wrong:
                    guess = slips.meant(check, table[key], self.source.written(path))
                    self._problem(path, str(wrong) + (f"; did you mean {guess}?" if guess else ""))
            elif not initially:
                self.origin[path] = "default"
        return values

    def _numbers(self, section: str, values: dict[str, Any]) -> None:
        """What no key of [numbers] can say alone."""
        known = any(problem.key == f"{section}.inbound" for problem in self.problems)
        if values["inbound"] == NATIONAL and not values["region"] and not known:
            what = 'needs numbers.region, the country whose national numbers they are, like region = "DE"'
            self._problem(f"{section}.inbound", f'"{NATIONAL}" {what}')

    def _rows(
        self, path: str, check: Check[Any], table: dict[str, Any], others: dict[str, Any]
    ) -> dict[str, Any]:
        """A table whose rows stand for themselves: those that are not in it are as in `others`."""
        values = dict(others)
        for row, value in table.items():
            where = f"{path}.{row}"
            if row not in check.rows:
                near = nearest(row, check.rows)
                hint = f"; did you mean {near}?" if near else f"; {path} is {check.text}"
                self._problem(where, f"unknown SIP code or hangup cause{hint}")
                continue
            assert check.item
            try:
                values[row] = check.item(value)
            except Wrong as wrong:
                guess = slips.meant(check.item, value, self.source.written(where))
                self._problem(where, str(wrong) + (f"; did you mean {guess}?" if guess else ""))
        return values

    def _unknown_key(self, section: str, key: str, known: dict[str, Key], value: Any) -> None:
        around = section.rpartition(".")[0]
        owners = [f"{around}.{one}" if around and one in OVERRIDABLE else one for one in _owners(key)]
        if key in SCHEMA and isinstance(value, dict):
            of = f"{around}.{key}" if around else key
            what = f"unknown key; in [{of}] it is written {next(iter(value), key)} = …"
        elif owners:
            what = f"unknown key here; it goes below {' or '.join(f'[{one}]' for one in owners)}"
        else:
            self._unknown(f"{section}.{key}", "key", known)
            return
        self._problem(f"{section}.{key}", what)

    def _unknown_section(self, section: str, table: Any) -> None:
        owners = " or ".join(f"[{one}]" for one in _owners(section))
        if owners and not isinstance(table, dict):
            self._problem(section, f"a key outside of any section; it goes below {owners}")
        elif any(SCHEMA[one][section].check.rows for one in _owners(section)):
            self._problem(section, f"is written {owners.replace(']', f'.{section}]')}")
        else:
            self._unknown(section, "section", [*SCHEMA, "domains"])

    def _unknown(self, path: str, what: str, known: Iterable[str]) -> None:
        near = nearest(path.rpartition(".")[2], known)
        hint = f"; did you mean {near}?" if near else f"; known are {', '.join(known)}"
        self._problem(path, f"unknown {what}{hint}")

    def _problem(self, path: str, what: str) -> None:
        self.problems.append(Problem(path, what, self.source.line(path)))
