"""What was found on the machine, as values: FreeSWITCH's files, what runs, and who listens.

Rule: values only. What could not be looked at is a fact as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

CONTEXT = "fsdaemon"  # freeswitch/dialplan/fsdaemon.xml
USERS, CODES, COUNTS = (f"{CONTEXT}_{one}" for one in ("user", "code", "busy"))  # our extensions
#: Applications that run a program; what it does cannot be seen.
SCRIPTS = ("lua", "python", "python3", "perl", "javascript", "v8", "curl")
_ASKS = re.compile(rf"(before|beyond)/.* XML {CONTEXT}\Z", re.S)


class Place(NamedTuple):
    """A line of a file; line 0 is the file itself."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """As editors and compilers write it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Value(NamedTuple):
    """A text and where it stands."""

    text: str
    place: Place


class Include(NamedTuple):
    """An include line of FreeSWITCH's preprocessor."""

    pattern: str  #: the files that are meant, as an absolute path
    place: Place
    files: int  #: how many there are


class Lost(NamedTuple):
    """A line, or a part of one, that FreeSWITCH's preprocessor does not pass on."""

    place: Place
    text: str
    why: str


class Action(NamedTuple):
    """An application and its argument."""

    application: str
    data: str
    place: Place
    inline: bool = False


class Comparison(NamedTuple):
    """A field and the expression it is compared with; without a field another kind of test (time of day)."""

    field: str | None
    expression: str = ""


class Condition(NamedTuple):
    """A condition of an extension."""

    tests: tuple[Comparison, ...]
    any: bool = False  #: one of the tests is enough (regex="any")
    negated: bool = False  #: none may match, or exactly one (regex="xor"): not judged
    stop: str = "on-false"  #: its attribute `break`
    actions: tuple[Action, ...] = ()
    otherwise: tuple[Action, ...] = ()  #: its anti-actions


class Extension(NamedTuple):
    """An extension of the dialplan."""

    name: str
    goes_on: bool  #: its attribute `continue`
    conditions: tuple[Condition, ...]
    place: Place

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that it may execute."""
        return tuple(one for c in self.conditions for one in (*c.actions, *c.otherwise))

    @property
    def asks(self) -> bool:
        """Whether it calls our context before or after it calls a user."""
        return any(one.application == "execute_extension" and _ASKS.match(one.data) for one in self.actions)

    @property
    def ours(self) -> bool:
        """Whether it has to do with us."""
        words = (one.application + one.data for one in self.actions)
        return self.asks or self.name.startswith(CONTEXT) or any(f"{CONTEXT}_" in one for one in words)


Contexts = Mapping[str, tuple[Extension, ...]]


class Entry(NamedTuple):
    """A user of the directory with what domain and group add."""

    id: str
    alias: str  #: its number-alias
    domain: str
    variables: Mapping[str, Value]
    params: Mapping[str, Value]
    place: Place

    def variable(self, name: str) -> str:
        """A variable's value; empty if there is none."""
        found = self.variables.get(name)
        return found.text if found else ""


class Binding(NamedTuple):
    """What FreeSWITCH asks before its files: a Lua script, or a web server."""

    module: str
    asked: str  #: the script or the address
    sections: frozenset[str]  #: dialplan, directory, configuration
    place: Place


@dataclass(frozen=True)
class Files:
    """FreeSWITCH's configuration as its files have it, read as FreeSWITCH reads them."""

    contexts: Contexts = field(default_factory=dict)
    users: tuple[Entry, ...] = ()
    modules: Mapping[str, Place] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    variables: Mapping[str, Value] = field(default_factory=dict)  #: set by the preprocessor
    includes: tuple[Include, ...] = ()
    lost: tuple[Lost, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  #: files that could not be read, and why
    read: bool = False  #: there is a freeswitch.xml
    broken: tuple[Place, str] | None = None  #: where it is not XML, and what is wrong there
    copies: Mapping[str, str] = field(default_factory=dict)  #: file of ours → what differs from the delivered

    def elsewhere(self, section: str) -> Binding | None:
        """What is asked for a section before the files are."""
        return next((one for one in self.bindings if section in one.sections), None)


@dataclass(frozen=True)
class Running:
    """What the running FreeSWITCH says of itself."""

    version: str = ""
    conf: str = ""  #: its directory
    modules: frozenset[str] | None = None
    contexts: Mapping[str, tuple[str, ...]] | None = None  #: context → names of its extensions


@dataclass(frozen=True)
class Facts:
    """All of it."""

    conf: str = ""  #: FreeSWITCH's directory; empty: not found
    files: Files = Files()
    running: Running | None = None
    user: str = ""  #: FreeSWITCH runs as this user; empty: not known
    closed: tuple[tuple[str, str], ...] = ()  #: files that this user cannot read, and why
    listeners: Mapping[str, str] = field(
        default_factory=dict
    )  #: address → FSDAEMON, or what is there instead
    daemon: str = ""  #: version of the daemon that runs, where it could be asked
    fusionpbx: str = ""  #: FusionPBX's directory; empty: none
    fusionpbx_app: bool = False  #: our entries are beside its apps
    share: str = ""  #: the directory with our dialplan files as delivered; empty: not found
    unseen: tuple[str, ...] = ()  #: what could not be looked at, and why

    @property
    def modules(self) -> frozenset[str] | None:
        """The modules that are loaded, else those that are to be; None: not known."""
        if self.running and self.running.modules is not None:
            return self.running.modules
        return frozenset(self.files.modules) or None


FSDAEMON = "answers"  # what listens sends `connect`, as a program for the application `socket` does
NOBODY = "nobody listens"
