"""Two FreeSWITCHes on one PostgreSQL, each with its own daemon beside it; and two daemons beside one FreeSWITCH."""

from __future__ import annotations

import signal
import time

import pytest

from tests.daemon import Daemon
from tests.live.caller import Callers, Engaged
from tests.live.nodes import Node, Postgres, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")

LABEL = "Uml. fuer Cora Chefin: Kai Kollege"
CALLS, EVERY = 80, 0.05
BUSY = 486  # said by the secretary's phone; the boss has none: 480


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """A on 127.0.0.1 and B on 127.0.0.2."""
    database = Postgres()
    running = []
    try:
        for host, name in (("127.0.0.1", "node-a"), ("127.0.0.2", "node-b")):
            node = Node(tmp_path_factory.mktemp(name), host, name, database.dsn)
            node.start()
            running.append(node)
        yield running
    finally:
        for node in running:
            node.stop()
        database.close()


@pytest.fixture
def switch(nodes):
    """Node A; nobody forwards anything."""
    for node in nodes:
        node.forwards()
        node.api("sofia profile internal flush_inbound_reg")
    time.sleep(0.3)
    yield nodes[0]
    for node in nodes:
        node.api("hupall")


@pytest.fixture
def node_b(nodes):
    return nodes[1]


@pytest.fixture
def daemons(nodes):
    """One beside each node."""
    with Daemon(nodes[0].daemon_port) as at_a, Daemon(nodes[1].daemon_port) as at_b:
        yield at_a, at_b


def test_each_at_a_node(switch, node_b, daemons, scene):
    for node in (switch, node_b):
        node.forwards(u100={"all": "101"})

    def scenario(lab):
        (boss,) = lab.register("100")
        secretary, kai = lab.register("101", "102", switch=node_b)
        kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        lab.hangup_all()
        secretary.dial("100")
        assert lab.rings(boss).display == "Sina Sekretariat"

    scene(scenario)
    assert daemons[1].wait_line("forward 100 to 101 for 102: always")
    assert daemons[1].wait_line("ring 100 for 101: target")
    assert not [line for line in daemons[0].lines if " for " in line]


def test_the_daemon_of_one_node_is_killed_under_calls(switch, node_b, daemons):
    """20 calls a second at each node for four seconds; A's daemon is killed after one."""
    for node in (switch, node_b):
        node.forwards(u100={"all": "101"})
    secretary = Engaged(switch.host, switch.sip, switch.domain, "101", switch.password("101"))
    at_a = Callers(switch.sip_out, "Anna", host=switch.host)
    at_b = Callers(node_b.sip_out, "Bert", host=node_b.host)
    for count in range(CALLS):
        if count == 20:
            daemons[0].signal(signal.SIGKILL)
        for callers in (at_a, at_b):
            callers.call("100")
            callers.turn(EVERY / 2)
    for callers in (at_a, at_b):
        assert callers.all_ended(10)
        callers.close()
        assert [made.code for made in callers.calls.values()] == [BUSY] * CALLS
        seconds = sorted(made.seconds for made in callers.calls.values())
        print(
            f"{callers.name}: worst {seconds[-1] * 1000:.0f} ms, median {seconds[CALLS // 2] * 1000:.0f} ms"
        )
    secretary.close()
    anna, bert = ([name for name in secretary.shown.values() if who in name] for who in ("Anna", "Bert"))
    assert len(anna) == len(bert) == CALLS
    assert set(bert) == {"Uml. fuer Cora Chefin: Bert"}
    assert anna[0] == "Uml. fuer Cora Chefin: Anna"
    assert set(anna[-40:]) == {"Anna"}
