"""The ring tone of a forwarded call: the Alert-Info that goes to the phone which gets it (`display.ring`).

Rule: for phones only, what goes off-net gets none.
"""

from __future__ import annotations

from fsdaemon.config.reader import Config
from fsdaemon.config.ring import of_kind
from fsdaemon.core.call import Call
from fsdaemon.core.label import goes_off_net
from fsdaemon.core.policy import Verdict


def alert_info(call: Call, verdict: Verdict, config: Config) -> str:
    """The value of Alert-Info (RFC 3261 section 20.4), by the kind of the last forward; empty for none."""
    path = (*call.before_us, *verdict.path)
    if not path or goes_off_net(call, verdict, config):
        return ""
    return of_kind(config.display.ring, path[-1].kind)
