"""FreeSWITCH's own tables of subscriptions and registrations (`switch.database`), read and never written.

Rule: says what stands there; what it proves says core/proof.py. Reading may wait for FreeSWITCH, so a thread
does it, and gives up soon.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import gevent

from fsdaemon.core.proof import Registration, Subscription

_FILE = "sofia_reg_{}.db"  # sofia.c: of each profile, unless FreeSWITCH uses another database (core-db-dsn)
_WAIT = 1.0  # seconds for a lock
_MOST = 50_000  # rows
_ROW = (
    "call_id, event, sip_user, sip_host, sub_to_user, sub_to_host, network_ip, network_port, expires, "
    "profile_name, proto"
)
_T = TypeVar("_T")


class Missing(Exception):
    """The tables cannot be read; says why."""


class Found(NamedTuple):
    """What there is about one SUBSCRIBE."""

    subscriptions: Sequence[Subscription]
    registrations: Sequence[Registration]  #: at the addresses of those


def look_up(directory: str, profile: str, machine: str, user: str) -> Found:
    """The subscriptions whose From is `user`, and who is registered where they came from. Raises Missing."""

    def look(database: sqlite3.Connection) -> Found:
        where = "where profile_name = ? and (hostname = ? or ? = '') and sip_user = ?"
        rows = database.execute(
            f"select {_ROW} from sip_subscriptions {where} limit {_MOST}", (profile, machine, machine, user)
        ).fetchall()
        subscriptions = [Subscription(*row) for row in rows]
        return Found(subscriptions, _registered(database, subscriptions))

    return _in_thread(lambda: _read(_file(directory, profile), look))


def _registered(database: sqlite3.Connection, rows: Sequence[Subscription]) -> list[Registration]:
    query = (
        "select sip_user, sip_username, sip_realm, network_ip, network_port from sip_registrations "
        "where network_ip = ? and network_port = ? and expires > ?"
    )
    addresses = {(row.network_ip, row.network_port) for row in rows}
    now = int(time.time())
    return [Registration(*row) for one in addresses for row in database.execute(query, (*one, now))]


def subscriptions(directory: str) -> list[Subscription]:
    """All that have not ended, at every profile. Raises Missing."""

    def look(database: sqlite3.Connection) -> list[Subscription]:
        rows = database.execute(
            f"select {_ROW} from sip_subscriptions where expires > ? limit {_MOST}", (int(time.time()),)
        )
        return [Subscription(*row) for row in rows]

    def every() -> list[Subscription]:
        files = sorted(Path(directory).glob(_FILE.format("*")))
        if not files:
            raise Missing(f"there is no {_FILE.format('PROFILE')} in {directory} that could be read")
        return [row for file in files for row in _read(file, look)]

    return _in_thread(every)


def _file(directory: str, profile: str) -> Path:
    return Path(directory) / _FILE.format(profile)


def _read(file: Path, look: Callable[[sqlite3.Connection], _T]) -> _T:
    try:
        uri = f"file:{quote(str(file))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_WAIT)) as database:
            return look(database)
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise Missing(f"{file}: {error}") from None


def _in_thread(read: Callable[[], _T]) -> _T:
    result: _T = gevent.get_hub().threadpool.apply(read)
    return result
