"""The Diversion header (RFC 5806)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.core.diversion import Diverter, read, write
from fsdaemon.terms.numbers import dialable


def test_newest_first():
    path = (Diverter("100", "always"), Diverter("101", "no_answer"))
    assert write(path, "lab.test") == (
        "<sip:101@lab.test>;reason=no-answer;counter=1;privacy=off, <sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
    )


def test_every_kind_has_a_reason():
    reasons = [
        write((Diverter("1", kind),), "d")
        for kind in ("always", "busy", "no_answer", "not_registered", "redirect")
    ]
    assert [r.split("reason=")[1].split(";")[0] for r in reasons] == [
        "unconditional", "user-busy", "no-answer", "unavailable", "deflection"
    ]  # fmt: skip


def test_nothing_for_nobody_and_a_domain_that_is_unknown():
    assert write((), "lab.test") == ""
    assert write((Diverter("100", "busy"),), "") == "<sip:100@invalid>;reason=user-busy;counter=1;privacy=off"


@pytest.mark.parametrize(
    ("header", "diverters"),
    [
        (
            "<sip:+4970229999@carrier.example>;reason=unconditional",
            [Diverter("+4970229999", "always", "", "carrier.example")],
        ),
        (
            '"Boss, B." <sip:200@b.example;user=phone>;counter=1;reason=no-answer, Reception <tel:+49-30-1>',
            [
                Diverter("+49-30-1", "always", "Reception"),
                Diverter("200", "no_answer", "Boss, B.", "b.example"),
            ],
        ),
        (
            "<SIP:200@b.example>;Privacy=FULL;Reason=User-Busy",
            [Diverter("200", "busy", "", "b.example", True)],
        ),
        ("<sip:200@b.example>;reason=something-new", [Diverter("200", "always", "", "b.example")]),
        ("<sip:${x}@h>, <sip:a!b@h>, <sip:1@h]>, <sip:@h>, <>, sip:1, <mailto:1@h>", []),
        ("<sip:1@h" * 1000, []),
        ("", []),
    ],
)
def test_what_a_gateway_writes(header, diverters):
    assert list(read(header)) == diverters


@given(st.text(st.sampled_from('<>sip:tel@;,="\\ 10+${}!]reason-busyprivacyfull'), max_size=80))
def test_whatever_is_written_is_read_and_written_again_harmlessly(header):
    found = read(header)
    assert all(dialable(step.number) or not any(map(str.isalnum, step.number)) for step in found)
    assert not set(write(found, "lab.test")) & set("!${}[]\"'\\\r\n")


def test_written_and_read_again():
    path = (Diverter("100", "busy", "", "a.example"), Diverter("+4930", "redirect", "", "b.example", True))
    assert read(write(path, "")) == path
