"""Leg variables: what the leg of the next phone is told, on top of the caller's channel.

Rule: as in `commands`, no value can be expanded by FreeSWITCH or end another one.
"""

from __future__ import annotations

import re

from fsdaemon.config.reader import Config
from fsdaemon.core import diversion, ring, trunk
from fsdaemon.core.call import Call
from fsdaemon.core.forwards import BEFORE
from fsdaemon.core.label import clean
from fsdaemon.core.mod_sofia import encode_uncut, percent_encode, set_name, set_number
from fsdaemon.core.policy import RING, Verdict
from fsdaemon.terms import variables as v

ANONYMOUS = "anonymous"
_ID = re.compile(r"[\w.@:-]{1,100}", re.ASCII)  # a channel's id that ends no argument


def of_all(call: Call, verdict: Verdict, record: dict[v.Header, str], config: Config) -> dict[str, str]:
    """What the leg of the phone that rings next has to be told, whoever is shown there."""
    leg = {header.variable: value for header, value in record.items() if value}
    sends_to_itself = any(step.number == call.callee.name for step in call.path)  # it would do so 69 times
    if sends_to_itself or (call.context.forks and call.stage == BEFORE):
        leg[v.LEG_REDIRECT_FATAL] = "true"
    if verdict.unanswered:  # mod_sofia.c reads the reason when it sends the CANCEL; a second before it is set
        leg[v.LEG_MISSED] = f"execute_extension missed/{call.ring_time - 1} XML fsdaemon"
    alert_info = ring.alert_info(call, verdict, config)
    if alert_info:
        leg[v.LEG_ALERT] = alert_info
    if verdict.action == RING:
        leg.update(call.calls.leg)
    return {**leg, **watched(call, verdict)}


def name_of_half(call: Call, verdict: Verdict) -> dict[str, str]:
    """The name on a half of a loopback, which may be a label that a queue gave it: mod_sofia would cut it."""
    named = call.context.half and verdict.action == RING and not call.caller.withheld
    if not named or ":" not in call.caller.name:
        return {}
    return {v.LEG_SHOWN: set_name(encode_uncut(clean(call.caller.name)))}


def of_member(call: Call, verdict: Verdict, label: str | None, config: Config) -> str:
    """The leg variables of the phone to which a forward of a group's member leads, where others dial it.

    The name is set after mod_sofia made the leg: origination_caller_id_name takes the name off later legs.
    """
    leg: dict[str, str] = {}
    name, number = identity(call, label, config, trunk.Identity(), withheld_by_leg=False)
    if name:
        leg[v.LEG_SHOWN] = set_name(encode_uncut(name))
    if number:
        leg[v.LEG_SHOWN_NUMBER] = set_number(number)
    if number == ANONYMOUS:
        leg[v.CID_TYPE.variable] = "none"
    for header, value in diversion_of(call, verdict, config, None).items():
        leg.update({header.variable: value, v.LEG_TAKEN: "true"})
        leg[v.LEG_PRE_BRIDGE] = f"multiunset {header.variable} {v.LEG_TAKEN} {v.CID_TYPE.variable}"
    return bracketed(leg)[1:-1] if leg else ""


def identity(
    call: Call, label: str | None, config: Config, told: trunk.Identity, withheld_by_leg: bool
) -> tuple[str, str]:
    """The name and number that the next phone shall see instead of the caller's; empty: the caller's.

    A withheld number is only hidden by another one: mod_sofia puts it into From and Remote-Party-ID
    whatever the name says. A trunk's leg has variables for that.
    """
    hidden = call.caller.withheld and not withheld_by_leg and not told.number
    name = label
    if name is None and told.number:
        name = told.name
    if name is None and hidden:
        name = clean(config.display.anonymous)
    return name or "", percent_encode(told.number) or (ANONYMOUS if hidden else "")


def diversion_of(
    call: Call, verdict: Verdict, config: Config, for_trunk: dict[v.Header, str] | None
) -> dict[v.Header, str]:
    """Who forwarded the call: to a trunk under public numbers, to a phone as the users are known here."""
    values = for_trunk or {}
    if for_trunk is None and config.display.diversion in (True, "phones") and verdict.path:
        values[v.DIVERSION] = diversion.write((*call.before_us, *verdict.path), call.callee.domain)
    return values


def watched(call: Call, verdict: Verdict) -> dict[str, str]:
    """Leg variables that tell the caller's channel that a phone rings, where an earlier one rang already."""
    plain = call.context.sounded and call.stage == BEFORE and verdict.action == RING
    if not plain or not _ID.fullmatch(call.uuid):
        return {}
    says = f"uuid_setvar {call.uuid} {v.RUNG.variable} true"
    return {v.LEG_ON_RING: says, v.LEG_ON_MEDIA: says}


def bracketed(leg: dict[str, str]) -> str:
    """Leg variables (switch_event.c switch_event_create_brackets), with a separator that no value holds."""
    return "[^^!" + "!".join(f"{key}={value}" for key, value in leg.items()) + "]"
