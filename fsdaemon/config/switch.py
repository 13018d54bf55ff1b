"""What [switch] may be: where FreeSWITCH's inbound event socket is, and the login there.

Rule: as in `checks`. Reads no file: the daemon reads what `password_file` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fsdaemon.config.checks import TEXT, Check, _host_port, _matching, _Unfit, _with_host

_EVERYWHERE = ("0.0.0.0", "[::]")
_HERE = re.compile(r"localhost|127\.[0-9.]+|\[::1\]")


def _address(value: Any) -> str:
    if value == "":
        return ""
    if int(_host_port(value).rpartition(":")[2]) == 0:
        raise _Unfit
    return str(value)


ADDRESS = Check('"host:port", like "127.0.0.1:8021", or empty', _address, _with_host)
USER = _matching(
    'a user of the directory with its domain, like "fsdaemon@example.com", or empty',
    r"([\w.*#+-]+@[A-Za-z0-9._-]+)?",
)


def _password(value: Any) -> str:
    text = TEXT.take(value)
    if re.search(r"[\x00-\x1f\x7f]", text) or text != text.strip():
        raise _Unfit
    return text


#: FreeSWITCH ends a command at a line break, and takes blanks off its end.
PASSWORD = Check(
    "a text in quotes without line breaks, control characters and blanks at either end",
    _password,
    secret=True,
)
PASSWORD_FILE = _matching(
    'the path of a file, like "/etc/fsdaemon/switch_password", or the name of a systemd credential, like '
    '"switch_password", or empty',
    r"(/[^\x00-\x1f\x7f]+|[A-Za-z0-9_-][A-Za-z0-9._-]*)?",
)


def contradictions(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """What no key of [switch] can say alone: the key, and what is wrong with it."""
    switch = values["switch"]
    if switch["password"] and switch["password_file"]:
        yield "switch.password_file", "there is switch.password, too; set only one of them"
    if not switch["address"]:
        return
    if not switch["password"] and not switch["password_file"]:
        yield "switch.address", "needs switch.password or switch.password_file"
    listening = {one: "server.listen" for one in values["server"]["listen"]}
    listening[values["metrics"]["listen"]] = "metrics.listen"
    for address, key in listening.items():
        if _same(switch["address"], address):
            what = f"is {key}, where the daemon itself listens; FreeSWITCH's event socket is usually"
            yield "switch.address", f'{what} "127.0.0.1:8021" (event_socket.conf.xml)'


def _same(address: str, listening: str) -> bool:
    """Whether a connection to `address` comes in at `listening`."""
    host, _, port = address.rpartition(":")
    at, _, there = listening.rpartition(":")
    here = _HERE.fullmatch(host)
    return port == there and (host == at or bool(here and (at in _EVERYWHERE or _HERE.fullmatch(at))))
