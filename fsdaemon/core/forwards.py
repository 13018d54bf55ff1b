"""What is forwarded, and why the bridge failed: the callee, the stage, what acts now and what later.

Rule: a forward is the callee's, never what stands on the channel because the caller has such a variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.config.schema import MISSED
from fsdaemon.core import busy, codes, own
from fsdaemon.core.causes import REDIRECT, Outcome, outcomes
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.questions import Source
from fsdaemon.core.users import User, user_of
from fsdaemon.terms import kinds, numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.causes import RUNG_OUT
from fsdaemon.terms.channel import Headers

#: The callee's phone is tried next; it was; no user is called; all kinds at once; the members of a group.
STAGES = BEFORE, AFTER, BEYOND, ONCE, MEMBERS = "before", "after", "beyond", "once", "members"
NO_PHONE = "error/user_not_registered"  # mod_sofia.c sofia_contact_function
_RING_TIME = 60  # seconds; SWITCH_DEFAULT_TIMEOUT
_DIGITS = 6
# Values of the administrator's that may go back onto the channel.
_OWN = re.compile(r"[\w.*#+,/:-]*", re.ASCII)
_GROUP = re.compile(r"[\w .*#+,-]*")  # part of a key of `hash`, which "/" would end


class Forwarding(NamedTuple):
    """The callee's forwards at one hook."""

    stage: str
    failure: str | None
    forwards: Mapping[str, str]  #: kind → target
    now: tuple[str, ...]
    later: tuple[str, ...]
    dialled: Mapping[str, codes.Entry]
    ended: tuple[Outcome, ...] = ()  #: how the last bridge failed
    calls: busy.Calls = busy.NONE  #: that the callee has already
    unanswered: str = ""  #: the kind that the end of the ring time is for, where that has to be known before

    @property
    def targets(self) -> dict[str, str]:
        """Of those that act, now or later."""
        kinds_ = (*self.now, *self.later, self.unanswered)
        return {kind: self.forwards[kind] for kind in kinds_ if kind in self.forwards}


def forwarding(source: Source, callee: User) -> Forwarding:
    """What the callee forwards, and which of it acts."""
    ended = outcomes(source.headers, source.config.routing.causes)
    stage = stage_of(source.headers, callee, any(one.kind for one in ended))
    if stage != AFTER:
        ended = ()
    acts = ("always",) if stage == BEFORE else tuple(one.kind for one in ended if one.kind)
    dialled = dialled_by(source, callee, stage)
    unanswered = _unanswered(source, stage)
    counts = ("busy",) if stage == BEFORE and busy.wanted(source.config) else ()
    forwards = forwards_of(source, callee, stage, (*acts, *counts, unanswered), dialled)
    calls = calls_of(source, callee, stage, forwards)
    failure = None
    if stage == AFTER:
        failure = next((kind for kind in acts if kind in forwards), next(iter(acts), None))
        acts = (failure,) if failure else ()
    elif busy.busy(calls, source.config):
        acts = (*acts, "busy")
    now, later = acting(source, stage, acts, forwards, callee)
    unanswered = unanswered if unanswered in forwards else ""
    return Forwarding(stage, failure, forwards, now, later, dialled, ended, calls, unanswered)


def calls_of(source: Source, callee: User, stage: str, forwards: Mapping[str, str]) -> busy.Calls:
    """The callee's calls, before a phone is called; how many there are matters to a busy forward only."""
    if not busy.wanted(source.config) or not (stage == BEFORE or forks(source, callee, stage)):
        return busy.NONE
    return busy.calls_of(source, callee, stage == BEFORE and "busy" in forwards)


def _unanswered(source: Source, stage: str) -> str:
    """The kind of forward that the end of the ring time is for, where `routing.missed` asks; or empty."""
    routing = source.config.routing
    ours = v.CONTEXT in source.headers or source.headers.get(v.CARRY) == "leg"
    wanted = routing.missed != MISSED[0] and stage == BEFORE and ours
    return routing.causes.get(RUNG_OUT, "") if wanted else ""


def callee_of(headers: Headers, config: Config) -> User:
    """Who is dialled; without a domain where the channel data names none that could be one."""
    domain = first(headers, config.variables.domain)
    return User(first(headers, config.variables.callee), domain if numbers.is_domain(domain) else "")


def stage_of(headers: Headers, callee: User, failed: bool) -> str:
    """Whether the callee's phone was tried.

    Our dialplan says which hook it is. Another one need not: a bridge to this very user that failed
    tells as much.
    """
    stage = headers.get(v.STAGE)
    if stage not in STAGES:
        return AFTER if failed and headers.get(v.DIALED_USER) == callee.name else BEFORE
    return stage


def acting(
    source: Source, stage: str, acts: tuple[str, ...], forwards: Mapping[str, str], callee: User
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which kinds of forward would act now, in the order they are tried, and which only later.

    A dialplan that asks once (ONCE) follows what it is not told to switch off by itself, and a forward for
    a user without a phone first.
    """
    if stage != ONCE:
        return tuple(kind for kind in acts if kind in forwards), ()
    absent = "not_registered" in forwards and source.contact(callee) == NO_PHONE
    now = [kind for kind in ("not_registered", "always") if kind in forwards]
    if not absent:
        now = [kind for kind in now if kind == "always"]
    return tuple(now), tuple(kind for kind in forwards if kind not in now)


def dialled_by(source: Source, callee: User, stage: str) -> Mapping[str, codes.Entry]:
    """What the callee dialled for each kind (codes.py); it comes before the dialplan and the directory."""
    if not takes_codes(source, callee, stage):
        return {}
    return codes.read(source(codes.select(callee.name, callee.domain)))


def own_exceptions(source: Source, callee: User, stage: str) -> own.Own:
    """Who may get through to the callee: what the administrator wrote, and what the user dialled besides."""
    names, found = source.config.variables.forward_except, own.Own()
    for name in names:
        text = source.headers.get(name) or source.variable(callee, name.directory)
        if text:
            place = own.DIRECTORY if name.directory else own.DIALPLAN
            found = own.listed(text, name.directory or name.variable, place)
            break
    if takes_codes(source, callee, stage) and source.config.codes.exceptions:
        dialled = own.dialled(source(own.command(callee.domain, callee.name)))
        found = found._replace(entries=(*found.entries, *dialled))
    return found


def takes_codes(source: Source, callee: User, stage: str) -> bool:
    """Whether what the callee dialled counts."""
    if v.CONTEXT not in source.headers or not source.config.codes.enabled:
        return False
    return stage in (BEFORE, AFTER) and source.known(callee)


def forwards_of(
    source: Source, callee: User, stage: str, acts: tuple[str, ...], dialled: Mapping[str, codes.Entry]
) -> dict[str, str]:
    """Kind → target, as the channel data tells; the directory is asked for what would act now only."""
    forwards: dict[str, str] = {}
    if not is_set(source.headers, source.config.variables.is_user) or stage == BEYOND:
        return forwards
    for kind in kinds.SET:
        names, flags = source.config.variables.forward(kind)
        if not is_set(source.headers, flags):
            continue
        target = first(source.headers, names)
        if not target and kind in acts:
            target = next(filter(None, [source.variable(callee, name.directory) for name in names]), "")
        if kind in dialled:
            target = dialled[kind].target
        if target:
            forwards[kind] = numbers.as_dialled(target)
        elif kind not in dialled and any(map(source.headers.__contains__, (*names, *flags))):
            forwards[kind] = " "  # set, and to nothing: somebody should know
    if REDIRECT in acts:
        forwards[REDIRECT] = numbers.as_dialled(source.headers.get(v.REDIRECT_USER))
    return forwards


def is_set(headers: Headers, names: tuple[v.Header, ...]) -> bool:
    """Whether a flag is set, where the dialplan has one."""
    return not names or first(headers, names) == "true"


def first(headers: Headers, names: tuple[v.Header, ...]) -> str:
    """The first of these variables that has a value."""
    for name in names:
        value = headers.get(name)
        if value:
            return value
    return ""


def is_user(source: Source, target: str, callee: User) -> bool:
    """Whether a forward's target is a user of the callee's domain, as far as the dialplan can tell."""
    user = user_of(target, callee.domain)
    if not user.same(User(user.name, callee.domain)) or not source.known(user):
        return False
    return source(f"user_exists id {user.name} {user.domain}") == "true"


def rights_of(source: Source, callee: User) -> dict[v.Header, tuple[str, str]]:
    """What a trunk looks at: of the callee, by whose forward it is dialled, and what is on the channel."""
    pairs = {
        name: (source.directory(callee, name), source.headers.get(name))
        for name in (v.TOLL_ALLOW, v.DEFAULT_GATEWAY)
    }
    return {
        name: (theirs if _OWN.fullmatch(theirs) else "", own if _OWN.fullmatch(own) else "")
        for name, (theirs, own) in pairs.items()
    }


def looked_up(source: Source, callee: User, stage: str) -> dict[v.Header, str]:
    """What a dialplan would else look up of the callee by itself: behind mod_xml_curl each is a request."""
    if stage != BEFORE or v.CALLED_TIMEOUT not in source.headers:
        return {}
    group, seconds = source.directory(callee, v.CALLGROUP), source.directory(callee, v.CALL_TIMEOUT)
    return {
        v.CALLED_GROUP: group if _GROUP.fullmatch(group) else "",
        v.CALLED_TIMEOUT: seconds if seconds.isascii() and seconds.isdigit() else "",
    }


def forks(source: Source, callee: User, stage: str) -> bool:
    """Whether the callee has several phones; after a bridge only where one of them answered 302."""
    if stage == AFTER and ";REQUESTED_CHAN_UNAVAIL" not in source.headers.get(v.CAUSES):
        return False
    return stage in (BEFORE, AFTER) and "," in source.contact(callee)


def ring_time(source: Source, callee: User, dialled: Mapping[str, codes.Entry]) -> int:
    """Seconds the callee's phone rings, as far as the directory and the channel tell."""
    entry = dialled.get("no_answer", codes.Entry(False))
    stored = source.directory(callee, v.CALL_TIMEOUT)
    times = (entry.seconds if entry.on else "", stored, source.headers.get(v.CALL_TIMEOUT))
    told = (int(time) for time in times if time.isascii() and time.isdigit() and len(time) < _DIGITS)
    return next(filter(None, told), _RING_TIME)


def callee_name(source: Source, callee: User, asked: bool) -> str:
    """The callee's name; the directory is asked for it where a forward could be followed."""
    name = first(source.headers, source.config.variables.callee_name)
    return name or (source.directory(callee, v.EFFECTIVE_NAME) if asked else "")


class Public(NamedTuple):
    """Those who forward a call off-net, as they are known there."""

    name: str = ""  #: of the callee
    numbers: Mapping[str, str] = {}  #: user → public number; nothing for those who have none


def public(source: Source, found: Forwarding, callee: User, path: tuple[Diverter, ...]) -> Public:
    """Public names and numbers, asked only where the call may go off-net next."""
    routing, prefix = source.config.routing, source.config.numbers.trunk_prefix
    targets = [found.forwards[kind] for kind in found.now] or [callee.name]
    named = "diverter" in routing.trunk_identity or routing.outside_caller_id == "diverter"
    off_net = any(numbers.looks_outside(target, prefix) for target in targets)
    if not off_net or not (named or routing.trunk_headers):
        return Public()
    forwarding = [callee.name] if found.now else []
    diverters = [*(step.number for step in path), *forwarding]
    template = source.config.numbers.public
    known = {}
    for number in diverters:
        user = user_of(number, callee.domain)
        known[number] = public_number(source.directory(user, v.OUTBOUND_NUMBER), user.name, template)
    name = source.directory(callee, v.OUTBOUND_NAME) if named and forwarding else ""
    return Public(name, known)


def public_number(found: str, user: str, template: str) -> str:
    """A user's public number: of the directory, else by `numbers.public`; empty if it is not a number."""
    number = numbers.as_dialled(found or template.format(extension=user))
    return number if numbers.is_written_number(number) and numbers.dialable(number) else ""
