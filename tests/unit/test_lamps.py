"""Lamps: what is watched, when it is on, what makes it right, and who may watch."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.config import reader
from fsdaemon.core import lamps
from fsdaemon.core.features import Forward
from fsdaemon.core.known import Known
from fsdaemon.core.lamps import Lamp
from fsdaemon.core.questions import drive
from fsdaemon.core.users import User
from fsdaemon.terms.channel import Api, Headers

BOSS, VERA = User("1000", "lab.test"), User("1005", "lab.test")


def probe(**headers: str) -> Headers:
    own = {
        "proto": "forward", "to": "forward+1000@lab.test", "from": "1005@lab.test", "expires": "300",
        "sub-call-id": "x", "sip_profile": "internal",
    }  # fmt: skip
    names = {
        name.replace("from_", "from").replace("sub_", "sub-").replace("call_", "call-"): headers[name]
        for name in headers
    }
    return Headers("\n".join(f"{name}: {quote(value)}" for name, value in {**own, **names}.items()).encode())


@pytest.mark.parametrize(
    ("to", "lamp"),
    [
        ("forward+1000@lab.test", Lamp("1000", "", "lab.test")),
        ("forward+1000/1001@lab.test", Lamp("1000", "1001", "lab.test")),
        ("forward+alice.b@192.0.2.1", Lamp("alice.b", "", "192.0.2.1")),
        ("forward+1000/@lab.test", None),  # FreeSWITCH takes what follows a second "+" for a host
        ("forward+1000/a b@lab.test", None),
        ("forward+@lab.test", None),
        ("forward+/1001@lab.test", None),
        ("forward+1000", None),
        ("forward+1000@", None),
        ("forward+1000@b@lab.test", None),
        ("forward@lab.test", None),
        ("dnd+1000@lab.test", None),
        ("1000@lab.test", None),
        ("", None),
    ],
)
def test_what_is_watched(to: str, lamp: Lamp | None) -> None:
    assert lamps.lamp_of(to) == lamp
    found = lamps.watcher(probe(to=to))
    assert (found.lamp if found else None) == lamp


@pytest.mark.parametrize(
    "headers",
    [
        probe(proto="sip"),
        probe(sub_call_id=""),
        probe(sub_call_id="a\nb"),
        probe(from_=""),
        probe(from_="1005"),
    ],
)
def test_whom_nobody_can_answer(headers: Headers) -> None:
    assert lamps.watcher(headers) is None


@given(st.text(), st.text(), st.text())
def test_whatever_a_stranger_writes(to: str, from_: str, call_id: str) -> None:
    for text in (to, f"forward+{to}@lab.test", f"forward+1000/{to}@lab.test", f"forward+1000@{to}"):
        one = lamps.watcher(probe(to=text, from_=from_, sub_call_id=call_id))
        if one:
            event = lamps.shown(one.lamp, True, "token", one.call_id)
            assert not any(set(value) & set("\n\r") for value in event.headers.values())
            assert not set(str(one.lamp)) & set("<>&\"' @")


STATE = {
    "always": Forward("1001", "1001"),
    "busy": Forward("1002", "1002"),
    "no_answer": Forward("", "1003", 20),
    "not_registered": Forward(),
}


@pytest.mark.parametrize(
    ("number", "kinds", "on"),
    [
        ("", ("always",), True),
        ("1001", ("always",), True),
        ("1002", ("always",), False),
        ("1002", ("always", "busy"), True),
        ("", ("no_answer",), False),
        ("1003", ("no_answer",), False),
        ("", ("not_registered", "busy"), True),
        ("", (), False),
    ],
)
def test_when_it_is_on(number: str, kinds: tuple[str, ...], on: bool) -> None:
    assert lamps.is_on(STATE, number, kinds) is on


def test_what_makes_it_right_during_calls() -> None:
    lamp = Lamp("1000", "1001", "lab.test")
    one = lamps.shown(lamp, True, "token", "abc").headers
    assert (one["call-id"], one["unique-id"], one["answer-state"]) == ("abc", "token", "confirmed")
    assert not one["from"].startswith("1000")  # or mod_sofia would tell the state of that user's call
    assert one["from"].endswith("@lab.test")
    off = lamps.shown(lamp, False, "token", "abc").headers
    assert "unique-id" not in off  # off, whatever calls there are
    everywhere = lamps.shown(lamp, True, "token").headers
    assert everywhere["from"] == "1000/1001@lab.test"
    assert "call-id" not in everywhere
    assert {one["proto"], off["proto"], everywhere["proto"]} == {"forward"}


@pytest.mark.parametrize(
    ("watchers", "who", "proven", "allowed"),
    [
        ('"domain"', VERA, False, True),
        ('"domain"', User("1005", "LAB.test"), False, True),
        ('"domain"', User("1005", "b.test"), True, False),
        ('"domain"', None, False, False),
        ('"nobody"', BOSS, True, False),
        ('"user"', BOSS, True, True),
        ('"user"', BOSS, False, False),
        ('"user"', VERA, True, False),
        ('["1005"]', VERA, True, True),
        ('["1005"]', VERA, False, False),
        ('["1005"]', BOSS, True, True),
        ('["1005"]', User("1005", "b.test"), True, False),
        ('["1005@b.test"]', User("1005", "b.test"), True, True),
        ('["group:board"]', VERA, True, True),
        ('["group:sales"]', VERA, True, True),
        ('["group:sales"]', VERA, False, False),
        ('["group:other"]', VERA, True, False),
        ("[]", VERA, True, False),
    ],
)
def test_who_may_watch(watchers: str, who: User | None, proven: bool, allowed: bool) -> None:
    config = reader.load(f"[codes]\nlamp_watchers = {watchers}\n")
    known = {"in_group 1005@lab.test,board": "true", "user_data 1005@lab.test var callgroup": "x, sales"}

    def ask(questions: Sequence[Api]) -> list[str]:
        return [known.get(question.command, "") for question in questions]

    assert drive(lamps.may_watch(who, proven, BOSS, config), ask) is allowed


def test_what_is_known_has_an_end() -> None:
    known: Known[str] = Known(3, 2)
    for number, key in enumerate("abc"):
        known.remember(key, key, BOSS, 10.0 + number)
    assert known.of(BOSS, 0) == ["b", "c"]
    known.remember("d", "d", VERA, 99)
    known.remember("e", "e", VERA, 99)
    assert (known.of(BOSS, 0), known.of(VERA, 0)) == (["c"], ["d", "e"])
    assert set(known.users()) == {BOSS, VERA}
    assert known.of(BOSS, 12.5) == []
    assert known.users() == [VERA]
    known.remember("d", "new", BOSS, 99)
    known.forget("nothing")
    assert (known.of(BOSS, 0), known.of(VERA, 0), len(known)) == (["new"], ["e"], 2)
