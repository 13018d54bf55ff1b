"""A user's directory entry in one look-up, however many of its variables the rules ask for.

Rule: the rules ask as if there were `user_data` only. Behind mod_xml_curl each of those is a request of its
own, so FreeSWITCH is asked for the whole entry instead, and for a variable only where that does not work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from fsdaemon.terms.channel import Api

_DATA = re.compile(r"user_data (\S+)@(\S+) (var|param) (\S+)")
_EXISTS = re.compile(r"user_exists id (\S+) (\S+)")
_PLACES = {"var": "variables/variable", "param": "params/param"}

Entry = Mapping[tuple[str, str], str]  #: ("var" or "param", name in small letters) → value


def entry(xml: str) -> Entry | None:
    """What find_user_xml answered; None if it is no user.

    FreeSWITCH put in what the user has from the domain and the groups; of several variables of one name it
    takes the last, whatever the case (mod_commands.c user_data_function).
    """
    try:
        user = ElementTree.fromstring(xml.strip())
    except ElementTree.ParseError:
        return None
    if user.tag != "user":
        return None
    return {
        (kind, one.get("name", "").lower()): one.get("value", "")
        for kind, place in _PLACES.items()
        for one in user.iterfind(place)
    }


class Directory:
    """What was looked up for one call."""

    def __init__(self, whole: bool = True) -> None:
        """Nothing was. An entry has the user's password: `whole` ones are for this machine only."""
        self._whole = whole
        self._entries: dict[str, Entry | None] = {}

    def instead(self, questions: Sequence[Api]) -> tuple[Api, ...]:
        """What to ask for these: a whole entry, where some of it is wanted and it was not asked for yet."""
        asked = dict.fromkeys(self._look_up(one) for one in questions if self.answer(one) is None)
        return tuple(asked)

    def learn(self, replies: Mapping[Api, str]) -> None:
        """Take in what came of it; other questions may be among them."""
        for question, reply in replies.items():
            if question.command.startswith("find_user_xml "):
                self._entries[question.command] = entry(reply)

    def answer(self, question: Api) -> str | None:
        """What is known by now; None if that has to be asked."""
        found = _DATA.fullmatch(question.command)
        if found:
            known = self._entries.get(_whole(found[1], found[2]))
            return None if known is None else known.get((found[3], found[4].lower()), "")
        found = _EXISTS.fullmatch(question.command)
        return "true" if found and self._entries.get(_whole(found[1], found[2])) else None

    def _look_up(self, question: Api) -> Api:
        found = _DATA.fullmatch(question.command)
        whole = _whole(found[1], found[2]) if found and self._whole else ""
        return question if not whole or whole in self._entries else Api(whole)


def _whole(user: str, domain: str) -> str:
    return f"find_user_xml id {user} {domain}"
