"""The peer is gone at every byte of a session, closed or reset: nothing stays behind, nothing is decided."""

import time

from tests.attacks.peers import SESSION, connect, reset, send
from tests.attacks.target import Target


def test_at_every_position(daemon: Target) -> None:
    mark, before, threads = daemon.mark, daemon.descriptors(), daemon.threads()
    started, cpu = time.monotonic(), daemon.cpu()
    for position in range(len(SESSION)):
        sock = connect(daemon.port)
        send(sock, SESSION[:position])
        if position % 2:
            reset(sock)
        else:
            sock.close()
        if position % 100 == 50:
            daemon.good_call()
    seconds = time.monotonic() - started
    daemon.back_to(before)
    assert daemon.threads() == threads
    assert not daemon.verdicts(mark), "a verdict for a call that ended"
    assert len(daemon.since(mark)) <= seconds * 3 + 3, "the log is flooded"
    assert daemon.cpu() - cpu < 20
    daemon.unharmed(mark)
