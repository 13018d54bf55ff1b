"""Does to the daemon what systemd does: holds the socket, waits for signs of life, kills, starts anew."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

_START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'fsdaemon', 'serve', *sys.argv[2:]])"
)


class Supervisor:
    """fsdaemon.socket and fsdaemon.service: WatchdogSec, WatchdogSignal=SIGKILL, Restart=always, RestartSec=0."""

    def __init__(
        self,
        port: int,
        watchdog: float = 1.0,
        activation: bool = True,
        config: Path | None = None,
        log: Path | None = None,
    ) -> None:
        """`log`: the file to which the daemon's lines are appended; without one they are lost."""
        self.port, self.watchdog, self.activation = port, watchdog, activation
        self.options = ["--config", str(config)] if config else []
        self.log = log or Path(os.devnull)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024) if activation else None
        self._directory = tempfile.TemporaryDirectory()
        self._path = str(Path(self._directory.name) / "notify")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self._path)
        self._notify.settimeout(0.02)
        self._ending = False
        self.starts: list[float] = []
        self.kills: list[float] = []
        self.ready = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        assert self.ready.wait(10)

    def _start(self) -> None:
        env = {
            **os.environ,
            "NOTIFY_SOCKET": self._path,
            "WATCHDOG_USEC": str(int(self.watchdog * 1e6)),
        }
        if self.listener:
            command = [sys.executable, "-c", _START, str(self.listener.fileno()), *self.options]
            descriptors = [self.listener.fileno()]
            env["LISTEN_FDS"] = "1"
        else:
            command = [sys.executable, "-m", "fsdaemon", "serve", "--listen", f"127.0.0.1:{self.port}"]
            command, descriptors = command + self.options, []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, pass_fds=descriptors, stderr=log)
        self.starts.append(time.monotonic())
        self._alive = time.monotonic() + 5

    def _watch(self) -> None:
        while not self._ending:
            try:
                told = self._notify.recv(4096)
            except socket.timeout:
                told = b""
            if b"READY=1" in told:
                self.ready.set()
            if b"READY=1" in told or b"WATCHDOG=1" in told:
                self._alive = time.monotonic() + self.watchdog
            if time.monotonic() > self._alive:
                self.process.send_signal(signal.SIGKILL)
                self.kills.append(time.monotonic())
                self._alive = time.monotonic() + 5
            if self.process.poll() is not None and not self._ending:
                self._start()

    def close(self) -> None:
        self._ending = True
        self._thread.join(5)
        self.process.kill()
        self.process.wait(5)
        self._notify.close()
        if self.listener:
            self.listener.close()
        self._directory.cleanup()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
