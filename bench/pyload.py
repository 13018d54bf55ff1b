"""loadgen.c once more in Python, for machines without a C compiler. It may be slower than what it measures.

Same arguments, same line of JSON.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from pathlib import Path

from fsdaemon.esl.fake_switch import split

_REPLY = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
_BYE = (
    b"Content-Type: command/reply\nReply-Text: +OK bye\n\n"
    b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\n"
    b"Content-Length: 14\n\nDisconnected.\n"
)
_VERDICT = b"fsdaemon_verdict=forward"
_TIMEOUT = 10.0  # seconds; a session that takes longer is a failure


class Session:
    """One connection to the server under test."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.start = time.perf_counter()
        self.verdict = 0.0
        self.buffer = b""
        self.sock = socket.create_connection(("127.0.0.1", port), _TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, data: bytes) -> bool:
        """Answer what has arrived; False when the session is over."""
        try:
            more = self.sock.recv(65536)
            commands, self.buffer = split(self.buffer + more)
            for command in commands:
                if command == b"exit":
                    self.sock.sendall(_BYE)
                    return False
                if _VERDICT in command and not self.verdict:
                    self.verdict = time.perf_counter()
                self.sock.sendall(data if command.strip() == b"connect" else _REPLY)
        except OSError:
            return False
        return bool(more)


class Run:
    """All sessions of one measurement."""

    def __init__(self, port: int, data: bytes, seconds: float, count: int) -> None:
        """Measure from now on."""
        self.port, self.data, self.count = port, data, count
        self.begin = time.perf_counter()
        self.deadline = self.begin + seconds if not count else float("inf")
        self.open: dict[int, Session] = {}
        self.poll = select.epoll()
        self.started = self.failures = self.in_time = 0
        self.verdicts: list[float] = []
        self.closes: list[float] = []

    def more(self) -> None:
        """Open another session, unless it is over."""
        if time.perf_counter() < self.deadline and (not self.count or self.started < self.count):
            session = Session(self.port)
            self.started += 1
            self.open[session.sock.fileno()] = session
            self.poll.register(session.sock.fileno(), select.EPOLLIN)

    def finish(self, number: int) -> None:
        """Count a session that is over, and open the next."""
        session = self.open.pop(number)
        now = time.perf_counter()
        self.poll.unregister(number)
        session.sock.close()
        if session.verdict and now - session.start < _TIMEOUT:
            self.in_time += now <= self.deadline
            self.verdicts.append((session.verdict - session.start) * 1e6)
            self.closes.append((now - session.start) * 1e6)
        else:
            self.failures += 1
        self.more()

    def play(self, in_flight: int) -> None:
        """Everything, to the end."""
        for _ in range(in_flight):
            self.more()
        while self.open:
            for number, _ in self.poll.poll(0.2):
                if not self.open[number].read(self.data):
                    self.finish(number)
            old = time.perf_counter() - _TIMEOUT
            for number in [n for n, session in self.open.items() if session.start < old]:
                self.finish(number)


def main() -> None:
    """Measure and print."""
    port, file, in_flight, seconds, count = sys.argv[1:]
    run = Run(int(port), Path(file).read_bytes(), float(seconds), int(count))
    try:
        run.play(int(in_flight))
    except OSError as error:
        sys.exit(f"pyload: {error}")
    elapsed = time.perf_counter() - run.begin
    run.verdicts.sort()
    run.closes.sort()
    result = {
        "sessions": run.started,
        "failures": run.failures,
        "seconds": elapsed,
        "per_second": run.in_time / (elapsed if run.count else float(seconds)),
        "verdict_p50": _percentile(run.verdicts, 0.5),
        "verdict_p99": _percentile(run.verdicts, 0.99),
        "close_p50": _percentile(run.closes, 0.5),
        "close_p99": _percentile(run.closes, 0.99),
        "busy": time.process_time() / elapsed,
    }
    print(json.dumps(result))


def _percentile(values: list[float], share: float) -> float:
    return values[int((len(values) - 1) * share)] if values else 0.0


if __name__ == "__main__":
    main()
