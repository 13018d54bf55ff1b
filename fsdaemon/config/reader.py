"""conf.toml: TOML text to a frozen `Config`, or every problem in it at once.

Rule: reads no file and knows no call. Each key stands once, in SCHEMA: its default and its check; the
file conf.toml in the repository documents them, and a test holds the two together.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import string
from dataclasses import dataclass, field, replace
from typing import Any, Callable, NamedTuple

import tomli

from fsdaemon.terms import numbers
from fsdaemon.terms.kinds import KINDS, SET
from fsdaemon.terms.presets import KEYS, PRESETS, Preset
from fsdaemon.terms.variables import PREFIX, Header, header_of

LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
Check = Callable[[Any], Any]


class Wrong(ValueError):
    """A value is not allowed; the message says what would be right."""


class Problem(NamedTuple):
    """One mistake in a conf.toml."""

    key: str
    what: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`line 3: server.timeout: must be …`, with `line 3, column 11: …` where the parser knows it."""
        column = f", column {self.column}" if self.column else ""
        where = f"line {self.line}{column}: " if self.line else ""
        return f"{where}{self.key}: {self.what}" if self.key else f"{where}{self.what}"


class ConfigError(ValueError):
    """Everything that is wrong with a conf.toml: `problems`, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems; `str()` has one a line."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


# --- checks: each returns the value as the program wants it, or raises Wrong ---------------------------


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, not {_show(value)}")
    return value


def _whole(lowest: int, highest: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise Wrong(f"must be a whole number from {lowest} to {highest}, not {_show(value)}")
        return value

    return check


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.1 <= value <= 60:
        raise Wrong(f"must be a number of seconds from 0.1 to 60, not {_show(value)}")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong(f'must be a text in quotes, like "…", not {_show(value)}')
    return value


def _one_of(*allowed: str) -> Check:
    def check(value: Any) -> str:
        if value not in allowed:
            near = _nearest(str(value), allowed)
            raise Wrong(f"must be one of {', '.join(allowed)}, not {_show(value)}{near}")
        return str(value)

    return check


def _each(one: Check, values: list[Any]) -> tuple[Any, ...]:
    """Every item checked; Wrong with all that is wrong."""
    good, wrong = [], []
    for value in values:
        try:
            good.append(one(value))
        except Wrong as error:
            wrong.append(str(error))
    if wrong:
        raise Wrong("; ".join(wrong))
    return tuple(good)


def _list_of(one: Check) -> Check:
    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Wrong(f"must be a list, like [ … ], not {_show(value)}")
        return _each(one, value)

    return check


def _template(*names: str) -> Check:
    known = " ".join("{" + name + "}" for name in names)

    def check(value: Any) -> str:
        text = _text(value)
        try:
            fields = [part for part in string.Formatter().parse(text) if part[1] is not None]
        except ValueError as error:
            raise Wrong(f"{error}; a brace that stands for itself is written twice, {{{{ or }}}}") from None
        for _, name, spec, conversion in fields:
            if name not in names:
                raise Wrong(f"knows {known}, not {{{name}}}")
            if spec or conversion:
                raise Wrong(f"takes no format: write {{{name}}} alone")
        return text

    return check


_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def host_port(value: Any) -> str:
    """Check one `host:port`; raises Wrong. IPv6 goes in brackets: `[::1]:8084`."""
    match = _HOST_PORT.fullmatch(_text(value))
    if not match or int(match[2]) > 65535:
        raise Wrong(f'must be "host:port", like "127.0.0.1:8084", not {_show(value)}')
    return str(value)


_USER = re.compile(r"[\w.*#+-]+(@[A-Za-z0-9._-]+)?", re.ASCII)
_GROUP = re.compile(r"[^\s,'\"\\$|\x00-\x1f]+")
_DIGITS = re.compile(r"[0-9*#]*")
_VARIABLE = re.compile(r"(?:directory:)?[A-Za-z][\w-]*", re.ASCII)


def _user(value: Any) -> str:
    if not _USER.fullmatch(_text(value)):
        raise Wrong(f'must be a user, like "104" or "104@b.example", not {_show(value)}')
    return str(value)


def _group(value: Any) -> str:
    if not _GROUP.fullmatch(_text(value)):
        raise Wrong(f"must be the name of a group, without blanks, commas and quotes, not {_show(value)}")
    return str(value)


def _outside_number(value: Any) -> str:
    if not numbers.is_written_number(_text(value)):
        raise Wrong(f'must be a telephone number, like "+49 170 1234567", not {_show(value)}')
    return str(value)


def _region(value: Any) -> str:
    if _text(value) and not numbers.known_region(value):
        raise Wrong(
            f'must be a country by its two letters (ISO 3166), like "DE", or empty, not {_show(value)}'
        )
    return str(value)


def _prefix(value: Any) -> str:
    if not _DIGITS.fullmatch(_text(value)):
        raise Wrong(f'must be what is dialled for an outside line, like "0", or empty, not {_show(value)}')
    return str(value)


def _network(value: Any) -> str:
    text = _text(value)
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise Wrong(
            f'must be the address of a gateway or a network, like "192.0.2.10" or "192.0.2.0/24": {error}'
        ) from None
    return text


def _bridge(value: Any) -> str:
    text = str(_template("callee", "domain")(value))
    if not text or re.search(r"[\x00-\x1f$]", text):
        raise Wrong(f'must be what is bridged, like "user/{{callee}}@{{domain}}", not {_show(value)}')
    return text


def _forward_list(value: Any) -> tuple[Header, ...]:
    return _each(_variable, value if isinstance(value, list) else [value])


def _variable_list(value: Any) -> tuple[Header, ...]:
    headers = _forward_list(value)
    for header in headers:
        if header.directory:
            raise Wrong(
                f"must be on the channel; of the directory only forwards are read, not {_show(header)}"
            )
    return headers


def _variable(value: Any) -> Header:
    name = _text(value)
    if not _VARIABLE.fullmatch(name):
        raise Wrong(
            'must be a channel variable, like "my_forward", or "directory:call_forward_all", '
            f"not {_show(value)}"
        )
    if name.startswith(PREFIX):
        raise Wrong(f'is written without {PREFIX}: "{name[len(PREFIX) :]}"')
    return header_of(name)


_UNFIT_TEXT = re.compile(
    "[:/@%\"'!|~$\\\\{}\x00-\x1f\x7f]"
)  # mod_sofia cuts there, or a list of applications ends
_UNFIT_TONE = re.compile("['!~$\\\\{}\x00-\x1f\x7f]")


def _shown_text(value: Any) -> str:
    text = _text(value)
    if not 1 <= len(text) <= 60 or _UNFIT_TEXT.search(text):
        raise Wrong(
            f"must be a text of 1 to 60 characters without : / @ % ! | ~ $ and quotes, not {_show(value)}"
        )
    return text


def _tone(value: Any) -> str:
    text = _text(value)
    if not text or _UNFIT_TONE.search(text):
        raise Wrong(
            f'must be a tone as FreeSWITCH writes it (TGML), like "%(150,50,660)", not {_show(value)}'
        )
    return text


_LANGUAGE = re.compile(r"[a-z]{0,8}")


def _language(value: Any) -> str:
    if not _LANGUAGE.fullmatch(_text(value)):
        raise Wrong(f'must be the XX of a module mod_say_XX, like "en", or empty, not {_show(value)}')
    return str(value)


_TARGET = re.compile(r"(\S+)(?: ([\w-]+))?")


def _code_target(value: Any) -> str:
    match = _TARGET.fullmatch(_text(value))
    if not match:
        raise Wrong(
            "must be an expression, perhaps with a blank and the toll class it needs, "
            'like "011\\\\d+ international", '
            f"not {_show(value)}"
        )
    try:
        re.compile(match[1], re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise Wrong(f"{_show(value)} is not a regular expression: {error}") from None
    return str(value)


def _listen(value: Any) -> tuple[str, ...]:
    addresses = _each(host_port, value if isinstance(value, list) else [value])
    if not addresses:
        raise Wrong('must name at least one address, like "127.0.0.1:8084"')
    return addresses


def _perhaps_listen(value: Any) -> str:
    return host_port(value) if value != "" else ""


# --- the schema ---------------------------------------------------------------------------------------


class Key(NamedTuple):
    """One key of conf.toml."""

    default: Any
    check: Check


LABEL_FIELDS = ("called", "diverter", "caller")
OVERRIDABLE = ("exceptions", "display", "routing", "numbers", "codes")  # for one domain, in [domains."…"]

SCHEMA: dict[str, dict[str, Key]] = {
    "server": {
        "listen": Key(("127.0.0.1:8084",), _listen),
        "max_sessions": Key(1000, _whole(1, 100_000)),
        "timeout": Key(2.0, _seconds),
    },
    "exceptions": {
        "target": Key(True, _boolean),
        "users": Key((), _list_of(_user)),
        "groups": Key((), _list_of(_group)),
        "external": Key((), _list_of(_outside_number)),
    },
    "display": {
        "label": Key("Uml. fuer {diverter}: {caller}", _template(*LABEL_FIELDS)),
        "chain": Key("Uml. fuer {called} ueber {diverter}: {caller}", _template(*LABEL_FIELDS)),
        "anonymous": Key("Anonym", _text),
        "kinds": Key(tuple(KINDS), _list_of(_one_of(*KINDS))),
        "max_length": Key(0, _whole(0, 1000)),
        "diversion": Key(True, _boolean),
        "outside": Key(False, _boolean),
        "diversion_from": Key((), _list_of(_network)),
    },
    "routing": {
        "ring": Key("continue", _one_of("continue", "bridge")),
        "bridge": Key("user/{callee}@{domain}", _bridge),
        "max_hops": Key(5, _whole(1, 50)),
        "outside_caller_id": Key("caller", _one_of("caller", "diverter")),
    },
    "numbers": {
        "region": Key("", _region),
        "trunk_prefix": Key("", _prefix),
    },
    "codes": {
        "enabled": Key(True, _boolean),
        "targets": Key(
            (
                "0",
                "200[0-2]",
                r"3[0-35-8]\d\d",
                "5000",
                r"\d{7} local",
                r"\d{11} domestic",
                r"011\d+ international",
            ),
            _list_of(_code_target),
        ),
        "always": Key("Uml. immer", _shown_text),
        "busy": Key("Uml. besetzt", _shown_text),
        "no_answer": Key("Uml. keine Antwort", _shown_text),
        "not_registered": Key("Uml. nicht erreichbar", _shown_text),
        "conditional": Key("Uml. bedingt", _shown_text),
        "to": Key("an", _shown_text),
        "off": Key("aus", _shown_text),
        "all_off": Key("Alle Uml. aus", _shown_text),
        "refused": Key("Uml. abgelehnt", _shown_text),
        "language": Key("en", _language),
        "tone_done": Key("%(150,50,660);%(300,100,880)", _tone),
        "tone_refused": Key("%(250,150,330);%(250,150,330);%(250,150,330)", _tone),
        "tone_off": Key("%(800,100,520)", _tone),
    },
    "variables": {
        "preset": Key("default", _one_of(*PRESETS)),
        **{name: Key(None, _forward_list if name in SET else _variable_list) for name in KEYS},
    },
    "log": {
        "level": Key("INFO", _one_of(*LEVELS)),
        "format": Key("text", _one_of("text", "json")),
        "numbers": Key("full", _one_of("full", "masked")),
    },
    "metrics": {
        "listen": Key("", _perhaps_listen),
        "keep": Key(1000, _whole(0, 100_000)),
    },
}


@dataclass(frozen=True)
class Server:
    """[server]."""

    listen: tuple[str, ...]
    max_sessions: int
    timeout: float


@dataclass(frozen=True)
class Exceptions:
    """[exceptions]: who may break through a forward."""

    target: bool
    users: tuple[str, ...]
    groups: tuple[str, ...]
    external: tuple[str, ...]


@dataclass(frozen=True)
class Display:
    """[display]: what the phone of the one who gets a forwarded call shows."""

    label: str
    chain: str
    anonymous: str
    kinds: tuple[str, ...]
    max_length: int
    diversion: bool
    outside: bool
    diversion_from: tuple[str, ...]


@dataclass(frozen=True)
class Routing:
    """[routing]."""

    ring: str
    bridge: str
    max_hops: int
    outside_caller_id: str


@dataclass(frozen=True)
class Numbers:
    """[numbers]: how outside numbers are compared."""

    region: str
    trunk_prefix: str


@dataclass(frozen=True)
class Codes:
    """[codes]: forwards that users dial on their phones."""

    enabled: bool
    targets: tuple[str, ...]
    always: str
    busy: str
    no_answer: str
    not_registered: str
    conditional: str
    to: str
    off: str
    all_off: str
    refused: str
    language: str
    tone_done: str
    tone_refused: str
    tone_off: str


@dataclass(frozen=True)
class Log:
    """[log]."""

    level: str
    format: str
    numbers: str


@dataclass(frozen=True)
class Metrics:
    """[metrics]: Prometheus, and a page for a person."""

    listen: str
    keep: int


@dataclass(frozen=True)
class Config:
    """One whole configuration. `origin` says of each `section.key` where its value comes from."""

    server: Server
    exceptions: Exceptions
    display: Display
    routing: Routing
    numbers: Numbers
    codes: Codes
    variables: Preset
    log: Log
    metrics: Metrics
    preset: str = "default"
    domains: dict[str, Config] = field(default_factory=dict)  #: by domain, in lower case
    overrides: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: `section.key` set for a domain
    origin: dict[str, str] = field(default_factory=dict, compare=False)
    source: str = field(default="", compare=False)  #: the file it was read from; empty: there is none

    def value(self, key: str) -> Any:
        """The value of a `section.key`, but of [variables]."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)

    def for_domain(self, domain: str) -> Config:
        """The configuration for calls to users of `domain`."""
        return self.domains.get(domain.lower(), self)

    def listening(self, addresses: tuple[str, ...]) -> Config:
        """The same configuration, listening elsewhere (`--listen`)."""
        origin = {**self.origin, "server.listen": "--listen"}
        return replace(self, server=replace(self.server, listen=addresses), origin=origin)


_SECTIONS: dict[str, Callable[..., Any]] = {
    "server": Server,
    "exceptions": Exceptions,
    "display": Display,
    "routing": Routing,
    "numbers": Numbers,
    "codes": Codes,
    "log": Log,
    "metrics": Metrics,
}


def load(text: str, name: str = "conf.toml") -> Config:
    """Read a conf.toml. Raises ConfigError with every problem that is in it."""
    document, broken = _parse(text)
    reader = _Reader(text, name)
    reader.problems += broken
    values = reader.read(document)
    overrides = reader.read_domains(document.get("domains", {}), values)
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=lambda p: p.line or 0))
    config = _build(values, reader.origin)
    domains = {
        domain.lower(): _build(changed, {**reader.origin, **origin})
        for domain, (changed, origin) in overrides.items()
    }
    own = {domain.lower(): tuple(origin) for domain, (_, origin) in overrides.items()}
    return replace(config, domains=domains, overrides=own, source=name)


def _build(values: dict[str, dict[str, Any]], origin: dict[str, str]) -> Config:
    sections = {name: make(**values[name]) for name, make in _SECTIONS.items()}
    given = values["variables"].items()
    chosen = {name: value for name, value in given if value is not None and name != "preset"}
    preset = PRESETS[values["variables"]["preset"]].changed(chosen)
    return Config(variables=preset, preset=values["variables"]["preset"], origin=origin, **sections)


def default() -> Config:
    """The configuration of a machine that has no conf.toml."""
    return load("", "")


class _Reader:
    """One conf.toml while it is read: collects values, where they came from, and the problems."""

    def __init__(self, text: str, name: str) -> None:
        self.lines = _lines(text)
        self.name = name
        self.problems: list[Problem] = []
        self.origin: dict[str, str] = {}

    def read(self, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        values = {}
        for section in document:
            if section not in SCHEMA and section != "domains":
                self._unknown(section, "section", [*SCHEMA, "domains"])
        for section, keys in SCHEMA.items():
            table = document.get(section, {})
            if not isinstance(table, dict):
                self._problem(section, f"is a section and is written [{section}]")
                table = {}
            values[section] = self._section(section, keys, table)
        return values

    def read_domains(
        self, domains: Any, values: dict[str, dict[str, Any]]
    ) -> dict[str, tuple[dict[str, dict[str, Any]], dict[str, str]]]:
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

    def _domain(
        self, domain: str, table: Any, values: dict[str, dict[str, Any]]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
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
                kept = self._section(path, known, keys, values[section])
                origin.update(
                    {f"{section}.{key}": self.origin.pop(f"{path}.{key}") for key in keys if key in known}
                )
                changed[section] = kept
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
                self.origin[path] = f"{self.name}:{self._line(path)}"
                try:
                    values[key] = check(table[key])
                except Wrong as wrong:
                    self._problem(path, str(wrong))
            elif not initially:
                self.origin[path] = "default"
        return values

    def _line(self, path: str) -> int | str:
        """Where a key stands, or the section around it."""
        return self.lines.get(path) or self.lines.get(path.rpartition(".")[0]) or "?"

    def _unknown_key(self, section: str, key: str, known: dict[str, Key], value: Any) -> None:
        if key not in SCHEMA or not isinstance(value, dict):
            self._unknown(f"{section}.{key}", "key", known)
            return
        around = section.rpartition(".")[0]
        of = f"{around}.{key}" if around else key
        self._problem(
            f"{section}.{key}", f"unknown key; in [{of}] it is written {next(iter(value), key)} = …"
        )

    def _unknown(self, path: str, what: str, known: Any) -> None:
        near = _nearest(path.rpartition(".")[2], known)
        self._problem(path, f"unknown {what}{near or '; known are ' + ', '.join(known)}")

    def _problem(self, path: str, what: str) -> None:
        line = self._line(path)
        self.problems.append(Problem(path, what, line if isinstance(line, int) else None))


_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def _syntax(error: tomli.TOMLDecodeError) -> Problem:
    match = _SYNTAX.fullmatch(str(error))
    if not match:
        return Problem("", f"no TOML: {error}")
    twice = _TWICE.match(match[1])
    if twice and match[2]:
        section = _path(re.findall(r"'([^']*)'", twice[1]))
        what = f"[{section}] is there already, perhaps as {section}.… = …; all of it goes under one header"
        return Problem("", f"no TOML: {what}", int(match[2]))
    if not match[2]:
        return Problem("", f"no TOML: {match[1]} (at the end of the file)")
    return Problem("", f"no TOML: {match[1]}", int(match[2]), int(match[3]))


_ONE_LINE = re.compile(
    r"\s*[\w.\"'-]+\s*=(?!.*(\"\"\"|\'\'\'))"
)  # `key = …`; what is wrong with it stays in it
_MOST_BROKEN = 50  # lines


def _parse(text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The document, and what is no TOML in it.

    A parser stops at the first mistake. A line `key = …` can be left out and the rest be read, so that
    all that is wrong is said at once. Raises ConfigError where nothing after the mistake can be trusted.
    """
    lines, problems = text.split("\n"), list[Problem]()
    while True:
        try:
            return tomli.loads("\n".join(lines)), problems
        except tomli.TOMLDecodeError as error:
            problem = _syntax(error)
        except (ValueError, RecursionError) as error:  # numbers of thousands of digits, hundreds of brackets
            raise ConfigError([*problems, Problem("", f"no TOML that can be read: {error}")]) from None
        at = (problem.line or 0) - 1
        if problems and not any(map(str.strip, lines[problems[-1].line or 0 : max(at, 0)])):
            raise ConfigError(problems)  # what follows at once may be of the same mistake: an open [
        problems.append(problem)
        if at < 0 or not _ONE_LINE.match(lines[at]) or len(problems) > _MOST_BROKEN:
            raise ConfigError(problems)
        lines[at] = ""


_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.?)""")


def _path(parts: list[str]) -> str:
    """The parts of a TOML key as problems name it."""
    return ".".join(
        f'"{part}"' if at == 1 and parts[0] == "domains" else part for at, part in enumerate(parts)
    )


def _dotted(text: str) -> tuple[list[str], int]:
    """The parts of a TOML key at the start of `text`, and where it ends."""
    parts: list[str] = []
    at = 0
    while (match := _PART.match(text, at)) is not None:
        parts.append(match[1] or match[2] or match[3] or "")
        at = match.end()
        if not match[4]:
            break
    return parts, at


def _lines(text: str) -> dict[str, int]:
    """Where each key stands, and each section around one, as far as the text shows it line by line."""
    found: dict[str, int] = {}
    section, inside = list[str](), ""
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        header = re.match(r"\s*\[+", line)
        rest = line[header.end() :] if header else line
        parts, end = _dotted(rest)
        if header:
            section = parts
        elif not (parts and rest[end:].lstrip().startswith("=")):
            continue
        whole = section if header else [*section, *parts]
        for length in range(1, len(whole) + 1):
            found.setdefault(_path(whole[:length]), number)
        if not header:
            value = rest[end:].lstrip("= ")
            inside = next((q for q in ('"""', "'''") if value.startswith(q) and value.count(q) == 1), "")
    return found


def _nearest(word: str, known: Any) -> str:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lower, 1, 0.5)
    return f"; did you mean {lower[near[0]]}?" if near else ""


def _show(value: Any) -> str:
    text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    try:
        shown = text or (f'"{value}"' if isinstance(value, str) else str(value))
    except ValueError:
        return "a number of thousands of digits"
    return shown if len(shown) <= 60 else shown[:57] + "…"
