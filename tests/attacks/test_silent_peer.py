"""A peer that connects and says nothing is let go after server.timeout, and holds up nobody."""

from tests.attacks.peers import ANSWERS, closes, connect, read_command
from tests.attacks.target import PATIENCE, TIMEOUT, Target


def test_it_is_let_go_in_time_and_holds_up_nobody(fresh: Target) -> None:
    daemon = fresh
    mark, before = daemon.mark, daemon.descriptors()
    with connect(daemon.port) as peer:
        assert read_command(peer) == b"connect\n\n"
        daemon.good_call()  # while it is silent
        assert closes(peer, TIMEOUT + PATIENCE) > TIMEOUT * 0.5
    assert daemon.logs(mark, r"no verdict within 4 s \(server\.timeout\)")
    daemon.back_to(before)
    daemon.unharmed(mark)


def test_silent_after_the_channel_data(daemon: Target) -> None:
    """FreeSWITCH waits for ever on a daemon; so a daemon must not wait for ever on a FreeSWITCH."""
    mark = daemon.mark
    with connect(daemon.port) as peer:
        read_command(peer)
        peer.sendall(ANSWERS[0])
        assert read_command(peer).startswith(b"api find_user_xml id 100 lab.test")
        closes(peer, TIMEOUT + PATIENCE)
    daemon.unharmed(mark)
