"""What an address may be: `host:port` to listen at or to connect to, and networks.

Rule: as in `checks`. Resolves no name.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import Any

from fsdaemon.config.checks import TEXT, Check, _Unfit, one_or_several

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291 section 2.5.5.2


def _network(value: Any) -> str:
    try:
        network = ipaddress.ip_network(TEXT.take(value))
    except ValueError:
        whole = _whole_network(value)
        raise _Unfit(f"the network is {whole}" if whole else "") from None
    if isinstance(network, ipaddress.IPv6Network) and _MAPPED.supernet_of(network):
        low = int(network.network_address) & 0xFFFFFFFF  # whoever comes from there is compared as IPv4
        return str(ipaddress.IPv4Network((low, network.prefixlen - 96)))
    return str(value)


def _whole_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return ""


NETWORK = Check(
    'the address of a gateway or of a network, like "192.0.2.10" or "192.0.2.0/24"', _network, _whole_network
)

ALLOWED = Check(
    'an address or a network, like "192.0.2.10" or "192.0.2.0/24"',
    _network,
    lambda text: _whole_network(text.strip("[] ")),
)

_LABEL = r"[A-Za-z0-9_-]{1,63}"  # RFC 1035 section 2.3.4
_HOST_PORT = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|(?:{_LABEL}\.)*{_LABEL}\.?):([0-9]{{1,5}})")
_LONGEST = 253  # characters of a name


def _host_port(value: Any) -> str:
    match = _HOST_PORT.fullmatch(TEXT.take(value))
    if "|" in value:
        raise _Unfit("the dialplan separates addresses with |; here each is a text of its own")
    if re.fullmatch(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9]+", value):
        raise _Unfit("an IPv6 address goes in brackets here, and without them in the dialplan")
    if "%" in value:
        raise _Unfit("an address with a zone cannot be given")
    if not match or int(match[2]) > 65535 or len(match[1]) > _LONGEST:
        raise _Unfit
    if match[1].startswith("[") and not _is_ipv6(match[1][1:-1]):
        raise _Unfit("what is in the brackets is not an IPv6 address")
    return str(value)


def _is_ipv6(text: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(text).version == 6
    return False


def one_spelling(host: str) -> str:
    """A host, so that all spellings of it are the same: small letters, IPv6 as RFC 5952 writes it."""
    bare = host.lower().strip("[]")
    try:
        ip = ipaddress.ip_address(bare)
    except ValueError:
        return bare
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return f"[{ip}]" if ip.version == 6 else str(ip)


def _with_host(text: str) -> str:
    host, _, port = text.strip().rpartition(":")
    return f"[{host}]:{port}" if ":" in host else f"{host or '127.0.0.1'}:{port}"


#: One `host:port`; IPv6 goes in brackets: `[::1]:8084`.
host_port = Check('"host:port", like "127.0.0.1:8084"', _host_port, _with_host)


def _listen(value: Any) -> tuple[str, ...]:
    if value == []:
        raise _Unfit("at least one is needed")
    return one_or_several(host_port).take(value)


LISTEN = Check(one_or_several(host_port).text, _listen, _with_host, host_port)
PERHAPS_LISTEN = Check(
    f"{host_port.text}, or empty", lambda value: "" if value == "" else _host_port(value), _with_host
)
