"""What a trunk gets of a forwarded call: who forwarded it, by public number, and who stands in which header.

Rule: no extension, no internal domain and nothing of a caller who withholds the number goes there.
docs/trunks.md says which carrier wants what, sofia_glue.c what FreeSWITCH makes of each variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fsdaemon.config.schema import IDENTITIES, Config
from fsdaemon.core import diversion, history_info
from fsdaemon.core.call import Call
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.label import clean, goes_off_net
from fsdaemon.core.mod_sofia import encode
from fsdaemon.core.policy import FORWARD, Verdict
from fsdaemon.terms import numbers
from fsdaemon.terms import variables as v

CALLER, DIVERTER, DIVERTER_ASSERTED, DIVERTER_PREFERRED, CALLER_ASSERTED, CALLER_PREFERRED = IDENTITIES
_EXTENSION = 6  # digits at most
_NO_HOST = "invalid"  # RFC 2606; where a number means nothing without a host, and none is configured


class Identity(NamedTuple):
    """Who stands in From and in the identity headers."""

    name: str = ""  #: caller's name and number to be shown; empty: as the dialplan has them
    number: str = ""
    leg: Mapping[str, str] = {}  #: leg variables


class Told(NamedTuple):
    """What a trunk is told."""

    headers: Mapping[v.Header, str] = {}
    identity: Identity = Identity()


def decide(call: Call, verdict: Verdict, config: Config) -> Told:
    """What the trunk is told, where the call goes off-net; nothing for any other call."""
    if not goes_off_net(call, verdict, config):
        return Told()
    return Told(headers(call, verdict, config), identity(call, verdict, config))


def identity_of(config: Config) -> str:
    """`routing.trunk_identity`, or what the older `routing.outside_caller_id` says."""
    routing = config.routing
    return routing.trunk_identity if routing.trunk_identity != CALLER else routing.outside_caller_id


def headers(call: Call, verdict: Verdict, config: Config) -> dict[v.Header, str]:
    """The headers that tell a trunk of the forwards of this call: `routing.trunk_headers`.

    A diverter without a public number is left out.
    """
    path = tuple(step.withheld() for step in _public(call, verdict, config))
    told = config.display.diversion in (True, "trunks")
    wanted, found = config.routing.trunk_headers if told else (), dict[v.Header, str]()
    if path and "diversion" in wanted:
        found[v.DIVERSION] = diversion.write(path, "")
    if path and "history-info" in wanted:
        steps = [(step.number, step.host or _NO_HOST, step.kind, step.hidden) for step in path]
        target = verdict.target if verdict.action == FORWARD else call.callee.name
        line = history_info.write(steps, target, config.routing.trunk_host or _NO_HOST)
        found.update({v.HISTORY_INFO_OUT: line} if line else {})
    return found


def _public(call: Call, verdict: Verdict, config: Config) -> Iterable[Diverter]:
    host = config.routing.trunk_host
    for step in call.before_us:  # a gateway may be a PBX: its host is internal, and so is an extension
        if step.hidden or (numbers.is_written_number(step.number) and len(step.number) > _EXTENSION):
            yield step._replace(host=host, name="")
    for step in verdict.path:
        number = call.public.numbers.get(step.number, "")
        if number:
            yield Diverter(number, step.kind, host=host, hidden=step.hidden)


def identity(call: Call, verdict: Verdict, config: Config) -> Identity:
    """Who the trunk is told to be calling, where a user's forward leads there."""
    own = call.public.numbers.get(call.callee.name, "") if verdict.action == FORWARD else ""
    wanted = identity_of(config) if own else CALLER
    if call.caller.withheld and wanted != DIVERTER:
        return _anonymous(own, wanted, config)
    name = clean(call.public.name) or own
    if wanted == DIVERTER:
        return Identity(name, own)
    if wanted in (DIVERTER_ASSERTED, DIVERTER_PREFERRED):
        leg = {v.LEG_FROM_DISPLAY: encode(name), v.CID_TYPE.variable: "pid"}
        if config.routing.trunk_host:
            leg[v.LEG_FROM_URI] = _uri(own, config)
        if wanted == DIVERTER_PREFERRED:
            leg[v.LEG_PRIVACY] = "no"
        return Identity(leg=leg)
    if wanted in (CALLER_ASSERTED, CALLER_PREFERRED):
        return Identity(leg={v.CID_TYPE.variable: "none", **_diverter_asserted(own, wanted, config)})
    return Identity()


def _anonymous(own: str, wanted: str, config: Config) -> Identity:
    """A caller who withholds the number (RFC 3323 section 4.1.1.3): not in From, nor in another header."""
    leg = {
        v.LEG_FROM_URI: "sip:anonymous@anonymous.invalid",
        v.LEG_FROM_DISPLAY: "Anonymous",
        v.CID_TYPE.variable: "none",
        v.LEG_PRIVACY_HEADER: "id",
    }
    if wanted in (CALLER_ASSERTED, CALLER_PREFERRED):
        leg.update(_diverter_asserted(own, wanted, config))
    elif wanted in (DIVERTER_ASSERTED, DIVERTER_PREFERRED) and config.routing.trunk_host:
        leg[v.LEG_FROM_URI], leg[v.LEG_FROM_DISPLAY] = _uri(own, config), own
    return Identity(leg=leg)


def _diverter_asserted(own: str, wanted: str, config: Config) -> dict[str, str]:
    header = v.LEG_ASSERTED if wanted == CALLER_ASSERTED else v.LEG_PREFERRED
    return {header: f"<{_uri(own, config)}>"}


def _uri(number: str, config: Config) -> str:
    return f"sip:{number}@{config.routing.trunk_host or _NO_HOST}"
