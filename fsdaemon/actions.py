"""A verdict as FreeSWITCH commands.

Rule: one `multiset` says it all, and what an earlier verdict left on the channel is taken back. No
value can be expanded by FreeSWITCH or end another: they are encoded, or checked to be plain.
"""

from __future__ import annotations

from fsdaemon import diversion
from fsdaemon import variables as v
from fsdaemon.call import Call
from fsdaemon.display import encode, percent_encode
from fsdaemon.esl import Command, Execute
from fsdaemon.policy import FORWARD, Verdict

# With this separator `;`, `,` and `'` stay what they are (mod_dptools.c multiset_function).
_SEPARATOR = "\x1f"


def assignments(call: Call, verdict: Verdict, label: str | None) -> dict[v.Header, str]:
    """What each channel variable must hold after this verdict; an empty value unsets."""
    values = dict.fromkeys(call.leftovers, "")
    if v.PATH in call.leftovers and not call.leg_only:
        values[v.DIVERSION] = ""
    if call.labelled:
        values[v.EFFECTIVE_NAME] = _kept(call.own_name)
    values[v.VERDICT] = verdict.action
    values[v.REASON] = verdict.reason
    if verdict.action == FORWARD:
        values[v.TARGET] = verdict.target
    if verdict.path:
        values.update(_path(call, verdict))
        values.update(_shown(call, verdict, label))
    return values


def _path(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    return {
        v.PATH: ",".join(step.number for step in verdict.path),
        v.KINDS: ",".join(step.kind for step in verdict.path),
        v.HOP: verdict.target if verdict.action == FORWARD else call.callee.name,
        v.BRIDGED: call.last_bridge,
    }


def _shown(call: Call, verdict: Verdict, label: str | None) -> dict[v.Header, str]:
    """Label and Diversion: on the channel, where any bridge takes them up, and as leg variables.

    A dialplan that says so (CARRY) gets the second only, so that nothing can leak from the channel.
    """
    header = diversion.write(verdict.path, call.callee.domain)
    leg = {v.DIVERSION.variable: header, v.LEG_TAKEN: "true"}
    values = {v.OUR_DIVERSION: header}
    if not call.leg_only:
        values[v.DIVERSION] = header
    if label is not None:
        encoded = encode(label)
        leg[v.LEG_NAME] = encoded
        values.update({v.LABEL: encoded, v.OWN_NAME: _kept(call.own_name)})
        if not call.leg_only:
            values[v.EFFECTIVE_NAME] = encoded
    values[v.LEG] = "[^^!" + "!".join(f"{name}={value}" for name, value in leg.items()) + "]"
    return values


def _kept(name: str) -> str:
    """The caller's own name as it is put back: encoded only where FreeSWITCH would spoil it."""
    if all(ch.isalnum() or ch in " .,-_()&+" for ch in name):
        return name
    return percent_encode(name)


def commands(values: dict[v.Header, str]) -> tuple[Command, ...]:
    """The commands that set `values`, in one go."""
    pairs = (f"{header.variable}={value}" for header, value in values.items())
    return (Execute("multiset", "^^" + _SEPARATOR + _SEPARATOR.join(pairs)),)
