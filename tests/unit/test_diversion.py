"""The Diversion header (RFC 5806)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.core.diversion import Diverter, keep, read, write
from fsdaemon.terms.channel import Headers
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


NOBODY = "anonymous-@anonymous.invalid"


def names(header: str) -> list[str]:
    """Each as NAME number-@host kind; "-": hidden."""
    return [
        f"{f'{one.name} ' if one.name else ''}{one.number}{'-' if one.hidden else ''}@{one.host} {one.kind}"
        for one in read(header)
    ]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        # Cisco CUCM: two lines as FreeSWITCH has them with parse-all-invite-headers; and without angle brackets
        (
            'ARRAY::"Vishnu" <sip:1100@172.16.8.4>;reason=no-answer;privacy=off;screen=yes|:'
            '"Operator" <sip:1408@172.16.8.4>;reason=no-answer;privacy=off;screen=yes',
            ["Operator 1408@172.16.8.4 no_answer", "Vishnu 1100@172.16.8.4 no_answer"],
        ),
        (
            '"Line 1020 Name" sip:1020@172.18.203.99;reason=user-busy;privacy=off;screen=yes',
            ["Line 1020 Name 1020@172.18.203.99 busy"],
        ),
        # OpenSIPS #1228: no blank before the address
        (
            '"84999999999"<sip:84999999999@10.23.0.5:5060>;reason=unconditional;privacy=off;counter=1,'
            '"4999999999"<sip:4999999999@10.23.0.5:5060>;reason=unknown;privacy=off;counter=1',
            ["4999999999 4999999999@10.23.0.5:5060 always", "84999999999 84999999999@10.23.0.5:5060 always"],
        ),
        # FreeSWITCH #2056
        ("<tel:74951667226>;reason=unconditional;counter=1;privacy=off", ["74951667226@ always"]),
        # AudioCodes; Voxbone (with a quote too many)
        ("<sip:654@IPG2Host;user=phone>;reason=user-busy;screen=no;privacy=off", ["654@IPG2Host busy"]),
        ("<tel:+101>;reason=user-busy; counter=1;screen=no; privacy=off", ["+101@ busy"]),
        ('<sip:3225550123@voxbone.com>;counter=1;reason=USER-BUSY"', ["3225550123@voxbone.com busy"]),
        # as the grammar allows
        (
            '"Alice \\"A.\\" Smith, Dr." <sip:alice@10.0.0.1>;reason=no-answer',
            ['Alice "A." Smith, Dr. alice@10.0.0.1 no_answer'],
        ),
        (
            '"Support"<sip:+15145550100@as.example.net;user=phone>;privacy="full";counter=2',
            ["Support +15145550100-@as.example.net always"],
        ),
        ("<sip:+4930555;npdi=yes;rn=+4940@ims.example>;reason=deflection", ["+4930555@ims.example redirect"]),
        ("<tel:5551000;phone-context=+4930>;reason=no-answer", ["5551000@ no_answer"]),
        ("<sip:%2B49%2830%29%20555-1000@h>", ["+49305551000@h always"]),
        ("<sip:+49(0)30/555.10-00@h>", ["+490305551000@h always"]),
        ("sip:+49(30)5551000@h", ["+49305551000@h always"]),
        ("tel:+49-30-5551000;reason=user-busy", ["+49-30-5551000@ busy"]),
        ("sips:200@h:5061;reason=no-answer, <SIPS:201@h>", ["201@h always", "200@h:5061 no_answer"]),
        ("sip:200;x=y@h;reason=user-busy", ["200@h busy"]),
        ("<sip:200:secret@h>", ["200@h always"]),
        ("<sip:200@[2001:db8::1]>;reason=user-busy", ["200@[2001:db8::1] busy"]),
        ("<sip:200@[2001:db8::1]:5060;transport=tcp>", ["200@[2001:db8::1]:5060 always"]),
        ("<sip:200@[::1]x>, <sip:200@[>, <sip:200@]>, <sip:200@h h>", []),
        ("<sip:200@h;reason=user-busy;privacy=full>", ["200-@h busy"]),
        ('<sip:200@h>;x="a;reason=user-busy;privacy=off";reason="no-answer"', ["200@h no_answer"]),
        ('"a <sip:1@x>, b" <sip:200@h>', ["a <sip:1@x>, b 200@h always"]),
        ('"open <sip:200@h>', []),
        # who does not want to be shown
        ("<sip:anonymous@anonymous.invalid>;reason=user-busy", [f"{NOBODY} busy"]),
        ('"Anonymous" <sip:Anonymous@h>', [f"{NOBODY} always"]),
        ("sip:+4930555@anonymous.invalid", [f"{NOBODY} always"]),
        ("<sip:anonymous.invalid>;reason=no-answer", [f"{NOBODY} no_answer"]),
        ("<sip:unavailable@unknown.invalid>", [f"{NOBODY} always"]),
        ("<tel:anonymous>", [f"{NOBODY} always"]),
        ("<sip:200@h>;privacy=name", ["200-@h always"]),
        ("<sip:200@h>;privacy=uri", ["200-@h always"]),
        ("<sip:200@h>;privacy=off;privacy=FULL", ["200-@h always"]),
        ("<sip:200@h>;privacy", ["200-@h always"]),
        ("<sip:200@h>;privacy=OFF", ["200@h always"]),
        # no addresses
        (
            "<sip:h.example>, sip:h.example, <sip:%00@h>, <sip:1%402@h>, <sip:1%3E@h>, <sip:a b@h>, <urn:x>, ,;",
            [],
        ),
    ],
)
def test_what_the_world_writes(header, found):
    assert names(header) == found


def test_only_the_newest_are_read():
    assert [one.number for one in read(", ".join(f"<sip:{n}@h>" for n in range(100, 150)))] == [
        str(n) for n in range(109, 99, -1)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Amt", "Boss, B.", 'say "hi"', "100% A", "%3A", "${x}", "a\\b", "Ж漢字", "<x>", "a;privacy=full", "'",
        "x" * 300,
    ],
)  # fmt: skip
def test_what_is_kept_is_read_at_the_next_hook(name):
    """FreeSWITCH leaves what looks encoded as it is, and the channel data is decoded once."""
    path = (Diverter("100", "busy", "", "a.example"), Diverter("+4930", "no_answer", name, "[::1]", True))
    kept = keep(path)
    assert not set(kept) & set("!$'\"\\\r\n\x1f{}")
    shown = name[:60].replace("\\", "").replace('"', "'").strip()
    assert read(Headers(f"x: {kept}".encode()).get("x")) == (path[0], path[1]._replace(name=shown))


def test_what_is_kept_is_bounded():
    path = tuple(Diverter(f"{n}" * 120, "busy", "ü" * 500, "h" * 250) for n in range(1, 10))
    assert len(keep(path)) <= 1500
    found = read(keep(path).replace("%22", '"'))
    assert (found[0].number, found[-1].number) == (path[0].number, path[-1].number)
