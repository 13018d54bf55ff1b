"""Two daemons beside one FreeSWITCH: its own fail-over list, `socket a|b`. Judged by which phone rang, and what it showed."""

from __future__ import annotations

import signal

import pytest

from tests.daemon import free_port
from tests.live.caller import Callers, Engaged
from tests.live.nodes import rewrite
from tests.live.scenarios import own_name_only
from tests.live.stage import Daemon
from tests.live.switch import Switch

CALLS, EVERY = 80, 0.05
BUSY = 486  # said by the secretary's phone; the boss has none: 480
LABEL = "Uml. fuer Cora Chefin: Max"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The dialplan as delivered; only its `fsdaemon_socket` is a list."""
    switch = Switch(tmp_path_factory.mktemp("fs"))
    switch.second_port = free_port()
    first = f"127.0.0.1:{switch.daemon_port}"
    rewrite(switch.directory / "context.xml", {f"={first}": f"={first}|127.0.0.1:{switch.second_port}"})
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def secretary(site):
    site.forwards(boss={"all": "secretary"})
    phone = Engaged(site.host, site.sip, site.domain, "101", site.password("101"))
    yield phone
    phone.close()


def calls_with(site, secretary, killed):
    """20 calls a second for four seconds, `killed` after one; what the secretary's phone showed each time."""
    callers = Callers(site.sip_out)
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


def test_the_first_is_killed_under_calls(site, secretary):
    """Calls that the first one had accepted when it died go on without a verdict; every other has one."""
    with Daemon(site) as first, Daemon(site, port=site.second_port) as second:
        shown = calls_with(site, secretary, [first])
        assert second.wait_line("forward 100 to 101")
    assert shown.count(LABEL) >= CALLS - 3
    assert set(shown[-40:]) == {LABEL}


def test_the_second_is_killed_under_calls(site, secretary):
    with Daemon(site), Daemon(site, port=site.second_port) as second:
        assert set(calls_with(site, secretary, [second])) == {LABEL}
        assert not [line for line in second.lines if " for " in line]


def test_both_are_killed_under_calls(site, secretary):
    with Daemon(site) as first, Daemon(site, port=site.second_port) as second:
        shown = calls_with(site, secretary, [first, second])
    assert shown[0] == LABEL
    assert set(shown[-40:]) == {"Max"}


def test_the_secretary_gets_through_when_the_first_is_gone(site, scene):
    site.forwards(boss={"all": "secretary"})

    def story(lab):
        boss, secretary = lab.register("boss", "secretary")
        secretary.dial("boss")
        own_name_only(lab.rings(boss), "secretary")

    with Daemon(site, port=site.second_port) as second:
        scene(story)
        assert second.says("ring {boss} for {secretary}: target")
