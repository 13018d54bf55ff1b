"""What a scene has besides its site: phones in a process of their own, and the daemon."""

from __future__ import annotations

import ctypes
import os
import pickle
import re
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import daemon
from tests.live.switch import Process


class Daemon(daemon.Daemon):
    """The daemon of a site; without `conf`, with no configuration but what the site needs.

    What it logs can also be read in a fork, where nothing reads the pipe.
    """

    def __init__(self, site: Process, conf: str = "", port: int = 0, host: str = "127.0.0.1") -> None:
        self.numbers = site.numbers
        self._directory = tempfile.TemporaryDirectory(prefix="fsdaemon-live-")
        self._log = Path(self._directory.name) / "log"
        self._log.touch()
        self.conf = Path(self._directory.name) / "conf.toml"
        self.conf.write_text(site.daemon_conf + conf, "utf-8")
        conf_toml = self.conf if self.conf.stat().st_size else None
        super().__init__(port or site.daemon_port, conf_toml, host=host)

    def _read(self) -> None:
        assert self.process.stderr
        with self._log.open("ab", buffering=0) as log:
            for line in self.process.stderr:
                log.write(line)

    @property
    def lines(self) -> list[str]:
        return self._log.read_text("utf-8", "replace").split("\n")[:-1]

    @lines.setter
    def lines(self, _: list[str]) -> None:
        """It is the file."""

    def wait_line(self, pattern: str, seconds: float = 5) -> str:
        """The first logged line that matches; AssertionError if none comes in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.lines:
                if re.search(pattern, line):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no line {pattern!r} in {self.lines}")

    def says(self, pattern: str) -> str:
        """The first logged line that matches; {boss} is the number of the boss."""
        return self.wait_line(pattern.format(**self.numbers))

    def stop(self) -> int:
        code = super().stop()
        self._directory.cleanup()
        return code


def play(site: Process, story: Callable[..., object], *, seconds: float = 120) -> Any:
    """Play a story with phones in a process of its own; fails as it fails, else returns what it returns."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        perform(site, story, writing)
    os.close(writing)
    try:
        return _result(reading, seconds)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


def perform(site: Process, story: Callable[..., object], writing: int) -> None:
    """The child's part of `play`: it does not return."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: PJSIP may abort or hang
    try:
        from tests.live.phones import Lab

        result: tuple[bool, object] = (True, story(Lab(site)))
    except BaseException:
        result = (False, traceback.format_exc())
    os.write(writing, pickle.dumps(result))
    os._exit(0)


def _result(reading: int, seconds: float) -> object:
    ready, _, _ = select.select([reading], [], [], seconds)
    data = os.read(reading, 1 << 20) if ready else b""
    if not data:
        pytest.fail(f"the phones ended without a result, or took more than {seconds} s")
    fine, value = pickle.loads(data)
    if not fine:
        pytest.fail(str(value), pytrace=False)
    return value
