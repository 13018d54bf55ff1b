"""Whose mailbox takes a call that nobody answered (`routing.mailbox`).

Rule: says whose; whether there is a mailbox, and what it does, is the dialplan's.
"""

from __future__ import annotations

from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import AFTER
from fsdaemon.core.questions import Source
from fsdaemon.core.users import User, user_of

CALLED = "called"  #: routing.mailbox: the user who was dialled first; what is left is "target"
# switch_utils.h switch_false, as mod_voicemail.c reads vm-enabled.
_OFF = ("no", "off", "false", "disabled", "inactive", "disallow", "0")


def owner(source: Source, callee: User, stage: str, path: tuple[Diverter, ...]) -> User | None:
    """The user whose mailbox it is if no forward is followed; None before the phone was tried."""
    if stage != AFTER:
        return None
    if source.config.routing.mailbox == CALLED and path:
        called = user_of(path[0].number, callee.domain)
        if source.known(called) and source.parameter(called, "vm-enabled").lower() not in _OFF:
            return called
    return callee
