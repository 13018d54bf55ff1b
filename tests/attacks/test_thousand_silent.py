"""A thousand silent connections at a time, and more than server.max_sessions: all of it comes back."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.attacks.peers import closes, connect, read_command
from tests.attacks.target import PATIENCE, Target, call_data

LIMIT = 1000
CONFIG = f"[server]\nmax_sessions = {LIMIT}\ntimeout = 60\n"


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """The test itself holds them, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * LIMIT
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            pytest.skip(f"only {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold(daemon: Target, opened: ExitStack, count: int) -> list[socket.socket]:
    peers = [opened.enter_context(connect(daemon.port)) for _ in range(count)]
    for peer in peers:
        assert read_command(peer) == b"connect\n\n"
    return peers


def test_descriptors_and_memory_come_back(start: Callable[[str], Target]) -> None:
    daemon = start(CONFIG)
    before, threads = daemon.descriptors(), daemon.threads()
    memory: list[int] = []
    for _ in range(5):
        with ExitStack() as opened:
            hold(daemon, opened, LIMIT - 1)
            daemon.good_call()
            assert daemon.descriptors() >= before + LIMIT - 1
            assert daemon.threads() == threads
        daemon.back_to(before)
        memory.append(daemon.memory())
    # A leak rises in every round; malloc rises in some.
    assert min(after - before for before, after in zip(memory, memory[1:])) < 256 << 10, memory
    daemon.unharmed(0)


def test_beyond_the_limit_a_call_goes_on_without_us(start: Callable[[str], Target]) -> None:
    daemon = start(CONFIG)
    before = daemon.descriptors()
    with ExitStack() as opened:
        peers = hold(daemon, opened, LIMIT)
        started = time.monotonic()
        played = daemon.call(call_data())
        assert time.monotonic() - started < PATIENCE  # of sixty
        assert not played.executed
        assert not played.asked
        for _ in range(300):
            with connect(daemon.port) as refused:
                closes(refused, PATIENCE)
        seconds = time.monotonic() - started
        assert daemon.logs(0, "refused a call: 1000 at a time")
        assert 1 <= len(daemon.since(0, "refused a call")) <= seconds + 1, "at most one line a second"
        peers[0].close()  # one place is free again
        daemon.back_to(before + LIMIT - 1)
        daemon.good_call()
    daemon.back_to(before)
    daemon.unharmed(0)
