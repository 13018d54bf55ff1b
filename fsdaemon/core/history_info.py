"""The History-Info header (RFC 7044; causes of RFC 4458 and RFC 7544), as a carrier writes and reads it.

Rule: as for Diversion: what is read here may be shown, if conf.toml believes the gateway. It decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from fsdaemon.core import addresses
from fsdaemon.core.addresses import Address
from fsdaemon.core.diversion import MOST, Diverter
from fsdaemon.terms.kinds import KINDS, OF_CAUSE, OF_Q850
from fsdaemon.terms.numbers import dialable

_ENTRIES = 100  # that are read
_INDEX = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,40}", re.ASCII)
_CAUSE = re.compile(r"(?:^|[;,])\s*cause\s*=\s*\"?(\d{3}|\d{2})(?!\d)", re.ASCII | re.I)
_HEADERS = 20  # of a URI that are read
_SAME_USER = ("rc", "np")  # RFC 7044 section 5: a contact of the same user; another name for the same user
_NO_DIVERSION = "380"  # RFC 8119: a service number was translated
_UNKNOWN = "404"  # RFC 7544 section 3.5
_UNPLAIN = re.compile(r"[^\w.*+-]", re.ASCII)


class _Entry(NamedTuple):
    address: Address
    place: tuple[int, ...]  #: its index
    reason: str  #: cause of the Reason that its URI carries
    hidden: bool


def read(value: str) -> tuple[Diverter, ...]:
    """The diverters that a History-Info header names, oldest first. Never raises; nonsense names nobody.

    `value` may be several of one INVITE, joined by commas or as FreeSWITCH's `sip_i_history_info` has them.
    A diverter is the entry that the call came from where an entry has a `cause` (RFC 4458), or where the
    Reason of the entry says that it sent the call on.
    """
    entries = _entries(value)
    at = {entry.place: number for number, entry in enumerate(entries)}
    found: list[Diverter] = []
    for number, reason in enumerate(_reasons(entries)):
        cause = reason
        if number < len(entries):
            target = entries[number].address
            cause = target.get("cause") or ("" if any(map(target.has, _SAME_USER)) else reason)
        if number and cause and cause != _NO_DIVERSION:
            before = _before(entries, at, number)
            who, kind = before.address, OF_CAUSE.get(cause, "always")
            found.append(Diverter(who.number, kind, who.name, who.host, before.hidden or who.anonymous))
    return tuple(found[-MOST:])


def _entries(value: str) -> list[_Entry]:
    """In the order of their indexes, if they have them, and different ones."""
    entries = [_entry(one) for one in islice(addresses.read(value), _ENTRIES) if one]
    if all(one.place for one in entries) and len({one.place for one in entries}) == len(entries):
        entries.sort(key=lambda one: one.place)
    return entries


def _entry(address: Address) -> _Entry:
    reason, hidden = "", False
    for header in address.headers.split("&", _HEADERS)[:_HEADERS]:
        name, _, text = header.partition("=")
        text = unquote(text)
        if name.lower() == "privacy":  # RFC 7044 section 10.1
            hidden = hidden or text.strip().lower() != "none"
        elif name.lower() == "reason" and not reason:
            reason = _cause(text)
    return _Entry(address, _index(address.get("index")), reason, hidden)


def _index(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("."))) if _INDEX.fullmatch(text) else ()


def _cause(reason: str) -> str:
    """Cause of a Reason header (RFC 3326), as a SIP code; empty if it has none."""
    match = _CAUSE.search(reason)
    if not match:
        return ""
    return match[1] if len(match[1]) == 3 else OF_Q850.get(match[1], _UNKNOWN)


def _reasons(entries: list[_Entry]) -> list[str]:
    """For each entry the Reason for which the call was sent there.

    It stands at the entry that sent the call on (RFC 7044 section 4). Some write it where the call went; then
    the last entry has one too, though a phone that still has to ring has failed for no reason.
    """
    reasons = [entry.reason for entry in entries]
    if not reasons or (reasons[-1] and not reasons[0]):
        return reasons
    if entries[-1].address.has("cause"):
        return ["", *reasons[:-1]]
    return ["", *reasons]  # the last one sent it on too: to whom the INVITE is sent


def _before(entries: list[_Entry], at: dict[tuple[int, ...], int], number: int) -> _Entry:
    """The entry from which the call came to this one: the one that `mp` names, or the one before.

    Of a phone (`rc`) that sent the call on, it is the user whose phone that is.
    """
    mapped = entries[number].address.get("mp") if number < len(entries) else ""
    origin = _earlier(at, mapped, number)
    while origin > 0 and entries[origin].address.has("rc"):
        origin = _earlier(at, entries[origin].address.get("rc"), origin)
    return entries[origin]


def _earlier(at: dict[tuple[int, ...], int], index: str, number: int) -> int:
    """The place of the entry with this index, if it is before `number`; else the one before."""
    named = at.get(_index(index) or (-1,), number)
    return named if named < number else number - 1


def write(path: Sequence[tuple[str, str, str, bool]], target: str, host: str) -> str:
    """The value of a History-Info header: who forwarded, oldest first, and where the call goes now.

    `path` has number, host, kind and "is hidden" of each diverter; `target` and `host` are the next address.
    Empty for an empty path, and where a number cannot stand in a header.
    """
    steps = [*path, (target, host, "", False)]
    if not path or not all(dialable(number) and "@" not in number for number, *_ in steps):
        return ""
    entries = []
    for place, (number, at, _, hidden) in enumerate(steps):
        # The reason for which the call came to an entry is that of the one before.
        cause = f";cause={_cause_of(steps[place - 1][2])}" if place else ""
        privacy = "?Privacy=history" if hidden else ""
        index = ".".join("1" * (place + 1))
        mapped = f";mp={'.'.join('1' * place)}" if place else ""
        entries.append(f"<sip:{_escaped(number)}@{at or 'invalid'}{cause}{privacy}>;index={index}{mapped}")
    return ", ".join(entries)


def _cause_of(kind: str) -> str:
    return KINDS[kind].cause if kind in KINDS else _UNKNOWN


def _escaped(number: str) -> str:
    """A number as the user part of a URI (RFC 3261 section 25.1): "#" may not stand there."""
    return _UNPLAIN.sub(lambda match: f"%{ord(match[0]):02X}", number)
