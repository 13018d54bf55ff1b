"""A header block without end is refused at a limit, not collected until memory ends."""

import pytest

from tests.attacks.peers import closes, connect, send
from tests.attacks.target import USUAL, Target

PIECES = {"no line end": b"x" * 65536, "no empty line": b"name: value\n" * 5000}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_it_is_refused(fresh: Target, piece: bytes) -> None:
    daemon = fresh
    mark, memory, cpu = daemon.mark, daemon.memory(), daemon.cpu()
    with connect(daemon.port) as peer:
        pieces = 0
        while send(peer, piece):
            pieces += 1
            assert pieces < 1000, "taken for ever"
        closes(peer, USUAL)
    assert daemon.logs(mark, "protocol error from .*: a header block of more than 262144 bytes")
    assert daemon.memory() - memory < 8 << 20
    assert daemon.cpu() - cpu < 0.5
    daemon.unharmed(mark)
