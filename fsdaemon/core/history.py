"""How the call came here: who forwarded it, who transferred it, what an earlier verdict left behind.

Rule: a call that was answered since is not a forwarded one, whatever its channel remembers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import ids, incoming, queues
from fsdaemon.core.causes import REDIRECT, REDIRECTED, as_disposed, tried
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import AFTER, BEFORE, ONCE
from fsdaemon.core.identity import (
    NOBODY,
    dialler,
    groups_of,
    not_taken,
    numbers_of,
    transferor,
    user_if,
    user_on,
)
from fsdaemon.core.questions import Source
from fsdaemon.core.users import Person, User, full, plain, user_of
from fsdaemon.terms import kinds, numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.numbers import dialable

ONWARD = "*"  # in PENDING: an extension that is not a user may pass the call on to anybody
_REFERRED_TO = re.compile(r"<?sips?:([^@;>?]*)@?([^;>?]*)")
_REFER_ID = 16  # hexadecimal digits that tell one REFER from another
_LONGEST_PATH = 50  # steps that are read; routing.max_hops allows no more
# After an answer an extension that passes a call on (an operator's: "please hold") has done so; what goes on
# longer, a menu or a conference, took the call for itself.
_TAKEN_AFTER = 4_000_000  # microseconds


def path_of(source: Source, callee: User) -> tuple[Diverter, ...]:
    """The forwards followed so far, unless the call has been something else since.

    It has when it is at another callee than the one the last forward led to, or was answered
    since (a later transfer is not a forward). A phone that answered 302 is the newest diverter.
    """
    if not dialable(callee.name):
        return ()
    redirector = _redirector(source.headers)
    if not redirector and v.PATH not in source.headers and v.PENDING not in source.headers:
        return _path_before(source, callee) if is_member(source.headers) else ()
    at = User(redirector or callee.name, callee.domain)
    steps: list[tuple[str, str]] = []
    hop = user_of(source.headers.get(v.HOP), callee.domain)
    followed = pending(source.headers, callee)
    if _taken(source.headers):
        return ()
    alias = User(source.headers.get(v.DESTINATION), callee.domain)
    here = hop.same(at) or (not redirector and hop.same(alias))
    if followed or (here and source.headers.get(v.BRIDGED) == last_bridge(source.headers)):
        steps = _steps(source.headers.get, hop, callee)
        if followed in kinds.KINDS:
            steps.append((str(hop), followed))
    while steps and user_of(steps[-1][0], callee.domain).same(at):  # by an alias of the same user
        steps.pop()
    if redirector:
        steps.append((redirector, REDIRECT))
    return _named(source, callee, steps)


def _steps(get: Callable[[v.Header], str], hop: User, callee: User) -> list[tuple[str, str]]:
    """Number and kind of each forward in PATH, on the channel whose variables `get` tells."""
    kinds_ = get(v.PATH_KINDS).split(",", _LONGEST_PATH)
    numbers_ = get(v.PATH).split(",", _LONGEST_PATH)[:_LONGEST_PATH]
    steps = [
        (number, kind if kind in kinds.KINDS else "always")
        for number, kind in zip_longest(numbers_, kinds_)
        if number and dialable(number)
    ]
    # It came from another tenant, where the same numbers are other users.
    if hop.domain.lower() != callee.domain.lower():
        steps = [(full(number, hop.domain), kind) for number, kind in steps]
    return steps


def _named(source: Source, callee: User, steps: list[tuple[str, str]]) -> tuple[Diverter, ...]:
    return tuple(
        Diverter(number, kind, source.directory(user_of(number, callee.domain), v.EFFECTIVE_NAME))
        for number, kind in steps
    )


def is_member(headers: Headers) -> bool:
    """Whether FusionPBX's Lua calls a member by this half of a loopback, and nobody took it yet."""
    half = headers.get(v.STAGE) == ONCE and headers.get(v.LOOPBACK_LEG) == "B"
    return half and v.CONFIRM in headers and not last_bridge(headers)


def _path_before(source: Source, callee: User) -> tuple[Diverter, ...]:
    """Who forwarded the call to the group or the user whose member this is: the half has none of it."""
    channel = source.channel(dialler(source.headers))

    def get(header: v.Header) -> str:
        return source.leg(channel, header)

    if not get(v.PATH):
        return ()
    hop = user_of(get(v.HOP), callee.domain)
    here = hop.same(User(get(v.DIALLED), callee.domain))
    waits = get(v.BRIDGED) == ids.token(get(v.LAST_BRIDGE_TO))
    return _named(source, callee, _steps(get, hop, callee)) if here and waits else ()


def hides_target(source: Source, callee: User, path: tuple[Diverter, ...], caller: User | None) -> bool:
    """Whether the diverter does not want callers to see where the forward leads; asked only if they would."""
    if caller is None or not path or source.config.display.caller in ("called", "off"):
        return False
    return source.directory(user_of(path[-1].number, callee.domain), v.HIDE_TARGET) == "true"


def pending(headers: Headers, callee: User) -> str:
    """By which forward the call came here from HOP, where all kinds were decided at once; or empty.

    FreeSWITCH writes who was dialled before into RDNIS; where the forwards of that user lead was kept then.
    ONWARD if HOP is not a user, and may pass the call on to anybody.
    """
    if v.PENDING not in headers and v.SINCE not in headers:
        return ""
    if v.PENDING not in headers:
        return ONWARD if headers.get(v.BRIDGED) == last_bridge(headers) else ""
    hop = user_of(headers.get(v.HOP), callee.domain)
    from_there = hop.same(User(headers.get(v.RDNIS), hop.domain)) and not _redirector(headers)
    if not from_there or headers.get(v.BRIDGED) != last_bridge(headers):
        return ""
    if headers.get(v.PENDING) == ONWARD:
        return ONWARD
    pairs = (pair.partition("=") for pair in headers.get(v.PENDING).split(","))
    found = [kind for kind, _, to in pairs if user_of(to, hop.domain).same(callee) and kind in kinds.KINDS]
    failure = as_disposed(headers)
    return failure if failure in found else next(iter(found), "")


def _taken(headers: Headers) -> bool:
    """Whether an application took the call to which our forward had led it: it answered, and went on.

    In FusionPBX a queue or a ring group that sends the call on did not take it.
    """
    if headers.get(v.STAGE) == ONCE and (v.QUEUE_MEMBER in headers or v.RING_GROUP in headers):
        return False
    times = [headers.get(name) for name in (v.NOW, v.ANSWERED, v.SINCE)]
    now, answered, since = (int(time) if time.isascii() and time.isdigit() else 0 for time in times)
    return 0 < since <= answered and now - answered > _TAKEN_AFTER  # FreeSWITCH's clock has ticks of 20 ms


def before_us(
    headers: Headers, user: User | None, came: incoming.Incoming, config: Config
) -> tuple[Diverter, ...]:
    """Who forwarded the call before it came to this FreeSWITCH, for as long as nobody took it.

    Only where the INVITE came from an address that conf.toml believes (sofia.c: sip_network_ip is the
    packet's source), and never from a user's phone.
    """
    if user or not config.display.diversion_from or headers.get(v.CALL_DIRECTION) != "inbound":
        return ()
    if last_bridge(headers):
        return ()
    believed = numbers.in_networks(headers.get(v.NETWORK_IP), config.display.diversion_from)
    return incoming.forwarders(headers, came) if believed else ()


def sent_away(headers: Headers, stage: str, failure: str | None) -> str:
    """A 302 to another host is followed inside the bridge (sofia.c), and told of if that failed."""
    return headers.get(v.REDIRECTED_TO) if stage == AFTER and failure != REDIRECT else ""


def _redirector(headers: Headers) -> str:
    """Whose phone answered 302 and so sent the call here; empty if none did.

    sofia.c transfers the caller then: the previous destination is RDNIS, and was the one dialled.
    """
    # With several phones the last cause is that of the phone which was last to end.
    moved = headers.get(v.LAST_CAUSE) == REDIRECTED or headers.get(v.DISPOSITION) == "ORIGINATOR_CANCEL"
    user = headers.get(v.DIALED_USER)
    if not moved or v.REDIRECT_HOST not in headers or headers.get(v.STAGE) == AFTER:
        return ""
    # Two phones of one user that send the call on at the same time do it twice: RDNIS is the first target.
    by = (user, headers.get(v.DESTINATION))
    return user if dialable(user) and headers.get(v.RDNIS) in by else ""


def visited(headers: Headers) -> tuple[str, ...]:
    """Who forwarded since the caller was last bridged. The dialplan writes it too, without a daemon."""
    if _taken(headers):
        return ()
    return _since(headers.get(v.VISITED), last_bridge(headers))


def _since(text: str, bridge: str) -> tuple[str, ...]:
    """Those in VISITED who forwarded after this bridge."""
    steps = text.split(",")[-_LONGEST_PATH:]
    users = (step[len(bridge) + 1 :] for step in steps if step.startswith(f"{bridge}:"))
    return tuple(user for user in users if plain(user_of(user, "")))


def visited_before(source: Source, callee: User) -> tuple[str, ...]:
    """Who forwarded the call to the group or queue that dialled this half of a loopback, and that itself.

    The half has none of the caller's variables. A member who forwards to the group would make it dial all
    its members again, each time more of them.
    """
    channel = source.channel(dialler(source.headers))
    text, bridge, group = (source.leg(channel, name) for name in (v.VISITED, v.LAST_BRIDGE_TO, v.DIALLED))
    came = _since(text, ids.token(bridge))
    return (*came, full(group, callee.domain)) if dialable(group) else came


def last_bridge(headers: Headers) -> str:
    """The leg that answered last, as `ids.token`; empty if none did."""
    return ids.token(headers.get(v.LAST_BRIDGE_TO))


def referrer_of(
    source: Source, callee: User, asked: tuple[str, ...], named: tuple[User, ...]
) -> Person | None:
    """Who transferred the caller here with a consultation (RFC 3891 Replaces), if FreeSWITCH knows.

    Referred-By is written by a phone and says nothing. Who sent the REFER is the one the caller was
    bridged to: the user whom FreeSWITCH dialled for the caller, or who is on the leg that dialled the caller.
    """
    user = transferor(source) if not_taken(source.headers) else _by_refer(source, callee)
    return Person(user, groups_of(source, user, asked), numbers_of(source, user, named)) if user else None


def _by_refer(source: Source, callee: User) -> User | None:
    refer = refer_of(source.headers, callee)
    if not refer:
        return None
    bridged = source.headers.get(v.BRIDGE_UUID)
    known, _, of = source.headers.get(v.REFERRER).partition("|")
    if of.startswith(refer[:_REFER_ID]):  # at an earlier hook; a bridge since has overwritten the rest
        return user_of(known, "") if of == refer and known != NOBODY else None
    if source.headers.get(v.CALL_DIRECTION) == "outbound":
        return user_on(source, v.BRIDGE_UUID)
    if source.headers.get(v.DIALED_USER) in _numbers_of_leg(source.headers, bridged):
        return user_if(source.headers.get(v.DIALED_USER), source.headers.get(v.DIALED_DOMAIN))
    return None


def refer_of(headers: Headers, callee: User) -> str:
    """Which REFER with Replaces sent the call to this callee, and after which bridge; empty for none.

    FreeSWITCH keeps sip_refer_to on the channel; after one more bridge the call comes by something else.
    """
    refer_to = headers.get(v.REFER_TO)
    match = _REFERRED_TO.match(refer_to)
    if not match or "replaces=" not in refer_to.lower() or match[1] != callee.name:
        return ""
    return hashlib.sha256(refer_to.encode("utf-8", "replace")).hexdigest()[:_REFER_ID] + last_bridge(headers)


def _numbers_of_leg(headers: Headers, uuid: str) -> set[str]:
    """What was dialled for the leg `uuid` (originated_legs: `ARRAY::uuid;name;number|:…`)."""
    legs = (leg.split(";") for leg in re.split(r"\|:|ARRAY::", headers.get(v.ORIGINATED_LEGS)))
    return {leg[2] for leg in legs if len(leg) == 3 and leg[0] == uuid and uuid}


class OnChannel(NamedTuple):
    """What the directory and an earlier verdict left on the channel."""

    own_name: str = ""  #: effective_caller_id_name as it was without us; may be empty
    own_number: str = ""  #: effective_caller_id_number, likewise
    labelled: bool = False  #: a label of ours stands in effective_caller_id_name
    numbered: bool = False  #: a number of ours stands in effective_caller_id_number
    leg_only: bool = False  #: the dialplan carries label and Diversion with the leg, not on the channel
    leftovers: tuple[v.Header, ...] = ()  #: what an earlier verdict set
    outbound: bool = False  #: FreeSWITCH dialled this leg itself
    exports: str = ""  #: export_vars
    queue_exports: tuple[str, ...] = ()  #: `queues.lists`
    diversion: incoming.Incoming = incoming.NONE  #: that came in with the call
    tried: str = ""  #: how many legs there were already, before a bridge


def on_channel(headers: Headers, stage: str) -> OnChannel:
    """What stands on the channel, and how it was without us."""
    own_name, labelled = _own(headers, v.EFFECTIVE_NAME, v.LABEL, v.OWN_NAME)
    own_number, numbered = _own(headers, v.EFFECTIVE_NUMBER, v.NUMBER, v.OWN_NUMBER)
    return OnChannel(
        own_name=own_name,
        own_number=own_number,
        labelled=labelled,
        numbered=numbered,
        leg_only=v.CONTEXT in headers or headers.get(v.CARRY) == "leg",
        leftovers=_leftovers(headers, stage),
        outbound=headers.get(v.CALL_DIRECTION) == "outbound",
        exports=headers.get(v.EXPORTS),
        queue_exports=queues.lists(headers),
        diversion=incoming.diversion_of(headers, last_bridge(headers)),
        tried="" if stage == AFTER else tried(headers),
    )


def _leftovers(headers: Headers, stage: str) -> tuple[v.Header, ...]:
    left = [header for header in (*v.MEMORY, v.REDIRECTED_TO, v.REDIRECT_HOST) if header in headers]
    if stage == BEFORE and v.REDIRECT_USER in headers:  # of an earlier phone; nobody was tried here yet
        left.append(v.REDIRECT_USER)
    ours = headers.get(v.CONNECTED).split(",")
    return (*left, *(header for header in v.CONNECTED_ALL if header.variable in ours))


def _own(headers: Headers, shown: v.Header, ours: v.Header, kept: v.Header) -> tuple[str, bool]:
    """The caller's own name or number, and whether something of ours stands in its place now."""
    replaced = ours in headers and headers.get(shown) == headers.get(ours)
    return headers.get(kept if replaced else shown), replaced
