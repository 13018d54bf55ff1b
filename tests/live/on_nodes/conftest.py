"""Two FreeSWITCHes on one PostgreSQL (`nodes`, which each module has its own way), and a daemon beside each."""

from __future__ import annotations

import contextlib

import pytest

from tests.live.postgres import Postgres
from tests.live.stage import Daemon


@pytest.fixture(scope="module")
def database():
    postgres = Postgres()
    yield postgres
    postgres.close()


@contextlib.contextmanager
def started(*nodes):
    with contextlib.ExitStack() as stack:
        for node in nodes:
            node.start()
            stack.callback(node.stop)
        yield nodes


@pytest.fixture
def both(nodes):
    """Nobody forwards anything, nor has dialled a forward."""
    nodes[0].forget_codes()
    for node in nodes:
        node.reset()
    yield nodes
    for node in nodes:
        node.api("hupall")


@pytest.fixture
def site(both):
    """Node A."""
    return both[0]


@pytest.fixture
def node_b(both):
    return both[1]


@pytest.fixture
def daemons(both):
    """One beside each node."""
    with Daemon(both[0]) as at_a, Daemon(both[1]) as at_b:
        yield at_a, at_b
