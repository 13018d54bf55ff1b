"""Calls through our dialplan on one FreeSWITCH and on two that share a PostgreSQL, each with its own daemon.

A stranger calls 100, who forwards always to an extension that is engaged: 486 if the forward was followed.
Nothing else of the machine is spared: callers, switches, daemons and database share its CPUs.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench import native
from bench.process import cpu_seconds
from bench.report import align, machine
from tests.daemon import Daemon
from tests.live.nodes import Node, missing
from tests.live.postgres import Postgres
from tests.live.switch import Switch

RATES = (50, 100, 150, 200, 250, 300)  # calls/s, upward, until p95 passes LIMIT
LIMIT = 50_000.0  # microseconds
_FOLLOWED = "486"
_QUIET = 'name="loglevel" value="debug"', 'name="loglevel" value="err"'


class Site(NamedTuple):
    """Nodes that share the load, and the processes that they cost."""

    name: str
    nodes: list[Switch]
    daemons: list[Daemon]
    database: Postgres | None

    def cpu(self) -> tuple[float, float, float]:
        """Seconds used by FreeSWITCH, the daemons and the database."""
        switches = sum(cpu_seconds(node.process.pid) for node in self.nodes)
        daemons = sum(cpu_seconds(daemon.process.pid) for daemon in self.daemons)
        return switches, daemons, _family(self.database.process.pid) if self.database else 0.0


class Measured(NamedTuple):
    """One site at one rate: a round, or the medians of all. Times in microseconds; CPU for one call."""

    site: str
    rate: int
    calls: int
    failures: int
    p50: float
    p95: float
    worst: float
    switch_cpu: float
    daemon_cpu: float
    database_cpu: float


def run(directory: Path, seconds: float, rounds: int, out: Path | None) -> int:
    """Measure and print; returns the exit code. RuntimeError says why nothing can be measured."""
    reason = missing()
    if reason:
        raise RuntimeError(reason)
    caller = native.build("sipcaller", directory)
    if caller is None:
        raise RuntimeError("no C compiler (cc): it is needed for the caller of --nodes")
    with _sites(directory) as sites:
        for site in sites:
            _once(caller, site, 20, 1.0)
        measured: list[Measured] = []
        slow: set[str] = set()
        for rate in RATES:
            here = [site for site in sites if site.name not in slow]
            one = [_once(caller, site, rate, seconds) for _ in range(rounds) for site in here]
            middle = [_median([m for m in one if m.site == site.name]) for site in here]
            slow |= {m.site for m in middle if m.p95 > LIMIT or m.failures > m.calls / 20}
            measured += middle
    print(table(measured), limits(measured, sites), sep="\n\n")
    if out:
        document = {"machine": machine(), "measurements": [one._asdict() for one in measured]}
        (out / "bench-nodes.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return 0


@contextlib.contextmanager
def _sites(directory: Path) -> Iterator[list[Site]]:
    with contextlib.ExitStack() as stack:
        database = Postgres()
        stack.callback(database.close)
        alone = Switch(_place(directory, "alone"), log_levels="err,crit,alert")
        a, b = (
            Node(_place(directory, name), "127.0.0.1", name, database.dsn, log_levels="err,crit,alert")
            for name in ("a", "b")
        )
        daemons = []
        for node in (alone, a, b):
            _quiet(node)
            node.write_directory({"100": {"all": "4860"}}, {})
            node.start()
            stack.callback(node.stop)
            daemons.append(stack.enter_context(Daemon(node.daemon_port)))
        yield [
            Site("one, SQLite", [alone], daemons[:1], None),
            Site("one, PostgreSQL", [a], daemons[1:2], database),
            Site("two, PostgreSQL", [a, b], daemons[1:], database),
        ]


def _place(directory: Path, name: str) -> Path:
    place = directory / name
    place.mkdir()
    return place


def _quiet(node: Switch) -> None:
    file = node.directory / "freeswitch.xml"
    file.write_text(file.read_text("utf-8").replace(*_QUIET), "utf-8")


def _once(caller: Path, site: Site, rate: int, seconds: float) -> Measured:
    before = site.cpu()
    callers = [
        subprocess.Popen(
            [str(caller), str(node.sip_out), "100", str(rate / len(site.nodes)), str(seconds), _FOLLOWED],
            stdout=subprocess.PIPE, text=True,
        )
        for node in site.nodes
    ]  # fmt: skip
    results = [json.loads(process.communicate()[0]) for process in callers]
    calls = sum(one["calls"] for one in results)
    used = [(after - was) * 1e6 / calls for after, was in zip(site.cpu(), before)]
    p50, p95, worst = (max(one[name] for one in results) for name in ("p50", "p95", "worst"))
    print(f"{rate} calls/s, {site.name}: p95 {p95 / 1000:.1f} ms", file=sys.stderr)
    for node in site.nodes:
        _settle(node)
    return Measured(site.name, rate, calls, sum(one["failures"] for one in results), p50, p95, worst, *used)


def _settle(node: Switch) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and "\n0 total" not in node.api("show channels count"):
        time.sleep(0.1)


def _family(pid: int) -> float:
    """CPU time of a process and its children that live."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return sum(cpu_seconds(int(one)) for one in [str(pid), *children])


def _median(rounds: list[Measured]) -> Measured:
    middle = {name: statistics.median(getattr(one, name) for one in rounds) for name in Measured._fields[4:]}
    sums = {name: sum(getattr(one, name) for one in rounds) for name in ("calls", "failures")}
    return Measured(rounds[0].site, rounds[0].rate, **sums, **middle)


def table(measured: list[Measured]) -> str:
    """Every site at every rate that was tried. Of two nodes the slower one counts."""
    rows: list[tuple[str, ...]] = [
        ("calls/s", "nodes", "p50", "p95", "worst", "switch CPU", "daemon CPU", "database CPU", "failures")
    ]
    for one in measured:
        times = [f"{value / 1000:.2f} ms" for value in one[4:]]
        rows.append((str(one.rate), one.site, *times, f"{one.failures} of {one.calls}"))
    return f"INVITE to final answer, through freeswitch/dialplan/default\n{align(rows)}"


def limits(measured: list[Measured], sites: list[Site]) -> str:
    """For each site the lowest rate at which it was too slow."""
    rows = [("nodes", f"lowest rate with p95 over {LIMIT / 1000:.0f} ms")]
    for site in sites:
        mine = [one for one in measured if one.site == site.name]
        last = mine[-1]
        slow = last.p95 > LIMIT or last.failures > last.calls / 20
        rows.append((site.name, f"{last.rate} calls/s" if slow else f"none up to {last.rate} calls/s"))
    return align(rows)
