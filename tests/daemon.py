"""The real daemon as a process, for tests and the demo."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """`fsdaemon serve`; `lines` is what it logs."""

    def __init__(
        self,
        port: int = 0,
        config: Path | None = None,
        env: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        command: list[str] | None = None,
    ) -> None:
        command = command or [sys.executable, "-m", "fsdaemon", "serve", "--listen", f"{host}:{port}"]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = self._ready()
        except BaseException:
            self.stop()
            raise

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _ready(self) -> int:
        line = self.wait_line("listening on ", 120)
        match = re.search(r"listening on [^\"]*:(\d+)", line)
        assert match
        return int(match[1])

    def wait_line(self, pattern: str, seconds: float = 20) -> str:
        """The first logged line that matches; AssertionError if none comes in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in list(self.lines):
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"no line {pattern!r} in {self.lines}")

    def signal(self, number: int) -> None:
        """Also from a fork: Popen.send_signal does nothing there, it takes the daemon for dead."""
        os.kill(self.process.pid, number)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        code = self.process.wait(30)
        self._reader.join(20)
        if self.process.stderr:
            self.process.stderr.close()
        return code

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
