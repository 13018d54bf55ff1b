"""A verdict as FreeSWITCH commands.

Rule: one `multiset` says it all, and what an earlier verdict left on the channel is taken back. No
value can be expanded by FreeSWITCH or end another: they are encoded, or checked to be plain.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import diversion, ids, legs, queues, records, trunk
from fsdaemon.core.call import Call
from fsdaemon.core.connected import Connected
from fsdaemon.core.forwards import AFTER, BEFORE, BEYOND, ONCE
from fsdaemon.core.history import ONWARD
from fsdaemon.core.label import goes_off_net
from fsdaemon.core.mod_sofia import encode, encode_uncut, percent_encode, set_name
from fsdaemon.core.policy import FORWARD, RING, Verdict
from fsdaemon.core.users import User, full
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Command, Execute
from fsdaemon.terms.numbers import dialable

# With this separator `;`, `,` and `'` stay what they are (mod_dptools.c multiset_function).
_SEPARATOR = "\x1f"
_HARMFUL = re.compile("[\x00-\x1e\x7f$]")
_SPOILED = re.compile("[~|%:/@\"'\\\\$;{}<>\x00-\x1f\x7f]|^ | $")
_EXPORTS = re.compile(r"[\w:,. -]*", re.ASCII)  # the names in export_vars; anything else stays as it is
BRIDGE = "bridge"


class Shown(NamedTuple):
    """What the others see of the call."""

    label: str | None  #: the phone that gets it; None: nothing but the caller
    connected: Connected  #: the caller
    trunk: trunk.Told


def assignments(call: Call, verdict: Verdict, shown: Shown, config: Config) -> dict[v.Header, str]:
    """What each channel variable must hold after this verdict; an empty value unsets."""
    seen = shown.connected
    values = dict.fromkeys(call.channel.leftovers, "")
    values.update(_put_back(call, config))
    values.update(_taken_off(call, config))
    values.update({v.VERDICT: verdict.action, v.REASON: verdict.reason})
    if verdict.action == FORWARD:
        values[v.TARGET] = verdict.target
    values.update(_who(call))
    values.update(seen.channel)
    if seen.channel:
        values[v.CONNECTED] = ",".join(header.variable for header in seen.channel)
    if _bridges(call, verdict, config):
        values[v.RANG] = "true"
    if call.context.seconds and call.stage == BEFORE and verdict.action == RING:
        values[v.TIMEOUT] = call.context.seconds
    values.update(call.context.looked_up)
    values.update(_mailbox(call, verdict))
    values.update(_for_the_next_bridge(call, verdict))
    if call.stage == ONCE:
        values.update(_at_once(call, verdict))
    if verdict.path:
        values.update(_path(call, verdict))
    if call.context.asks and verdict.action == FORWARD:
        values.update(dict.fromkeys(call.context.given, ""))
        visited = (*call.visited, full(call.callee.name, call.callee.domain))
        values[v.VISITED] = "".join(f",{ids.encoded(call.last_bridge)}:{one}" for one in visited)
    record = records.of(call, verdict)
    values.update(record)
    leg = {**seen.leg, **legs.of_all(call, verdict, record, config)}
    if verdict.path or shown.label:
        values.update(_shown(call, verdict, shown, leg, config))
        return values
    leg.update(legs.name_of_half(call, verdict))
    if leg:
        values[v.LEG] = legs.bracketed(leg)
    return values


def _put_back(call: Call, config: Config) -> dict[v.Header, str]:
    """What stood on the channel before an earlier verdict, where nobody else takes the label back."""
    values: dict[v.Header, str] = {}
    if v.PATH in call.channel.leftovers and not call.channel.leg_only:
        values[v.DIVERSION] = _passed(call, config)
    if call.channel.labelled:
        values[v.EFFECTIVE_NAME] = _kept(call.channel.own_name)
    if call.channel.numbered:
        values[v.EFFECTIVE_NUMBER] = _kept(call.channel.own_number)
        values[v.CID_TYPE] = ""
    return values


def _taken_off(call: Call, config: Config) -> dict[v.Header, str]:
    """A Diversion that came in: FreeSWITCH would pass it on to each leg, and the next hook has to know it."""
    values: dict[v.Header, str] = {}
    came = call.channel.diversion
    if came.stands and not config.routing.pass_diversion:
        values[v.DIVERSION] = ""
    if came.fleeting:
        shown = came.path if config.routing.pass_diversion else tuple(step.withheld() for step in came.path)
        values[v.INCOMING_DIVERSION] = diversion.keep(shown)
    return values


def _passed(call: Call, config: Config) -> str:
    """The Diversion that came in, where it is passed on, once ours is taken back."""
    return diversion.write(call.channel.diversion.path, "") if config.routing.pass_diversion else ""


def _who(call: Call) -> dict[v.Header, str]:
    """Who is on this leg and who transferred the call here: a bridge overwrites what tells it."""
    values: dict[v.Header, str] = {}
    if call.channel.outbound:
        values[v.WHO] = _address(call.caller.user)
    if call.refer:
        known = _address(call.referrer.user if call.referrer else None)
        values[v.REFERRER] = f"{known}|{call.refer}" if known else ""
    return values


def _address(user: User | None) -> str:
    if user is None:
        return "-"
    text = f"{user.name}@{user.domain}"
    return text if dialable(text) else ""  # not remembered, and found out anew


def _mailbox(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    """Whose mailbox takes the call, where it is not the callee's, as the context has it."""
    owner = call.mailbox
    if not owner or owner == call.callee or verdict.action != RING or not call.context.asks:
        return {}
    return {v.MAILBOX: f"{owner.domain} {owner.name}"}


def _at_once(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    """What a dialplan that asks once for all kinds is told, and what the next hop has to know of them."""
    values = {v.OFF: ",".join(verdict.off)} if verdict.off else {}
    pending = ",".join(f"{kind}={target}" for kind, target in verdict.pending)
    if not call.is_user and verdict.path:
        pending, values[v.SINCE] = ONWARD, call.context.now
    if pending and verdict.action == RING:
        values.update({v.PENDING: pending, v.HOP: call.callee.name, v.BRIDGED: call.last_bridge})
    return values


def _path(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    """The way so far. What is not a user may pass the call on to another tenant: its hop has the domain."""
    hop = verdict.target if verdict.action == FORWARD else call.callee.name
    onward = _beyond(call, verdict) if call.context.asks else call.stage == ONCE and not call.is_user
    return {
        v.PATH: ",".join(step.number for step in verdict.path),
        v.PATH_KINDS: ",".join(step.kind for step in verdict.path),
        v.HOP: full(hop, call.callee.domain) if onward else hop,
        v.BRIDGED: call.last_bridge,
    }


def _shown(
    call: Call, verdict: Verdict, shown: Shown, others: dict[str, str], config: Config
) -> dict[v.Header, str]:
    """Label and Diversion: on the channel, where any bridge takes them up, and as leg variables.

    `others` are leg variables that go with them.

    A dialplan that says so (CARRY) gets the second only, so that nothing can leak from the channel.
    """
    values: dict[v.Header, str] = {}
    off_net = goes_off_net(call, verdict, config)
    channel = legs.diversion_of(call, verdict, config, dict(shown.trunk.headers) if off_net else None)
    leg: dict[str, str] = {}
    told = shown.trunk.identity
    if v.DIVERSION in channel:
        leg[v.DIVERSION.variable] = values[v.OUR_DIVERSION] = channel[v.DIVERSION]
        leg[v.LEG_PRE_BRIDGE] = f"unset {v.DIVERSION.variable}"
        leg[v.UNDO.variable] = _assigned({v.DIVERSION: "", v.UNDO: ""}, "~")  # where that is not executed
    lends = call.context.asks and _beyond(call, verdict)
    name, number = legs.identity(call, shown.label, config, told, off_net and lends)
    if name:
        leg[v.LEG_NAME] = values[v.LABEL] = channel[v.EFFECTIVE_NAME] = encode(name)
        values[v.SHOWN] = encode_uncut(name)
        leg[v.LEG_SHOWN] = set_name(values[v.SHOWN])
    if number:
        leg[v.LEG_NUMBER] = values[v.NUMBER] = channel[v.EFFECTIVE_NUMBER] = number
    if number == legs.ANONYMOUS:
        leg[v.CID_TYPE.variable] = channel[v.CID_TYPE] = "none"
    values.update(_own(call, name, number))
    if not call.channel.leg_only:
        values.update(channel)
    elif lends:
        # A trunk's extension sets effective_caller_id_… itself, often; on the leg ours counts.
        ours = {key: leg[key] for key in (v.LEG_NAME, v.LEG_NUMBER) if off_net and key in leg}
        exported = {**shown.connected.leg, **told.leg, **ours}
        values.update(_lent(call, verdict, channel, exported, {} if off_net else leg, config))
    leg.update(others)
    if leg:
        values[v.LEG] = legs.bracketed(leg)
    return values


def _own(call: Call, name: str, number: str) -> dict[v.Header, str]:
    """The caller's own name and number, where others stand in their place."""
    own = {v.OWN_NAME: call.channel.own_name} if name else {}
    if number:
        own[v.OWN_NUMBER] = call.channel.own_number
    return {header: _kept(value) for header, value in own.items()}


def _for_the_next_bridge(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    """What says how the next bridge ends, and what must not be said of it because it was of the last one.

    A leg that was never made writes no SIP code: then the caller would get the one of the phone before
    (mod_sofia.c sofia_on_hangup). To something that is not a user the call goes as if it had been dialled.
    """
    values: dict[v.Header, str] = {v.TRIED: call.channel.tried} if call.channel.tried else {}
    if legs.watched(call, verdict):
        values[v.RUNG] = "false"
    if call.context.half:  # a group takes the first member that sends sound (early media)
        values.update({v.RINGBACK: "", v.SILENT: "true"})
    if call.context.coded and (call.stage != AFTER or verdict.action == FORWARD):
        values[v.LAST_CODE] = ""
    if verdict.action == FORWARD and verdict.kind in call.context.beyond:
        values[v.CONTINUE] = ""
    return values


def _beyond(call: Call, verdict: Verdict) -> bool:
    """Whether the call goes on to what is not a user: no phone's leg is ours to dial there."""
    return call.stage == BEYOND or (verdict.action == FORWARD and verdict.kind in call.context.beyond)


def _lent(
    call: Call,
    verdict: Verdict,
    channel: dict[v.Header, str],
    exported: dict[str, str],
    agents: dict[str, str],
    config: Config,
) -> dict[v.Header, str]:
    """Label, number and Diversion on the channel, the callee's rights at a trunk, and how all of it ends.

    It ends when somebody or something answers, when the call goes on to something else (UNDO, in the dialplan
    of the example configuration), and at the next question. What is for the `agents` of a queue outlives the
    answer, which is the queue's own, and ends with the bridge.
    """
    before: dict[v.Header, str] = {
        v.EFFECTIVE_NAME: _kept(call.channel.own_name),
        v.EFFECTIVE_NUMBER: _kept(call.channel.own_number),
        v.DIVERSION: _passed(call, config),
    }
    values = dict(channel)
    undo = {header: before.get(header, "") for header in channel}
    if verdict.action == FORWARD:
        for header, (callees, own) in call.context.rights.items():
            values[header], undo[header] = callees, own
    exports = _exported(call, exported)
    values.update(exports)
    undo.update({header: call.channel.exports if header == v.EXPORTS else "" for header in exports})
    undo.update(dict.fromkeys((v.UNDO, v.ON_BRIDGE, v.ON_BRIDGE_DATA, v.ON_BRIDGED, v.ON_ANSWER), ""))
    answered = dict(undo)
    lent, back = queues.lent(agents, call.channel.queue_exports)
    if lent:
        back = {**back, v.UNDO: "", v.ON_AGENT: ""}
        values.update({**lent, v.ON_AGENT: f"multiset {_assigned(back, '~')}"})
        answered[v.UNDO] = _assigned(back, "|")
        undo.update(back)
    values[v.UNDO] = values[v.ON_BRIDGE_DATA] = _assigned(undo, "~")
    values[v.ON_BRIDGE] = "multiset"
    values[v.ON_ANSWER] = f"multiset {_assigned(answered, '~')}"
    values[v.SINCE] = call.context.now
    return values


def _exported(call: Call, legs: dict[str, str]) -> dict[v.Header, str]:
    """Variables for whatever leg comes next, where it is not ours to dial (switch_channel.c, "nolocal:")."""
    before = call.channel.exports
    if not legs or not _EXPORTS.fullmatch(before):
        return {}
    names = {v.header_of(v.NOLOCAL + name): value for name, value in legs.items()}
    listed = [*filter(None, [before]), *(header.variable for header in names)]
    return {**names, v.EXPORTS: ",".join(listed)}


def _assigned(values: dict[v.Header, str], separator: str) -> str:
    """The argument of a `multiset` inside a value."""
    return f"^^{separator}" + separator.join(f"{header.variable}={value}" for header, value in values.items())


def _kept(name: str) -> str:
    """The caller's own name as it is put back: encoded only where FreeSWITCH would spoil it."""
    return percent_encode(name) if _SPOILED.search(name) else name


def setting(values: dict[v.Header, str]) -> tuple[Command, ...]:
    """The command that sets `values`, in one go. Nothing in them is expanded, and none ends another."""
    text = _SEPARATOR.join([f"{header.variable}={value}" for header, value in values.items()])
    if _HARMFUL.search(text) or text.count(_SEPARATOR) >= len(values):
        # Every value was encoded or checked, and this says so.
        harmless = [
            f"{h.variable}={'' if _HARMFUL.search(value) or _SEPARATOR in value else value}"
            for h, value in values.items()
        ]
        text = _SEPARATOR.join(harmless)
    return (Execute("multiset", f"^^{_SEPARATOR}{text}"),)


def commands(call: Call, values: dict[v.Header, str], config: Config) -> tuple[Command, ...]:
    """The commands that set `values`, in one go; and the bridge, where the daemon is to do it.

    The connection is not held for the length of the call: the session does not wait for a bridge.
    """
    told = setting(values)
    if not values.get(v.RANG):
        return told
    where = config.routing.bridge.format(callee=call.callee.name, domain=call.callee.domain)
    return (*told, Execute(BRIDGE, values.get(v.LEG, "") + where))


def _bridges(call: Call, verdict: Verdict, config: Config) -> bool:
    """Whether the daemon bridges (`routing.ring`): to a user who is to ring and was not tried yet."""
    user = dialable(call.callee.name) and bool(call.callee.domain)
    if call.stage == AFTER and call.context.forks and verdict.action == RING:
        return user  # one of several phones answered 302, and no other took the call: now it may
    return config.routing.ring == "bridge" and verdict.action == RING and call.stage == BEFORE and user
