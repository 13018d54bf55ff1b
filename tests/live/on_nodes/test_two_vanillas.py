"""Two FreeSWITCHes on FreeSWITCH's example configuration, with the changes that docs/scaling.md asks for and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.conftest import EXAMPLE, NO_EXAMPLE
from tests.live.nodes import VanillaNode, missing
from tests.live.postgres import Postgres
from tests.live.scenarios import labelled, own_name_only
from tests.live.stage import Daemon

REASON = missing() or NO_EXAMPLE
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "-")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    database, running = Postgres(), []
    try:
        for host, name, esl in (("127.0.0.1", "node-a", 8021), ("127.0.0.2", "node-b", 8022)):
            node = VanillaNode(Path(EXAMPLE), tmp_path_factory.mktemp(name), host, name, database.dsn, esl)
            node.start()
            running.append(node)
            node.forwards(boss={"all": "secretary"})
        yield running
    finally:
        for node in running:
            node.stop()
        database.close()


@pytest.fixture
def site(nodes):
    return nodes[0]


@pytest.fixture
def daemons(nodes):
    """One beside each node."""
    with Daemon(nodes[0]), Daemon(nodes[1]):
        yield


def test_boss_at_one_node_secretary_at_the_other(site, nodes, daemons, lab):
    (boss,) = lab.register("boss")
    secretary, kai = lab.register("secretary", "kai", site=nodes[1])
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    lab.hangup_all()
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")
    lab.hangup_all()
    boss.dial("secretary")
    own_name_only(lab.rings(secretary, 2), "boss")
    lab.hangup_all()
