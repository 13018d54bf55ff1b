"""A path of thousands of forwards: what nobody may follow is not asked about, and costs no time."""

import pytest

from tests.attacks.target import Target, call_data

PATHS = {
    "different numbers": ",".join(map(str, range(1000, 13_000))),
    "the same number": ",".join(["1"] * 60_000),
    "commas": "," * 60_000,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_it_costs_nothing(fresh: Target, path: str) -> None:
    daemon = fresh
    mark = daemon.mark
    cpu = daemon.cpu()
    data = call_data(fsdaemon_path=path, fsdaemon_hop="100", fsdaemon_forward_all="102")
    played = daemon.call(data)
    assert len(played.asked) <= 110, "more than two questions for each of the largest max_hops"
    assert played.variables.get("fsdaemon_reason") in ("hops", "loop", "always")
    assert daemon.cpu() - cpu < 1.0
    daemon.unharmed(mark)
