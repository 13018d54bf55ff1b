"""The forwards of those who ring when a group is called, judged all at once (stage "members").

Rule: for a dialplan whose own program calls the members and follows their forwards, as FusionPBX's does for
ring groups and follow-me. Each forward is judged as if the member had been dialled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from fsdaemon.config.reader import Config
from fsdaemon.core import label, legs, policy
from fsdaemon.core.call import Call, of_member
from fsdaemon.core.forwards import NO_PHONE
from fsdaemon.core.policy import FORWARD, Verdict
from fsdaemon.core.questions import Answers, Questions, Source
from fsdaemon.core.users import user_of
from fsdaemon.terms import numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers

_MOST = 500  # users that are looked at
# Forwards of one member, one after another, in FusionPBX's ring_groups and follow_me (index.lua).
_OF_GROUP, _OF_USER = 3, 5
_NOBODY = "-"  # the answer where nobody forwards


class Forward(NamedTuple):
    """A forward of a member, or of somebody to whom one led."""

    way: str  #: the users from the member to who forwards, comma-separated
    call: Call
    verdict: Verdict
    shown: label.Label  #: by the phone to which it leads


class Judged(NamedTuple):
    """All forwards of a group's members that would act."""

    forwards: tuple[Forward, ...]


class _Members(NamedTuple):
    numbers: tuple[str, ...]
    forwards: Mapping[str, Mapping[str, str]]  #: user → kind → target


def _members(headers: Headers) -> _Members:
    """Who rings, then what they and the targets of their forwards forward: `103,104|103 always=101|101 …`."""
    first, *rows = headers.get(v.MEMBERS).split("|", _MOST)
    listed = dict.fromkeys(filter(numbers.dialable, map(unquote, first.split(","))))
    forwards: dict[str, Mapping[str, str]] = {}
    for row in rows:
        user, *pairs = row.split(" ")
        found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        forwards[unquote(user)] = {kind: unquote(target) for kind, target in found.items()}
    return _Members(tuple(listed)[:_MOST], forwards)


def judge(headers: Headers, answers: Answers, config: Config, group: Call) -> Judged | Questions:
    """A verdict on each forward of the group's members, or what has to be asked first. Never raises."""
    source, members = Source(headers, answers, config), _members(headers)
    found = tuple(one for number in members.numbers for one in _way(source, config, group, members, number))
    return tuple(source.open) if source.open else Judged(found)


def _way(source: Source, config: Config, group: Call, members: _Members, number: str) -> Iterator[Forward]:
    """What becomes of one member: always-forwards one after another, then the one for who has no phone."""
    at, way, path, followed = number, [number], group.path, True
    most = _OF_USER if group.is_user and config.variables.is_user else _OF_GROUP
    for kind in [*["always"] * most, "not_registered"]:
        target = members.forwards.get(at, {}).get(kind, "")
        callee = user_of(at, group.callee.domain)
        if not target or not (followed if kind == "always" else source.contact(callee) == NO_PHONE):
            continue
        call = of_member(source, group.callee, callee, (kind, numbers.as_dialled(target)), path)
        verdict = policy.decide(call, config)
        yield Forward(",".join(way), call, verdict, label.decide(call, verdict, config))
        followed = verdict.action == FORWARD
        if followed:
            at, path = target, verdict.path
            way.append(at)


def values(judged: Judged, config: Config) -> dict[v.Header, str]:
    """The answer, a row for each forward: its kind, the way to it, and the leg variables of where it leads.

    `always 103 LEG|always 103,101`: without leg variables it is not followed.
    """
    rows = [f"{one.verdict.kind} {one.way} {_leg(one, config)}".rstrip() for one in judged.forwards]
    return {v.MEMBER_FORWARDS: "|".join(rows) or _NOBODY}


def _leg(one: Forward, config: Config) -> str:
    if one.verdict.action != FORWARD:
        return ""
    return legs.of_member(one.call, one.verdict, one.shown.text, config) or _NOBODY
