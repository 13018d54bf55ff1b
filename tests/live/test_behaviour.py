"""docs/behaviour.md, row by row, with real phones. Other rows: test_forward.py, test_leaks.py."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import signal
import socket
import time

import pytest

from tests.daemon import Daemon, free_port
from tests.live.caller import Callers, busy_here
from tests.live.conftest import _child

KAI = "Uml. fuer Cora Chefin: Kai Kollege"
FOLLOWED, RANG = 486, 480  # the forward's target is engaged; the boss's phone is not there


@pytest.fixture
def serve(switch, tmp_path):
    """Starts the daemon with a conf.toml."""
    running = []

    def start(text):
        file = tmp_path / "conf.toml"
        file.write_text(text, "utf-8")
        running.append(Daemon(switch.daemon_port, file))
        return running[-1]

    yield start
    for daemon in running:
        daemon.stop()


# --- 1, 2: busy, no answer, not registered ---


def test_busy(switch, daemon, scene):
    switch.forwards(u100={"busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=user-busy;counter=1;privacy=off"
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.gone, "refused")
        assert own.code == 486
        assert len(secretary.incoming) == 1

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards busy to 101\)")


def test_no_answer(switch, daemon, scene):
    switch.forwards(u100={"no_answer": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        lab.rings(boss)
        leg = lab.rings(secretary, 1, 8)
        assert leg.display == KAI
        assert "reason=no-answer" in leg.header("Diversion")
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.gone, "ended", 8)
        assert len(boss.incoming) == 2
        assert len(secretary.incoming) == 1

    scene(scenario)


def test_a_phone_that_sends_early_media_does_not_answer(switch, daemon, scene):
    """183 with SDP, then 486, is busy; and a 183 alone does not stop the ring time."""
    switch.forwards(u100={"no_answer": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "183"
        kai.dial("100")
        assert lab.rings(secretary, 1, 8).display == KAI

    scene(scenario)


def test_not_registered(switch, daemon, scene):
    switch.forwards(u100={"not_registered": "101"})

    def scenario(lab):
        secretary, kai = lab.register("101", "102")
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert "reason=unavailable" in leg.header("Diversion")
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.gone, "ended")
        assert len(secretary.incoming) == 1

    scene(scenario)


# --- 3, 22, 24: the phone itself forwards ---


def test_the_phone_forwards(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "redirect:<sip:101@lab.test>"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=deflection;counter=1;privacy=off"
        leg.pick_up()
        lab.turn(0.5)
        leg.send_to("103")
        lab.turn(0.5)

    scene(scenario)


def test_the_phone_forwards_along_a_chain(switch, daemon, scene):
    switch.forwards(u104={"all": "100"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "redirect:<sip:101@lab.test>"
        kai.dial("104")
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Zoe Zentrale ueber Cora Chefin: Kai Kollege"
        lab.hangup_all()
        boss.policy = "ring"
        kai.dial("100")
        assert lab.rings(boss, 2).display == "Kai Kollege"

    scene(scenario)


def test_the_phone_forwards_out_of_the_house(switch, daemon, scene):
    def scenario(lab):
        boss, kai = lab.register("100", "102")
        boss.policy = "redirect:<sip:05551234567@lab.test>"
        kai.dial("100")

        leg = lab.at_carrier()
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=deflection;counter=1;privacy=off"
        assert leg.display == "Kai Kollege"
        lab.hangup_all()
        kai.dial("0555")
        assert lab.at_carrier(2).header("Diversion") is None

    scene(scenario)


def test_the_phone_forwards_out_of_the_house_and_the_call_goes_on(switch, daemon, scene):
    """Her own name is still there, and no Diversion, when the carrier's end sends her to a colleague."""

    def scenario(lab):
        boss, kai, vera = lab.register("100", "102", "103")
        boss.policy = "redirect:<sip:05551234567@lab.test>"
        call = kai.dial("100")

        leg = lab.at_carrier()
        leg.pick_up()
        lab.talk(call, leg)
        leg.send_to("103")
        at_vera = lab.rings(vera)
        assert at_vera.display == "Kai Kollege"
        assert at_vera.header("Diversion") is None

    scene(scenario)


def test_the_phone_forwards_to_a_tel_address(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "redirect:<tel:101>"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert "reason=deflection" in leg.header("Diversion")

    scene(scenario)


def test_the_phone_forwards_with_parameters(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = 'redirect:"Sina" <sip:101@lab.test;user=phone;transport=udp>;q=0.7'
        kai.dial("100")
        assert lab.rings(secretary).display == KAI

    scene(scenario)


def test_the_phone_forwards_to_a_foreign_host(switch, daemon, scene):
    """FreeSWITCH follows it by itself; when nobody takes the call there, her own forward counts, and it is said."""
    switch.forwards(u100={"busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
            foreign.bind(("127.0.0.9", 0))
            foreign.setblocking(False)
            boss.policy = f"redirect:<sip:777@127.0.0.9:{foreign.getsockname()[1]}>"
            kai.dial("100")
            invite = b""

            def asked():
                nonlocal invite
                with contextlib.suppress(BlockingIOError):
                    invite, peer = foreign.recvfrom(65536)
                    foreign.sendto(busy_here(invite), peer)
                return invite.startswith(b"INVITE sip:777@127.0.0.9")

            lab.wait(asked, "asked at the foreign host")
            assert lab.rings(secretary).display == KAI
            assert len(boss.incoming) == 1

    scene(scenario)
    assert "WARNING" in daemon.wait_line("the phone of 100 sent the call to '<sip:777@127.0.0.9")


def test_a_forward_to_what_is_no_user(switch, daemon, scene):
    """A group, or a mistake: it is followed, and the log says so, once."""
    switch.forwards(u100={"all": "777"})

    def scenario(lab):
        boss, kai = lab.register("100", "102")
        for _ in range(2):
            call = kai.dial("100")
            lab.wait(lambda: call.gone, "ended", 8)  # noqa: B023
        assert not boss.rang

    scene(scenario)
    warning = "WARNING .* 100 forwards always to 777, which is not a user"
    daemon.wait_line(warning)
    time.sleep(0.3)  # the second call's line comes a moment later
    assert len([line for line in daemon.lines if re.search(warning, line)]) == 1


def test_the_phone_forwards_to_itself(switch, daemon, scene):
    def scenario(lab):
        boss, kai = lab.register("100", "102")
        boss.policy = "redirect:<sip:100@lab.test>"
        call = kai.dial("100")
        lab.wait(lambda: call.gone, "ended", 8)
        return len(boss.incoming)

    assert scene(scenario) <= 3


@pytest.fixture
def mobile_that_forwards(switch):
    """A second phone of 100, an endpoint of its own (two of one PJSIP would share a contact): 302 to 101."""
    mobile = os.fork()
    if mobile == 0:
        elsewhere = copy.copy(switch)
        elsewhere.carrier = free_port()
        _child(os.open(os.devnull, os.O_WRONLY), elsewhere, phone_that_forwards, ())
    yield
    os.kill(mobile, signal.SIGKILL)
    os.waitpid(mobile, 0)


def phone_that_forwards(lab):
    lab.register("100", policy="redirect:<sip:101@lab.test>")
    lab.turn(20)


def two_phones(lab):
    lab.wait(lambda: lab.switch.api("sofia_contact */100@lab.test").count("sip:") == 2, "two phones", 8)


def test_two_phones_of_which_one_forwards(switch, daemon, scene, mobile_that_forwards):
    def scenario(lab):
        desk, secretary, kai = lab.register("100", "101", "102")
        two_phones(lab)
        kai.dial("100")
        leg = lab.rings(desk)
        lab.turn(1.5)
        assert leg.ringing
        assert not secretary.rang

    scene(scenario)


def test_two_phones_of_which_one_forwards_and_the_other_is_busy(switch, daemon, scene, mobile_that_forwards):
    def scenario(lab):
        desk, secretary, kai = lab.register("100", "101", "102")
        two_phones(lab)
        desk.policy = "busy"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=deflection;counter=1;privacy=off"

    scene(scenario)


def test_two_phones_that_both_forward_at_once(switch, daemon, scene, mobile_that_forwards):
    def scenario(lab):
        desk, secretary, kai = lab.register("100", "101", "102")
        two_phones(lab)
        desk.policy = "redirect:<sip:101@lab.test>"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert "reason=deflection" in leg.header("Diversion")

    scene(scenario)


def test_two_users_whose_phones_forward_to_each_other(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy, secretary.policy = "redirect:<sip:101@lab.test>", "redirect:<sip:100@lab.test>"
        call = kai.dial("100")
        lab.wait(lambda: call.gone, "ended", 10)
        return len(boss.incoming), len(secretary.incoming), boss.last.display

    first, second, shown = scene(scenario)
    assert max(first, second) <= 3
    assert shown == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"


# --- 4: users and groups ---


@pytest.mark.parametrize(
    ("exceptions", "reason"),
    [
        ('users = ["102"]', "user"),
        ('users = ["102@lab.test"]', "user"),
        ('groups = ["office"]', "group"),
        ('groups = ["nobody", "board"]', "group"),
    ],
)
def test_who_may_break_everything(switch, serve, scene, exceptions, reason):
    switch.forwards(u100={"all": "101"}, u103={"all": "100"})
    daemon = serve(f"[exceptions]\n{exceptions}\n")

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        assert lab.rings(boss).display == "Kai Kollege"
        lab.hangup_all()
        kai.dial("103")  # row 9: along a chain the first one rings
        lab.rings(vera)
        assert not secretary.rang

    scene(scenario)
    daemon.wait_line(rf"ring 100 for 102: {reason} \(100 forwards always to 101\)")


@pytest.mark.parametrize(
    "exceptions", ['users = ["102@b.test"]', 'groups = ["reception"]', 'users = ["103"]']
)
def test_who_may_not(switch, serve, scene, exceptions):
    switch.forwards(u100={"all": "101"})
    serve(f"[exceptions]\n{exceptions}\n")

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == KAI

    scene(scenario)


# --- 5, 6: outside numbers ---


def outside(switch, *numbers):
    """What callers with these numbers get who dial the boss."""
    codes = []
    for number in numbers:
        callers = Callers(switch.sip_out, user=number)
        made = callers.call("100")
        assert callers.all_ended(10)
        callers.close()
        codes.append(made.code)
    return codes


def test_outside_numbers(switch, serve):
    switch.forwards(u100={"all": "4860"})
    serve('[exceptions]\nexternal = ["+49 170 1234567"]\n[numbers]\nregion = "DE"\ntrunk_prefix = "0"\n')
    same = ("+491701234567", "01701234567", "00491701234567", "001701234567")
    others = ("+491701234568", "101", "4860", "anonymous", "1234567", "+431701234567")
    assert outside(switch, *same) == [RANG] * len(same)
    assert outside(switch, *others) == [FOLLOWED] * len(others)


def test_outside_numbers_as_dialled(switch, serve):
    switch.forwards(u100={"all": "4860"})
    serve('[exceptions]\nexternal = ["0170 / 123-4567"]\n')
    assert outside(switch, "01701234567", "+491701234567", "1701234567") == [RANG, FOLLOWED, FOLLOWED]


def test_the_outside_number_that_the_forward_points_to(switch, serve):
    switch.forwards(u100={"all": "001701234567"})
    serve('[numbers]\nregion = "DE"\ntrunk_prefix = "0"\n')
    assert outside(switch, "+491701234567") == [RANG]
    assert outside(switch, "+491701234568") != [RANG]


def test_a_stranger_is_never_the_target_that_is_a_user(switch, serve):
    switch.forwards(u100={"all": "101"}, u101={"all": "4860"})
    serve("")
    assert outside(switch, "101", "100", "sip:101", "+101") == [FOLLOWED] * 4


# --- 7: groups are nobody's number ---


def test_a_member_of_the_group_it_points_to(switch, daemon, scene):
    switch.forwards(u100={"all": "2000"})

    def scenario(lab):
        boss, kai, vera = lab.register("100", "102", "103")
        kai.dial("100")
        assert lab.rings(vera).display == KAI
        assert not boss.rang

    scene(scenario)


# --- 10, 11, 21: transfers ---


def test_attended_while_the_boss_rings(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call, first = lab.connect(kai, "100", secretary)
        consultation = secretary.dial("100")
        at_boss = lab.rings(boss)
        lab.wait(lambda: consultation.ringing, "heard by the secretary")
        first.join(consultation)
        lab.turn(1)
        at_boss.pick_up()
        lab.talk(call, at_boss)
        assert len(secretary.incoming) == 1

    scene(scenario)


def test_attended_before_the_consultation_reached_anybody(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        _, first = lab.connect(kai, "101", secretary)
        consultation = secretary.dial("100", [("X-Wait", "yes")])
        lab.wait(lambda: consultation.ringing, "waiting")
        first.join(consultation)
        assert lab.rings(boss).display == "Kai Kollege"
        assert len(secretary.incoming) == 1

    scene(scenario)
    daemon.wait_line(r"ring 100 for 102: referrer \(100 forwards always to 101\)")


def test_attended_to_a_busy_boss(switch, daemon, scene):
    """The secretary who transferred is not rung back by the boss's busy forward to her."""
    switch.forwards(u100={"all": "101", "busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        _, first = lab.connect(kai, "101", secretary)
        consultation = secretary.dial("100", [("X-Wait", "yes")])
        lab.wait(lambda: consultation.ringing, "waiting")
        first.join(consultation)
        lab.rings(boss)
        lab.turn(1)
        assert len(secretary.incoming) == 1

    scene(scenario)
    daemon.wait_line(r"ring 100 for 102: referrer \(100 forwards busy to 101\)")


def test_sent_blind_to_a_busy_one_who_forwards_to_him(switch, daemon, scene):
    """On the leg that FreeSWITCH dialled, Kai stays Kai after the bridge to the boss failed."""
    switch.forwards(u100={"busy": "102"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        call, _ = lab.connect(secretary, "102", kai)
        call.send_to("100")
        lab.rings(boss)
        lab.turn(1)
        assert len(kai.incoming) == 1

    scene(scenario)
    daemon.wait_line(r"ring 100 for 102: target \(100 forwards busy to 102\)")


def test_attended_by_keys(switch, daemon, scene):
    """*4 100#: FreeSWITCH's own att_xfer, through a loopback leg."""
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        _, first = lab.connect(kai, "101", secretary)
        lab.turn(0.5)
        first.press("*4")
        lab.turn(0.7)
        first.press("100#")
        lab.rings(boss, 1, 10)
        assert len(secretary.incoming) == 1

    scene(scenario)
    daemon.wait_line(r"ring 100 for 101: target \(100 forwards always to 101\)")


def test_blind_by_the_caller(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u104={"all": "102"})

    def scenario(lab):
        boss, secretary, kai, zoe = lab.register("100", "101", "102", "104")
        call, _ = lab.connect(secretary, "102", kai)
        call.send_to("100")  # the secretary's right does not count for Kai
        assert lab.rings(secretary).display == KAI
        lab.hangup_all()
        call, _ = lab.connect(secretary, "102", kai)
        call.send_to("104")  # and Kai's own does: 104 forwards to him
        lab.rings(zoe)
        assert len(kai.incoming) == 2
        assert not boss.rang

    scene(scenario)


def test_the_right_of_one_pair_is_no_other_pairs(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u104={"all": "103"})

    def scenario(lab):
        _, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        call, first = lab.connect(kai, "100", secretary)
        consultation = secretary.dial("104")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Zoe Zentrale: Sina Sekretariat"
        leg.pick_up()
        lab.talk(consultation, leg)
        first.join(consultation)
        lab.turn(0.7)
        assert call.up
        assert leg.up
        assert not zoe.rang

    scene(scenario)


# --- 13: withheld numbers ---


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_a_withheld_number(switch, daemon, scene, inside):
    switch.forwards(u100={"all": "101"}, u103={"all": "2001"})

    def scenario(lab):
        _, secretary, _ = lab.register("100", "101", "103")
        if inside:
            (caller,) = lab.register("102")
        else:
            caller = lab.phone(
                "+491701234567", register=False, uri='"Max Muster" <sip:+491701234567@carrier.example>'
            )
        caller.dial("100", [("Privacy", "id")])
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Cora Chefin: Anonym"
        for secret in ("Muster", "Kai", "+49170", "sip:102", '"102"'):
            assert secret not in leg.msg.partition("\r\n\r\n")[0], leg.msg
        leg.pick_up()
        lab.turn(0.5)
        leg.send_to("103")
        lab.turn(0.5)

    scene(scenario)
    assert not any("+49170" in line for line in daemon.lines)


# --- 14, 24: loops, hops, nonsense ---


def test_hops(switch, serve, scene):
    switch.forwards(u100={"all": "104"}, u104={"all": "103"}, u103={"all": "101"})
    serve("[routing]\nmax_hops = 2\n")

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        assert lab.rings(vera).display == "Uml. fuer Cora Chefin ueber Zoe Zentrale: Kai Kollege"
        assert not secretary.rang

    scene(scenario)


@pytest.mark.parametrize("target", ["100", "a b", "100@lab.test", "101,102", "[x=y]101", "user/101", "-"])
def test_a_forward_that_is_none(switch, daemon, scene, target):
    switch.forwards(u100={"all": target})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(boss).display == "Kai Kollege"
        assert not secretary.rang

    scene(scenario)
    if not target.startswith("100"):
        assert daemon.wait_line("WARNING .* 100 forwards always to '")


# --- 15, 16: out of the house ---


def test_the_diverters_number_for_carriers_that_want_it(switch, serve, scene):
    switch.extra = {
        "100": {"outbound_caller_id_name": "Firma Chefin", "outbound_caller_id_number": "+4930100"}
    }
    switch.forwards(u100={"all": "05551234567"})
    serve('[routing]\noutside_caller_id = "diverter"\n')

    def scenario(lab):
        _, kai = lab.register("100", "102")
        kai.dial("100")

        leg = lab.at_carrier()
        assert leg.display == "Firma Chefin"
        assert "sip:+4930100@" in leg.header("From")
        lab.hangup_all()
        kai.dial("0555")
        leg = lab.at_carrier(2)
        assert leg.display == "Kai Kollege"
        assert "sip:102@" in leg.header("From")

    scene(scenario)


def test_a_label_outside_where_it_is_wanted(switch, serve, scene):
    switch.forwards(u100={"all": "05551234567"})
    serve("[display]\noutside = true\ndiversion = false\n")

    def scenario(lab):
        _, kai = lab.register("100", "102")
        kai.dial("100")

        leg = lab.at_carrier()
        assert leg.display == KAI
        assert leg.header("Diversion") is None

    scene(scenario)


def test_a_diversion_from_outside_is_not_believed(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        stranger = lab.phone("900", register=False, uri='"Max" <sip:900@carrier.example>')
        stranger.dial("100", [("Diversion", "<sip:101@lab.test>;reason=unconditional")])
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Cora Chefin: Max"
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        assert not boss.rang

    scene(scenario)


def test_a_diversion_from_a_gateway_that_is_believed(switch, serve, scene):
    """Shown at whoever rings, sent on below our own, and gone once somebody took the call."""
    switch.forwards(u101={"all": "103"})
    serve('[display]\ndiversion_from = ["127.0.0.1"]\n')
    theirs = [("Diversion", '"Amt" <sip:+49302000@carrier.example>;reason=user-busy')]

    def scenario(lab):
        boss, vera, zoe = lab.register("100", "103", "104")
        stranger = lab.phone("900", register=False, uri='"Max" <sip:900@carrier.example>')
        stranger.dial("101", theirs)
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Amt ueber Sina Sekretariat: Max"
        assert leg.header("Diversion") == (
            "<sip:101@lab.test>;reason=unconditional;counter=1;privacy=off, "
            "<sip:+49302000@carrier.example>;reason=user-busy;counter=1;privacy=off"
        )
        lab.hangup_all()
        stranger.dial("100", theirs)
        leg = lab.rings(boss)
        assert leg.display == "Uml. fuer Amt: Max"
        leg.pick_up()
        lab.talk(leg)
        leg.send_to("104")
        assert lab.rings(zoe).display == "Max"
        lab.hangup_all()
        # A user's own phone is no gateway, wherever it stands.
        zoe.dial("100", theirs)
        assert lab.rings(boss, 2).display == "Zoe Zentrale"

    scene(scenario)


# --- 17: two tenants ---


def test_two_domains_with_the_same_numbers(switch, serve, scene):
    switch.forwards(u100={"all": "101"})
    serve('[domains."b.test".display]\nlabel = "For {diverter}: {caller}"\n')

    def ours(lab):
        secretary, kai = lab.register("101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == KAI

    def theirs(lab):
        secretary, caller = lab.register("101", "102", domain="b.test")
        caller.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == "For B 100: B 102"
        assert leg.header("Diversion") == "<sip:100@b.test>;reason=unconditional;counter=1;privacy=off"
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.gone, "ended: nobody is registered there")
        assert own.code == 480

    scene(ours)
    scene(theirs)


# --- 18, 19, 20 ---


def test_max_length(switch, serve, scene):
    switch.forwards(u100={"all": "101"})
    serve("[display]\nmax_length = 25\n")

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == "Uml. fuer Cora Chefin: Ka"

    scene(scenario)


def test_a_number_that_is_nobodys_is_not_ours(switch, daemon, scene):
    def scenario(lab):
        (kai,) = lab.register("102")
        call = kai.dial("199")
        lab.wait(lambda: call.gone, "refused")
        assert call.code == 404

    scene(scenario)
    assert not any("199" in line for line in daemon.lines)


def test_the_daemon_bridges(switch, serve, scene):
    switch.forwards(u100={"all": "101"}, u103={"busy": "101"})
    daemon = serve('[routing]\nring = "bridge"\n')

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call = kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        leg.pick_up()
        lab.talk(call, leg)
        lab.connect(secretary, "100", boss)
        lab.hangup_all()
        vera.policy = "busy"
        kai.dial("103")
        assert lab.rings(secretary, 2).display == "Uml. fuer Vera Vertrieb: Kai Kollege"
        assert len(vera.incoming) == 1

    scene(scenario)
    assert not any("not finished" in line for line in daemon.lines)


# --- what a stranger brings as a destination ---

HOSTILE = "<sip:${{global_setvar({}=yes)}}@lab.test>"


def test_a_refer_and_a_302_to_an_expansion(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        import pjsua2 as pj

        _, secretary, kai = lab.register("100", "101", "102")
        secretary.policy = "redirect:" + HOSTILE.format("by_302")
        kai.dial("100")
        lab.turn(1)
        lab.hangup_all()
        secretary.policy = "ring"
        call, leg = lab.connect(kai, "100", secretary)
        leg.xfer(HOSTILE.format("by_callee"), pj.CallOpParam())
        lab.turn(1)
        lab.hangup_all()
        call = kai.dial("0555")
        carrier = lab.at_carrier()
        carrier.pick_up()
        lab.talk(call, carrier)
        carrier.xfer(HOSTILE.format("by_carrier"), pj.CallOpParam())
        lab.turn(1)

    scene(scenario)
    names = ("by_302", "by_callee", "by_carrier")
    assert [name for name in names if "yes" in switch.api(f"global_getvar {name}")] == []


def test_the_ring_time_of_one_is_not_the_next_ones(switch, daemon, scene):
    """100's four seconds do not cut the ringing at the carrier that she forwards to, or is left for."""
    switch.forwards(u100={"all": "05551234567"})

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")

        kai.dial("100")
        leg = lab.at_carrier()
        lab.turn(5.5)
        assert leg.ringing
        lab.hangup_all()
        _, leg = lab.connect(kai, "101", secretary)
        leg.send_to("0555")
        leg = lab.at_carrier(2)
        lab.turn(5.5)
        assert leg.ringing

    scene(scenario)
