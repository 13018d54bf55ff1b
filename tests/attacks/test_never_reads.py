"""Peers that never read fill the daemon's buffers to them; others must not wait for that."""

from contextlib import ExitStack

from fsdaemon.esl.fake_switch import split
from tests.attacks.peers import ANSWERS, closes, connect, read_command
from tests.attacks.target import PATIENCE, TIMEOUT, USUAL, Target, call_data

# The verdict holds the caller's own name again, three bytes for each of these: more than a socket buffer,
# if nothing cuts the name.
LONG = call_data(effective_caller_id_name="#" * 40_000)


def test_nobody_waits_for_them(daemon: Target) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    with ExitStack() as opened:
        peers = [opened.enter_context(connect(daemon.port, 1024, 536)) for _ in range(5)]
        for peer in peers:
            peer.sendall(LONG + ANSWERS[1])
        daemon.good_call()  # they cost some work, but none of it is waiting
        for peer in peers:
            closes(peer, TIMEOUT + PATIENCE)
    daemon.back_to(before)
    daemon.unharmed(mark)


def test_one_that_reads_slowly_gets_it_all(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port, 1024, 536) as peer:
        read_command(peer)
        peer.sendall(LONG)
        read_command(peer)
        peer.sendall(ANSWERS[1])
        assert len(split(read_command(peer))[0]) == 1
        peer.sendall(ANSWERS[2])
        closes(peer, USUAL)
    assert daemon.logs(mark, "forward 100 to 102 for 101: always$")
    daemon.unharmed(mark)
