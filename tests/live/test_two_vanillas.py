"""Two FreeSWITCHes on FreeSWITCH's example configuration, with the changes that docs/scaling.md asks for and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.conftest import EXAMPLE
from tests.live.nodes import VanillaNode, missing
from tests.live.postgres import Postgres

REASON = missing() or ("" if EXAMPLE else "no example configuration: set FREESWITCH_VANILLA")
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "-")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    database, running = Postgres(), []
    try:
        for host, name, esl in (("127.0.0.1", "node-a", 8021), ("127.0.0.2", "node-b", 8022)):
            node = VanillaNode(Path(EXAMPLE), tmp_path_factory.mktemp(name), host, name, database.dsn, esl)
            node.start()
            running.append(node)
            node.set_variables("1000", call_forward_all="1001")
        yield running
    finally:
        for node in running:
            node.stop()
        database.close()


@pytest.fixture
def switch(nodes):
    return nodes[0]


def test_boss_at_one_node_secretary_at_the_other(switch, nodes, scene):
    node_b = nodes[1]

    def scenario(lab):
        (boss,) = lab.register("1000")
        secretary, kai = lab.register("1001", "1008", switch=node_b)
        kai.dial("1000")
        assert lab.rings(secretary).display == "Uml. fuer Extension 1000: Extension 1008"
        lab.hangup_all()
        secretary.dial("1000")
        assert lab.rings(boss).display == "Extension 1001"
        lab.hangup_all()
        boss.dial("1001")
        assert lab.rings(secretary, 2).display == "Extension 1000"
        lab.hangup_all()

    with Daemon(switch.daemon_port), Daemon(node_b.daemon_port):
        scene(scenario)
