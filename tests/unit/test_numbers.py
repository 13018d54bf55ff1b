"""Numbers: dialable, outside, the same, masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.terms.numbers import as_dialled, dialable, looks_outside, masked, same

GERMAN = [
    "+491701234567",
    "01701234567",
    "00491701234567",
    "+49 170 1234567",
    "0170/123 45-67",
    "001701234567",
]


@pytest.mark.parametrize("number", GERMAN)
def test_the_same_in_germany(number):
    assert same(number, "+49 170 1234567", "DE", "0")


@pytest.mark.parametrize(
    "number", ["+491701234568", "+431701234567", "1701234567x", "101", "", "anonymous", "٠١٧٠١٢٣٤٥٦٧"]
)
def test_not_the_same(number):
    assert not same(number, "+49 170 1234567", "DE", "0")


def test_the_trunk_prefix_only_where_it_is_set():
    assert same("001701234567", "01701234567", "DE", "0")
    assert not same("9001701234567", "+491701234567", "DE")
    assert same("901701234567", "01701234567", "DE", "9")


def test_without_a_region():
    assert same("0170 123", "0170123")
    assert not same("+49170123", "0170123")
    assert not same("12", "12")
    assert not same("", "")


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["", "DE", "US"]))
def test_any_text(one, other, region):
    assert same(one, other, region, "0") == same(other, one, region, "0")


@pytest.mark.parametrize("text", ["101", "+49170", "j.doe", "a_b-c", "*21#", "101@b.example"])
def test_dialable(text):
    assert dialable(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "101,102", "${x}", "user/101", "101@", "@b", "[a=b]1", "-", "*", "x" * 129, "1\n2", "١"],
)
def test_not_dialable(text):
    assert not dialable(text)


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("+49 (170) 123-45 67", "+491701234567"),
        ("0170/1234567", "01701234567"),
        ("101", "101"),
        ("j.doe", "j.doe"),
        ("a b", "a b"),
        ("101,102", "101,102"),
        ("1 2", "1 2"),
    ],
)
def test_as_dialled(written, dialled):
    assert as_dialled(written) == dialled


def test_outside():
    assert not looks_outside("+1")  # three digits at least
    assert looks_outside("+4930")
    assert looks_outside("0301234")
    assert not looks_outside("101")
    assert not looks_outside("sales-department")
    assert looks_outside("0555", "0")
    assert not looks_outside("0", "0")


def test_masked():
    assert masked("+491701234567") == "+49170*****67"
    assert masked("101") == "101"
    assert masked("0170 1234567") == "0170 1****67"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5550199", "5****99"),  # a local number: four digits are hidden at least
        ("Kai +49 (170) 123-4567, mobil", "Kai +49 (170) ***-**67, mobil"),
        ("Kai %2B49%20170%201234567", "Kai %2B49%20170%20*****67"),  # as it stands in a command
        ("٠١٧٠١٢٣٤٥٦٧", "٠١٧٠١****٦٧"),  # digits of another script are digits
        ("100@192.168.0.1", "100@192.168.0.1"),
    ],
)
def test_masked_wherever_it_stands(text, shown):
    assert masked(text) == shown


@given(st.text(max_size=60))
def test_masking_keeps_the_length(text):
    assert len(masked(text)) == len(text)
