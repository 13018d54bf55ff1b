"""FreeSWITCH's events for the keys and lamps of phones: their names, their headers, and who writes those.

Rule: as in variables.py. `user` and `host` of the first are the From of a SUBSCRIBE, which FreeSWITCH
compares with nothing: they say who somebody wants to be.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.terms.variables import Header, Writer

# sofia_presence.c: a SUBSCRIBE with Event: as-feature-event was accepted
SUBSCRIBED = "PHONE_FEATURE_SUBSCRIBE"
PROBE = "PRESENCE_PROBE"  # sofia_presence.c: a SUBSCRIBE for a lamp was
RELOADED = "RELOADXML"  # switch_xml.c
FEATURE = "PHONE_FEATURE"  # mod_sofia.c: makes a NOTIFY with Event: as-feature-event
PRESENCE = "PRESENCE_IN"  # sofia_presence.c: makes a NOTIFY to those who watch a lamp
HEARD = (SUBSCRIBED, PROBE, RELOADED)

NAME = Header("Event-Name", Writer.SWITCH)
NOW = Header("Event-Date-Timestamp", Writer.SWITCH)  # microseconds since 1970
USER = Header("user", Writer.STRANGER)
HOST = Header("host", Writer.STRANGER)
CALL_ID = Header("call-id", Writer.STRANGER)
EXPIRES = Header("expires", Writer.SWITCH)  # seconds; 0: the subscription ended
PROFILE = Header("profile_name", Writer.SWITCH)
MACHINE = Header("hostname", Writer.SWITCH)
ACTION = Header("Feature-Action", Writer.STRANGER)
ENABLED = Header("Feature-Enabled", Writer.STRANGER)
ACTION_NAME = Header("Action-Name", Writer.STRANGER)
ACTION_VALUE = Header("Action-Value", Writer.STRANGER)
RING_COUNT = Header("ringCount", Writer.STRANGER)
SET_FORWARDING, SET_DO_NOT_DISTURB = "SetCallForward", "SetDoNotDisturb"
PROTO = Header("proto", Writer.STRANGER)  # before the first "+" of what is watched
TO = Header("to", Writer.STRANGER)  # what is watched
FROM = Header("from", Writer.STRANGER)  # who watches
SUB_CALL_ID = Header("sub-call-id", Writer.STRANGER)
SIP_PROFILE = Header("sip_profile", Writer.SWITCH)


class Event(NamedTuple):
    """An event for FreeSWITCH to fire (`sendevent`). It drops headers that are empty or blank."""

    name: str
    headers: dict[str, str]
