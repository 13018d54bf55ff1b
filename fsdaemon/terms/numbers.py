"""Numbers as people dial them: is it one, is it off-net, are two the same.

Rule: says nothing about who somebody is; an outside number is what a stranger wrote.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from fsdaemon.terms import e164
from fsdaemon.terms.e164 import Plan, Reading

# A user's id or something to dial. Nothing in it can end an argument, start an expansion, or be read
# as a second endpoint by FreeSWITCH's bridge and transfer.
_DIALABLE = re.compile(r"\+?[\w.*#-]+(@[A-Za-z0-9._-]+)?", re.ASCII)
_DOMAIN = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._:-]{1,255}")
_WRITTEN = re.compile(r"[+0-9 ()/.\-]*[0-9][+0-9 ()/.\-]*")  # a telephone number as people write it
_MARKS = re.compile(r"[ ()/.\-]")  # what people write between digits
# Digits as anybody may write them, with marks between; a mark may be percent-encoded, as in a command.
# A domain that is an address (101@192.168.0.1) is none.
_RUN = re.compile(r"@\d{1,3}(?:\.\d{1,3}){3}(?!\d)|\d(?:(?:[ ()/.\-]|%(?:20|28|29|2D|2E|2F))*\d)*")
_TOKEN = re.compile(r"%2[0-9A-F]|.")
_LONGEST = 128
_OUTSIDE_DIGITS = 7
_STAY = 5  # digits at the beginning that stay, and two at the end; four and more are hidden


@lru_cache(maxsize=1024)
def dialable(text: str) -> bool:
    """Whether `text` is something that can be dialled: a user's id or a number, perhaps `@domain`."""
    return len(text) <= _LONGEST and _DIALABLE.fullmatch(text) is not None and any(map(str.isalnum, text))


def is_domain(text: str) -> bool:
    """Whether `text` can be a domain of FreeSWITCH's directory: a name or an address."""
    return _DOMAIN.fullmatch(text) is not None


def as_dialled(text: str) -> str:
    """A telephone number as people write it, as it is dialled: `+49 170 / 123-45` is `+4917012345`.

    Anything else is returned as it is.
    """
    if dialable(text) or not is_written_number(text):
        return text
    return _MARKS.sub("", text)


def digits(text: str) -> str:
    """The digits of a number without the marks people write between them."""
    return "".join(ch for ch in text if ch.isascii() and ch.isdigit())


def is_written_number(text: str) -> bool:
    """Whether `text` is a telephone number as people write it, with three digits at least."""
    return len(text) <= _LONGEST and _WRITTEN.fullmatch(text) is not None and len(digits(text)) >= 3


@lru_cache(maxsize=1024)
def in_networks(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an IP address is in one of `networks`; what is not an address is in none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip  # IPv4 at a socket for both (RFC 4291, 2.5.5.2)
    return any(ip in ipaddress.ip_network(network) for network in networks)


def is_loopback(address: str) -> bool:
    """Whether an IP address can only be of this machine itself (RFC 1122 section 3.2.1.3, RFC 4291 2.5.3)."""
    return in_networks(address, ("127.0.0.0/8", "::1"))


@lru_cache(maxsize=1024)
def looks_outside(target: str, trunk_prefix: str = "") -> bool:
    """Whether `target` is a public number rather than an extension: `+…`, or seven digits and more.

    A number that begins with the trunk prefix is one, too. Only asked about a target that is not a user.
    """
    if not is_written_number(target):
        return False
    if trunk_prefix and target.startswith(trunk_prefix) and target != trunk_prefix:
        return True
    return target.startswith("+") or len(digits(target)) >= _OUTSIDE_DIGITS


def same(one: str, caller: str, region: str = "", trunk_prefix: str = "", inbound: str = "") -> bool:
    """Whether `one`, which an administrator or a user wrote, is the number of an outside caller.

    With a `region` (ISO 3166, "DE") as E.164 (ITU-T E.164): +49 170 1234567 = 0170 1234567 =
    0049 170 1234567. Without one, digit by digit as they were dialled. Either may have the `trunk_prefix` in
    front. `inbound` says how the caller's number comes (`e164.FORMS`); empty: as somebody wrote it, too.
    """
    if not (is_written_number(one) and is_written_number(caller)):
        return False
    if not region:
        return bool(_digits(one, trunk_prefix) & _digits(caller, trunk_prefix))
    return as_written(one, region, trunk_prefix, inbound).same(as_sent(caller, region, trunk_prefix, inbound))


def as_written(number: str, region: str, trunk_prefix: str = "", inbound: str = "") -> Reading:
    """What a number of the administrator's or a user's was read as."""
    return e164.written(_MARKS.sub("", number), Plan(region, trunk_prefix, inbound))


def as_sent(number: str, region: str, trunk_prefix: str = "", inbound: str = "") -> Reading:
    """What the number of an outside caller was read as."""
    read = e164.sent if inbound else e164.written
    return read(_MARKS.sub("", number), Plan(region, trunk_prefix, inbound))


@lru_cache(maxsize=4096)
def _digits(number: str, trunk_prefix: str) -> frozenset[str]:
    """All that `number` can mean, as digits."""
    bare = _MARKS.sub("", number)
    variants = [bare]
    if trunk_prefix and bare.startswith(trunk_prefix):
        variants.append(bare[len(trunk_prefix) :])
    return frozenset(d for d in map(digits, variants) if len(d) >= 3)


def known_region(region: str) -> bool:
    """Whether `region` is a country that numbers can be compared in."""
    import phonenumbers

    return region in phonenumbers.SUPPORTED_REGIONS


def masked(text: str) -> str:
    """`text` as others may read it: each public number in it as `+49170*****67`, enough to ask about.

    Extensions stay; they mean nothing off-net.
    """
    return _RUN.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    tokens = _TOKEN.findall(match[0])
    count = sum(map(str.isdigit, tokens))
    if count < _OUTSIDE_DIGITS or match[0].startswith("@"):
        return match[0]
    stay = min(_STAY, count - 6)
    seen, out = 0, []
    for token in tokens:
        seen += token.isdigit()
        out.append("*" if token.isdigit() and stay < seen <= count - 2 else token)
    return "".join(out)
