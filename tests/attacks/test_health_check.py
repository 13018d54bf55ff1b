"""A load balancer or port scanner that connects and closes at once is no event, and floods no log."""

from tests.attacks.peers import connect, reset
from tests.attacks.target import Target


def test_it_is_not_worth_a_line_each(fresh: Target) -> None:
    daemon = fresh
    mark, before = daemon.mark, daemon.descriptors()
    for _ in range(200):
        connect(daemon.port).close()
        reset(connect(daemon.port))
    daemon.back_to(before)
    assert not daemon.since(mark, "ERROR")
    assert not daemon.verdicts(mark)
    assert len(daemon.since(mark)) <= 1
    daemon.unharmed(mark)
