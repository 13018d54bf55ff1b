"""Who sent a SUBSCRIBE: what FreeSWITCH's own tables prove of it, and what they do not.

Rule: pure. The event has only From, which FreeSWITCH compares with nothing. Its row in sip_subscriptions has
the address it came from, and at that address a user is registered, by password. What does not fit, is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from fsdaemon.core.users import User

FEATURE = "as-feature-event"  # in small letters: in others FreeSWITCH does not ask whose password it is
_LATE = 3  # seconds from the row to the event


class Subscription(NamedTuple):
    """A row of sip_subscriptions (sofia_glue.c)."""

    call_id: str
    event: str
    sip_user: str  #: From
    sip_host: str
    sub_to_user: str  #: To
    sub_to_host: str
    network_ip: str
    network_port: str
    expires: int  #: seconds since 1970
    profile: str
    proto: str = "sip"


class Registration(NamedTuple):
    """A row of sip_registrations that has not expired."""

    sip_user: str  #: To
    sip_username: str  #: whose password it was
    sip_realm: str
    network_ip: str
    network_port: str


class Asked(NamedTuple):
    """What the event says."""

    user: str
    host: str
    call_id: str
    expires: int  #: seconds
    now: str  #: microseconds since 1970


class Proof(NamedTuple):
    """The result."""

    why_not: str  #: empty: it is proven
    address: str  #: where the SUBSCRIBE came from; "unknown" without a row


def key_pressed(
    event: Asked, user: User, rows: Sequence[Subscription], registered: Sequence[Registration]
) -> Proof:
    """Whether the one who pressed the key is `user`, whom the user and host of the event mean.

    Besides the address: the SUBSCRIBE that made the row was authenticated (its event in small letters),
    as its To, which is its From.
    """
    row, why = _row_of(event, rows)
    if not row:
        return Proof(why, "unknown")
    if row.event != FEATURE:
        why = f"its Event is not written {FEATURE}, so FreeSWITCH did not ask whose password it has"
    elif row.sip_user != row.sub_to_user:
        why = f"From is {row.sip_user}, To is {row.sub_to_user}"
    elif not event.now.isdigit() or not -1 <= _written(event) - (row.expires - event.expires) <= _LATE:
        why = "another SUBSCRIBE had the same Call-ID since"
    return Proof(why or _not_registered(event, user, row, registered), row.network_ip)


def watches(
    event: Asked, user: User, rows: Sequence[Subscription], registered: Sequence[Registration]
) -> bool:
    """Whether the one who watches a lamp is `user`, as far as an address can tell."""
    row, _ = _row_of(event, rows)
    return row is not None and not _not_registered(event, user, row, registered)


def _written(event: Asked) -> int:
    return int(event.now) // 1_000_000


def _row_of(event: Asked, rows: Sequence[Subscription]) -> tuple[Subscription | None, str]:
    """The one row that is meant.

    Several Call-IDs look alike in an event: FreeSWITCH encodes `@` and leaves a `%40` that was typed.
    """
    found = [row for row in rows if _decoded(row.call_id) == _decoded(event.call_id)]
    if len(found) != 1:
        why = "FreeSWITCH has no such subscription" if not found else "two subscriptions have this Call-ID"
        return None, why
    (row,) = found
    if (row.sip_user, row.sip_host) != (event.user, event.host):
        return None, "another SUBSCRIBE had the same Call-ID since"
    return row, ""


def _decoded(call_id: str) -> str:
    return unquote_to_bytes(call_id).decode("utf-8", "replace")


def _not_registered(event: Asked, user: User, row: Subscription, registered: Sequence[Registration]) -> str:
    """Why the address is no proof for `user`; empty if it is one.

    An address at which others are registered, too (a proxy), is nobody's. The realm is the user's domain, or
    that of a phone that has something else in From, and whose user no other domain has (features.user_at).
    """
    address = (row.network_ip, row.network_port)
    there = [one for one in registered if (one.network_ip, one.network_port) == address]
    realms = {user.domain.lower(), event.host.lower()}
    theirs = [
        one
        for one in there
        if one.sip_user == one.sip_username == event.user and one.sip_realm.lower() in realms
    ]
    if not theirs:
        return f"no phone of {user.name}@{user.domain} is registered at this address"
    return "" if len(theirs) == len(there) else "others are registered at this address, too"
