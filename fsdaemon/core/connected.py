"""What the caller's phone shows of the one who is reached (connected line), and how FreeSWITCH is told.

Rule: a caller from outside sees neither an extension nor an internal name, and nobody sees the number of an
external target. sofia.c takes initial_callee_id_name before the answer, and the leg's
origination_callee_id_name after it.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.config.schema import CONNECTED, Config
from fsdaemon.core.call import Call
from fsdaemon.core.forwards import BEFORE
from fsdaemon.core.label import clean, goes_off_net
from fsdaemon.core.mod_sofia import encode
from fsdaemon.core.policy import FORWARD, Verdict
from fsdaemon.terms import variables as v

_, FOR_DIVERTER, CALLED, OFF = CONNECTED  # display.caller; what is left is "target"


class Connected(NamedTuple):
    """What is told to FreeSWITCH, and what the caller sees of it."""

    channel: dict[v.Header, str]  #: on the caller's channel, until the next question
    leg: dict[str, str]  #: on the leg that rings next
    name: str = ""
    number: str = ""
    hidden: bool = False  #: the caller sees what was dialled, and nothing else


NOTHING = Connected({}, {})
_HIDDEN = Connected({v.CALLEE_IN_1XX: "false", v.IGNORE_UPDATES: "true"}, {}, hidden=True)


def decide(call: Call, verdict: Verdict, config: Config) -> Connected:
    """What the caller shall see if the call was forwarded or breaks through; else NOTHING."""
    off_net = goes_off_net(call, verdict, config)
    rings = verdict.action != FORWARD and call.stage == BEFORE and not off_net
    if not (verdict.path or verdict.broken_through) or not (rings or off_net):
        return NOTHING
    display, external = config.display, call.caller.user is None
    wanted = display.caller_outside if external else display.caller
    if wanted != OFF and (off_net or call.hides_target):
        wanted = CALLED
    if wanted == OFF or not (call.channel.leg_only or external):
        return NOTHING
    if external and wanted == CALLED:
        return _HIDDEN
    if wanted == CALLED and verdict.path:
        called = verdict.path[0]
        return _shown(called.name, called.number.partition("@")[0], ignore=True)
    name = clean(call.callee_name) or call.callee.name
    if wanted == FOR_DIVERTER and verdict.path:
        diverter = clean(verdict.path[-1].name) or verdict.path[-1].number
        name = display.caller_template.format(target=name, diverter=diverter)
    return _shown(name, call.callee.name)


def _shown(name: str, number: str, ignore: bool = False) -> Connected:
    """`ignore`: what the other side says about itself (P-Asserted-Identity) is not shown either."""
    name = clean(name) or number
    encoded, plain = encode(name), encode(number)
    leg = {v.LEG_CALLEE_NAME: encoded, v.LEG_CALLEE_NUMBER: plain}
    if ignore:
        leg[v.IGNORE_UPDATES.variable] = "true"
    return Connected({v.CALLEE_SHOWN: encoded, v.CALLEE_NUMBER_SHOWN: plain}, leg, name, number)
