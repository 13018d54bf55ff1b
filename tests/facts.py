"""Calls for tests of the rules: a few facts, the rest as in a plain call."""

from __future__ import annotations

from typing import Any

from fsdaemon.config.reader import Config, load
from fsdaemon.core.call import Call, Context
from fsdaemon.core.forwards import BEFORE, Public
from fsdaemon.core.history import OnChannel
from fsdaemon.core.users import Caller, Person, User
from fsdaemon.terms.kinds import SET

DOMAIN = "lab.test"


def user(name: str, domain: str = DOMAIN) -> User:
    return User(name, domain)


def inside(number: str, name: str = "") -> Caller:
    return Caller(user(number), name, number, False)


def outside(number: str, name: str = "", withheld: bool = False) -> Caller:
    return Caller(None, name, number, withheld)


def call(caller: Caller, callee: str = "100", **facts: Any) -> Call:
    """`caller` calls `callee`; `always="101"` and the like are the callee's forwards."""
    forwards = {kind: facts.pop(kind) for kind in SET if kind in facts}
    kind = "always" if facts.get("stage", BEFORE) == BEFORE else facts.get("failure")
    plain: dict[str, Any] = {
        "uuid": "d807da79-3542-4914-b35a-82bb7615f605",
        "callee": user(callee),
        "callee_name": "",
        "caller": caller,
        "forwards": forwards,
        "failure": None,
        "stage": BEFORE,
        "is_user": True,
        "now": (kind,) if kind in forwards else (),
        "later": (),
        "path": (),
        "before_us": (),
        "unasked": "",
        "person": Person(caller.user) if caller.user else None,
        "referrer": None,
        "refer": "",
        "hides_target": False,
        "is_target_number": frozenset(),
        "sent_away": "",
        "visited": (),
        "public": Public(),
        "channel": OnChannel(own_name=caller.name),
        "context": Context(),
        "last_bridge": "",
    }
    return Call(**{**plain, **facts})


def config(text: str = "") -> Config:
    return load(text)
