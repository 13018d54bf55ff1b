"""Busy as FreeSWITCH counts it (`routing.busy`): how many calls a user has, and what counts the next one.

Rule: `limit` with `hash` counts the legs of a user's phones, and gives each back when it ends. Nothing here
decides; without mod_hash a leg would be sent to "limit_exceeded" (mod_dptools.c), so then none is counted.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core.questions import Source
from fsdaemon.core.users import User
from fsdaemon.terms import variables as v


class Calls(NamedTuple):
    """The calls of a user, as far as they are counted."""

    counted: str = ""  #: what `limit` has to be told so that the next leg is counted; empty: it is not
    missing: bool = False  #: they are to be counted, and mod_hash is not loaded
    number: int | None = None  #: how many there are; None: not asked

    @property
    def leg(self) -> dict[str, str]:
        """Leg variables that count the next leg of a phone of the user's, also after a transfer."""
        count = {v.LEG_KEEPS_COUNT: "true", v.LEG_COUNT: f"limit {self.counted}"}
        return count if self.counted else {}


NONE = Calls()


def wanted(config: Config) -> bool:
    """Whether calls are counted at all."""
    return config.routing.busy != "phone"


def calls_of(source: Source, user: User, forwards: bool) -> Calls:
    """What is counted of the user's calls; how many there are is asked if the user `forwards` when busy."""
    if not (wanted(source.config) and source.known(user)):
        return NONE
    if source("module_exists mod_hash") != "true":
        return Calls(missing=True)
    resource = f"hash {user.domain.lower()} user_{user.name.lower()}"
    said = source(f"limit_usage {resource}") if forwards else ""
    return Calls(resource, number=int(said) if said.isascii() and said.isdigit() else None)


def busy(calls: Calls, config: Config) -> bool:
    """Whether the user has as many calls as make busy."""
    return wanted(config) and calls.number is not None and calls.number >= int(config.routing.busy)
