"""Two FreeSWITCHes on FreeSWITCH's example configuration, with the changes that docs/scaling.md asks for and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.conftest import EXAMPLE, NO_EXAMPLE
from tests.live.nodes import VanillaNode, missing
from tests.live.on_nodes.conftest import started
from tests.live.on_nodes.test_two_nodes import (  # noqa: F401
    test_a_forward_dialled_at_one_node_counts_at_the_other,
    test_each_at_a_node,
)

REASON = missing() or NO_EXAMPLE
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "-")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory, database):
    places = (("127.0.0.1", "node-a", 8021), ("127.0.0.2", "node-b", 8022))
    nodes = (
        VanillaNode(Path(EXAMPLE), tmp_path_factory.mktemp(name), host, name, database.dsn, esl)
        for host, name, esl in places
    )
    with started(*nodes) as running:
        yield running
