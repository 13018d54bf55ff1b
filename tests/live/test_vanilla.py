"""FreeSWITCH's own example configuration with one include line of ours."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.switch import Vanilla

SOURCE = os.environ.get("FREESWITCH_VANILLA", "")
pytestmark = pytest.mark.skipif(
    not SOURCE,
    reason="no example configuration: set FREESWITCH_VANILLA to conf/vanilla of FreeSWITCH's source",
)


@pytest.fixture(scope="module")
def vanilla(tmp_path_factory):
    switch = Vanilla(Path(SOURCE), tmp_path_factory.mktemp("vanilla"))
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


def test_a_dialled_line_end_does_not_pass_by(switch, scene):
    switch.set_variables("1018", call_forward_all="1001")

    def scenario(lab):
        boss, secretary, kai = lab.register("1018", "1001", "1008")
        kai.dial("1018%0a")
        assert lab.rings(secretary).display == "Uml. fuer Extension 1018: Extension 1008"
        assert not boss.rang

    with Daemon(switch.daemon_port):
        scene(scenario)
