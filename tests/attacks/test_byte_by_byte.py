"""A session that comes in single bytes is the same session; one that drips is over in time."""

import time

from tests.attacks.peers import ANSWERS, closes, connect, read_command
from tests.attacks.target import PATIENCE, TIMEOUT, USUAL, Target


def test_the_same_verdict(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        for answer in ANSWERS:
            command = read_command(peer)
            for at in range(len(answer)):
                peer.sendall(answer[at : at + 1])
        assert b"fsdaemon_verdict=forward\x1ffsdaemon_reason=always\x1ffsdaemon_target=102" in command
        closes(peer, USUAL)
    assert daemon.logs(mark, "forward 100 to 102 for 101: always$")
    daemon.unharmed(mark)


def test_dripping_buys_no_time(fresh: Target) -> None:
    """The limit is one for the session: bytes that keep coming do not start it again."""
    daemon = fresh
    mark = daemon.mark
    started = time.monotonic()
    with connect(daemon.port) as peer:
        try:
            for at in range(len(ANSWERS[0])):
                peer.sendall(ANSWERS[0][at : at + 1])
                time.sleep(0.01)
                assert time.monotonic() - started < TIMEOUT + PATIENCE
        except (BrokenPipeError, ConnectionResetError):
            pass
        closes(peer, USUAL)
    assert daemon.logs(mark, "no verdict within")
    daemon.unharmed(mark)
