"""What an address may be: `host:port` to listen at or to connect to, and networks.

Rule: as in `checks`. Resolves no name.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from fsdaemon.config.checks import TEXT, Check, _Unfit, one_or_several


def _network(value: Any) -> str:
    try:
        ipaddress.ip_network(TEXT.take(value))
    except ValueError:
        whole = _whole_network(value)
        raise _Unfit(f"the network is {whole}" if whole else "") from None
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

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def _host_port(value: Any) -> str:
    match = _HOST_PORT.fullmatch(TEXT.take(value))
    if "|" in value:
        raise _Unfit("the dialplan separates addresses with |; here each is a text of its own")
    if re.fullmatch(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9]+", value):
        raise _Unfit("an IPv6 address goes in brackets here, and without them in the dialplan")
    if not match or int(match[2]) > 65535:
        raise _Unfit
    return str(value)


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
