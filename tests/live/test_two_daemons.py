"""Two daemons beside one FreeSWITCH: its own fail-over list, `socket a|b`. Judged by which phone rang, and what it showed."""

from __future__ import annotations

import signal

import pytest

from tests.daemon import Daemon, free_port
from tests.live.caller import Callers, Engaged
from tests.live.nodes import rewrite
from tests.live.switch import Switch

CALLS, EVERY = 80, 0.05
BUSY = 486  # said by the secretary's phone; the boss has none: 480
LABEL = "Uml. fuer Cora Chefin: Max"


@pytest.fixture(scope="module")
def freeswitch(tmp_path_factory):
    """The dialplan as delivered; only its `fsdaemon_socket` is a list."""
    switch = Switch(tmp_path_factory.mktemp("fs"))
    switch.second_port = free_port()
    first = f"127.0.0.1:{switch.daemon_port}"
    rewrite(switch.directory / "context.xml", {f"={first}": f"={first}|127.0.0.1:{switch.second_port}"})
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def secretary(switch):
    switch.forwards(u100={"all": "101"})
    phone = Engaged(switch.host, switch.sip, switch.domain, "101", switch.password("101"))
    yield phone
    phone.close()


def calls_with(switch, secretary, killed):
    """20 calls a second for four seconds, `killed` after one; what the secretary's phone showed each time."""
    callers = Callers(switch.sip_out)
    for count in range(CALLS):
        if count == 20:
            for daemon in killed:
                daemon.signal(signal.SIGKILL)
        callers.call("100")
        callers.turn(EVERY)
    assert callers.all_ended(30)
    callers.close()
    assert [made.code for made in callers.calls.values()] == [BUSY] * CALLS
    shown = list(secretary.shown.values())
    assert len(shown) == CALLS
    worst = max(made.seconds for made in callers.calls.values())
    print(f"{shown.count(LABEL)} of {CALLS} labelled, worst {worst * 1000:.0f} ms")
    return shown


def test_the_first_is_killed_under_calls(switch, secretary):
    """Calls that the first one had accepted when it died go on without a verdict; every other has one."""
    with Daemon(switch.daemon_port) as first, Daemon(switch.second_port) as second:
        shown = calls_with(switch, secretary, [first])
        assert second.wait_line("forward 100 to 101")
    assert shown.count(LABEL) >= CALLS - 3
    assert set(shown[-40:]) == {LABEL}


def test_the_second_is_killed_under_calls(switch, secretary):
    with Daemon(switch.daemon_port), Daemon(switch.second_port) as second:
        assert set(calls_with(switch, secretary, [second])) == {LABEL}
        assert not [line for line in second.lines if " for " in line]


def test_both_are_killed_under_calls(switch, secretary):
    with Daemon(switch.daemon_port) as first, Daemon(switch.second_port) as second:
        shown = calls_with(switch, secretary, [first, second])
    assert shown[0] == LABEL
    assert set(shown[-40:]) == {"Max"}


def test_the_secretary_gets_through_when_the_first_is_gone(switch, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        secretary.dial("100")
        assert lab.rings(boss).display == "Sina Sekretariat"

    with Daemon(switch.second_port) as second:
        scene(scenario)
        assert second.wait_line("ring 100 for 101: target")
