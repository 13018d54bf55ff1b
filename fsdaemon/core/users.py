"""Who takes part in a call: a user of the directory, a caller, somebody whose right may count.

Rule: values only; who somebody is was found out elsewhere (identity.py, history.py).
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.terms.numbers import dialable, is_domain


class User(NamedTuple):
    """A user of the directory. FreeSWITCH finds users and domains whatever their case."""

    name: str
    domain: str

    def same(self, other: User) -> bool:
        """Whether both are the same user."""
        return (self.name.lower(), self.domain.lower()) == (other.name.lower(), other.domain.lower())

    @property
    def folded(self) -> User:
        """The same user with the domain in small letters, so that one user is one key."""
        return self._replace(domain=self.domain.lower())

    def __str__(self) -> str:
        """The name alone: the number that people dial."""
        return self.name


def user_of(text: str, domain: str) -> User:
    """The user that `text` means to somebody in `domain`: `101`, or `101@b.example`."""
    name, _, own = text.partition("@")
    return User(name, own or domain)


def full(number: str, domain: str) -> str:
    """A user's number with its domain, so that it means the same everywhere."""
    return number if "@" in number or not domain else f"{number}@{domain}"


class Person(NamedTuple):
    """Somebody whose right may count: an established user, and the groups and numbers of that user."""

    user: User
    groups: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()  #: aliases, of a user whose name is not a number

    def called(self, other: User) -> bool:
        """Whether `other` is this user, by the name or by a number."""
        return any(other.same(self.user._replace(name=name)) for name in (self.user.name, *self.numbers))


class Caller(NamedTuple):
    """Who is calling."""

    user: User | None  #: the user that FreeSWITCH established; None for anybody from outside
    name: str  #: what phones show; written by a stranger where `user` is None
    number: str  #: the same
    withheld: bool  #: the caller does not want to be shown

    def __str__(self) -> str:
        """The user name or number, as the log shows it."""
        if self.user:
            return self.user.name
        return "anonymous" if self.withheld else (self.number or "unknown")


def plain(user: User) -> bool:
    """Whether nothing in a user's name or domain ends an argument or a list; the domain may be missing."""
    return dialable(user.name) and (not user.domain or is_domain(user.domain))
