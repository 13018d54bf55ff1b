"""What the caller and the trunk are told of a forward, in words.

Rule: text for a person only; it decides nothing.
"""

from __future__ import annotations

from fsdaemon.core.connected import Connected
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.core.trunk import Told
from fsdaemon.terms import variables as v


def caller_sees(seen: Connected) -> str:
    """What the caller's phone shows of the one who is reached; empty: what FreeSWITCH makes of it."""
    if seen.hidden:
        return "what was dialled, and no name or extension"
    return f"{seen.name} <{seen.number}>" if seen.name != seen.number else seen.name


def trunk_gets(told: Told) -> str:
    """The headers by which a trunk learns of the forward, and who stands in which."""
    leg = told.identity.leg
    said = [f"{header.variable[len(v.SIP_HEADER) :]}: {value}" for header, value in told.headers.items()]
    if v.LEG_FROM_DISPLAY in leg:
        address = f" <{leg[v.LEG_FROM_URI]}>" if v.LEG_FROM_URI in leg else ""
        said.append(f'From: "{shown_by_mod_sofia(leg[v.LEG_FROM_DISPLAY])}"{address}')
    if leg.get(v.CID_TYPE.variable) == "pid":
        said.append(f"P-{'Preferred' if v.LEG_PRIVACY in leg else 'Asserted'}-Identity: the caller")
    sent = [(name, value) for name, value in leg.items() if name.startswith(v.SIP_HEADER)]
    said += [f"{name[len(v.SIP_HEADER) :]}: {value}" for name, value in sent]
    if told.identity.number:
        said.append(f"caller: {told.identity.name} <{told.identity.number}>")
    return "; ".join(said)
