"""A peer as a process, and what it costs: CPU time and resident memory, as /proc tells.

Linux only, like everything that reads /proc.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.daemon import free_port

ROOT = Path(__file__).parents[1]
_TICK = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"  # include/net/tcp_states.h


class Peer:
    """One server on a free port of loopback; use it in a `with`."""

    def __init__(self, name: str, directory: Path, options: Sequence[str] = (), port: int = 0) -> None:
        """Start bench/peers/NAME.py and wait until it listens; its output goes into `directory`.

        Raises RuntimeError with its last words if it does not.
        """
        self.name = name
        self.port = port or free_port()
        self.log = directory / f"{name}.log"
        command = [sys.executable, "-m", f"bench.peers.{name}", "--port", str(self.port), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._ready()
        except BaseException:
            self.stop()
            raise

    def _ready(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if _listens(self.port):
                return
            time.sleep(0.02)
        words = self.log.read_text("utf-8", "replace").strip().split("\n")[-1]
        raise RuntimeError(f"{self.name} does not listen: {words or 'it says nothing'}")

    def cpu(self) -> float:
        """Seconds of CPU time, user and system, that its process has used."""
        return cpu_seconds(self.process.pid)

    def rss(self) -> int:
        """Resident memory in KB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text("utf-8").split("\n"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"{self.name} has ended")

    def pin(self, cpu: int) -> None:
        """Keep it, with all its threads, on one CPU."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread.name), {cpu})

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Peer:
        """It listens."""
        return self

    def __exit__(self, *exc: object) -> None:
        """End it."""
        self.stop()


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of all threads of a process."""
    text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    fields = text.rpartition(")")[2].split()  # from field 3 on (proc(5))
    return (int(fields[11]) + int(fields[12])) / _TICK


def _listens(port: int) -> bool:
    """Whether somebody listens on `port`: looked up, because a connection would be a session to the peer."""
    for line in Path("/proc/net/tcp").read_text("ascii").split("\n")[1:]:
        fields = line.split()
        if fields and fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            return True
    return False


def cpus() -> tuple[int, int] | None:
    """One CPU for the load and another for the server; None on a machine with one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else None
