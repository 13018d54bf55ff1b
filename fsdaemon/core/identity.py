"""Who is calling: the user whom FreeSWITCH authenticated or dialled, or somebody from outside.

Rule: only what FreeSWITCH established says who somebody is. What strangers write is shown, and compared
with outside numbers; a fact that is not in the channel data is a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fsdaemon.config.reader import Config
from fsdaemon.core.addresses import is_nobody
from fsdaemon.core.own import Entry
from fsdaemon.core.questions import Source
from fsdaemon.core.users import Caller, Person, User, user_of
from fsdaemon.terms import numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.numbers import dialable

NOBODY = "-"
_LONGEST_NUMBER = 100  # characters; SIP has no limit, and a log line should have one
_QUOTED_PAIR = re.compile(r'\\(["\\])')  # FreeSWITCH keeps From's name as it was quoted (RFC 3261 25.1)
_PRIVATE = {"id", "user", "header", "full"}  # RFC 3323 section 4.2, RFC 3325; "full" is what some phones send
_DIALLERS = (v.LOOPBACK_FROM, v.ENTERPRISE_FROM, v.QUEUE_CALLER, v.FIFO_CALLER)
_ASKED = (
    v.DIRECTION, v.AUTHORIZED, v.USER_NAME,
    v.WHO, v.DIALED_USER, v.DIALED_DOMAIN, v.DISPOSITION, v.PRESENCE_ID, v.REDIRECT_HOST, v.GATEWAY,
)  # fmt: skip


def caller_of(headers: Headers, own_name: str, user: User | None) -> Caller:
    outbound = headers.get(v.CALL_DIRECTION) == "outbound"
    shown = "" if masquerades(headers) else own_name
    if not shown and not outbound:  # on an outbound leg it names whoever called the user
        shown = _QUOTED_PAIR.sub(r"\1", headers.get(v.CALLER_NAME))
    told = headers.get(v.CALLER_NUMBER)[:_LONGEST_NUMBER]
    withheld = _withheld(headers) or (not outbound and is_nobody(told))
    return Caller(user, shown, user.name if user else told, withheld)


def masquerades(headers: Headers) -> bool:
    """Whether FreeSWITCH gave this channel all variables of another one: they say nothing of the caller.

    It does after a transfer to a phone that rings, if nobody takes the call there: the caller goes on in the
    dialplan in the place of who transferred (switch_channel.c switch_channel_caller_extension_masquerade).
    """
    own = headers.get(v.UUID)
    return headers.get(v.PROFILE_OF) == own and headers.get(v.VARIABLES_OF) not in ("", own)


def not_taken(headers: Headers) -> bool:
    """Whether that has just happened: the bridge is the other channel's, and not yet over there."""
    asked = (headers.get(v.STAGE), headers.get(v.DISPOSITION))
    return asked == ("after", "failure") and masquerades(headers)


def transferor(source: Source) -> User | None:
    """Who transferred the caller so: the variables are those of that user's own call."""
    return _of_leg("inbound", source.headers.get, source.config)


def _withheld(headers: Headers) -> bool:
    if "true" in (headers.get(v.HIDE_NAME), headers.get(v.HIDE_NUMBER)):
        return True
    privacy = headers.get(v.PRIVACY)
    return bool(privacy) and not _PRIVATE.isdisjoint(re.split(r"[\s;,]+", privacy.lower()))


def established(source: Source, matters: bool) -> User | None:
    """The user FreeSWITCH knows to be on this leg, or None.

    Inbound: who gave the password (sofia_reg.c sets sip_authorized, user_name and domain_name).
    Outbound: whom FreeSWITCH itself dialled (mod_dptools.c user_outgoing_channel). A loopback leg is
    nobody itself; the channel for which it was dialled is asked (`dialler`).
    """
    if masquerades(source.headers):
        return None
    if source.headers.get(v.LOOPBACK_LEG) or source.headers.get(v.SOURCE) == "mod_loopback":
        return user_on(source, dialler(source.headers)) if matters else None
    return _of_leg(source.headers.get(v.CALL_DIRECTION), source.headers.get, source.config)


def dialler(headers: Headers) -> v.Header:
    """Where the id of the channel stands for which a loopback leg was dialled.

    That channel itself dialled it (mod_loopback.c; by ":_:" from a thread of its own), or a queue did that
    has it waiting. A SIP header becomes sip_h_…, so a stranger writes none of them.
    """
    return next((name for name in _DIALLERS if name in headers), v.LOOPBACK_FROM)


def user_on(source: Source, header: v.Header) -> User | None:
    """The user FreeSWITCH knows to be on another channel, whose id is in `header`."""
    channel = source.channel(header)
    answers = {
        variable: source.leg(channel, variable)
        for variable in (*_ASKED, *source.config.variables.caller_domain)
    }
    return _of_leg(answers[v.DIRECTION], answers.__getitem__, source.config)


def _of_leg(direction: str, get: Callable[[v.Header], str], config: Config) -> User | None:
    """The user on a leg whose variables `get` tells.

    On an outbound leg dialed_user is the user on it, until that user dials somebody; then it is the one
    dialled. So it is believed before that, or if the dial-string says the same, and remembered (WHO). A leg
    of a group has the dial-string's word only. A phone that answered 302 to a foreign host has left the leg.
    """
    if direction != "outbound":
        domain = next(filter(None, map(get, config.variables.caller_domain)), "")
        return user_if(get(v.USER_NAME), domain) if get(v.AUTHORIZED) == "true" else None
    who, dialed = get(v.WHO), (get(v.DIALED_USER), get(v.DIALED_DOMAIN))
    if who:
        return None if who == NOBODY else user_of(who, "")
    if get(v.REDIRECT_HOST) or get(v.GATEWAY):
        return None
    dial_string = user_of(get(v.PRESENCE_ID), "")
    if not any(dialed):
        return user_if(*dial_string)
    return user_if(*dialed) if not get(v.DISPOSITION) or dial_string == dialed else None


def user_if(name: str, domain: str) -> User | None:
    return User(name, domain) if name and domain else None


def person_of(
    source: Source, user: User | None, asked: tuple[str, ...], named: tuple[User, ...]
) -> Person | None:
    """The caller; the directory is asked about the groups in `asked`, and who `named` are."""
    if user is None:
        return None
    groups = [
        group.strip()
        for name in source.config.variables.groups
        for group in source.headers.get(name).split(",")
    ]
    groups = [*filter(None, groups), *groups_of(source, user, asked)]
    return Person(user, tuple(groups), numbers_of(source, user, named))


def numbers_of(source: Source, user: User, named: tuple[User, ...]) -> tuple[str, ...]:
    """Which of `named` the directory says is this user, if the user's own name is not a number.

    Then a number-alias is the only number that the user has, and so the primary one.
    """
    if not any(map(str.isalpha, user.name)):
        return ()
    found = {one.folded for one in named if one.name.isdigit() and one.folded.domain == user.folded.domain}
    return tuple(
        one.name
        for one in sorted(found)
        if source.known(one)
        and user.same(User(source(f"user_data {one.name}@{one.domain} attr id"), one.domain))
    )


def groups_of(source: Source, user: User, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these groups the directory has the user in.

    `in_group` takes a comma; with a blank, as its help says, it answers false to everything.
    """
    if not (asked and dialable(user.name) and numbers.is_domain(user.domain)):
        return ()
    return tuple(group for group in asked if source(f"in_group {user.name}@{user.domain},{group}") == "true")


def is_target_number(
    source: Source, targets: Mapping[str, str], caller: Caller, callee: User
) -> frozenset[str]:
    """The kinds of forward that point to the outside number which an outside caller has.

    Never because the number reads like a user's: FreeSWITCH is asked whether there is such a user.
    """
    return frozenset(kind for kind, target in targets.items() if _is_number(source, target, caller, callee))


def own_number(source: Source, entries: tuple[Entry, ...], caller: Caller, callee: User) -> Entry | None:
    """The entry of the callee's own exceptions that is the number of an outside caller, by the same rule."""
    return next((entry for entry in entries if _is_number(source, entry.number, caller, callee)), None)


def _is_number(source: Source, number: str, caller: Caller, callee: User) -> bool:
    """Whether `number` is an outside number, and that of this outside caller."""
    ways = source.config.numbers.ways
    if caller.user or caller.withheld or not callee.domain:
        return False
    if not (numbers.looks_outside(number, ways[1]) and dialable(number)):
        return False
    same = numbers.same(number, caller.number, *ways)
    return same and source(f"user_exists id {number} {callee.domain}") == "false"
