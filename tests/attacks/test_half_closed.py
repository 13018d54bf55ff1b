"""A peer that ends its direction after a part of a message gets no more time: the call is gone."""

import pytest

from tests.attacks.peers import ANSWERS, closes, connect, half_close
from tests.attacks.target import USUAL, Target

FIRST = len(ANSWERS[0])
PARTS = {
    "nothing": b"",
    "a byte": ANSWERS[0][:1],
    "half a header block": ANSWERS[0][: FIRST // 2],
    "all but the last line end": ANSWERS[0][:-1],
    "the channel data": ANSWERS[0],
    "half an api answer": b"".join(ANSWERS[:2])[:-3],
    "all but the last reply": b"".join(ANSWERS[:2]),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_it_is_closed_at_once(daemon: Target, part: bytes) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    with connect(daemon.port) as peer:
        peer.sendall(part)
        half_close(peer)
        closes(peer, USUAL)
    daemon.back_to(before)
    assert not daemon.verdicts(mark), "a verdict for a call that ended"
    daemon.unharmed(mark)
