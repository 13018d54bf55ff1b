"""Machines around a daemon: run in a network namespace where 192.0.2.1 is this machine; prints what each saw."""

from __future__ import annotations

import json
import signal
import socket
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.daemon import Daemon

HERE = "192.0.2.1"
STRANGERS = ("192.0.2.66", "192.0.2.67")  # nothing here talks to others from these addresses
PAGE = "127.0.0.1:9484"


def greeted(port: int, source: str, to: str = HERE) -> bool:
    """Whether the daemon begins a session with who connects from `source`."""
    with socket.create_connection((to, port), 5, (source, 0)) as sock:
        return sock.recv(100) == b"connect\n\n"


def page(path: str) -> str:
    with urllib.request.urlopen(f"http://{PAGE}{path}", timeout=30) as answered:
        return str(answered.read().decode())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "conf.toml")
        text = f'[metrics]\nlisten = "{PAGE}"\n[server]\n'
        config.write_text(text)
        with Daemon(config=config, host="0.0.0.0") as daemon:
            seen = {
                "here": greeted(daemon.port, HERE),
                "loopback": greeted(daemon.port, "127.0.0.1", "127.0.0.1"),
            }
            for number in range(5):
                seen[f"stranger {number}"] = greeted(daemon.port, STRANGERS[number % 2])
            daemon.wait_line("closed a connection from")
            config.write_text(f'{text}allow = ["{STRANGERS[0]}"]\n')
            daemon.signal(signal.SIGHUP)
            daemon.wait_line("configuration reloaded")
            seen["allowed"] = greeted(daemon.port, STRANGERS[0])
            seen["not allowed"] = greeted(daemon.port, STRANGERS[1])
            told = {"status": json.loads(page("/status")), "metrics": page("/metrics")}
    json.dump({"seen": seen, "lines": daemon.lines, **told}, sys.stdout)


if __name__ == "__main__":
    main()
