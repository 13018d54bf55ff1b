"""Runs a fuzz target for some time and keeps what it finds.

Two engines: hypothesis (always there: makes structured input and shrinks what fails), and atheris where
it is installed (`--engine atheris`: libFuzzer, guided by coverage, on raw bytes with the recordings as
its corpus). What fails is saved in fuzz/found/, as the arguments of the target's `check`.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from fuzz.corpus import RECORDINGS

FOUND = Path(__file__).parent / "found"
_BATCH = 5000
_HANGS = 5.0  # seconds for one run; a run takes a millisecond


class Hangs(BaseException):
    """One run took too long. No Exception, so that nothing in between handles it."""


class _Over(BaseException):
    """The time is over. Hypothesis lets pass what is no Exception."""


class Target(NamedTuple):
    """What is fuzzed."""

    name: str
    check: Callable[..., None]  #: raises AssertionError if the invariant does not hold
    arguments: st.SearchStrategy[tuple[Any, ...]]  #: makes arguments for `check`
    from_bytes: Callable[[bytes], tuple[Any, ...]]  #: the same from raw bytes, for libFuzzer


class Result(NamedTuple):
    """What came of it."""

    runs: int
    seconds: float
    failure: str = ""  #: the traceback of what failed, smallest input
    arguments: tuple[Any, ...] = ()


def run(target: Target, seconds: float, seed: int, shrink: bool = True, most: int = 0) -> Result:
    """Run `target` for about `seconds`, or `most` times; ends at the first failure."""
    batch = _Batch(target, time.monotonic() + seconds, most)
    phases = [Phase.generate] + [Phase.shrink] * shrink
    started = time.monotonic()
    while True:
        one = given(target.arguments)(batch.one)
        one = settings(
            max_examples=_BATCH,
            deadline=None,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )(one)
        try:
            hypothesis_seed(seed + batch.runs)(one)()
        except _Over:
            return Result(batch.runs, time.monotonic() - started)
        except (Exception, Hangs) as error:
            # The last run of hypothesis is the smallest input that fails.
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            return Result(batch.runs, time.monotonic() - started, text, batch.arguments)


class _Batch:
    """Counts the runs, keeps the last arguments, and ends in time unless something failed."""

    def __init__(self, target: Target, end: float, most: int = 0) -> None:
        self.target = target
        self.end = end
        self.most = most
        self.runs = 0
        self.failed = False
        self.arguments: tuple[Any, ...] = ()

    @property
    def one(self) -> Callable[..., None]:
        """One run, as hypothesis wants it: a function."""

        def one(arguments: tuple[Any, ...]) -> None:
            enough = self.most and self.runs >= self.most
            if not self.failed and (enough or time.monotonic() >= self.end):
                raise _Over
            self.runs += 1
            self.arguments = arguments
            try:
                with time_limit(_HANGS):
                    self.target.check(*arguments)
            except BaseException:
                self.failed = True  # from now on hypothesis makes it smaller, and may take its time
                raise

        return one


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Hangs in this thread when it takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Hangs(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def save(target: Target, arguments: tuple[Any, ...]) -> Path:
    """Keep the arguments that fail, as Python source: `check(*…)` fails again with them."""
    FOUND.mkdir(exist_ok=True)
    text = repr(arguments)
    path = FOUND / f"{target.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.txt"
    path.write_text(text + "\n", "utf-8")
    return path


def main(target: Target) -> int:
    """The command line of one target."""
    parser = argparse.ArgumentParser(prog=f"fuzz.{target.name}", description=target.check.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    options = parser.parse_args()
    _quiet()
    if options.engine == "atheris":
        return _atheris(target, options.seconds, options.seed)
    result = run(target, options.seconds, options.seed)
    print(f"fuzz.{target.name}: {result.runs} runs in {result.seconds:.0f} s, seed {options.seed}")
    if not result.failure:
        print("nothing found")
        return 0
    print(result.failure)
    print(f"saved as {save(target, result.arguments).relative_to(Path(__file__).parent.parent)}")
    return 1


def _quiet() -> None:
    """What the daemon logs about hostile input is looked at by the targets, not by people."""
    from loguru import logger

    logger.remove()


def _atheris(target: Target, seconds: float, seed: int) -> int:
    """Guided by coverage; libFuzzer prints the number of runs, and ends the process."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed", file=sys.stderr)
        return 2
    _instrument(atheris)
    seeds = FOUND / f"corpus-{target.name}"
    seeds.mkdir(parents=True, exist_ok=True)
    for name, data in RECORDINGS.items():
        (seeds / name).write_bytes(data)

    def one(data: bytes) -> None:
        arguments = target.from_bytes(data)
        try:
            target.check(*arguments)
        except Exception:
            print(f"saved as {save(target, arguments)}", file=sys.stderr)
            raise

    flags = [
        f"-max_total_time={seconds:.0f}",
        f"-seed={seed or 1}",
        f"-artifact_prefix={FOUND}/",
        "-max_len=12000",
    ]
    atheris.Setup([sys.argv[0], *flags, "-timeout=5", "-print_final_stats=1", str(seeds)], one)
    atheris.Fuzz()
    return 0


def _instrument(atheris: Any) -> None:
    """Have atheris follow every function of fsdaemon that is loaded."""
    from types import FunctionType

    for name, module in list(sys.modules.items()):
        if not name.startswith("fsdaemon."):
            continue
        for holder in [module, *(item for item in vars(module).values() if isinstance(item, type))]:
            if getattr(holder, "__module__", name) != name:
                continue
            for item in list(vars(holder).values()):
                if isinstance(item, FunctionType) and item.__module__ == name:
                    item.__code__ = atheris.instrument_func(item).__code__
