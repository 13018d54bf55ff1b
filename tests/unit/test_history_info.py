"""The History-Info header (RFC 7044), and what it says beside a Diversion."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.core import diversion
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.history_info import read, write
from fsdaemon.core.incoming import merged
from fsdaemon.terms.kinds import KINDS

H = "h.example"
BOSS, VERA = ("+49305551000", H, "always", False), ("+49305551003", H, "busy", False)


def test_oldest_first_and_the_cause_at_the_entry_that_it_went_to():
    assert write([BOSS, VERA], "+49170777", "t.example") == (
        "<sip:+49305551000@h.example>;index=1, "
        "<sip:+49305551003@h.example;cause=302>;index=1.1;mp=1, "
        "<sip:+49170777@t.example;cause=486>;index=1.1.1;mp=1.1"
    )


def test_who_is_hidden():
    assert write([(*BOSS[:3], True), (*VERA[:3], True)], "1", "") == (
        "<sip:+49305551000@h.example?Privacy=history>;index=1, "
        "<sip:+49305551003@h.example;cause=302?Privacy=history>;index=1.1;mp=1, "
        "<sip:1@invalid;cause=486>;index=1.1.1;mp=1.1"
    )


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("always", "302"), ("busy", "486"), ("no_answer", "408"), ("not_registered", "503"),
        ("redirect", "480"), ("nonsense", "404"),
    ],
)  # fmt: skip
def test_causes(kind, cause):
    assert f";cause={cause}>" in write([("1", H, kind, False)], "2", H)


@pytest.mark.parametrize("number", ["", "a b", "1>", "1@evil", "1;x", "${x}", "1!2", "ü"])
def test_nothing_that_could_end_a_header(number):
    assert write([(number, H, "busy", False)], "2", H) == ""
    assert write([BOSS], number, H) == ""
    assert write([], "2", H) == ""


def test_a_code_is_escaped():
    assert "<sip:*21%23@" in write([("*21#", H, "busy", False)], "2", H)


@given(st.lists(st.tuples(st.from_regex(r"\+?[0-9*#]{1,9}", fullmatch=True), st.just(H), st.sampled_from(list(KINDS)), st.booleans()), min_size=1, max_size=10))  # fmt: skip
def test_what_is_written_is_read(path):
    found = read(write(path, "2", H))
    assert [(one.number, one.host, one.kind, one.hidden) for one in found if one.number.strip("*#+")] == [
        one for one in path if one[0].strip("*#+")
    ] or not all(one[0].strip("*#+") for one in path)


def names(value: str) -> str:
    return " ".join(f"{one.number}{'-' if one.hidden else ''}/{one.kind}" for one in read(value))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        # RFC 7044 and RFC 7544: the cause stands where the call went.
        ("<sip:1@h>;index=1, <sip:2@h;cause=302>;index=1.1;mp=1", "1/always"),
        ("<sip:1@h>;index=1,<sip:2@h;cause=486>;index=1.1,<sip:3@h;cause=408>;index=1.1.1", "1/busy 2/no_answer"),
        ("<sip:2@h;cause=487>;index=1.1;mp=1, <sip:1@h>;index=1", "1/redirect"),  # the wrong way round
        ("<sip:1@h?Privacy=history>;index=1, <sip:2@h;cause=503>;index=1.1;mp=1", "1-/not_registered"),
        ("<sip:1@h?privacy=none>;index=1, <sip:2@h;cause=404>;index=1.1;mp=1", "1/always"),
        ("<sip:1@h?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1, <sip:2@h;cause=302>;index=1.1", "1-/always"),
        ("<sip:anonymous@anonymous.invalid>;index=1, <sip:2@h;cause=302>;index=1.1", "anonymous-/always"),
        # a contact of the same user is not the diverter, nor is another name of the user
        ("<sip:1@h>;index=1,<sip:l1@10.0.0.1?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1,<sip:2@h>;index=1.2;mp=1.1", "1/always"),
        ("<sip:1@h>;index=1, <sip:l1@10.0.0.1?Reason=SIP%3Bcause%3D408>;index=1.1;rc=1, <sip:l2@10.0.0.2>;index=1.2;rc=1", ""),
        ("<sip:1@h?Reason=SIP%3Bcause%3D302>;index=1, <sip:1@h2>;index=1.1;np=1", ""),
        ("<sip:1@h>;index=1, <sip:9@h;cause=486>;index=1.1, <sip:2@h;cause=302>;index=1.2;mp=1", "1/busy 1/always"),
        # RFC 8119: a service number that was translated; and no diversion at all
        ("<sip:+49800@h>;index=1, <sip:2@h;cause=380>;index=1.1;mp=1", ""),
        ("<sip:1@h>;index=1, <sip:2@h>;index=1.1", ""),
        ("<sip:+46123456789@provider.com>;index=1", ""),
        # RFC 4244, AudioCodes: the Reason of the one who sent it on
        ("<sip:1@h?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%20Here%22>;index=1, <sip:2@h>;index=2", "1/busy"),
        ("<sip:1@h?Reason=Q.850%3Bcause%3D17>;index=1, <sip:2@h>;index=2", "1/busy"),
        # Avaya Session Manager, CS1000
        (
            '<sip:7521@avaya.com>;index=1,"Original"<sip:7521@avaya.com?Reason=SIP%3Bcause%3D302%3Btext%3D'
            '%22Moved%20Temporarily%22&Reason=Redirection%3BCause%3DCFI>;index=1.1,"Final"<sip:9@avaya.com>;index=1.2',
            "7521/always",
        ),
        (
            "<sip:7521;phone-context=cdp.udp@testbed1.com;user=phone?reason=%20sip%3bcause%3d302%3btext%3d"
            "%22Moved%22>; index=1, <sip:5522;phone-context=cdp.udp@testbed1.com;user=phone>;index=2",
            "7521/always",
        ),
        # 3GPP TS 24.604 before release 8: the Reason where it went, not escaped
        (
            '<sip:UserB@ims.example.com>; index=1, <sip:UserC@ims.example.com?Reason=SIP;cause=302;text="CDIV">; '
            'index=1.1, <sip:UserD@ims.example.com?Reason=SIP;cause=486;text="CDIV">; index=1.2',
            "UserB/always UserC/busy",
        ),
        # Exchange; and one who writes the diverter only
        (
            "<sip:10001@10.176.10.194;user=phone?Reason=SIP%3Bcause%3D487%3Btext%3DTimeout>;index=1,"
            "<sip:10000@10.176.10.194;user=phone?Reason=SIP>;index=1.1",
            "10001/redirect",
        ),
        ("<sip:+3197010267609@sip.didww.com?Reason=SIP%3Bcause%3D302>;index=1", "+3197010267609/always"),
        # FreeSWITCH: two lines, joined, or in an array; the escapes are gone once
        ("ARRAY::<sip:1@h>;index=1|:<sip:2@h;cause=302>;index=1.1, <sip:3@h;cause=486>;index=1.1.1", "1/always 2/busy"),
        ("<sip:1@h?Privacy=history&Reason=SIP;cause=302>;index=1, <sip:2@h;cause=302>;index=1.1", "1-/always"),
        # absurd indexes: as they stand there
        ("<sip:1@h>, <sip:2@h;cause=302>", "1/always"),
        ("<sip:1@h>;index=1, <sip:2@h;cause=302>;index=1", "1/always"),
        (f"<sip:1@h>;index={'1.' * 5000}1, <sip:2@h;cause=302>;index={'9' * 5000}", "1/always"),
        ("<sip:1@h>;index=٣.x, <sip:2@h;cause=302>;index=-1;mp=-1", "1/always"),
        ("<sip:1@h>;index=1;mp=1.1, <sip:2@h;cause=302>;index=1.1;mp=1.1", "1/always"),
        ("<sip:2@h;cause=302>;index=1.1;mp=1", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)  # fmt: skip
def test_what_others_write(header, found):
    assert names(header) == found


def test_of_many_the_newest():
    header = ", ".join(f"<sip:{n}@h;cause=302>;index={n}" for n in range(1, 90))
    assert [one.number for one in read(header)] == [str(n) for n in range(79, 89)]


@pytest.mark.parametrize(
    "piece",
    [
        "<sip:1@h", '"', '\\"', "<sip:1@h>;index=1,", ";index=1.1", "<sip:1@h?a=b&", "&Reason=SIP", "%22", "<", ",",
        '<sip:1@h>;x="', "<sip:1@h>;rc=1;index=1,", " ", "sip:1@h;", "1.",
    ],
)  # fmt: skip
def test_in_no_time(piece):
    started = time.process_time()
    for text in (piece * 100_000, "<sip:1@h>;index=" + piece * 100_000, "<sip:1@h?" + piece * 100_000 + ">"):
        read(text)
        diversion.read(text)
    assert time.process_time() - started < 2


# --- beside a Diversion ---


def step(number: str, kind: str = "always", name: str = "", hidden: bool = False) -> Diverter:
    return Diverter(number, kind, name, "h", hidden)


NOBODY = Diverter("anonymous", "always", "", "anonymous.invalid", True)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([step("1")], [], [step("1")]),
        ([], [step("1")], [step("1")]),
        ([step("+49301")], [step("+49301")], [step("+49301")]),
        ([step("0302000", name="Amt")], [step("+49302000")], [step("0302000", name="Amt")]),
        ([step("+49302000")], [step("0049302000", name="Amt")], [step("+49302000", name="Amt")]),
        ([step("200")], [step("+49301"), step("200")], [step("+49301"), step("200")]),
        ([step("+49301"), step("200")], [step("200", hidden=True)], [step("+49301"), step("200", hidden=True)]),
        ([step("+49301")], [step("+49402")], [step("+49402"), step("+49301")]),
        ([step("+49301"), step("+49302")], [step("+49302"), step("+49303")], [step("+49301"), step("+49302"), step("+49303")]),
        ([NOBODY], [step("+49301")], [step("+49301", hidden=True)]),
        ([step("+49301")], [NOBODY], [step("+49301", hidden=True)]),
        ([NOBODY], [NOBODY], [NOBODY]),
    ],
)  # fmt: skip
def test_each_counts_once(one, other, both):
    assert list(merged(tuple(one), tuple(other))) == both
