"""What is known of users for some time: their phones, and who watches them.

Rule: pure; the clock is the caller's. However many strangers subscribe, it has an end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from fsdaemon.core.users import User

Thing = TypeVar("Thing")


class Known(Generic[Thing]):
    """Things that belong to users, each until its time is over; of too many the oldest are forgotten."""

    def __init__(self, most: int, most_of_one: int) -> None:
        """Remember at most so many, and so many of one user."""
        self._most, self._most_of_one = most, most_of_one
        self._all: OrderedDict[Hashable, tuple[float, User, Thing]] = OrderedDict()
        self._of: dict[User, dict[Hashable, None]] = {}

    def __len__(self) -> int:
        """How many are known."""
        return len(self._all)

    def remember(self, key: Hashable, thing: Thing, user: User, until: float) -> None:
        """`thing` belongs to `user`, as the directory writes that user, in place of what had this `key`."""
        self.forget(key)
        self._all[key] = (until, user, thing)
        of_user = self._of.setdefault(user, {})
        of_user[key] = None
        if len(of_user) > self._most_of_one:
            self.forget(next(iter(of_user)))
        while len(self._all) > self._most:
            self.forget(next(iter(self._all)))

    def forget(self, key: Hashable) -> None:
        """It is no longer so."""
        if key in self._all:
            _, user, _ = self._all.pop(key)
            del self._of[user][key]
            if not self._of[user]:
                del self._of[user]

    def of(self, user: User, now: float) -> list[Thing]:
        """All that belongs to `user`, the oldest first."""
        for key in [key for key in self._of.get(user, ()) if self._all[key][0] < now]:
            self.forget(key)
        return [self._all[key][2] for key in self._of.get(user, ())]

    def users(self) -> list[User]:
        """All who have something."""
        return list(self._of)
