"""What users dialled, as rows of FreeSWITCH's db: where it is, and how one user's rows are changed.

Rule: pure; says commands and reads their answers. `db` has no transaction, so whoever changes a row writes
one of their own first, and lists them: of two at the same moment, at least the second sees both.
"""

from __future__ import annotations

import re

from fsdaemon.core.questions import Way
from fsdaemon.terms.channel import Api

BUSY = "somebody else is changing it"
AWAY = "FreeSWITCH's db does not answer"
LONGEST = 255  # characters of a row's text; mod_db.c reads no more, and a database may keep no more
_KEY = re.compile(r"[A-Za-z0-9-]*\.[0-9]*")
_MOST_GONE = 50  # of those who are gone, as many are taken away at a time
_LOCKED = 10  # seconds; who holds a line longer is gone


def forwards(domain: str) -> str:
    """The realm of the forwards: a row for each user."""
    return f"fsdaemon-{domain.lower()}"


def exceptions(domain: str) -> str:
    """The realm of the users' own exceptions; no domain makes it that of the forwards."""
    return f"fsdaemon.except-{domain.lower()}"


def select(realm: str, user: str) -> str:
    """The command that reads a row. mod_db.c: realm, then key."""
    return f"db select/{realm}/{user}"


def count(realm: str) -> str:
    """The command whose answer is a number if FreeSWITCH's db is there."""
    return f"db count/{realm}"


def key_of(channel: str, now: str) -> str:
    """The name of a request in the lock: its channel or Call-ID, which a stranger may write, and when.

    `now` is in microseconds since 1970.
    """
    return f"{re.sub('[^A-Za-z0-9-]', '', channel)[:64]}.{re.sub('[^0-9]', '', now)[:10]}"


class Lock:
    """Holds all rows of one user while they are changed."""

    def __init__(self, user: str, domain: str, key: str) -> None:
        """Take nothing yet; `key` names who wants it (key_of)."""
        self.user, self.key = user, key
        self.realm = f"fsdaemon-lock-{domain.lower()}-{user}"
        # The commands that give the rows back, and take away what nobody holds any more.
        self.free: list[Api] = []

    def take(self) -> list[Api]:
        """The commands that take it; `why_not` is told the answer to the last of them."""
        return [Api(f"db insert/{self.realm}/{self.key}/1"), Api(f"db list/{self.realm}")]

    def why_not(self, answer: str) -> str:
        """Why nothing may be changed now: BUSY or AWAY; empty if it is held. `free` is right from here on."""
        keys = answer.split(",")
        gone = [key for key in keys if not self._holds(key) and _KEY.fullmatch(key)]
        self.free = [Api(f"db delete/{self.realm}/{key}") for key in (*gone[:_MOST_GONE], self.key)]
        if self.key not in keys:
            return AWAY if len(keys) < _MOST_GONE else BUSY  # a list that is too long is cut (mod_db.c)
        return "" if {*keys} - {*gone} == {self.key} else BUSY

    def _holds(self, key: str) -> bool:
        """Whether this key in the lock's realm counts: it is not of somebody who is gone."""
        since, now = key.rpartition(".")[2], self.key.rpartition(".")[2]
        return not (since.isdigit() and now.isdigit()) or abs(int(now) - int(since)) <= _LOCKED

    def store(self, realm: str, line: str) -> Way[str]:
        """Write the user's row (an empty line deletes it) and give the lock back; why it failed, or empty.

        `db insert` says +OK whatever becomes of it, so the row is read again.
        """
        write = f"db insert/{realm}/{self.user}/{line}" if line else f"db delete/{realm}/{self.user}"
        told = yield [Api(write), Api(select(realm, self.user)), *self.free]
        return "" if told[1] == line else "it was not stored"
