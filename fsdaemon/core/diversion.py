"""The Diversion header (RFC 5806), as the next switch or the carrier reads it, and as a gateway writes it.

Rule: what is read here may be shown, if conf.toml believes the gateway (`display.diversion_from`). It
decides nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.core import addresses
from fsdaemon.core.addresses import Address
from fsdaemon.core.mod_sofia import percent_encode
from fsdaemon.terms.kinds import KINDS, OF_DIVERSION

MOST = 10  # diverters that are read
_LONGEST_KEPT = 1500  # characters
_LONGEST_NAME = 60  # of a diverter, where it is remembered


class Diverter(NamedTuple):
    """One whose forward was followed: a step of `fsdaemon_path`, or an entry of a gateway's Diversion."""

    number: str
    kind: str
    name: str = ""
    host: str = ""  #: of the address, where that is not the callee's domain
    hidden: bool = False  #: not to be shown (RFC 5806 section 4, diversion-privacy)

    def withheld(self) -> Diverter:
        """The same, without who it is if that is not to be shown."""
        if not self.hidden:
            return self
        return Diverter(addresses.ANONYMOUS, self.kind, "", addresses.ANONYMOUS_HOST, True)


def nameless(step: Diverter) -> bool:
    """Whether it says that somebody forwarded, and not who."""
    return step.host == addresses.ANONYMOUS_HOST


def write(path: tuple[Diverter, ...], domain: str) -> str:
    """The value of a Diversion header for `path`: newest diverter first (RFC 5806 section 5).

    `domain` is the host part of the addresses of those that have no `host`. Empty for an empty path.
    """
    return ", ".join(_entry(step, domain or "invalid") for step in reversed(path))


def _entry(step: Diverter, domain: str) -> str:
    reason = KINDS[step.kind].diversion if step.kind in KINDS else "unknown"
    address = step.number if "@" in step.number else f"{step.number}@{step.host or domain}"
    privacy = "full" if step.hidden else "off"
    return f"<sip:{address}>;reason={reason};counter=1;privacy={privacy}"


def keep(path: tuple[Diverter, ...]) -> str:
    """`path` as a channel variable remembers it for the next hook, which reads it as a header.

    Names are in it, encoded. Where it would be too long, those between the first and the last are left out.
    """
    kept = list(path)
    text = _kept(kept)
    while len(text) > _LONGEST_KEPT and len(kept) > 1:
        kept.pop(len(kept) // 2)
        text = _kept(kept)
    return text


def _kept(path: list[Diverter]) -> str:
    entries = []
    for step in reversed(path):
        # A quote is the only character that would end the name; it is encoded because FreeSWITCH cuts there.
        name = percent_encode(step.name[:_LONGEST_NAME].replace("\\", "").replace('"', "'"))
        entries.append(f"{f'%22{name}%22 ' if name else ''}{_entry(step, 'invalid')}")
    return ", ".join(entries)


def read(header: str) -> tuple[Diverter, ...]:
    """The diverters that a Diversion header names, oldest first. Never raises; nonsense names nobody.

    `header` may be several of one INVITE, as FreeSWITCH's `sip_i_diversion` has them.
    """
    found: list[Diverter] = []
    for address in addresses.read(header):
        if address:
            kind = OF_DIVERSION.get(address.get("reason"), "always")
            found.append(Diverter(address.number, kind, address.name, address.host, _hidden(address)))
        if len(found) == MOST:
            break
    return tuple(reversed(found))


def _hidden(address: Address) -> bool:
    privacy = [value.lower() for name, value in address.parameters if name == "privacy"]
    return address.anonymous or any(value != "off" for value in privacy)
