"""What [switch] may be: where FreeSWITCH's inbound event socket is, and the login there.

Rule: as in `checks`. Reads no file: the daemon reads what `password_file` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Union

from fsdaemon.config import checks
from fsdaemon.config.addresses import _host_port, _with_host, one_spelling
from fsdaemon.config.checks import GROUP, TEXT, Check, _matching, _Unfit, list_of

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


FEATURE_KEYS = ("off", "show", "set")
DATABASE = _matching(
    'the directory with FreeSWITCH\'s databases, like "/var/lib/freeswitch/db", or empty',
    r"(/[^\x00-\x1f\x7f]*)?",
)
Watchers = Union[str, tuple[str, ...]]
_WORDS = ("domain", "user", "nobody")
_GROUP = "group:"


def _watcher(value: Any) -> str:
    text = TEXT.take(value)
    if text.startswith(_GROUP):
        GROUP.take(text[len(_GROUP) :])
    else:
        checks.USER.take(text)
    return str(text)


_WATCHER = Check('a user, like "104" or "104@b.example", or a group, like "group:reception"', _watcher)
_LIST = list_of(_WATCHER, 'users and groups, like ["104", "group:reception"]')


def _watchers(value: Any) -> Watchers:
    if isinstance(value, list):
        return _LIST.take(value)
    if value not in _WORDS:
        raise _Unfit
    return str(value)


WATCHERS: Check[Watchers] = Check(f"one of {', '.join(_WORDS)}, or {_LIST.text}", _watchers)


def contradictions(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """What no key of [switch] can say alone: the key, and what is wrong with it."""
    switch = values["switch"]
    yield from _keys_and_lamps(values)
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


def _keys_and_lamps(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    switch, watchers = values["switch"], values["codes"]["lamp_watchers"]
    if switch["feature_keys"] == "set":
        needed = "without it nothing proves who pressed the key"
        for key, why in {"address": "the events of the keys come from there", "database": needed}.items():
            if not switch[key]:
                yield "switch.feature_keys", f'"set" needs switch.{key}; {why}'
        if values["variables"]["preset"] == "fusionpbx":
            what = '"set" does not go with preset = "fusionpbx": FusionPBX keeps the forwards; "show" goes'
            yield "switch.feature_keys", what
    if watchers not in ("domain", "nobody") and switch["address"] and not switch["database"]:
        yield "codes.lamp_watchers", "needs switch.database; without it nothing proves who watches"


def _same(address: str, listening: str) -> bool:
    """Whether a connection to `address` comes in at `listening`."""
    host, _, port = address.rpartition(":")
    at, _, there = listening.rpartition(":")
    host, at = one_spelling(host), one_spelling(at)
    here = _HERE.fullmatch(host)
    alike = host == at or bool(here and (at in _EVERYWHERE or _HERE.fullmatch(at)))
    return int(port) == int(there or 0) and alike
