"""What a call record says of a forward: who was called, who forwarded, how and why (docs/records.md).

Rule: written to both legs, and never read: what a leg remembers for a record is no memory of the rules.
"""

from __future__ import annotations

from fsdaemon.core.call import Call
from fsdaemon.core.policy import FORWARD, RING, Verdict
from fsdaemon.core.reasons import NOTHING_SET
from fsdaemon.terms import variables as v


def of(call: Call, verdict: Verdict) -> dict[v.Header, str]:
    """The variables for the records of both legs; none for a call that nobody forwards.

    They tell of the last forward that was followed, or was not followed because of an exception, a loop or
    `routing.max_hops`.
    """
    path = verdict.path
    kept = verdict.action == RING and bool(verdict.kind) and verdict.reason != NOTHING_SET.word
    if not path and not kept:
        return {}
    return {
        v.RECORD_CALLED: path[0].number if path else call.callee.name,
        v.RECORD_DIVERTER: path[-1].number if path else "",
        v.RECORD_KINDS: ",".join(step.kind for step in path),
        v.RECORD_VERDICT: RING if kept else FORWARD,
        v.RECORD_REASON: verdict.reason if kept else path[-1].kind,
    }
