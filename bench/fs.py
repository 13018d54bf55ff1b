"""Post-dial delay through a real FreeSWITCH: INVITE to final answer, with and without a question.

Four numbers of the context `public` set the same variables, ask nobody, a Lua script, fsdaemon or the
minimal server, and hang up with USER_BUSY. A call without a verdict is answered 503: a failure.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import native
from bench.load import verdict_command
from bench.process import Peer, cpu_seconds
from bench.report import align, machine
from tests.daemon import free_port
from tests.live.switch import Switch, binary

VARIANTS = ("none", "lua", "fsdaemon", "async", "minimal")
RATES = (50, 100, 200, 300)  # calls/s, all reported
STEP, HIGHEST = 10, 600  # calls/s: where p95 passes LIMIT is looked for up to there, and so exactly
LIMIT = 50_000.0  # microseconds
_BUSY = "486"

_EXTENSION = """
      <extension name="{name}">
        <condition field="destination_number" expression="^{name}$">
          <action application="set" data="fsdaemon_callee=100"/>
          <action application="set" data="fsdaemon_callee_name=Cora Chefin"/>
          <action application="set" data="fsdaemon_domain=lab.test"/>
          <action application="set" data="fsdaemon_forward_all=102"/>
          <action application="set" data="fsdaemon_forward_except=109"/>
          {before}<action application="{application}" data="{data}"/>{after}
          <action application="hangup" data="${{cond(${{fsdaemon_verdict}} == forward ? USER_BUSY : \
NORMAL_TEMPORARY_FAILURE)}}"/>
        </condition>
      </extension>"""


# A dialplan that bounds a silent daemon by itself: the call is transferred after three seconds.
_BOUND = (
    '<action application="set" data="socket_resume=true"/>'
    '<action application="sched_transfer" data="+3 none"/>',
    '<action application="sched_cancel"/>',
)


class Calls(NamedTuple):
    """What the callers measured; times in microseconds."""

    calls: int
    failures: int  #: answered otherwise than 486, or not at all
    unanswered: int
    resent: int  #: INVITEs that FreeSWITCH did not hear the first time
    p50: float
    p95: float
    p99: float
    worst: float
    lag: float  #: how late the caller itself was, at worst

    @property
    def slow(self) -> bool:
        """Whether p95 passes the limit; a call that failed never came."""
        return self.p95 > LIMIT or self.failures > self.calls / 20


class Measured(NamedTuple):
    """One variant at one rate: a round, or the median of the rounds. CPU: microseconds a call."""

    variant: str
    rate: int
    calls: Calls
    switch_cpu: float  #: of FreeSWITCH
    server_cpu: float  #: of the server that it asks

    def row(self) -> dict[str, Any]:
        """All of it, flat."""
        rest = {name: value for name, value in self._asdict().items() if name != "calls"}
        return {**rest, **self.calls._asdict()}


def run(directory: Path, seconds: float, rounds: int, out: Path | None) -> int:
    """Measure and print; returns the exit code. RuntimeError says why nothing can be measured."""
    if binary() is None:
        raise RuntimeError("no FreeSWITCH: set FREESWITCH=/path/to/freeswitch, or have it on PATH")
    caller = native.build("sipcaller", directory)
    if caller is None:
        raise RuntimeError("no C compiler (cc): it is needed for the caller of --fs")
    with _switch(directory) as (switch, servers):
        bench = _Bench(caller, switch, servers, seconds)
        measured = bench.rounds(rounds)
        middle = _medians(measured)
        further = bench.search(middle, rounds)
    everything = sorted(middle + further, key=lambda one: (one.rate, VARIANTS.index(one.variant)))
    print(table(everything), limits(everything), targets(everything), sep="\n\n")
    if out:
        document = {"machine": machine(), "measurements": [one.row() for one in measured + further]}
        (out / "bench-fs.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    failed = sum(one.calls.failures for one in middle if one.variant == "fsdaemon")
    return 1 if failed else 0


@contextlib.contextmanager
def _switch(directory: Path) -> Iterator[tuple[Switch, dict[str, Peer]]]:
    """A FreeSWITCH with our extensions, and the servers it asks."""
    place = directory / "freeswitch"
    place.mkdir()
    switch = Switch(place, log_levels="err,crit,alert")
    verdict = directory / "verdict"
    verdict.write_bytes(verdict_command())
    minimal = free_port()
    _write_dialplan(place / "freeswitch.xml", switch.daemon_port, minimal)
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(Peer("fsdaemon", directory, port=switch.daemon_port)),
            stack.enter_context(Peer("minimal", directory, ["--verdict", str(verdict)], minimal)),
        ]
        switch.start()
        stack.callback(switch.stop)
        yield switch, {peer.name: peer for peer in peers}


def _write_dialplan(file: Path, fsdaemon: int, minimal: int) -> None:
    """Replace the context `public` in FreeSWITCH's configuration."""
    ways = {
        "none": ("set", "fsdaemon_verdict=forward"),
        "lua": ("lua", str(Path(__file__).with_name("decide.lua"))),
        "fsdaemon": ("socket", f"127.0.0.1:{fsdaemon} full"),
        "async": ("socket", f"127.0.0.1:{fsdaemon} async full"),
        "minimal": ("socket", f"127.0.0.1:{minimal} full"),
    }
    extensions = "".join(
        _EXTENSION.format(name=name, application=application, data=data, before=before, after=after)
        for name, (application, data) in ways.items()
        for before, after in [_BOUND if name == "async" else ("", "")]
    )
    text = re.sub(
        r'(<context name="public">).*?(</context>)',
        lambda match: match[1] + extensions + "\n    " + match[2],
        file.read_text("utf-8"),
        count=1,
        flags=re.DOTALL,
    )
    file.write_text(text.replace('name="loglevel" value="debug"', 'name="loglevel" value="err"'), "utf-8")


class _Bench:
    """Places calls."""

    def __init__(self, caller: Path, switch: Switch, servers: dict[str, Peer], seconds: float) -> None:
        self._caller = caller
        self._switch = switch
        self._servers = servers
        self._seconds = seconds

    def once(self, variant: str, rate: int, seconds: float = 0.0) -> Measured:
        arguments = [str(self._switch.sip_out), variant, str(rate), str(seconds or self._seconds), _BUSY]
        before = self._cpu(variant)
        result = subprocess.run([str(self._caller), *arguments], capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(result.stderr.strip() or f"sipcaller ended with {result.returncode}")
        calls = Calls(**json.loads(result.stdout))
        used = [(after - was) * 1e6 / calls.calls for after, was in zip(self._cpu(variant), before)]
        print(f"{rate} calls/s, {variant}: p95 {calls.p95 / 1000:.1f} ms", file=sys.stderr)
        self._settle()
        return Measured(variant, rate, calls, *used)

    def _cpu(self, variant: str) -> tuple[float, float]:
        """Seconds used by FreeSWITCH, and by the server that this variant asks."""
        server = self._servers.get("fsdaemon" if variant == "async" else variant)
        return cpu_seconds(self._switch.process.pid), server.cpu() if server else 0.0

    def _settle(self) -> None:
        """Wait until FreeSWITCH has cleared away the calls of one measurement, before the next."""
        end = time.monotonic() + 10
        while time.monotonic() < end and "\n0 total" not in self._switch.api("show channels count"):
            time.sleep(0.1)

    def rounds(self, count: int) -> list[Measured]:
        """Every variant at every rate of RATES, taking turns."""
        for variant in VARIANTS:
            self.once(variant, 20, 0.5)
        return [
            self.once(variant, rate)
            for round_ in range(count)
            for rate in RATES
            for variant in _turned(VARIANTS, round_)
        ]

    def search(self, known: Sequence[Measured], rounds: int) -> list[Measured]:
        """Where each variant becomes too slow: bisected between what was fine and what was not."""
        spans = {variant: _span(known, variant) for variant in VARIANTS}
        found: list[Measured] = []
        while open_ := {v: (low + high) // 2 for v, (low, high) in spans.items() if high - low > STEP}:
            turns = (_turned(list(open_), round_) for round_ in range(rounds))
            tried = _medians([self.once(variant, open_[variant]) for turn in turns for variant in turn])
            found += tried
            for one in tried:
                low, high = spans[one.variant]
                spans[one.variant] = (low, one.rate) if one.calls.slow else (one.rate, high)
        return found


def _span(known: Sequence[Measured], variant: str) -> tuple[int, int]:
    """The highest rate that was fine, below the lowest that was not."""
    mine = [one for one in known if one.variant == variant]
    high = min((one.rate for one in mine if one.calls.slow), default=HIGHEST)
    return max((one.rate for one in mine if one.rate < high), default=0), high


def _turned(names: Sequence[str], by: int) -> list[str]:
    return [*names[by % len(names) :], *names[: by % len(names)]]


def _medians(measured: Sequence[Measured]) -> list[Measured]:
    """One for each variant and rate; calls and failures are summed."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for one in measured:
        groups.setdefault((one.rate, one.variant), []).append(one.row())
    results = []
    for (rate, variant), rows in groups.items():
        sums = {name: sum(row[name] for row in rows) for name in Calls._fields[:4]}
        names = (*Calls._fields[4:], "switch_cpu", "server_cpu")
        middle = {name: statistics.median(row[name] for row in rows) for name in names}
        cpu = (middle.pop("switch_cpu"), middle.pop("server_cpu"))
        results.append(Measured(variant, rate, Calls(**sums, **middle), *cpu))
    return results


def table(measured: Sequence[Measured]) -> str:
    """Every variant at every rate that was tried."""
    heads = ("calls/s", "asks", "p50", "p95", "p99", "worst", "switch CPU", "server CPU", "late", "resent")
    rows: list[tuple[str, ...]] = [(*heads, "failures")]
    for one in measured:
        calls = one.calls
        cpu = (one.switch_cpu, one.server_cpu)
        times = [_ms(value) for value in (calls.p50, calls.p95, calls.p99, calls.worst, *cpu, calls.lag)]
        counts = (str(calls.resent), f"{calls.failures} of {calls.calls}")
        rows.append((str(one.rate), one.variant, *times, *counts))
    return f"post-dial delay (INVITE to its final answer)\n{align(rows)}"


def limits(measured: Sequence[Measured]) -> str:
    """For each variant the lowest rate at which it was too slow."""
    rows = [("asks", f"lowest rate with p95 over {LIMIT / 1000:.0f} ms")]
    for variant in VARIANTS:
        rates = [one.rate for one in measured if one.variant == variant]
        slow = [one.rate for one in measured if one.variant == variant and one.calls.slow]
        rows.append((variant, f"{min(slow)} calls/s" if slow else f"none up to {max(rates)} calls/s"))
    return align(rows)


def targets(measured: Sequence[Measured]) -> str:
    """What fsdaemon adds to a call, beside what the minimal server adds, against what was set as a target."""
    by = {(one.variant, one.rate): one for one in measured}
    rows = [("calls/s", "added p50", "of minimal's", "added p99", "of minimal's")]
    for rate in RATES:
        none, ours, minimal = (by[name, rate].calls for name in ("none", "fsdaemon", "minimal"))
        p50 = _beside(ours.p50 - none.p50, minimal.p50 - none.p50)
        rows.append((str(rate), *p50, *_beside(ours.p99 - none.p99, minimal.p99 - none.p99)))
    fsdaemon, floor = (_span(measured, name)[1] for name in ("fsdaemon", "minimal"))
    wanted = f"targets: p50 1.3 x, p99 1.5 x; rate at which p95 passes {LIMIT / 1000:.0f} ms 0.9 x minimal's"
    return f"{align(rows)}\n\n{wanted}: {fsdaemon / floor:.2f} x"


def _beside(ours: float, minimal: float) -> tuple[str, str]:
    return _ms(ours), f"{ours / minimal:.2f} x" if minimal > 0 else "-"


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1000:.2f} ms"
