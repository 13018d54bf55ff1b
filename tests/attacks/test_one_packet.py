"""Several messages in one packet are several messages, also when they come before they were asked for."""

from tests.attacks.peers import ANSWERS, EVENT, SESSION, closes, connect, read_command
from tests.attacks.target import USUAL, Target


def test_the_whole_session_in_one(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        peer.sendall(SESSION)
        closes(peer, USUAL)
    assert daemon.logs(mark, "d807da79-3542-4914-b35a-82bb7615f605 forward 100 to 102 for 101: always$")
    daemon.unharmed(mark)


def test_an_event_and_a_reply(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        for answer in ANSWERS:
            read_command(peer)
            peer.sendall(EVENT + answer + EVENT)
        closes(peer, USUAL)
    assert daemon.logs(mark, "forward 100 to 102 for 101: always$")
    daemon.unharmed(mark)
