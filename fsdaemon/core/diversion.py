"""The Diversion header (RFC 5806), as the next switch or the carrier reads it, and as a gateway writes it.

Rule: what is read here may be shown, if conf.toml believes the gateway (`display.diversion_from`). It
decides nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fsdaemon.terms.kinds import KINDS, OF_DIVERSION

# An address that could end a header or a leg variable is none. No class takes a "<", so that whatever
# somebody sends is read in one pass.
_ADDRESS = re.compile(
    r"<(?:sips?|tel):(\+?[\w.*#-]{1,128})(?:@([\w.:-]{1,255}))?(?:;[^<>]*)?>([^<,]*)", re.ASCII | re.I
)
_PARAMETER = re.compile(r";\s*(reason|privacy)\s*=\s*\"?([\w-]+)", re.I)
_MOST = 10  # entries that are read


class Diverter(NamedTuple):
    """One whose forward was followed: a step of `fsdaemon_path`, or an entry of a gateway's Diversion."""

    number: str
    kind: str
    name: str = ""
    host: str = ""  #: of the address, where that is not the callee's domain
    hidden: bool = False  #: not to be shown (RFC 5806 section 4, diversion-privacy)


def write(path: tuple[Diverter, ...], domain: str) -> str:
    """The value of a Diversion header for `path`: newest diverter first (RFC 5806 section 5).

    `domain` is the host part of the diverters' addresses. Empty for an empty path.
    """
    return ", ".join(_entry(step, domain or "invalid") for step in reversed(path))


def _entry(step: Diverter, domain: str) -> str:
    reason = KINDS[step.kind].diversion if step.kind in KINDS else "unknown"
    address = step.number if "@" in step.number else f"{step.number}@{step.host or domain}"
    privacy = "full" if step.hidden else "off"
    return f"<sip:{address}>;reason={reason};counter=1;privacy={privacy}"


def read(header: str) -> tuple[Diverter, ...]:
    """The diverters that a Diversion header names, oldest first. Never raises; nonsense names nobody."""
    found: list[Diverter] = []
    at = 0
    for match in _ADDRESS.finditer(header):
        name = header[at : match.start()].strip(' ,\t"')
        at = match.end()
        parameters = {key.lower(): value.lower() for key, value in _PARAMETER.findall(match[3])}
        kind = OF_DIVERSION.get(parameters.get("reason", ""), "always")
        hidden = parameters.get("privacy", "off") != "off"
        found.append(Diverter(match[1], kind, name.replace("\\", ""), match[2] or "", hidden))
        if len(found) == _MOST:
            break
    return tuple(reversed(found))
