"""Plays FreeSWITCH's part many times over: the generator in C, or one in Python where no compiler is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench import native
from bench.process import ROOT
from fsdaemon.config import reader as config
from fsdaemon.core.decide import Decision, decide
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.esl.protocol import to_bytes
from fsdaemon.terms.channel import Headers

_RECORDING = ROOT / "tests" / "recordings" / "internal_before_bridge.txt"
_CALL = {
    "fsdaemon_forward_all": "102",
    "fsdaemon_callee_name": "Cora Chefin",
    "fsdaemon_forward_except": "109",
}


class Load(NamedTuple):
    """What the generator measured; times in microseconds from connect() on."""

    sessions: int
    failures: int  #: sessions that were closed without a verdict, or not closed at all
    seconds: float
    per_second: float  #: sessions with a verdict
    verdict_p50: float
    verdict_p99: float
    close_p50: float
    close_p99: float
    busy: float  #: share of one CPU that the generator itself used; near 1 it is the bottleneck


def call() -> bytes:
    """The channel data of the call that is played: 101 calls 100, who forwards always to 102."""
    return channel_data(_RECORDING.read_bytes(), _CALL)


def verdict_command() -> bytes:
    """The bytes that fsdaemon answers this call with; RuntimeError if it is no forward with a label."""
    outcome = decide(Headers(call().rstrip(b"\n")), {}, config.default())
    if not isinstance(outcome, Decision) or outcome.verdict.action != "forward" or not outcome.label:
        raise RuntimeError(f"the bench's call must be a labelled forward, without a question: {outcome}")
    return b"".join(map(to_bytes, outcome.commands))


class Generator:
    """The load generator; `native` says whether it is the one in C."""

    def __init__(self, directory: Path, cpu: int | None) -> None:
        """Compile it into `directory`; it shall run on `cpu`."""
        self._cpu = cpu
        self._data = directory / "channel_data.txt"
        self._data.write_bytes(call())
        program = native.build("loadgen", directory)
        self.native = program is not None
        self._command = [str(program)] if program else [sys.executable, "-m", "bench.pyload"]

    def run(self, port: int, in_flight: int, seconds: float = 0.0, count: int = 0) -> Load:
        """Keep `in_flight` sessions open at a time, for `seconds` or until `count` were played.

        Raises RuntimeError when nothing can be measured.
        """
        arguments = [str(port), str(self._data), str(in_flight), str(seconds), str(count)]
        process = subprocess.Popen(
            [*self._command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if self._cpu is not None:
            os.sched_setaffinity(process.pid, {self._cpu})
        out, err = process.communicate()
        if process.returncode:
            raise RuntimeError(err.strip() or f"the load generator ended with {process.returncode}")
        return Load(**json.loads(out))
