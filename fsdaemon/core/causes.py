"""Why nobody took a call: what FreeSWITCH says of the last bridge, and the row of [routing.causes] for it.

Rule: of several legs the strongest kind that the user forwards counts, in whatever order they registered.
FreeSWITCH says of each leg how it ended; that a phone rang (18x), and which code it sent, only of some leg.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fsdaemon.core.identity import not_taken
from fsdaemon.terms import causes, kinds
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers

REDIRECT = kinds.REDIRECT
REDIRECTED = "REDIRECTION_TO_NEW_DESTINATION"
_CANCELLED = "ORIGINATOR_CANCEL"
_LEG = re.compile(r"(?:^|:)[^|:;]+;([A-Z_]+)(?=\||$)")


class Outcome(NamedTuple):
    """How a leg ended."""

    kind: str = ""  #: the kind of forward that is for it; empty: none
    said: str = ""  #: what FreeSWITCH said: "603 CALL_REJECTED after ringing"
    row: str = ""  #: of [routing.causes]; empty: none


def outcomes(headers: Headers, table: Mapping[str, str]) -> tuple[Outcome, ...]:
    """How the last bridge failed, the strongest kind first, one for each; `table` is [routing.causes]."""
    disposition, cause = headers.get(v.DISPOSITION), headers.get(v.LAST_CAUSE)
    if disposition == "DESTINATION_OUT_OF_ORDER" and v.REDIRECT_USER in headers:
        return (Outcome(REDIRECT),)  # a 302 to where FreeSWITCH does not go by itself, a tel: URI (RFC 3966)
    if disposition == _CANCELLED and cause == REDIRECTED:
        return ()
    if not_taken(headers):  # FreeSWITCH does not say why
        return (_of_leg(headers, table, "NO_ANSWER", True),)
    if disposition == "SUCCESS":  # a 183 with SDP makes it so, even if a 486 follows
        return (_of_leg(headers, table, cause, True),)
    rang = has_rung(headers)
    legs = [_of_leg(headers, table, one, rang) for one in _legs(headers, disposition)]
    of_kind = {leg.kind: leg for leg in reversed(legs)}
    return tuple(of_kind[kind] for kind in (*causes.STRONGEST, "") if kind in of_kind)


def as_disposed(headers: Headers) -> str:
    """The kind where a dialplan decides by itself and looks at nothing but `originate_disposition`."""
    disposition = headers.get(v.DISPOSITION)
    cause = headers.get(v.LAST_CAUSE) if disposition == "SUCCESS" else disposition
    return _of_leg(headers, causes.DEFAULTS, cause, True).kind


def _of_leg(headers: Headers, table: Mapping[str, str], cause: str, rang: bool) -> Outcome:
    if cause not in causes.CAUSES:
        return Outcome()
    code = headers.get(v.LAST_CODE).rpartition(":")[2]
    if causes.CAUSE_OF.get(code) != cause:
        code = ""  # of another leg, or of an earlier bridge: a leg that never was writes none
    said = f"{code} {cause}".lstrip() + (" after ringing" if rang else " without ringing")
    for name in _names(code, cause):
        for row in (name + causes.RINGING, name) if rang else (name,):
            if row in table:
                kind = table[row]
                return Outcome(kind if kind in causes.STRONGEST else "", said, row)
    return Outcome(said=said)


def _names(code: str, cause: str) -> Iterator[str]:
    """Where to look, in this order; a cause without a row is looked up as the codes that lead to it."""
    yield from (code, cause)
    yield from (one for one, its in causes.CAUSE_OF.items() if its == cause)


def _legs(headers: Headers, disposition: str) -> list[str]:
    """The causes of the legs of the last bridge; `originate_causes` has those of all bridges.

    Several phones of a user are legs of one bridge, and `originate_disposition` is the cause of the first to
    be registered, or NO_ANSWER if the ring time is over.
    """
    legs = _LEG.findall(headers.get(v.CAUSES))[_counted(headers.get(v.TRIED)) :]
    if disposition == _CANCELLED or disposition in legs:
        return legs or [disposition]
    return [disposition]


def tried(headers: Headers) -> str:
    """How many legs there were before the next bridge; empty for none."""
    return str(len(_LEG.findall(headers.get(v.CAUSES))) or "")


def _counted(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def sounded(headers: Headers) -> bool:
    """Whether a phone rang or sent early media, in this bridge or an earlier one (switch_channel.c).

    Where FreeSWITCH does not say so, it did.
    """
    times = [headers.get(name, "?") for name in (v.PROGRESS, v.PROGRESS_MEDIA)]
    return times != ["0", "0"]


def has_rung(headers: Headers) -> bool:
    """The same in this bridge: RUNG says so where an earlier phone had rung already."""
    return headers.get(v.RUNG) == "true" if v.RUNG in headers else sounded(headers)
