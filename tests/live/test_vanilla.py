"""FreeSWITCH's own example configuration with one include line of ours."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.caller import busy_here
from tests.live.conftest import EXAMPLE, needs_example
from tests.live.switch import Vanilla

pytestmark = needs_example


@pytest.fixture(scope="module")
def vanilla(tmp_path_factory):
    switch = Vanilla(Path(EXAMPLE), tmp_path_factory.mktemp("vanilla"))
    switch.start()
    switch.set_variables("1000", call_forward_all="1001")
    switch.set_variables("1003", call_forward_busy="1001")
    switch.set_variables("1004", call_forward_no_answer="1001", call_timeout="2")
    switch.set_variables("1005", call_forward_not_registered="1001")
    switch.set_variables("1006", call_forward_all="1000")
    yield switch
    switch.stop()


@pytest.fixture
def switch(vanilla):
    yield vanilla
    vanilla.api("hupall")


def forwards(lab):
    boss, secretary, kai, vera, zoe = lab.register("1000", "1001", "1008", "1003", "1004")
    vera.policy = "busy"
    shown = []
    for count, number in enumerate(("1000", "1003", "1004", "1005", "1006"), 1):
        kai.dial(number)
        shown.append(lab.rings(secretary, count, 10).display)
        lab.hangup_all()
    assert not boss.rang
    assert zoe.rang
    call = secretary.dial("1000")
    leg = lab.rings(boss)
    assert leg.display == "Extension 1001"
    leg.pick_up()
    lab.talk(call, leg)
    return shown


def test_every_kind_of_forward(switch, scene):
    with Daemon(switch.daemon_port) as daemon:
        shown = scene(forwards)
        assert daemon.wait_line("ring 1000 for 1001: target")
    assert shown == [f"Uml. fuer Extension {n}: Extension 1008" for n in (1000, 1003, 1004, 1005)] + [
        "Uml. fuer Extension 1006 ueber Extension 1000: Extension 1008"
    ]


def test_an_outside_caller(switch, scene):
    def scenario(lab):
        (secretary,) = lab.register("1001")
        caller = lab.phone(
            "+491701234567", register=False, uri='"Max Muster" <sip:+491701234567@carrier.example>'
        )
        caller.dial("1000")
        return lab.rings(secretary).display

    with Daemon(switch.daemon_port):
        assert scene(scenario) == "Uml. fuer Extension 1000: Max Muster"


def test_without_the_daemon(switch, scene):
    def scenario(lab):
        _, secretary, kai = lab.register("1000", "1001", "1008")
        start = time.monotonic()
        kai.dial("1000")
        leg = lab.rings(secretary)
        return time.monotonic() - start, leg.display

    delay, shown = scene(scenario)
    assert shown == "Extension 1008"
    assert delay < 0.5


def test_nobody_there_is_the_mailbox_as_before(switch, scene):
    """1007 forwards nothing and is not registered: voicemail takes the call."""

    def scenario(lab):
        (kai,) = lab.register("1008")
        call = kai.dial("1007")
        lab.wait(lambda: call.up, "answered by the mailbox", 8)
        return True

    with Daemon(switch.daemon_port):
        assert scene(scenario)
    assert "voicemail" in (switch.directory / "log" / "freeswitch.log").read_text("utf-8", "replace")


def test_redial_is_for_whom_she_dialled(switch, scene):
    """870 of the example configuration, after a call that was forwarded."""

    def scenario(lab):
        _, secretary, kai = lab.register("1000", "1001", "1008")
        for count, number in enumerate(("1000", "870"), 1):
            kai.dial(number)
            assert lab.rings(secretary, count).display == "Uml. fuer Extension 1000: Extension 1008"
            lab.hangup_all()

    with Daemon(switch.daemon_port):
        scene(scenario)


def test_a_directory_group_and_a_forward_to_a_ring_group(switch, scene, tmp_path):
    """1000 to 1004 are the group "sales", which 2000 rings."""
    switch.set_variables("1007", call_forward_all="2000")
    config = tmp_path / "conf.toml"
    config.write_text('[exceptions]\ngroups = ["sales"]\n')

    def member(lab):
        boss, seller = lab.register("1000", "1003")
        seller.dial("1000")
        assert lab.rings(boss).display == "Extension 1003"

    def group(lab):  # PJSIP makes four calls at a time, and this is one for each phone that is there
        secretary, other = lab.register("1001", "1008")
        other.dial("1007")
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Extension 1007: Extension 1008"
        assert leg.header("Diversion").startswith("<sip:1007@")

    with Daemon(switch.daemon_port, config):
        scene(member)
        switch.api("sofia profile internal flush_inbound_reg")
        time.sleep(0.5)  # what is flushed late would take a new registration with it
        scene(group)


def test_a_forward_to_the_operator_and_loops_through_extensions_of_others(switch, scene):
    """0 is 1000 there, and 870 is whom one dialled last."""
    switch.set_variables("1015", call_forward_all="0")
    switch.set_variables("1016", call_forward_all="870")
    switch.set_variables("1017", call_forward_all="0")
    switch.set_variables("1000", call_forward_all="")

    def scenario(lab):
        boss, redial, kai = lab.register("1000", "1016", "1008")
        kai.dial("1015")
        leg = lab.rings(boss, 1, 8)
        assert leg.display == "Uml. fuer Extension 1015: Extension 1008"
        assert leg.header("Diversion").startswith("<sip:1015@")
        lab.hangup_all()
        kai.dial("1016")
        lab.rings(redial)
        lab.hangup_all()
        switch.set_variables("1000", call_forward_all="1017")
        kai.dial("1017")
        lab.rings(boss, 2, 8)

    with Daemon(switch.daemon_port) as daemon:
        scene(scenario)
        assert daemon.wait_line(r"ring 1000 for 1008: loop")
    switch.set_variables("1000", call_forward_all="1001")


def test_a_loop_through_the_operator_ends_without_the_daemon_too(switch, scene):
    """1000 forwards to 0, which is 1000: she is asked once, and then rings."""

    def scenario(lab):
        boss, kai = lab.register("1000", "1008")
        kai.dial("1000")
        leg = lab.rings(boss, 1, 10)
        lab.turn(3)
        assert leg.ringing
        assert len(boss.incoming) == 1

    switch.set_variables("1000", call_forward_all="0")
    try:
        scene(scenario)
    finally:
        switch.set_variables("1000", call_forward_all="1001")


def test_a_dialled_line_end_does_not_pass_by(switch, scene):
    switch.set_variables("1018", call_forward_all="1001")

    def scenario(lab):
        boss, secretary, kai = lab.register("1018", "1001", "1008")
        kai.dial("1018%0a")
        assert lab.rings(secretary).display == "Uml. fuer Extension 1018: Extension 1008"
        assert not boss.rang

    with Daemon(switch.daemon_port):
        scene(scenario)


def test_taken_by_a_conference_she_is_no_forwarded_caller_any_more(switch, scene):
    """3001 answers by itself; whoever gets her from there sees her own name, and her way begins anew."""
    switch.set_variables("1010", call_forward_all="3001")

    def scenario(lab):
        boss, secretary, zoe, kai = lab.register("1000", "1001", "1009", "1008")
        seen = []
        for number, phone, seconds in (("1009", zoe, 4.5), ("1000", secretary, 0.5)):
            call = kai.dial("1010")
            lab.wait(lambda: call.up, "in the conference", 8)  # noqa: B023
            lab.turn(seconds)
            switch.api(f"uuid_transfer {switch.channel_of('1008')} {number}")
            leg = lab.rings(phone)
            seen.append((leg.display, leg.header("Diversion")))
            lab.hangup_all()
        assert not boss.rang
        return seen

    with Daemon(switch.daemon_port):
        first, second = scene(scenario)
    assert first == ("Extension 1008", None)
    assert second[0] == "Uml. fuer Extension 1000: Extension 1008"


@pytest.mark.parametrize("with_daemon", [True, False])
def test_out_of_the_house_with_the_right_of_who_forwards(switch, scene, with_daemon):
    """The example configuration lets out whose toll_allow says so; a caller from outside has none of her own."""
    switch.set_variables("1011", call_forward_all="15551234567", default_gateway="carrier")
    switch.set_variables("1012", call_forward_all="15551234567", default_gateway="carrier", toll_allow="")

    def scenario(lab):
        def at_carrier():
            return sum("INVITE sip:1555" in leg.msg for phone in lab.phones for leg in phone.incoming)

        lab.register("1008")  # an INVITE for the carrier is handed to any phone
        stranger = lab.phone("+491701234567", register=False, uri='"Max" <sip:+491701234567@carrier.example>')
        stranger.dial("1011")
        lab.wait(at_carrier, "a call at the carrier")
        lab.hangup_all()
        # The right was for that step: 1012 may not dial out, and so may nobody by her forward.
        call = stranger.dial("1012")
        lab.wait(lambda: call.gone, "refused", 8)
        lab.turn(0.5)
        assert at_carrier() == 1

    if with_daemon:
        with Daemon(switch.daemon_port):
            scene(scenario)
    else:
        scene(scenario)


def test_a_302_to_a_foreign_host_gives_the_caller_nothing(switch, scene):
    """Nobody takes the call there; the mailbox does. Sent on from it she may dial no more than before, and
    breaks through nothing."""

    def scenario(lab):
        boss, secretary, diverter = lab.register("1000", "1001", "1009")
        stranger = lab.phone("+491701234567", register=False, uri='"Max" <sip:+491701234567@carrier.example>')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
            foreign.bind(("127.0.0.9", 0))
            foreign.setblocking(False)
            diverter.policy = f"redirect:<sip:777@127.0.0.9:{foreign.getsockname()[1]}>"

            def in_the_mailbox():
                call = stranger.dial("1009")

                def answered():
                    with contextlib.suppress(BlockingIOError):
                        invite, peer = foreign.recvfrom(65536)
                        foreign.sendto(busy_here(invite), peer)
                    return call.up

                lab.wait(answered, "answered by the mailbox", 8)
                return switch.channel_of("+491701234567")

            switch.api(f"uuid_transfer {in_the_mailbox()} 15551234567")
            lab.turn(1.5)
            assert not any("INVITE sip:1555" in leg.msg for phone in lab.phones for leg in phone.incoming)
            lab.hangup_all()
            switch.api(f"uuid_transfer {in_the_mailbox()} 1000")
            assert lab.rings(secretary).display == "Uml. fuer Extension 1000: Max"
            assert not boss.rang

    switch.set_variables("1000", call_forward_all="1001")
    switch.set_variables("1009", default_gateway="carrier")
    with Daemon(switch.daemon_port):
        scene(scenario)


def test_a_forward_to_an_alias_of_hers_is_none(switch, scene):
    switch.set_alias("1013", "4711")
    switch.set_variables("1013", call_forward_all="4711")
    switch.set_variables("1014", call_forward_all="4711")

    def scenario(lab):
        boss, kai = lab.register("1013", "1008")
        kai.dial("1013")
        leg = lab.rings(boss)
        assert leg.display == "Extension 1008"
        assert leg.header("Diversion") is None
        lab.hangup_all()
        kai.dial("1014")
        assert lab.rings(boss, 2).display == "Uml. fuer Extension 1014: Extension 1008"

    with Daemon(switch.daemon_port):
        scene(scenario)


@pytest.mark.parametrize("contact", ["<sip:1001,1008@{}>", "<sip:$(x)&=@{}>", "<sip:1001%0a@{}>"])
def test_a_302_to_nonsense_is_the_mailbox_and_a_warning(switch, scene, contact):
    def scenario(lab):
        boss, secretary, kai = lab.register("1009", "1001", "1008")
        boss.policy = "redirect:" + contact.format(switch.domain)
        call = kai.dial("1009")
        lab.wait(lambda: call.up, "answered by the mailbox", 8)
        assert not secretary.rang

    with Daemon(switch.daemon_port) as daemon:
        scene(scenario)
        daemon.wait_line("WARNING .*the phone of 1009 sent the call to '<sip:")


@pytest.mark.parametrize("with_daemon", [True, False])
@pytest.mark.parametrize(
    ("code", "forwards", "rings"),
    [
        ("486", {"call_forward_busy": "1001"}, True),
        ("480", {"call_forward_no_answer": "1001"}, True),
        ("408", {"call_forward_no_answer": "1001"}, True),
        ("503", {"call_forward_not_registered": "1001"}, True),
        ("480", {"call_forward_busy": "x/1001"}, False),
        ("486", {"call_forward_busy": "x/1001", "call_forward_no_answer": "1001"}, False),
        ("486", {"call_forward_no_answer": "1001"}, False),
    ],
)
def test_what_the_phone_answers_and_which_forward_that_is(switch, scene, code, forwards, rings, with_daemon):
    nothing = dict.fromkeys(
        ("call_forward_busy", "call_forward_no_answer", "call_forward_not_registered"), ""
    )
    switch.set_variables("1002", **{**nothing, **forwards})

    def scenario(lab):
        boss, secretary, kai = lab.register("1002", "1001", "1008")
        boss.policy = code
        call = kai.dial("1002")
        if rings:
            return lab.rings(secretary).display
        lab.wait(lambda: call.up, "answered by the mailbox", 8)
        assert not secretary.rang
        return ""

    shown = "Uml. fuer Extension 1002: Extension 1008" if with_daemon else "Extension 1008"
    if with_daemon:
        with Daemon(switch.daemon_port):
            assert scene(scenario) == (shown if rings else "")
    else:
        assert scene(scenario) == (shown if rings else "")


def test_a_callers_number_assigns_nothing(switch, scene):
    """It stands in the arguments of functions, and in the name of a recording."""
    evil = "1~evil=a,evil=b|evil=c}{evil=d)}evil"  # at a ";" FreeSWITCH ends it
    number = "".join(ch if ch.isalnum() else f"%{ord(ch):02X}" for ch in evil)

    def scenario(lab):
        secretary, _ = lab.register("1001", "1000")
        stranger = lab.phone("x", register=False, uri=f'"~evil=f;evil=g" <sip:{number}@carrier.example>')
        call = stranger.dial("1000")
        leg = lab.rings(secretary)
        lab.turn(0.7)  # FreeSWITCH's table of channels comes a moment late
        rows = json.loads(switch.api("show channels as json"))["rows"]
        assert any("evil=a" in row["cid_num"] for row in rows), rows  # it came through as it was meant
        leg.pick_up()
        lab.talk(call, leg)
        return [switch.api(f"uuid_getvar {row['uuid']} evil") for row in rows]

    switch.set_variables("1000", call_forward_all="1001")
    with Daemon(switch.daemon_port):
        assert set(scene(scenario)) == {"_undef_"}
