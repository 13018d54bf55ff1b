"""The kinds of call forwarding, a row for each: all that differs between one kind and another.

Rule: whoever needs to know of a kind asks this table. Terms are of 3GPP TS 24.604 (communication diversion),
service codes of 3GPP TS 22.030 annex B, diversion reasons of RFC 5806 section 4.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of forward."""

    name: str  #: in conf.toml, in the log, and in fsdaemon_reason
    term: str  #: 3GPP TS 24.604
    when: str  #: "100 forwards … to 101"
    because: str  #: what happened when it acts: "the phone was tried: …"
    diversion: str  #: RFC 5806 diversion-reason
    cause: str  #: of History-Info (RFC 4458 section 2; RFC 7544 section 3.5)
    variable: str = ""  #: call_forward_… (directory), fsdaemon_forward_… (channel); empty: nobody sets it
    service: str = ""  #: the code that users dial; empty: none
    shown: str = ""  #: what the phone shows after that code, unless conf.toml says something else


TABLE = (
    Kind(
        name="always",
        term="CFU",
        when="always",
        because="",
        diversion="unconditional",
        cause="302",
        variable="all",
        service="21",
        shown="Uml. immer",
    ),
    Kind(
        name="busy",
        term="CFB",
        when="when busy",
        because="the user was busy",
        diversion="user-busy",
        cause="486",
        variable="busy",
        service="67",
        shown="Uml. besetzt",
    ),
    Kind(
        name="no_answer",
        term="CFNR",
        when="when nobody answers",
        because="nobody answered",
        diversion="no-answer",
        cause="408",
        variable="no_answer",
        service="61",
        shown="Uml. keine Antwort",
    ),
    Kind(
        name="not_registered",
        term="CFNL",
        when="when no phone is registered",
        because="no phone is registered",
        diversion="unavailable",
        cause="503",
        variable="not_registered",
        service="62",
        shown="Uml. nicht erreichbar",
    ),
    Kind(
        name="redirect",
        term="CD",
        when="by the phone itself",
        because="the phone sent the call on",
        diversion="deflection",
        cause="480",
    ),
)

KINDS = {kind.name: kind for kind in TABLE}
REDIRECT = "redirect"  # by the phone: no forward of the user's stands anywhere
#: Those that somebody sets: in the directory, in the dialplan, or by a code.
SET = tuple(kind.name for kind in TABLE if kind.variable)
#: Service code → kind, in the order in which the codes are listed.
SERVICES = {kind.service: kind.name for kind in TABLE if kind.service}
#: RFC 5806 diversion-reason → kind.
OF_DIVERSION = {kind.diversion: kind.name for kind in TABLE}
#: Cause of History-Info → kind. 487 is a deflection while it rang.
OF_CAUSE = {**{kind.cause: kind.name for kind in TABLE}, "487": "redirect"}
#: Cause of ITU-T Q.850 → the same as a cause of History-Info.
OF_Q850 = {"17": "486", "18": "408", "19": "408", "20": "503", "27": "503", "31": "302"}
