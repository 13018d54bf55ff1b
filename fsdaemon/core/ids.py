"""Ids of channels: any text may be one, and a stranger's phone may have written it.

Rule: with mod_sofia's `inbound-use-callid-as-uuid` an id is a Call-ID (RFC 3261 section 25.1), and sofia
takes any line for one; `origination_uuid` is what a dialplan says. FreeSWITCH cuts an id at 256 bytes.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, unquote_to_bytes

# A word of RFC 3261 but what quotes, escapes, or is percent-encoding; it separates no list of ours.
_PLAIN = re.compile(r"[\w.!*+~()<>:/\[\]?@=-]{1,256}", re.ASCII)
_KEPT = "!*~()/"  # by FreeSWITCH's url_encode (SWITCH_URL_UNSAFE), of what quote would encode
_HEX = 32  # digits of a digest
_LONGEST = 256  # switch_apr.h SWITCH_UUID_FORMATTED_LENGTH
# A delimiter or an escape of switch_separate_string (switch_utils.c); what it makes of an escaped one.
_ESCAPED = {" ": r"\s", "'": r"\'", "\\": r"\\"}
_UNSAFE = re.compile("[\x00-\x1f\x7f\ufffd]|^\\^\\^")


def token(channel: str) -> str:
    """An id as it may stand in a variable; the same for the same id, and for no other one. Empty for none."""
    if not channel or _PLAIN.fullmatch(channel):
        return channel
    return "#" + hashlib.sha256(channel.encode("utf-8", "replace")).hexdigest()[:_HEX]


def encoded(a_token: str) -> str:
    """A token as freeswitch/dialplan/fsdaemon.xml writes an id into fsdaemon_visited: by url_encode."""
    return quote(a_token, safe=_KEPT)


def argument(channel: str) -> str:
    """An id as the argument of an `api` command; empty for what cannot be one."""
    if not channel or len(channel) > _LONGEST or _UNSAFE.search(channel):
        return ""
    return re.sub(r"[ '\\]", lambda match: _ESCAPED[match[0]], channel)


def plain(raw: str) -> bool:
    """Whether a value of the channel data is what stands on the channel.

    FreeSWITCH encodes `@` as %40 and leaves a %40 that is there as it is (switch_url_encode), so that an id
    could be read as another one.
    """
    return "%" not in raw and raw.isascii()


def verbatim(answer: str, decoded: str) -> str:
    """What FreeSWITCH answered to the question for an id, if it fits the channel data; else empty."""
    return answer if unquote_to_bytes(answer).decode("utf-8", "replace") == decoded else ""
