"""What the agents of a queue see of a call that a forward brought there.

A queue answers the caller, and then calls its agents without the caller's channel: an agent's leg gets those
of its variables that the queue's own list names (mod_callcenter.c cc_export_vars, mod_fifo.c fifo_export).

Rule: it ends when an agent takes the call, or the call goes on to something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fsdaemon.core.mod_sofia import set_number
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers

_LISTS = (v.QUEUE_EXPORTS, v.FIFO_EXPORTS)
_NAMES = re.compile(r"[\w:,. -]*", re.ASCII)  # in a list of the dialplan's; another one stays as it is
_OURS = {header.variable for header in (v.QUEUE_SHOWN, v.QUEUE_NUMBER, v.QUEUE_LEG)}
_SEPARATOR = "!"  # as in LEG


def lists(headers: Headers) -> tuple[str, ...]:
    """What the dialplan exports to agents, by callcenter and by fifo, without what we added."""
    return tuple(",".join(n for n in headers.get(name).split(",") if n not in _OURS) for name in _LISTS)


def lent(leg: Mapping[str, str], before: tuple[str, ...]) -> tuple[dict[v.Header, str], dict[v.Header, str]]:
    """What the caller's channel holds for an agent's leg to show what `leg` does, and how it was without.

    On the caller's own channel nothing of it acts.
    """
    values: dict[v.Header, str] = {}
    if v.LEG_SHOWN in leg:
        values[v.QUEUE_SHOWN] = leg[v.LEG_SHOWN]
    if v.LEG_NUMBER in leg:
        values[v.QUEUE_NUMBER] = set_number(leg[v.LEG_NUMBER])
    if not values or not all(map(_NAMES.fullmatch, before)):
        return {}, {}
    others = (v.DIVERSION.variable, v.LEG_PRE_BRIDGE, v.UNDO.variable, v.CID_TYPE.variable)
    pairs = [f"{name}={leg[name]}" for name in others if name in leg]
    pairs.append(f"{v.QUEUE_EXPORTS.variable}={before[0]}")  # the agent may be sent to a queue, too
    values[v.QUEUE_LEG] = f"multiset ^^{_SEPARATOR}" + _SEPARATOR.join(pairs)
    own = dict(zip(_LISTS, before))
    names = [header.variable for header in values]
    values.update({header: ",".join([*names, *filter(None, [old])]) for header, old in own.items()})
    return values, {header: own.get(header, "") for header in values}
