"""A peer that sends for ever, faster than we read: it is stopped in time, and nobody waits for it.

gevent's `recv` gives no turn to others while there is something to read: a session that is always fed
never lets the loop turn, so neither its own time limit nor anybody else's call gets a chance.
"""

import threading
import time

import pytest

from tests.attacks.peers import EVENT, connect, send
from tests.attacks.target import PATIENCE, TIMEOUT, Target

FLOODS = {
    "events": EVENT * 2000,
    "the shortest messages": b"Content-Type:x\n\n" * 4000,
    "empty lines": b"\n" * 65536,
    "bodies": b"Content-Type: text/event-plain\nContent-Length: 65536\n\n" + b"x" * 65536,
}


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
def test_it_is_stopped_and_nobody_waits(fresh: Target, piece: bytes) -> None:
    daemon = fresh
    mark, before = daemon.mark, daemon.descriptors()
    closed = threading.Event()

    peer = connect(daemon.port)

    def feed() -> None:
        with peer:
            while send(peer, piece):
                pass
        closed.set()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        time.sleep(0.05)
        daemon.good_call()
        assert closed.wait(TIMEOUT + PATIENCE), "not stopped"
    finally:
        if not closed.wait(TIMEOUT + PATIENCE):
            daemon.process.kill()
        feeder.join()
    daemon.back_to(before)
    daemon.unharmed(mark)
