"""A message without Content-Type is not something FreeSWITCH sends: not a reply, and the peer is not FreeSWITCH."""

from tests.attacks.peers import ANSWERS, closes, connect, read_command, send
from tests.attacks.target import USUAL, Target, call_data

UNTYPED = call_data().replace(b"Content-Type: command/reply\n", b"")


def test_in_place_of_the_channel_data(fresh: Target) -> None:
    daemon = fresh
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, UNTYPED)
        closes(peer, USUAL)
    assert daemon.logs(mark, "protocol error from")
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)


def test_in_place_of_an_api_answer(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        read_command(peer)
        peer.sendall(ANSWERS[0])
        read_command(peer)
        send(peer, b"Content-Length: 11\n\nCora Chefin")
        closes(peer, USUAL)
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)
