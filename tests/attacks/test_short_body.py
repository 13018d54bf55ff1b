"""A body that ends before its Content-Length: greenswitch 0.0.19 spins for ever there, at 100 % of a core."""

import time

import pytest

from tests.attacks.peers import ANSWERS, closes, connect, half_close, read_command
from tests.attacks.target import USUAL, Target


@pytest.mark.parametrize("whole", [False, True], ids=["half closed", "closed"])
def test_the_call_is_gone_and_nothing_spins(daemon: Target, whole: bool) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    with connect(daemon.port) as peer:
        read_command(peer)
        peer.sendall(ANSWERS[0])
        read_command(peer)
        peer.sendall(b"Content-Type: api/response\nContent-Length: 100\n\nonly this")
        if not whole:
            half_close(peer)
            closes(peer, USUAL)
    daemon.back_to(before, 0.5)
    cpu = daemon.cpu()
    time.sleep(0.3)
    assert daemon.cpu() - cpu < 0.1
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)
