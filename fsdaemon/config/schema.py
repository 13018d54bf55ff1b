"""Every key of conf.toml, once: a field of its section's dataclass, with its default and its check.

Rule: SCHEMA and all that is read, printed and documented follows from these fields; the file conf.toml in the
repository says what they mean, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_type_hints

from fsdaemon.config import addresses, checks, switch, trunks
from fsdaemon.config.checks import BOOLEAN, SHOWN_TEXT, TEXT, Check, list_of, one_of, whole
from fsdaemon.config.ring import RING, Ring
from fsdaemon.terms import e164
from fsdaemon.terms.causes import DEFAULTS as CAUSES
from fsdaemon.terms.kinds import KINDS, SERVICES, SET
from fsdaemon.terms.presets import KEYS, PRESETS, Preset

LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
LABEL_FIELDS = ("called", "diverter", "caller")
IDENTITIES = (
    "caller",
    "diverter",
    "diverter-with-caller-asserted",
    "diverter-with-caller-preferred",
    "caller-with-diverter-asserted",
    "caller-with-diverter-preferred",
)
HEADERS = ("diversion", "history-info")
MISSED = ("listed", "completed_elsewhere")
CONNECTED = ("target", "target_for_diverter", "called", "off")
OVERRIDABLE = ("exceptions", "display", "routing", "numbers", "codes")  # for one domain, in [domains."…"]


class Key(NamedTuple):
    """One key of conf.toml."""

    default: Any
    check: Check[Any]


Flag = Annotated[bool, BOOLEAN]
Shown = Annotated[str, SHOWN_TEXT]
Tone = Annotated[str, checks.TONE]
Label = Annotated[str, checks.template(*LABEL_FIELDS)]
Texts = tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """[server]."""

    listen: Annotated[Texts, addresses.LISTEN] = ("127.0.0.1:8084",)
    allow: Annotated[
        Texts, list_of(addresses.ALLOWED, 'addresses and networks, like ["192.0.2.10", "2001:db8::/64"]')
    ] = ()
    max_sessions: Annotated[int, whole(1, 100_000)] = 1000
    timeout: Annotated[float, checks.SECONDS] = 2.0


@dataclass(frozen=True)
class Exceptions:
    """[exceptions]: who may break through a forward."""

    target: Flag = True
    users: Annotated[Texts, list_of(checks.USER, 'users, like ["104", "105@b.example"]')] = ()
    groups: Annotated[
        Texts,
        list_of(
            checks.GROUP,
            'names of groups, like ["reception", "Sales Team"], without quotes, commas, $, | and backslashes',
        ),
    ] = ()
    external: Annotated[Texts, list_of(checks.EXTERNAL, 'telephone numbers, like ["+49 170 1234567"]')] = ()


@dataclass(frozen=True)
class Display:
    """[display]: what the phone shows that gets a forwarded call."""

    label: Label = "Uml. fuer {diverter}: {caller}"
    chain: Label = "Uml. fuer {called} ueber {diverter}: {caller}"
    anonymous: Annotated[str, TEXT] = "Anonym"
    kinds: Annotated[Texts, list_of(one_of(*KINDS), f"kinds of forward: {', '.join(KINDS)}")] = tuple(KINDS)
    max_length: Annotated[int, whole(0, 1000)] = 0
    diversion: Annotated[Union[bool, str], trunks.DIVERSION] = True  # noqa: UP007 (evaluated, on Python 3.9)
    outside: Flag = False
    caller: Annotated[str, one_of(*CONNECTED)] = "target"
    caller_outside: Annotated[str, one_of(*CONNECTED)] = "called"
    caller_template: Annotated[str, checks.template("target", "diverter")] = "{target} fuer {diverter}"
    ring: Annotated[Ring, RING] = ""
    lamp_kinds: Annotated[Texts, list_of(one_of(*SET), f"kinds of forward: {', '.join(SET)}")] = ("always",)
    diversion_from: Annotated[
        Texts, list_of(addresses.NETWORK, 'addresses and networks, like ["192.0.2.10", "192.0.2.0/24"]')
    ] = ()


@dataclass(frozen=True)
class Routing:
    """[routing]."""

    ring: Annotated[str, one_of("continue", "bridge")] = "continue"
    bridge: Annotated[str, checks.BRIDGE] = "user/{callee}@{domain}"
    busy: Annotated[Union[int, str], checks.BUSY] = "phone"  # noqa: UP007 (evaluated, on Python 3.9)
    mailbox: Annotated[str, one_of("target", "called")] = "target"
    max_hops: Annotated[int, whole(1, 50)] = 5
    outside_caller_id: Annotated[str, one_of("caller", "diverter")] = "caller"
    trunk_identity: Annotated[str, one_of(*IDENTITIES)] = "caller"
    trunk_headers: Annotated[Texts, list_of(one_of(*HEADERS), f"headers: {', '.join(HEADERS)}")] = (
        "diversion",
    )
    trunk_host: Annotated[str, trunks.SIP_HOST] = ""
    pass_diversion: Flag = False
    missed: Annotated[str, one_of(*MISSED)] = MISSED[0]
    causes: Annotated[Mapping[str, str], checks.CAUSES] = field(default_factory=lambda: CAUSES)


@dataclass(frozen=True)
class Numbers:
    """[numbers]: how outside numbers are compared."""

    region: Annotated[str, checks.REGION] = ""
    trunk_prefix: Annotated[str, checks.PREFIX_DIGITS] = ""
    public: Annotated[str, trunks.PUBLIC] = ""
    inbound: Annotated[str, one_of(*e164.FORMS)] = e164.AUTO

    @property
    def ways(self) -> tuple[str, str, str]:
        """How numbers are compared, as `numbers.same` takes it."""
        return (self.region, self.trunk_prefix, self.inbound)


_TARGETS = (
    "0",
    "200[0-2]",
    r"3[0-35-8]\d\d",
    "5000",
    r"\d{7} local",
    r"\d{11} domestic",
    r"011\d+ international",
)
_TARGET_LIST = list_of(checks.CODE_TARGET, 'regular expressions, like ["0", "011\\\\d+ international"]')
#: A key for each kind of forward that has a code.
_SHOWN = {kind: Key(KINDS[kind].shown, SHOWN_TEXT) for kind in SERVICES.values()}


@dataclass(frozen=True)
class Codes:
    """[codes]: forwards that users dial on their phones."""

    enabled: Flag = True
    exceptions: Flag = True
    targets: Annotated[Texts, _TARGET_LIST] = _TARGETS
    #: by kind of forward; `codes.busy` is `codes.shown["busy"]`
    shown: Annotated[Mapping[str, str], _SHOWN] = field(
        default_factory=lambda: {kind: key.default for kind, key in _SHOWN.items()}
    )
    conditional: Shown = "Uml. bedingt"
    to: Shown = "an"
    off: Shown = "aus"
    all_off: Shown = "Alle Uml. aus"
    own: Shown = "Ausnahmen"
    own_none: Shown = "Keine Ausnahmen"
    refused: Shown = "Uml. abgelehnt"
    language: Annotated[str, checks.LANGUAGE] = "en"
    tone_done: Tone = "%(150,50,660);%(300,100,880)"
    tone_refused: Tone = "%(250,150,330);%(250,150,330);%(250,150,330)"
    tone_off: Tone = "%(800,100,520)"
    lamp_watchers: Annotated[switch.Watchers, switch.WATCHERS] = "domain"

    if not TYPE_CHECKING:  # mypy shall go on to find a misspelt name

        def __getattr__(self, kind: str) -> str:
            """What the phone shows for a kind of forward."""
            if kind not in _SHOWN:
                raise AttributeError(kind)
            return self.shown[kind]


@dataclass(frozen=True)
class Log:
    """[log]."""

    level: Annotated[str, one_of(*LEVELS)] = "INFO"
    format: Annotated[str, one_of("text", "json")] = "text"
    numbers: Annotated[str, one_of("full", "masked")] = "full"


@dataclass(frozen=True)
class Metrics:
    """[metrics]: Prometheus, and a page for a person."""

    listen: Annotated[str, addresses.PERHAPS_LISTEN] = ""
    keep: Annotated[int, whole(0, 100_000)] = 1000


@dataclass(frozen=True)
class Switch:
    """[switch]: a connection to FreeSWITCH's inbound event socket; off without an address."""

    address: Annotated[str, switch.ADDRESS] = ""
    user: Annotated[str, switch.USER] = ""
    password: Annotated[str, switch.PASSWORD] = field(default="", repr=False)
    password_file: Annotated[str, switch.PASSWORD_FILE] = ""
    feature_keys: Annotated[str, one_of(*switch.FEATURE_KEYS)] = "show"
    database: Annotated[str, switch.DATABASE] = ""


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
    switch: Switch
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


_SECTIONS: dict[str, Any] = {
    name: section for name, section in get_type_hints(Config).items() if is_dataclass(section)
}
_FORWARDS = checks.one_or_several(checks.FORWARD)
_VARIABLES = checks.one_or_several(checks.VARIABLE)
_DIRECTORY = (*SET, "forward_except")  # keys whose variables may be the directory's


def _keys(section: Any) -> dict[str, Key]:
    if section is Preset:
        lists = {name: Key(None, _FORWARDS if name in _DIRECTORY else _VARIABLES) for name in KEYS}
        return {"preset": Key("default", one_of(*PRESETS)), **lists}
    keys: dict[str, Key] = {}
    hints = get_type_hints(section, include_extras=True)
    for one in fields(section):
        about = hints[one.name].__metadata__[0]
        default = one.default if one.default_factory is MISSING else one.default_factory()
        keys.update({one.name: Key(default, about)} if isinstance(about, Check) else about)
    return keys


SCHEMA: dict[str, dict[str, Key]] = {name: _keys(section) for name, section in _SECTIONS.items()}


def build(values: Mapping[str, Mapping[str, Any]], origin: dict[str, str]) -> Config:
    """The configuration with these values: section → key → value."""
    preset = values["variables"]["preset"]
    lists = {key: value for key, value in values["variables"].items() if value is not None}
    made: dict[str, Any] = {
        name: PRESETS[preset].changed(lists) if section is Preset else _made(section, values[name])
        for name, section in _SECTIONS.items()
    }
    return Config(preset=preset, origin=origin, **made)


def _made(section: Any, values: Mapping[str, Any]) -> Any:
    names = {one.name for one in fields(section)}
    plain = {key: value for key, value in values.items() if key in names}
    shown = {key: value for key, value in values.items() if key not in names}
    return section(**plain, shown=shown) if shown else section(**plain)
