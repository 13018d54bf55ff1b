"""A block with more headers than any channel has is refused; one with as many as allowed is not."""

from fsdaemon.esl.protocol import DEFAULT_LIMITS
from tests.attacks.peers import closes, connect, send
from tests.attacks.target import USUAL, Target, call_data


def test_it_is_refused(fresh: Target) -> None:
    daemon = fresh
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, b"".join(b"h%d: v\n" % number for number in range(10_000)) + b"\n")
        closes(peer, USUAL)
    assert daemon.logs(mark, "protocol error from .*: .*headers, more than 4096")
    daemon.unharmed(mark)


def test_a_channel_with_very_many_variables_is_fine(daemon: Target) -> None:
    mark = daemon.mark
    data = call_data(fsdaemon_forward_all="101")
    more = DEFAULT_LIMITS.headers - data.count(b"\n") - 1
    head, _, tail = data.partition(b"\n")
    data = b"\n".join([head, *(b"variable_v%d: x" % number for number in range(more)), tail])
    assert daemon.call(data).variables["fsdaemon_reason"] == "target"
    daemon.unharmed(mark)
