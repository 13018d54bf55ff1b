"""The label, and how it survives FreeSWITCH."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsdaemon.core import label as display
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.label import clean
from fsdaemon.core.mod_sofia import encode, encode_uncut, shown_by_mod_sofia
from fsdaemon.core.policy import decide
from fsdaemon.esl.fake_switch import Switch
from tests.facts import call, config, inside, outside

NASTY = st.text(
    st.one_of(st.characters(), st.sampled_from(":/@\"%$\\{}'<>\r\n\t\u2028,;!^[] 0AaFf")), max_size=60
)


@given(NASTY)
@example("100% A:B/C@D ${x} \\")
@example("_undef_")
@example("\\")
@example("% 4")
def test_the_phone_shows_exactly_the_text(text: str) -> None:
    text = clean(text)
    assert shown_by_mod_sofia(encode(text)) == text


@given(NASTY)
def test_and_nothing_of_it_acts_on_the_way(text: str) -> None:
    """Set over the socket, then put into leg variables: not expanded, not split, not trimmed."""
    encoded = encode(clean(text))
    switch = Switch(b"")
    assert switch.expand(encoded) == encoded
    assert not switch.played.expanded
    assert not set(encoded) & set("'\\,;!^[]{}\"$\x1f\n\r|=")
    assert encoded == encoded.strip(" ")


@given(NASTY)
@example("100% A:B/C@D ${x} \\")
@example("a:_:b")
@example("_undef_")
def test_a_name_that_is_not_cut_is_shown_exactly_too(text: str) -> None:
    """It is in a list of leg variables as written, and is the argument of an application."""
    text = clean(text)
    encoded = encode_uncut(text)
    assert shown_by_mod_sofia(encoded, cut=False) == text
    switch = Switch(b"")
    assert switch.expand(encoded) == encoded
    assert not set(encoded) & set("'\\!^[]|{}\"$\x1f\n\r=&<>;")
    assert ":_:" not in encoded
    assert encoded == encoded.strip(" ")


def test_as_little_as_possible_is_encoded() -> None:
    for text in ("Uml. fuer Chefin, Cora: +49 (30) 123-45", "a/b@c", "Jürgen Größe #1*"):
        assert encode_uncut(text) == text
    assert (
        encode_uncut("Müller & Söhne <x>") == "Müller %26 Söhne %3Cx%3E"
    )  # mod_sofia_presence: XML as it is


@pytest.mark.parametrize(
    ("value", "shown"),
    [  # measured on FreeSWITCH 1.10.12: set by set_profile_var in execute_on_originate
        ("a, b", "a, b"),
        ("a:b/c@d", "a:b/c@d"),
        ("x::y", "x::y"),
        ("Uml. fuer Chefin: Kai", "Uml. fuer Chefin: Kai"),
        ("A%26B", "A&B"),
        ('A"B', "B"),
    ],
)
def test_the_model_of_a_name_that_is_not_cut(value: str, shown: str) -> None:
    assert shown_by_mod_sofia(value, cut=False) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [  # measured on FreeSWITCH 1.10.12
        ("Uml. fuer Chefin: Kai", " Kai"),
        ("A@B", "A"),
        ('A "quote" x', "quote"),
        ("Uml. fuer Chefin%3A Kai", "Uml. fuer Chefin: Kai"),
        ("100%25 A%2FB%40C Müller", "100% A/B@C Müller"),
        ("x%0Ay", None),
        ("a, b; c|d [x]{y} apos'trophe", "a, b; c|d [x]{y} apos'trophe"),
    ],
)
def test_the_model_is_mod_sofia(value: str, shown: str | None) -> None:
    assert shown_by_mod_sofia(value) == shown


@given(NASTY)
def test_clean_is_one_line(text: str) -> None:
    cleaned = clean(text)
    assert not set(cleaned) & set('\r\n\t\u2028\u2029\x00"\u202e')
    assert clean(cleaned) == cleaned
    assert len(clean(text * 20)) <= 200


def test_emoji_keep_their_joiners() -> None:
    assert clean("👩‍💼 Boss") == "👩‍💼 Boss"


def shown(made, text="", **forwards):
    configuration = config(text)
    return display.decide(made, decide(made, configuration), configuration).text


PATH = (Diverter("100", "always", "Cora Chefin"),)


def test_label():
    kai = inside("102", "Kai Kollege")
    assert shown(call(kai, always="101", callee_name="Cora Chefin")) == "Uml. fuer Cora Chefin: Kai Kollege"
    assert shown(call(kai, always="101")) == "Uml. fuer 100: Kai Kollege"
    assert shown(call(kai)) is None
    assert shown(call(kai, "101", path=PATH)) == "Uml. fuer Cora Chefin: Kai Kollege"


def test_a_chain_names_the_first_and_the_last():
    path = (*PATH, Diverter("104", "busy", "Zoe"), Diverter("105", "no_answer", ""))
    assert shown(call(inside("102", "Kai"), "101", path=path)) == "Uml. fuer Cora Chefin ueber 105: Kai"
    text = '[display]\nchain = "{called} > {diverter} > {caller}"'
    assert shown(call(inside("102", "Kai"), "101", path=path), text) == "Cora Chefin > 105 > Kai"


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (outside("+4930123", ""), "+4930123"),
        (outside("", ""), "Anonym"),
        (outside("+4930123", "Max", withheld=True), "Anonym"),
        (outside("+4930123", "\r\n\t"), "+4930123"),
        (outside("+4930123", "Uml. fuer Bob: Max"), "Max"),
        (outside("+4930123", "Uml. fuer Bob ueber X: Uml. fuer Y: Max"), "Max"),
        (inside("102", "102"), "102"),
    ],
)
def test_caller(caller, expected):
    assert shown(call(caller, "101", path=PATH)) == f"Uml. fuer Cora Chefin: {expected}"


def test_kinds():
    path = (Diverter("100", "busy", "Cora"),)
    assert shown(call(inside("102"), "101", path=path), '[display]\nkinds = ["always"]') is None
    assert shown(call(inside("102"), "101", path=path), '[display]\nkinds = ["busy"]')


def test_a_forward_out_of_the_house_has_no_label():
    assert shown(call(inside("102"), always="+49301234567")) is None
    assert shown(call(inside("102"), always="0301234567")) is None


def test_an_empty_label_is_none():
    assert shown(call(inside("102"), "101", path=PATH), '[display]\nlabel = ""') is None


def test_max_length_cuts_the_caller_first():
    path = (Diverter("100", "always", "Cora Chefin"),)
    made = call(inside("102", "Kai Kollege"), "101", path=path)
    assert shown(made, "[display]\nmax_length = 27") == "Uml. fuer Cora Chefin: Kai"
    assert shown(made, "[display]\nmax_length = 22") == "Uml. fuer Cora Chefin:"
    assert shown(made, "[display]\nmax_length = 14") == "Uml. fuer Cor:"
    assert shown(made, "[display]\nmax_length = 5") == "Uml."
    chain = (Diverter("104", "always", "Zoe Zentrale"), *path)
    made = call(inside("102", "Kai Kollege"), "101", path=chain)
    assert shown(made, "[display]\nmax_length = 40") == "Uml. fuer Zoe Zentral ueber Cora Chefin:"


def test_max_length_counts_characters_not_bytes():
    made = call(inside("102", "Ж" * 50), "101", path=(Diverter("100", "always", "Jürgen"),))
    label = shown(made, "[display]\nmax_length = 20")
    assert label == "Uml. fuer Jürgen: ЖЖ"
    assert shown_by_mod_sofia(encode(label)) == label


def test_outside_where_it_is_wanted():
    text = "[display]\noutside = true"
    assert shown(call(inside("102", "Kai"), always="+49301234567"), text) == "Uml. fuer 100: Kai"
