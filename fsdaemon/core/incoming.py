"""What an INVITE says of forwards before it came here: Diversion and History-Info, put together.

Rule: says what stands there; whether it is believed is history.py's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fsdaemon.core import diversion, history_info
from fsdaemon.core.diversion import MOST, Diverter
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers

_HIDES = {"history", "header", "session"}  # Privacy of a message that hides its History-Info (RFC 7044 10.1)


class Incoming(NamedTuple):
    """A Diversion that came in with the call."""

    path: tuple[Diverter, ...] = ()  #: who forwarded, oldest first, whoever says so
    stands: bool = False  #: it is on the channel, and FreeSWITCH would pass it on to the next leg
    fleeting: bool = False  #: it stands nowhere else: once it is taken off, the next hook would not know


NONE = Incoming()


def diversion_of(headers: Headers, bridged: str) -> Incoming:
    """The Diversion that came in with the call; `bridged`: the leg that took it since, if any did.

    FreeSWITCH keeps the name as the sender spelled it, and finds the variable in any case.
    """
    name = headers.spelled(v.DIVERSION)
    if not name and v.ALL_DIVERSIONS not in headers and v.INCOMING_DIVERSION not in headers:
        return NONE
    found = headers.get(name) if name else ""
    stands = bool(name) and found != headers.get(v.OUR_DIVERSION)
    every = headers.get(v.ALL_DIVERSIONS)
    kept = headers.get(v.INCOMING_DIVERSION)
    if not (stands or every or kept) or bridged or headers.get(v.CALL_DIRECTION) != "inbound":
        return Incoming(stands=True) if stands else NONE
    path = diversion.read(every or kept or found)
    return Incoming(path, stands, bool(path) and not every)


def forwarders(headers: Headers, incoming: Incoming) -> tuple[Diverter, ...]:
    """Who forwarded the call, as Diversion and History-Info say together, oldest first.

    Of one who does not want to be shown nothing is left but that somebody forwarded.
    """
    told = history_info.read(headers.get(v.HISTORY_INFO))
    if told and not _HIDES.isdisjoint(re.split(r"[\s;,]+", headers.get(v.PRIVACY).lower())):
        told = tuple(step._replace(hidden=True) for step in told)
    return tuple(step.withheld() for step in merged(incoming.path, told))


def merged(one: tuple[Diverter, ...], other: tuple[Diverter, ...]) -> tuple[Diverter, ...]:
    """Two accounts of the same way as one, both oldest first: what stands in both counts once.

    The one that names more goes first; what only the other says is put where it stands there.
    """
    longer, shorter = (list(one), other) if len(one) >= len(other) else (list(other), one)
    at = 0
    for step in shorter:
        same = next((i for i in range(at, len(longer)) if _same(longer[i], step)), None)
        if same is None:
            longer.insert(at, step)
            at += 1
        else:
            longer[same] = _both(longer[same], step)
            at = same + 1
    return tuple(longer[-MOST:])


def _same(one: Diverter, other: Diverter) -> bool:
    """Whether both are one forward: the number in another form, or withheld in one of the headers."""
    if diversion.nameless(one) or diversion.nameless(other):
        return one.kind == other.kind
    first, second = _key(one.number), _key(other.number)
    if first.isdigit() and second.isdigit():
        return first.endswith(second) or second.endswith(first)
    return first == second


def _key(number: str) -> str:
    """A number without what its forms differ in at the beginning: 0049 30 1, +49 30 1 and 030 1 end alike."""
    return re.sub(r"[-.]", "", number).lstrip("+0").lower() or number


def _both(one: Diverter, other: Diverter) -> Diverter:
    known, less = (other, one) if diversion.nameless(one) else (one, other)
    return known._replace(name=known.name or less.name, hidden=one.hidden or other.hidden)
