"""Lamps: `forward+EXT` is on while EXT forwards, `forward+EXT/NUMBER` while to NUMBER.

Rule: pure. FreeSWITCH keeps no state of a lamp and mixes it with the calls of EXT; what is told here is right
during calls, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fsdaemon.config.reader import Codes, Config
from fsdaemon.core.features import State, whole
from fsdaemon.core.questions import Way
from fsdaemon.core.users import User, user_of
from fsdaemon.terms import events as e
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.events import Event
from fsdaemon.terms.numbers import dialable, is_domain

PROTO = "forward"
# A user part without calls: with that of EXT, mod_sofia tells the state of EXT's call instead of ours.
_NOBODY = "fsdaemon-lamp"
_GROUP = "group:"


class Lamp(NamedTuple):
    """What is watched."""

    ext: str  #: as it was written: a user's id or an alias
    number: str  #: empty: any
    host: str

    def __str__(self) -> str:
        """The user part behind `forward+`."""
        return f"{self.ext}/{self.number}" if self.number else self.ext


class Watcher(NamedTuple):
    """A subscription to a lamp."""

    call_id: str
    lamp: Lamp
    user: str  #: who watches, as From says
    host: str
    profile: str
    expires: int  #: seconds; 0: it ended
    now: str  #: microseconds since 1970


def watcher(headers: Headers) -> Watcher | None:
    """The subscription that a PRESENCE_PROBE is about; None for what is no lamp of ours."""
    lamp = lamp_of(headers.get(e.TO)) if headers.get(e.PROTO) == PROTO else None
    call_id = headers.get(e.SUB_CALL_ID)
    user, _, host = headers.get(e.FROM).rpartition("@")
    good = call_id and not set(call_id) & set("\0\n\r") and dialable(user) and is_domain(host)
    if not lamp or not good:
        return None
    expires = whole(headers.get(e.EXPIRES))
    return Watcher(call_id, lamp, user, host, headers.get(e.SIP_PROFILE), expires, headers.get(e.NOW))


def lamp_of(to: str) -> Lamp | None:
    """`forward+1000@lab.test` or `forward+1000/1001@lab.test`."""
    user, _, host = to.rpartition("@")
    proto, plus, watched = user.partition("+")
    ext, slash, number = watched.partition("/")
    good = dialable(ext) and "@" not in ext and is_domain(host) and (dialable(number) or not slash)
    return Lamp(ext, number, host) if proto == PROTO and plus and good else None


def is_on(state: State, number: str, kinds: Iterable[str]) -> bool:
    """Whether a lamp of a user with this state is on; with a `number` only for forwards that lead there."""
    targets = [state[kind].target for kind in kinds]
    return any(target == number if number else target for target in targets)


def shown(lamp: Lamp, on: bool, token: str, call_id: str = "") -> Event:
    """The event that makes a lamp right: at one subscription, or without `call_id` at all that watch it.

    `token` must not be the id of a channel, and nobody may guess it. At all of them, a lamp that is on blinks
    if the phone of EXT rings at that moment.
    """
    headers = {
        "proto": PROTO,
        "from": f"{_NOBODY if call_id else lamp}@{lamp.host}",
        "login": f"{lamp.ext}@{lamp.host}",
        "event_type": "presence",
        "alt_event_type": "dialog",
        "presence-call-direction": "outbound",
        "answer-state": "confirmed" if on else "terminated",
    }
    if on:
        headers["unique-id"] = token  # without one it is off, whatever else is said
    if call_id:
        headers["call-id"] = call_id
    return Event(e.PRESENCE, headers)


def open_to_all(words: Codes) -> bool:
    """Whether nobody has to prove who watches."""
    return words.lamp_watchers == "domain"


def may_watch(who: User | None, proven: bool, user: User, config: Config) -> Way[bool]:
    """Whether `who` may watch the lamps of `user` (codes.lamp_watchers); `config` is that of the domain.

    From is enough for "domain", as for FreeSWITCH's own lamps; for all else the address has to prove it.
    """
    allowed = config.codes.lamp_watchers
    if allowed == "nobody" or who is None:
        return False
    if allowed == "domain":
        return who.domain.lower() == user.domain.lower()
    if not proven:
        return False
    if who.same(user):
        return True
    names = allowed if isinstance(allowed, tuple) else ()
    groups = tuple(name[len(_GROUP) :] for name in names if name.startswith(_GROUP))
    if any(who.same(user_of(name, user.domain)) for name in names if not name.startswith(_GROUP)):
        return True
    return bool(groups) and (yield from _is_in(who, groups, config))


def _is_in(who: User, groups: tuple[str, ...], config: Config) -> Way[bool]:
    """Whether the directory has `who` in one of `groups`: as identity.py looks for groups."""
    at = f"{who.name}@{who.domain}"
    own = yield [Api(f"user_data {at} var {name.variable}") for name in config.variables.groups]
    if any(group.strip() in groups for text in own for group in text.split(",")):
        return True
    return "true" in (yield [Api(f"in_group {at},{group}") for group in groups])
