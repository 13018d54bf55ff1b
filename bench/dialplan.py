"""What a user pays: FreeSWITCH's example configuration with and without fsdaemon, side by side in one run.

Contexts of one FreeSWITCH, each a copy of the example's `default`: as it is, with our dialplan as delivered,
the same with no daemon, and with a Lua script that decides much the same. Phones say 180 and are cancelled.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.process import Peer, cpu_seconds
from bench.report import align, machine
from bench.ringing import Caller, Phone, Place
from tests.daemon import free_port
from tests.live.switch import CONTEXT, DIALPLAN, Vanilla, binary

RATE = 20  # calls/s at which costs are compared
LIMIT = 0.1  # seconds: the rate at which p95 passes it is looked for
_STEP, _HIGHEST = 2, 130  # calls/s
_CALLEES = {"nobody": "1000", "one": "1002"}  # 1002 forwards always to 1001


class Variant(NamedTuple):
    """A way to call a user."""

    name: str
    context: str
    caller: str
    number: str


VARIANTS = (
    Variant("stock", "default", "1010", "1000"),
    Variant("fsdaemon, nobody forwards", "ours", "1011", "1000"),
    Variant("fsdaemon, one forward", "ours", "1011", "1002"),
    Variant("no daemon, nobody forwards", "gone", "1012", "1000"),
    Variant("no daemon, one forward", "gone", "1012", "1002"),
    Variant("Lua, nobody forwards", "lua", "1013", "1000"),
    Variant("Lua, one forward", "lua", "1013", "1002"),
)
STOCK, PLAIN, FORWARD = (variant.name for variant in VARIANTS[:3])


class Measured(NamedTuple):
    """One variant at one rate. Times in seconds, CPU in seconds a call."""

    variant: str
    rate: int
    calls: int
    silent: int  #: did not ring within four seconds
    times: tuple[float, ...]
    switch_cpu: float
    daemon_cpu: float

    def percentile(self, share: float) -> float:
        """INVITE → 180 of that share of the calls; one that never rang took for ever."""
        times = sorted((*self.times, *[float("inf")] * self.silent))
        return times[min(len(times) - 1, int(share * len(times)))]


def run(directory: Path, seconds: float, rounds: int, out: Path | None) -> int:
    """Measure and print; returns the exit code. RuntimeError says why nothing can be measured."""
    if binary() is None:
        raise RuntimeError("no FreeSWITCH: set FREESWITCH=/path/to/freeswitch, or have it on PATH")
    source = os.environ.get("FREESWITCH_VANILLA", "")
    if not source:
        raise RuntimeError(
            "no example configuration: set FREESWITCH_VANILLA to conf/vanilla of FreeSWITCH's source"
        )
    with _bench(Path(source), directory) as bench:
        measured = bench.rounds(rounds, seconds)
        further = bench.search(seconds)
    print(table(measured), limits(further), targets(measured, further), sep="\n\n")
    if out:
        rows = [{**one._asdict(), "times": [round(t, 5) for t in one.times]} for one in measured + further]
        (out / "bench-dialplan.json").write_text(
            json.dumps({"machine": machine(), "measurements": rows}) + "\n", "utf-8"
        )
    return 1 if any(one.silent for one in measured) else 0


class _Bench:
    """Makes the calls."""

    def __init__(self, switch: Vanilla, daemon: Peer) -> None:
        place = Place(switch.host, switch.sip, switch.domain, switch.password(""))
        phones = [Phone(place, "1000"), Phone(place, "1001")]
        self.callers = {variant.caller: Caller(place, variant.caller, phones) for variant in VARIANTS}
        self.switch, self.daemon = switch, daemon

    def once(self, variant: Variant, rate: int, seconds: float) -> Measured:
        before = (cpu_seconds(self.switch.process.pid), self.daemon.cpu())
        rung = self.callers[variant.caller].run(variant.number, rate, seconds)
        self._settle()
        after = (cpu_seconds(self.switch.process.pid), self.daemon.cpu())
        used = [(end - start) / rung.asked for start, end in zip(before, after)]
        silent = rung.asked - len(rung.to_ringing)
        one = Measured(variant.name, rate, rung.asked, silent, tuple(rung.to_ringing), *used)
        print(
            f"{rate} calls/s, {variant.name}: p50 {_ms(one.percentile(0.5))}, CPU {_ms(used[0])}",
            file=sys.stderr,
        )
        return one

    def _settle(self) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end and "\n0 total" not in self.switch.api("show channels count"):
            time.sleep(0.1)

    def rounds(self, count: int, seconds: float) -> list[Measured]:
        """Every variant at RATE, taking turns; the rounds of one put together."""
        for variant in VARIANTS:
            self.once(variant, 10, 1)
        turns = [[*VARIANTS[by % len(VARIANTS) :], *VARIANTS[: by % len(VARIANTS)]] for by in range(count)]
        found = [self.once(variant, RATE, seconds) for turn in turns for variant in turn]
        return [_together([one for one in found if one.variant == variant.name]) for variant in VARIANTS]

    def search(self, seconds: float) -> list[Measured]:
        """The rate at which p95 passes LIMIT, bisected for each of the first three, in turns."""
        spans = {variant: (RATE, _HIGHEST) for variant in VARIANTS[:3]}
        found = []
        while any(high - low > _STEP for low, high in spans.values()):
            for variant, (low, high) in spans.items():
                if high - low > _STEP:
                    rate = (low + high) // 2
                    one = _together([self.once(variant, rate, seconds) for _ in range(2)])
                    spans[variant] = (low, one.rate) if one.percentile(0.95) > LIMIT else (one.rate, high)
                    found.append(one)
        return found


def _together(rounds: Sequence[Measured]) -> Measured:
    times = tuple(time_ for one in rounds for time_ in one.times)
    calls, silent = sum(one.calls for one in rounds), sum(one.silent for one in rounds)
    cpu = [statistics.median(getattr(one, name) for one in rounds) for name in ("switch_cpu", "daemon_cpu")]
    return Measured(rounds[0].variant, rounds[0].rate, calls, silent, times, *cpu)


@contextlib.contextmanager
def _bench(source: Path, directory: Path) -> Iterator[_Bench]:
    place = directory / "freeswitch"
    switch = Vanilla(source, place, included=False)
    limits_ = place / "autoload_configs" / "switch.conf.xml"
    text = limits_.read_text("utf-8")
    assert (
        'name="sessions-per-second" value="30"' in text
    )  # two sessions a call: 15 calls/s, for every variant alike
    limits_.write_text(text.replace('per-second" value="30"', 'per-second" value="2000"'), "utf-8")
    _write_contexts(switch)
    for variant in VARIANTS:
        _set(switch, variant.caller, user_context=variant.context)
    _set(switch, "1002", call_forward_all="1001")
    with Peer("fsdaemon", directory, port=switch.daemon_port) as daemon:
        switch.start()
        try:
            yield _Bench(switch, daemon)
        finally:
            switch.stop()


def _set(switch: Vanilla, user: str, **variables: str) -> None:
    file = switch.directory / "directory" / "default" / f"{user}.xml"
    text = file.read_text("utf-8")
    for name, value in variables.items():
        text = re.sub(rf'<variable name="{name}" value="[^"]*"/>', "", text)
        text = text.replace("<variables>", f'<variables><variable name="{name}" value="{value}"/>', 1)
    file.write_text(text, "utf-8")


def _write_contexts(switch: Vanilla) -> None:
    """Copies of the context `default`, in files of their own beside it."""
    dialplan = switch.directory / "dialplan"
    stock = (dialplan / "default.xml").read_text("utf-8")
    place = '    <extension name="Local_Extension">'
    context = CONTEXT.read_text("utf-8")
    for name, port in (("ours", switch.daemon_port), ("gone", free_port())):
        kit = switch.directory / f"kit-{name}"
        kit.mkdir()
        for file in DIALPLAN.glob("*.xml"):
            text = file.read_text("utf-8").replace(" XML fsdaemon", f" XML fsdaemon_{name}")
            (kit / file.name).write_text(text, "utf-8")
        line = f'<X-PRE-PROCESS cmd="include" data="{kit}/fsdaemon.xml"/>\n'
        _context(dialplan, name, stock.replace(place, line + place))
        text = context.replace("127.0.0.1:8084", f"127.0.0.1:{port}").replace(
            "fsdaemon_socket", f"socket_{name}"
        )
        text = text.replace(" XML fsdaemon", f" XML fsdaemon_{name}").replace(
            'name="fsdaemon"', f'name="fsdaemon_{name}"'
        )
        (dialplan / f"fsdaemon_{name}.xml").write_text(text, "utf-8")
    _context(dialplan, "lua", _with_lua(stock))


def _context(dialplan: Path, name: str, text: str) -> None:
    assert text.count('<context name="default">') == 1
    (dialplan / f"{name}.xml").write_text(
        text.replace('<context name="default">', f'<context name="{name}">'), "utf-8"
    )


def _with_lua(text: str) -> str:
    script = Path(__file__).with_name("dialplan.lua")
    bridge = '<action application="bridge" data="user/${dialed_extension}@${domain_name}"/>'
    start, end = (
        text.index('<extension name="Local_Extension">'),
        text.index('<extension name="Local_Extension_Skinny">'),
    )
    ours = text[start:end]
    assert ours.count(bridge) == 1
    ask = f'<action application="lua" data="{script} ${{dialed_extension}} ${{domain_name}} %s"/>'
    first = '<action application="set" data="diverted_context=lua"/>' + ask % "before"
    labelled = bridge.replace("user/", "${leg}user/")
    return text[:start] + ours.replace(bridge, first + labelled + ask % "after") + text[end:]


def table(measured: Sequence[Measured]) -> str:
    """INVITE → 180 and CPU of every variant, beside stock."""
    stock = measured[0]
    heads = ("", "p50", "p95", "p99", "over stock", "switch CPU", "of stock", "daemon CPU", "silent")
    rows: list[tuple[str, ...]] = [heads]
    for one in measured:
        times = [_ms(one.percentile(share)) for share in (0.5, 0.95, 0.99)]
        over = _ms(one.percentile(0.5) - stock.percentile(0.5))
        cpu = (_ms(one.switch_cpu), f"{one.switch_cpu / stock.switch_cpu:.2f} x", _ms(one.daemon_cpu))
        rows.append((one.variant, *times, over, *cpu, f"{one.silent} of {one.calls}"))
    return f"INVITE to 180 at {RATE} calls/s, the example configuration\n{align(rows)}"


def _limit(measured: Sequence[Measured], variant: str) -> int:
    """The highest rate that was fine."""
    fine = [one.rate for one in measured if one.variant == variant and one.percentile(0.95) <= LIMIT]
    return max(fine, default=RATE)


def limits(measured: Sequence[Measured]) -> str:
    """The highest rate at which p95 stays below LIMIT."""
    rows = [("", f"p95 stays below {LIMIT * 1000:.0f} ms up to")]
    rows += [(variant.name, f"{_limit(measured, variant.name)} calls/s") for variant in VARIANTS[:3]]
    return align(rows)


def targets(measured: Sequence[Measured], further: Sequence[Measured]) -> str:
    """What was set as a target, and what was measured."""
    by = {one.variant: one for one in measured}
    stock, plain, forward = by[STOCK], by[PLAIN], by[FORWARD]
    rows = [("target", "wanted", "measured")]
    for name, one, cpu, delay in (("plain", plain, 1.15, 5), ("one forward", forward, 1.5, 15)):
        rows.append((f"switch CPU, {name}", f"{cpu} x", f"{one.switch_cpu / stock.switch_cpu:.2f} x"))
        over = one.percentile(0.5) - stock.percentile(0.5)
        rows.append((f"p50 over stock, {name}", f"{delay} ms", _ms(over)))
    rate = _limit(further, PLAIN) / _limit(further, STOCK)
    rows.append(("rate at which p95 passes, plain", "0.9 x", f"{rate:.2f} x"))
    return align(rows)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
