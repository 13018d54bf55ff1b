"""A Content-Length that is no number, or no number for us, ends the connection at once."""

import pytest

from tests.attacks.peers import BAD_LENGTHS, closes, connect, send
from tests.attacks.target import USUAL, Target

MORE = (b"1048577", b"0000000000", b"1.0", b"1 2", b"5\r", b"%00", b"\xff", b"-0", "\u0665".encode())


@pytest.mark.parametrize("length", [*BAD_LENGTHS, *MORE], ids=repr)
def test_it_is_refused(daemon: Target, length: bytes) -> None:
    mark, memory = daemon.mark, daemon.memory()
    with connect(daemon.port) as peer:
        send(peer, b"Content-Type: api/response\nContent-Length: %b\n\nbody" % length)
        closes(peer, USUAL)
    assert daemon.memory() - memory < 4 << 20, "memory was set aside for a body that was only promised"
    daemon.unharmed(mark)


def test_the_refusal_is_logged(fresh: Target) -> None:
    """Not asserted above: the same complaint is said once a second at most."""
    daemon = fresh
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, b"Content-Type: api/response\nContent-Length: -1\n\n")
        closes(peer, USUAL)
    assert daemon.logs(mark, "protocol error from .*: Content-Length '-1' is not a number of bytes")
    daemon.unharmed(mark)
