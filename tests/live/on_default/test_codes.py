"""Forwards dialled on the phone: what is refused, who may not dial, and what happens when something is missing."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time

import pytest

from tests.live.handset import DONE, REFUSED, Handset, both_at_once, confirmed_is_in_effect, dial, line


@pytest.fixture
def alias(codes):
    """4711 is another number of the boss."""
    directory = codes.directory / "directory.xml"
    text = directory.read_text("utf-8")
    directory.write_text(text.replace('<user id="100">', '<user id="100" number-alias="4711">'), "utf-8")
    codes.api("reloadxml")


@pytest.mark.parametrize(
    "code",
    [
        "*21*100#",  # herself
        "*21*4711#",  # herself, by her alias
        "*21*106#",  # nobody
        "*21*0555123#",  # an outside number that her dialplan would not let her dial
        "*21*5551234#",
        "*21*886#",  # the example configuration's code for picking up a call
        "*21*881001#",  # … and for listening in
        "*21*101*12#",  # a basic service (TS 22.030) that is not speech
        "*21*101**20#",  # a ring time is for "no answer" only
        "*61*101**4#",
        "*61*101**31#",
        "*61*101**020#",
        "*21**21*101#",
        "*21***21*101##",
        "*21*#21##",
        "*21**#",
        "*21*+#",
        "*21*101##",
        "*21#101#",
        "#21*101#",
        "*#21*101#",
        "##002*13#",
        "**004#",
    ],
)
def test_refused(codes, alias, code):
    dial(codes, "*67*102#")
    assert dial(codes, code) == (200, "Uml. abgelehnt", REFUSED)
    assert line(codes) == ";67=on:102"


def test_an_alias_forwards_like_the_user(codes, alias, lab):
    dial(codes, "*21*101#")
    secretary, kai = lab.register("secretary", "kai")
    kai.dial("4711")
    lab.rings(secretary)


def test_outside_numbers_as_far_as_her_toll_allow_goes(codes, lab):
    codes.extra = {"100": {"toll_allow": "local,international"}, "101": {"toll_allow": "domestic"}}
    codes.forwards()
    for user, number, allowed in (
        ("100", "0555123", True),
        ("100", "011491701234567", True),
        ("100", "05551234567", False),
        ("101", "05551234567", True),
        ("101", "0555123", False),
        ("102", "0555123", False),
    ):
        shown = f"Uml. immer an {number}" if allowed else "Uml. abgelehnt"
        assert dial(codes, f"*21*{number}#", user)[1] == shown, (user, number)
    dial(codes, "*21*0555123#")
    # What she may no longer dial, she cannot turn on again either.
    dial(codes, "#21#")
    codes.extra = {}
    codes.forwards()
    assert dial(codes, "*21#") == (200, "Uml. abgelehnt", REFUSED)
    codes.extra = {"100": {"toll_allow": "local"}}
    codes.forwards()
    assert dial(codes, "*21#") == (200, "Uml. immer an 0555123", DONE)
    (kai,) = lab.register("kai")
    kai.dial("boss")
    assert lab.at_carrier().header("Diversion") is None  # nobody has a public number here


# sofia-sip itself drops "${…}" and a raw "#" beside an escape, so all of it is escaped. Of "${" in an INVITE
# FreeSWITCH makes "%{"; a 302 brings it raw, see test_a_callee_cannot_dial_for_her_caller.
EVIL = "%24%7Bglobal_setvar(evil=true)%7D"
HOSTILE = [
    "*21*{evil}%23",
    "*21*%24%24%7Bdomain%7D%23",
    "*21*$1%23",
    "*21*101;21=on:103#",
    "*21*101%3B67=on:103%23",
    "*21*101/103#",
    "*21*101%2F103%23",
    "*21*101'#",
    "*21*%27;drop%20table%20db_data;--%23",
    "*21*101%20102%23",
    "*21*%20101%23",
    "*21*101%0a%23",
    "*21*101%0a",
    "*21*101%23%0a",
    "*21*101%23%0a%0a",
    "*21*101%0d%0aX-Evil:%201%23",
    "*21*101%7C102%23",
    "*21*101%5C%23",
    "*21*101~#",
    "*21*101%40b.test%23",
    "*21*{long}#",
    "*21*%C3%BC%23",
    "*21*%FF%FE%23",
    "##21*%24%7Bdb(insert/fsdaemon-lab.test/101/;21=on:103)%7D%23",
    "*%2321%23{evil}",
    "%23002%23{evil}",
]


@pytest.mark.parametrize("number", HOSTILE)
def test_nothing_is_expanded_and_no_line_is_broken(codes, number):
    dial(codes, "*67*102#")
    number = number.replace("{evil}", EVIL).replace("{long}", "1" * 4000)
    assert dial(codes, number) == (200, "Uml. abgelehnt", REFUSED)
    assert codes.api("global_getvar evil").strip() != "true"
    assert line(codes) == ";67=on:102"
    assert codes.api("db count/fsdaemon-lab.test").strip() == "1"


def test_what_is_another_number_for_freeswitch_already(codes):
    """It keeps what stands between quotes (that is a call to 101), and nothing after NUL, ":" and "@"."""
    dial(codes, "*67*102#")
    assert dial(codes, "*21*%22101%22%23")[0] == 480
    assert line(codes) == ";67=on:102"
    # A "%23" that was typed arrives at a daemon as "#" does (switch_url_encode leaves what looks encoded alone).
    for number in ("*21*101%00%23", "*21*101:20#", "*21*101@b.test", "*21*101%2523"):
        assert dial(codes, number) == (200, "Uml. immer an 101", DONE)


def test_who_is_not_authenticated_dials_through(codes):
    """From outside, through public into default; and with a wrong password."""
    dial(codes, "*21*101#")
    for code in ("*21*102#", "##21#", "##002#", "*#21#", "*21*101", "*21**0"):
        with Handset(codes.sip_out, "100", "lab.test") as stranger:
            assert stranger.dial(code, from_='"Cora Chefin" <sip:100@lab.test>').code == 603
        assert line(codes) == ";21=on:101"
    assert dial(codes, "*21*102#", password="wrong")[0] == 403
    assert line(codes) == ";21=on:101"


def restart_external(switch):
    switch.api("reloadxml")
    while "Please wait" in switch.api("sofia profile external restart"):  # it has to be up for ten seconds
        time.sleep(1)
    time.sleep(2)
    while "external" not in switch.api("sofia status"):
        time.sleep(0.5)


def test_a_profile_that_asks_nobody_leads_straight_into_the_dialplan(codes):
    """No transfer in between: it is the missing authentication that counts."""
    config = codes.directory / "freeswitch.xml"
    text = config.read_text("utf-8")
    assert text.count('"context" value="public"') == 1
    try:
        config.write_text(text.replace('"context" value="public"', '"context" value="default"'), "utf-8")
        restart_external(codes)
        with Handset(codes.sip_out, "100", "lab.test") as stranger:
            for headers in ((), ("X-user_name: 100", "P-Asserted-Identity: <sip:100@lab.test>")):
                assert stranger.dial("*21*102#", headers=headers).code == 603
            assert stranger.dial("98765").code == 404
    finally:
        config.write_text(text, "utf-8")
        restart_external(codes)
    log = codes.logged()
    assert "->98765 in context default" in log
    assert "->98765 in context public" not in log
    assert line(codes) == ""


def test_it_is_the_authenticated_one_whatever_from_says(codes):
    assert dial(codes, "*21*102#", "101", from_='"Cora Chefin" <sip:100@lab.test>')[0] == 200
    assert line(codes, "100") == ""
    assert line(codes, "101") == ";21=on:102"


def test_two_domains(codes, lab):
    assert dial(codes, "*21*103#")[0] == 200
    assert dial(codes, "*21*104#", "101", "b.test") == (200, "Uml. immer an 104", DONE)
    assert line(codes, "100") == ";21=on:103"
    assert line(codes, "101") == ""
    assert line(codes, "101", "b.test") == ";21=on:104"
    # However she writes her domain.
    assert dial(codes, "*#21#", "101", "B.Test")[1] == "Uml. immer an 104"
    secretary, vera = lab.register("secretary", "vera")
    other, hers = lab.register("102", "104", domain="b.test")
    other.dial("101")
    lab.rings(hers)
    assert not secretary.rang
    assert not vera.rang


def test_a_callee_cannot_dial_for_her_caller(codes, lab):
    """With a 302, with a blind transfer, or with a forward of her own."""
    codes.forwards(zoe={"all": "*21*102#"})
    boss, secretary = lab.register("boss", "secretary")
    for number, code in (("101", "*21*102"), ("101", "*21*${global_setvar(evil=true)}"), ("104", "")):
        secretary.policy = f"redirect:<sip:{code}@lab.test>"
        call = boss.dial(number)
        lab.wait(lambda call=call: call.gone, "refused")
        assert call.code == 603
    secretary.policy = "ring"
    call, leg = lab.connect(boss, "secretary", secretary)
    leg.send_to("*21*102")
    lab.wait(lambda: call.gone, "ended")
    assert "${global_setvar(evil=true)}" in codes.logged()
    assert codes.api("global_getvar evil").strip() != "true"
    assert line(codes) == ""
    assert line(codes, "101") == ""


def test_two_codes_at_the_same_moment(codes):
    confirmed_is_in_effect(both_at_once([codes], ("*21*101#", "*67*105#"), 100))


def test_without_a_daemon_a_code_is_refused(codes, daemon, scene):
    """By tone, and FreeSWITCH's log says so; what was dialled before still acts."""
    dial(codes, "*21*101#")
    daemon.stop()
    for code in ("*21*102#", "##21#", "#002#", "*#21#"):
        assert dial(codes, code)[2] == REFUSED
    assert line(codes) == ";21=on:101"
    refused = re.findall(r"\[ERR\].*fsdaemon: no daemon, a code was refused", codes.logged())
    assert len(refused) == 4

    scene(rings_at_the_secretary)


def rings_at_the_secretary(lab):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    lab.rings(secretary)
    assert not boss.rang


def test_without_the_file_and_without_mod_db(codes, scene):
    """As before: the directory's forwards; and the codes say that they failed."""
    codes.forwards(boss={"all": "secretary"})
    codes.api("unload mod_db")
    try:
        for code in ("*21*102#", "#21#", "##21#", "*#21#", "##002#"):
            assert dial(codes, code) == (200, "Uml. abgelehnt", REFUSED)
        scene(rings_at_the_secretary)
    finally:
        codes.api("load mod_db")
    codes.forget_phones()
    file = codes.directory / "fsdaemon_codes.xml"
    file.rename(file.with_suffix(".away"))
    try:
        codes.api("reloadxml")
        assert dial(codes, "*21*102#")[0] == 404
        scene(rings_at_the_secretary)
    finally:
        file.with_suffix(".away").rename(file)
        codes.api("reloadxml")
    assert dial(codes, "*21*102#") == (200, "Uml. immer an 102", DONE)


def test_what_could_not_be_stored_is_not_confirmed(codes, scene):
    """`db insert` says +OK whatever becomes of it: here its table is gone."""
    codes.forwards(boss={"all": "secretary"})
    with contextlib.closing(sqlite3.connect(codes.directory / "db" / "call_limit.db")) as database:
        database.execute("drop table db_data")
        database.commit()
    try:
        for code in ("*21*102#", "#21#", "##21#", "##002#", "*#21#"):
            assert dial(codes, code) == (200, "Uml. abgelehnt", REFUSED)
        scene(rings_at_the_secretary)
    finally:
        codes.api("reload mod_db")
    assert dial(codes, "*21*102#") == (200, "Uml. immer an 102", DONE)


@pytest.mark.parametrize(
    ("agent", "request_", "shown"),
    [
        (
            "Yealink SIP-T46U 108.86.0.20",
            "UPDATE",
            'P-Asserted-Identity: "Uml. immer an 101" <sip:*21@127.0.0.1>',
        ),
        ("snomD385/10.1.54.13", "INFO", 'From: "Uml. immer an 101" *21'),
        ("somephone", "", ""),
    ],
)
def test_the_display_is_changed_in_the_call_where_freeswitch_knows_how(codes, agent, request_, shown):
    """Everybody gets it in the answer; phones that FreeSWITCH knows, once more when the call is up."""
    with Handset(codes.sip, "100", "lab.test", "pw100", agent=agent) as phone:
        answer = phone.dial("*21*101#")
    assert answer.display == "Uml. immer an 101"
    others = [text for text in answer.requests if not text.startswith("BYE")]
    assert [text.split()[0] for text in others] == [request_] * bool(request_)
    assert all(shown in text for text in others)
