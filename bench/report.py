"""What was measured, as a table for people, as JSON, and as a picture where matplotlib is installed."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from bench.measure import LOADS, Growth, Measured, Result

OURS = "fsdaemon"


class Target(NamedTuple):
    """How fast fsdaemon shall be, beside whom."""

    peer: str
    in_flight: int
    ratio: float


TARGETS = (Target("greenswitch", 16, 20), Target("genesis", 16, 3.5), Target("minimal", 16, 0.7))


def align(rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def table(results: Sequence[Result], measured: Sequence[Measured]) -> str:
    """Every peer at every load; times in microseconds."""
    parts = []
    for in_flight in LOADS:
        rows = [
            (
                "peer", "sessions/s", "fsdaemon is", "verdict p50", "p99", "close p50", "CPU/session",
                "load busy", "failures",
            )
        ]  # fmt: skip
        for one in results:
            if one.in_flight == in_flight:
                ratio = ratio_to(measured, one.peer, in_flight)
                rows.append(
                    (
                        one.peer,
                        f"{one.per_second:.0f}",
                        f"{ratio:.2f} x" if ratio else "-",
                        f"{one.verdict_p50:.0f} us",
                        f"{one.verdict_p99:.0f} us",
                        f"{one.close_p50:.0f} us",
                        f"{one.cpu:.0f} us",
                        f"{one.busy:.0%}",
                        f"{one.failures} of {one.sessions}",
                    )
                )
        sessions = "session" if in_flight == 1 else "sessions"
        parts.append(f"{in_flight} {sessions} at a time\n{align(rows)}")
    return "\n\n".join(parts)


def ratio_to(measured: Iterable[Measured], peer: str, in_flight: int) -> float | None:
    """How many times the sessions of `peer` fsdaemon answers; None if one was not measured.

    The median of the rounds' ratios: what was measured at the same time is compared, so that a machine
    that gets slower in between changes nothing.
    """
    rates: dict[int, dict[str, float]] = {}
    for one in measured:
        if one.in_flight == in_flight:
            rates.setdefault(one.round, {})[one.peer] = one.load.per_second
    ratios = [rate[OURS] / rate[peer] for rate in rates.values() if rate.get(peer) and OURS in rate]
    return statistics.median(ratios) if ratios else None


def memory_table(measured: Sequence[Measured]) -> str:
    """Resident memory of each peer before anything was measured, and after everything."""
    rows = [("memory (VmRSS)", "before", "after", "growth", "sessions")]
    for peer in dict.fromkeys(one.peer for one in measured):
        mine = [one for one in measured if one.peer == peer]
        before, after = mine[0].rss_before, mine[-1].rss_after
        sessions = sum(one.load.sessions for one in mine)
        rows.append((peer, _mb(before), _mb(after), _mb(after - before), str(sessions)))
    return align(rows)


def targets(measured: Sequence[Measured]) -> str:
    """The last section: what was wanted, and what was measured."""
    rows = [("target (sessions/s)", "measured", "")]
    for target in TARGETS:
        ratio = ratio_to(measured, target.peer, target.in_flight)
        rows.append(
            (
                f">= {target.ratio:g} x {target.peer} at {target.in_flight}",
                f"{ratio:.2f} x" if ratio else "-",
                "not measured" if ratio is None else "met" if ratio >= target.ratio else "NOT met",
            )
        )
    return align(rows)


def growth(result: Growth) -> str:
    """What a long run left behind."""
    rows = [
        ("after", "VmRSS"),
        ("start", _mb(result.start)),
        (f"{result.early_sessions} sessions", _mb(result.early)),
        (f"{result.sessions} sessions", _mb(result.end)),
        ("growth between the two", _mb(result.end - result.early)),
    ]
    return f"{align(rows)}\nsessions without a verdict: {result.failures}"


def _mb(kilobytes: int) -> str:
    return f"{kilobytes / 1024:.2f} MB"


def machine() -> dict[str, Any]:
    """Where it was measured, as far as figures depend on it."""
    versions: dict[str, str | None] = {}
    for name in ("gevent", "greenlet", "greenswitch", "genesis", "loguru"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cpus": len(os.sched_getaffinity(0)),
        "versions": versions,
    }


def write_json(path: Path, measured: Sequence[Measured], results: Sequence[Result]) -> None:
    """Everything: each single measurement, the medians, and the machine."""
    wanted = [{**t._asdict(), "measured": ratio_to(measured, t.peer, t.in_flight)} for t in TARGETS]
    document = {
        "machine": machine(),
        "medians": [asdict(one) for one in results],
        "targets": wanted,
        "measurements": [one.row() for one in measured],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def draw(path: Path, results: Sequence[Result]) -> bool:
    """The picture: sessions a second, and the time to the verdict. False where there is no matplotlib."""
    try:
        from matplotlib import use

        use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return False
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    peers = list(dict.fromkeys(one.peer for one in results))
    width = 0.8 / len(peers)
    for number, peer in enumerate(peers):
        mine = [one for one in results if one.peer == peer]
        places = [at + (number - (len(peers) - 1) / 2) * width for at in range(len(mine))]
        bars = left.bar(places, [one.per_second for one in mine], width, label=peer)
        left.bar_label(bars, fmt="%.0f", fontsize=7, padding=1)
        right.bar(places, [one.verdict_p50 / 1000 for one in mine], width)
        right.vlines(
            places,
            [one.verdict_p50 / 1000 for one in mine],
            [one.verdict_p99 / 1000 for one in mine],
            color="0.4",
        )
    left.set(yscale="log", ylabel="sessions/s", title="Sessions a second")
    right.set(yscale="log", ylabel="ms", title="From connect() to the verdict: p50, line up to p99")
    for axes in (left, right):
        axes.set_xticks(range(len(LOADS)), [str(load) for load in LOADS])
        axes.set_xlabel("sessions at a time")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(peers), frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)
    return True
