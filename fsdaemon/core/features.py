"""Feature keys (Event: as-feature-event): what a SUBSCRIBE wants, what is in effect, what phones are told.

Rule: pure. Who sent a SUBSCRIBE is not known here (proof.py), and all text in it is a stranger's. What is
sent is ASCII and has no character of XML: mod_sofia escapes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import codes, rows
from fsdaemon.core.codes import OFF, ON, SET, Code
from fsdaemon.core.questions import Way
from fsdaemon.core.users import User
from fsdaemon.terms import events as e
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.events import Event
from fsdaemon.terms.kinds import KINDS, SERVICES
from fsdaemon.terms.numbers import as_dialled, dialable, is_domain

#: Kind → what it is called in the events; there is none for "not registered".
NAMES = {"always": "forward_immediate", "busy": "forward_busy", "no_answer": "forward_no_answer"}
_KINDS = {name: kind for kind, name in NAMES.items()}
_SWITCHES = {"true": True, "1": True, "false": False, "0": False}  # XML Schema, boolean
_URI = re.compile(r"(?:(sips?|tel):)?([^;@]*)(?:;[^@]*)?(?:@([^;]*))?(?:;.*)?", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[\w.-]{1,32}", re.ASCII)
_SEPARATORS = re.compile(r"[ ().-]")  # RFC 3966, visual-separator
_PROFILE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RING = 6  # seconds of one ring, as public implementations count
_SHORTEST, _LONGEST = 5, 30  # seconds, as a code may say
_RINGS = 30  # seconds that a phone rings if nothing else is said (dialplan/default/fsdaemon.xml)
_NOTHING = "\t"  # a number that is none: mod_event_socket drops an empty one, and then the kind is not told
_SHOWN = 60  # characters of what a phone wanted, for the log


class Wanted(NamedTuple):
    """A set: what the phone's key shall do."""

    said: str  #: for the log
    code: Code | None = None  #: the code that means the same
    why_not: str = ""  #: why there is none
    do_not_disturb: bool = False


class Subscribed(NamedTuple):
    """A SUBSCRIBE that FreeSWITCH accepted, by whoever claims to be `user`."""

    user: str
    host: str  #: as it came: a domain, or the address of a machine
    call_id: str
    profile: str
    machine: str
    expires: int  #: seconds
    now: str  #: when, in microseconds since 1970
    wanted: Wanted | None = None  #: None: only to be told


def subscribed(headers: Headers) -> Subscribed | None:
    """What an event tells; None for what nobody can be told about."""
    user, host, profile = headers.get(e.USER), headers.get(e.HOST), headers.get(e.PROFILE)
    if not (dialable(user) and "@" not in user and is_domain(host) and _PROFILE.fullmatch(profile)):
        return None
    return Subscribed(
        user, host, headers.get(e.CALL_ID), profile, headers.get(e.MACHINE), whole(headers.get(e.EXPIRES)),
        headers.get(e.NOW), _wanted(headers, host),
    )  # fmt: skip


def whole(text: str) -> int:
    """A number of seconds; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def _wanted(headers: Headers, host: str) -> Wanted | None:
    action, name, value = headers.get(e.ACTION), headers.get(e.ACTION_NAME), headers.get(e.ACTION_VALUE)
    if not action:
        return None
    switch = headers.get(e.ENABLED)
    said = f"key {name or action} {switch} {value}".rstrip()[:_SHOWN]
    if action != e.SET_FORWARDING:
        why = "do not disturb is not a forward" if action == e.SET_DO_NOT_DISTURB else "unknown"
        return Wanted(said, why_not=why, do_not_disturb=action == e.SET_DO_NOT_DISTURB)
    kind, on = _KINDS.get(name), _SWITCHES.get(switch.lower())
    if kind is None or on is None:
        return Wanted(said, why_not="it does not say which forward, or whether on or off")
    service = KINDS[kind].service
    if not on:
        return Wanted(said, Code(OFF, service))
    if not value.strip(" \t"):
        return Wanted(said, Code(ON, service))
    number = number_of(value, host)
    if not number:
        return Wanted(said, why_not="it has no number that could be dialled")
    return Wanted(said, Code(SET, service, number, _seconds(headers, kind)))


def _seconds(headers: Headers, kind: str) -> str:
    rings = whole(headers.get(e.RING_COUNT))
    if kind != "no_answer" or not rings:
        return ""
    return str(min(max(rings * _RING, _SHORTEST), _LONGEST))


def number_of(text: str, host: str) -> str:
    """The number that a forwardDN means to a phone at `host`; empty if it is none.

    `sip:1002@lab.test`, `tel:+49-30-123;phone-context=…` (RFC 3966), `1002;phone-context=…`, `+49 (30) 123`.
    """
    match = _URI.fullmatch(text[:200].strip(" \t").strip("<>"))
    if not match or (match[3] and match[3].partition(":")[0].lower() != host.lower()):
        return ""
    number = match[2].strip(" \t")
    if (match[1] or "").lower() == "tel" or number.startswith("+"):
        number = _SEPARATORS.sub("", number)
    number = as_dialled(number)
    return number if dialable(number) and _NUMBER.fullmatch(number) else ""


# --- what is in effect ---------------------------------------------------------------------------------


class Forward(NamedTuple):
    """One kind of forward of a user."""

    target: str = ""  #: where it leads now; empty: it is off
    kept: str = ""  #: the number that would be turned on again
    seconds: int = 0  #: how long the phone rings first, for "no answer"


State = Mapping[str, Forward]  # kind → forward


def user_at(name: str, host: str) -> Way[User | None]:
    """The user whom somebody at `host` means by `name`, folded; a number-alias is its user.

    A phone may write an address or another name instead of its domain (force-register-domain): then it is the
    user of the only domain that has one.
    """
    (found,) = yield [Api(f"user_data {name}@{host} attr id")]
    if found:
        return User(found, host).folded if dialable(found) else None
    (listed,) = yield [Api(f"list_users user {name}")]
    users = {user for user, _ in users_in(listed)}
    return users.pop().folded if len(users) == 1 else None


def users_in(listed: str) -> list[tuple[User, tuple[str, ...]]]:
    """The users in an answer to `list_users`, and the profiles at which they have phones.

    mod_commands.c: userid|context|domain|group|contact|… A user is listed once for each group.
    """
    found: dict[User, tuple[str, ...]] = {}
    for line in listed.split("\n")[1:]:
        cells = line.split("|")
        if len(cells) >= 5 and dialable(cells[0]) and "@" not in cells[0] and is_domain(cells[2]):
            user, profiles = User(cells[0], cells[2]), re.findall(r"sofia/([A-Za-z0-9._-]{1,64})/", cells[4])
            found[user] = tuple(dict.fromkeys((*found.get(user, ()), *profiles)))
    return list(found.items())


def registered_in(listed: str) -> list[tuple[User, tuple[str, ...]]]:
    """The same from `show registrations as json`, where the directory cannot be listed (mod_xml_curl)."""
    try:
        rows = json.loads(listed).get("rows", [])
    except (ValueError, AttributeError):
        return []
    found: dict[User, tuple[str, ...]] = {}
    for row in rows:
        user = User(str(row.get("reg_user")), str(row.get("realm")))
        profile = re.match(r"sofia/([A-Za-z0-9._-]{1,64})/", str(row.get("url")))
        if profile and dialable(user.name) and is_domain(user.domain):
            found[user] = tuple(dict.fromkeys((*found.get(user, ()), profile[1])))
    return list(found.items())


def state_of(user: User, config: Config) -> Way[State]:
    """The forwards of `user` that are in effect: what was dialled, else the directory's (forwards.py).

    What only the dialplan knows (`fsdaemon_forward_…` on the channel) is not in it. `config` is the domain's.
    """
    at = f"{user.name}@{user.domain}"
    dialled = config.codes.enabled and config.preset != "fusionpbx"
    places = {kind: config.variables.forward(kind) for kind in SERVICES.values()}
    names = {kind: _in_directory(place.target) for kind, place in places.items()}
    flags = {kind: _in_directory(place.enabled) for kind, place in places.items()}
    wanted = dict.fromkeys(
        one for lists in (*names.values(), *flags.values(), ("call_timeout",)) for one in lists
    )
    line, *answers = yield [
        Api(codes.select(user.name, user.domain)),
        *(Api(f"user_data {at} var {name}") for name in wanted),
    ]
    known = dict(zip(wanted, answers))
    entries = codes.read(line) if dialled else {}
    rings = whole(known["call_timeout"]) or _RINGS
    state = {}
    for kind in places:
        counts = not flags[kind] or any(known[name] == "true" for name in flags[kind])
        target = next(filter(None, (known[name] for name in names[kind])), "") if counts else ""
        entry = entries.get(kind)
        seconds = whole(entry.seconds) if entry else 0
        state[kind] = Forward(
            _leads(entry.target if entry else target, user),
            _leads(entry.number if entry else target, user),
            (seconds or rings) if kind == "no_answer" else 0,
        )
    return state


def _in_directory(names: tuple[v.Header, ...]) -> list[str]:
    own = set(v.FORWARDS.values())
    return [name.directory or name.variable for name in names if name not in own]


def _leads(target: str, user: User) -> str:
    """The target as phones show it; empty where the rules follow no such forward (policy.py)."""
    number = as_dialled(target)
    return number if dialable(number) and number.lower() != user.name.lower() else ""


def told(state: State, to: Mapping[str, str]) -> list[Event]:
    """The events that tell phones the state, one for each kind, so that each fits into a packet.

    `to` names the phones: `profile`, `user`, `host`, and `call-id` for one of them.
    """
    which = {**to, "Feature-Event": "ForwardingEvent"}
    return [Event(e.FEATURE, {**which, **_told(state[kind], kind)}) for kind in NAMES]


def _told(forward: Forward, kind: str) -> dict[str, str]:
    name = NAMES[kind]
    said = {
        f"{name}_enabled": "true" if forward.target else "false",
        name: forward.target or forward.kept or _NOTHING,
    }
    if kind == "no_answer":
        said[e.RING_COUNT] = str(-(-forward.seconds // _RING))
    return said


def not_disturbed(to: Mapping[str, str]) -> Event:
    """What a phone is told that wanted do not disturb: it is off, here nobody keeps it."""
    return Event(e.FEATURE, {**to, "Feature-Event": "DoNotDisturbEvent", "doNotDisturbOn": "false"})


def request_of(event: Subscribed, code: Code, user: User, said: str) -> Way[codes.Request]:
    """The set as a request of the user who sent it (proof.py), judged like a code that was dialled."""
    (toll,) = yield [Api(f"user_data {user.name}@{user.domain} var {v.TOLL_ALLOW.variable}")]
    return codes.Request(code, user.name, user.domain, said, toll, rows.key_of(event.call_id, event.now))
