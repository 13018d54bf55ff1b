"""`python -m tests.live.proxy LISTEN TARGET`: passes TCP on to a port of this machine; `Proxy` can stop it (SIGSTOP)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading

from tests.daemon import free_port


class Proxy:
    """One between the daemon and FreeSWITCH, at `port`."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tests.live.proxy", str(self.port), str(target)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout
        assert self.process.stdout.readline() == b"listening\n"

    def hang(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait(5)
        if self.process.stdout:
            self.process.stdout.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


def main(listen: int, target: int) -> None:
    listener = socket.create_server(("127.0.0.1", listen))
    print("listening", flush=True)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", target))
        except OSError:
            client.close()
            continue
        for pair in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=pair, daemon=True).start()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
