"""The measurements: every peer at every load, taking turns in each round; medians over the rounds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Callable

from bench.load import Generator, Load
from bench.process import Peer

LOADS = (1, 16, 128)  # sessions at a time
Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """One peer under one load in one round."""

    peer: str
    in_flight: int
    round: int
    load: Load
    cpu: float  #: microseconds of the server's CPU time for one session
    rss_before: int  #: KB
    rss_after: int  #: KB

    def row(self) -> dict[str, Any]:
        """All of it, flat."""
        fields = asdict(self)
        return {**{name: value for name, value in fields.items() if name != "load"}, **self.load._asdict()}


@dataclass(frozen=True)
class Result:
    """The medians of one peer under one load, and the sum of its failures."""

    peer: str
    in_flight: int
    per_second: float
    verdict_p50: float
    verdict_p99: float
    close_p50: float
    cpu: float
    busy: float
    sessions: int
    failures: int


def once(peer: Peer, generator: Generator, in_flight: int, seconds: float, round_: int) -> Measured:
    """Measure one peer under one load."""
    rss, cpu = peer.rss(), peer.cpu()
    load = generator.run(peer.port, in_flight, seconds)
    used = peer.cpu() - cpu
    return Measured(peer.name, in_flight, round_, load, used * 1e6 / max(1, load.sessions), rss, peer.rss())


def rounds(
    peers: Sequence[Peer], generator: Generator, seconds: float, count: int, say: Say
) -> list[Measured]:
    """Measure all, `count` times over. Each peer is first in its turn, and has been warmed up before."""
    for peer in peers:
        generator.run(peer.port, 4, min(seconds, 0.3))
    measured = []
    for round_ in range(1, count + 1):
        for in_flight in LOADS:
            first = round_ % len(peers)
            for peer in [*peers[first:], *peers[:first]]:
                one = once(peer, generator, in_flight, seconds, round_)
                say(
                    f"round {round_}, {in_flight} at a time: {peer.name} {one.load.per_second:.0f} sessions/s"
                )
                measured.append(one)
    return measured


def medians(measured: Iterable[Measured]) -> list[Result]:
    """One result for each peer and load, in the order they came first."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for one in measured:
        groups.setdefault((one.peer, one.in_flight), []).append(one.row())
    results = []
    for (peer, in_flight), rows in groups.items():
        names = ("per_second", "verdict_p50", "verdict_p99", "close_p50", "cpu", "busy")
        middle = {name: statistics.median(row[name] for row in rows) for name in names}
        sums = {name: sum(row[name] for row in rows) for name in ("sessions", "failures")}
        results.append(Result(peer, in_flight, **middle, **sums))
    return results


@dataclass(frozen=True)
class Growth:
    """Resident memory of fsdaemon over many sessions, in KB."""

    start: int
    early_sessions: int
    early: int
    sessions: int
    end: int
    failures: int


def memory(peer: Peer, generator: Generator, sessions: int, early: int = 10_000) -> Growth:
    """Play `sessions`, 16 at a time, and look at the memory after the first `early` and at the end."""
    early = min(early, sessions)
    start = peer.rss()
    failures = generator.run(peer.port, 16, count=early).failures
    rss = peer.rss()
    if sessions > early:
        failures += generator.run(peer.port, 16, count=sessions - early).failures
    return Growth(start, early, rss, sessions, peer.rss(), failures)
