"""A user's own exceptions: who may still get through when the user forwards calls.

Rule: pure. The administrator writes a list into the directory (`call_forward_except`), the user keeps another
one by codes (service code 64): a row of FreeSWITCH's db, with the newest number first: `104,+491701234567`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fsdaemon.config.checks import GROUP
from fsdaemon.config.problems import Wrong
from fsdaemon.core.questions import Way
from fsdaemon.core.rows import AWAY, LONGEST, Lock, count, exceptions, select
from fsdaemon.terms.channel import Api
from fsdaemon.terms.numbers import as_dialled, dialable, digits, looks_outside, same

SERVICE = "64"  # 3GPP TS 22.030 annex B assigns it to nothing
DIRECTORY, DIALPLAN, CODE = "directory entry", "dialplan", "code"  # where an entry comes from
ADD, REMOVE, CLEAR, QUERY = "add", "remove", "clear", "query"
NUMBER = r"\+?[\w.-]{1,32}"  # as it may stand in a code
MOST = 20  # entries that a user may keep by codes
_IS_GROUP = "group:"
_LONGEST_LIST, _MOST_LISTED = 4000, 100  # characters and entries of a list in the directory
_NEITHER = "neither a user, nor a number, nor a group (group:NAME)"
_SHOWN = 60  # characters of what is wrong
_E164 = 15  # digits of a public number at most (ITU-T E.164 section 6.1)
_ENOUGH = 7  # digits of a whole number; `+49` alone is the beginning of one

_SPEECH = r"(?:\*1[01])?"  # TS 22.030 annex C: a basic service behind the number
_ONE = re.compile(rf"\*({NUMBER}){_SPEECH}#?", re.ASCII)
_ONE_OFF = re.compile(rf"\*({NUMBER})\*\*0", re.ASCII)
_BARE = re.compile(r"(?:\*\*?1[01])?#?")
_STARS = {"**2": QUERY, "**9": CLEAR}  # for phones that send no "#"
_PREFIXES = {"##": CLEAR, "*#": QUERY}


class Entry(NamedTuple):
    """Somebody who may get through."""

    text: str  #: as it was written or dialled
    name: str = f"*{SERVICE}*"  #: the variable that it stands in, or the code
    place: str = CODE  #: where that is
    group: str = ""  #: the name, where a group is meant

    @property
    def number(self) -> str:
        """The user or the number as it is dialled; empty for a group."""
        return "" if self.group else as_dialled(self.text)


class Own(NamedTuple):
    """The own exceptions of a callee."""

    entries: tuple[Entry, ...] = ()
    unread: str = ""  #: what is wrong with the list; empty nearly always
    caller: Entry | None = None  #: the entry that is the number of this outside caller

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups among them."""
        return tuple(entry.group for entry in self.entries if entry.group)


def listed(text: str, name: str, place: str = DIRECTORY) -> Own:
    """What an administrator wrote into the variable `name`. Never raises.

    Commas separate, and blanks are part of an entry; without a comma blanks separate; `^^:` in front names
    another separator, as in FreeSWITCH's own lists.
    """
    words = _words(text[:_LONGEST_LIST])
    if len(text) > _LONGEST_LIST:
        words = words[:-1]  # it may be cut
    entries = {word: _entry(word, name, place) for word in words[:_MOST_LISTED]}
    unread = next((f"{word[:_SHOWN]!r} is {_NEITHER}" for word, entry in entries.items() if not entry), "")
    if len(text) > _LONGEST_LIST or len(words) > _MOST_LISTED:
        unread = unread or f"only {_MOST_LISTED} entries and {_LONGEST_LIST} characters are read"
    return Own(tuple(filter(None, entries.values())), unread)


def _words(text: str) -> list[str]:
    if text.startswith("^^") and len(text) > 2:
        words = text[3:].split(text[2])
    elif "," in text:
        words = text.split(",")
    else:
        words = _by_blanks(text)
    return list(filter(None, map(str.strip, words)))


def _by_blanks(text: str) -> list[str]:
    """`104 +49 170 1234567` are two: a plus with too few digits for a number takes the digits that follow."""
    words: list[str] = []
    for word in text.split():
        before = words[-1] if words else ""
        begun = before.startswith("+") and len(digits(before.split()[0])) < _ENOUGH
        if begun and len(before) < LONGEST and re.fullmatch(r"[0-9()/.-]+", word):
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def _entry(word: str, name: str, place: str) -> Entry | None:
    if word.startswith(_IS_GROUP):
        try:
            return Entry(word, name, place, GROUP(word[len(_IS_GROUP) :].strip()))
        except Wrong:
            return None
    number = as_dialled(word)
    too_long = number.startswith("+") and len(digits(number)) > _E164
    return Entry(word, name, place) if dialable(number) and not too_long else None


def dialled(line: str) -> tuple[Entry, ...]:
    """The list that a user keeps by codes, from its row. Never raises."""
    return tuple(map(Entry, _numbers(line)))


def _numbers(line: str) -> tuple[str, ...]:
    return tuple(filter(dialable, line[:LONGEST].split(",")))[:MOST]


def command(domain: str, user: str) -> str:
    """The command that reads the row."""
    return select(exceptions(domain), user)


# --- the codes ------------------------------------------------------------------------------------------


def parse(prefix: str, rest: str) -> tuple[str, str] | None:
    """What is to be done, and the number, by what stands before and behind the service code.

    None if it is not a code.
    """
    if prefix in _PREFIXES:
        return (_PREFIXES[prefix], "") if _BARE.fullmatch(rest) else None
    off = _ONE_OFF.fullmatch(rest)
    if prefix == "*" and (rest in _STARS or off):
        return (REMOVE, off[1]) if off else (_STARS[rest], "")
    one = _ONE.fullmatch(rest)
    return (REMOVE if prefix == "#" else ADD, one[1]) if one else None


class Changed(NamedTuple):
    """What became of the list."""

    numbers: tuple[str, ...] = ()
    why: str = ""  #: why it was not changed or cannot be told; empty if it was


def changed(do: str, number: str, numbers: tuple[str, ...], ways: tuple[str, str, str]) -> Changed:
    """The list after a code; `ways` is how outside numbers are compared (`Config.numbers.ways`)."""
    if do == QUERY:
        return Changed(numbers)
    if do == CLEAR:
        return Changed()
    kept = tuple(one for one in numbers if not _same(one, number, ways))
    if do == REMOVE:
        return Changed(kept, f"{number} is not in the list" if len(kept) == len(numbers) else "")
    new = (number, *kept)
    if len(new) > MOST or len(",".join(new)) > LONGEST:
        return Changed(numbers, f"the list is full (at most {MOST} entries and {LONGEST} characters)")
    return Changed(new)


def _same(one: str, other: str, ways: tuple[str, str, str]) -> bool:
    region, prefix, _ = ways
    outside = looks_outside(one, prefix) and looks_outside(other, prefix)
    return one.lower() == other.lower() or (outside and same(one, other, region, prefix))


def change(do: str, number: str, domain: str, lock: Lock, ways: tuple[str, str, str]) -> Way[Changed]:
    """The way of one code, for the user and domain of `lock`. What it says is busy may be tried again."""
    realm = exceptions(domain)
    first = [Api(count(realm))] if do == QUERY else lock.take()
    who = [Api(f"user_data {number}@{domain} attr id")] if dialable(number) else []
    answers = yield [*first, Api(select(realm, lock.user)), *who]
    told, numbers = answers[len(first) - 1], _numbers(answers[len(first)])
    if do == QUERY:
        return Changed(numbers, "" if told.isdigit() else AWAY)
    found = answers[-1] if who else ""
    result = Changed(numbers, lock.why_not(told) or _why_not(do, number, found, domain, lock.user, ways))
    if not result.why:
        which = number if do == REMOVE and number in numbers else found or number
        result = changed(do, which, numbers, ways)
    if result.why:
        yield lock.free
        return result
    return result._replace(why=(yield from lock.store(realm, ",".join(result.numbers))))


def _why_not(do: str, number: str, found: str, domain: str, user: str, ways: tuple[str, str, str]) -> str:
    """Why this number cannot be added; `found` is the user who has it."""
    if do != ADD:
        return ""
    if found.lower() == user.lower():
        return f"{number} is the user's own number"
    if not (dialable(found) if found else dialable(number) and looks_outside(number, ways[1])):
        return f"{number} is neither a user of {domain} nor an outside number"
    return ""
