"""stdout and stderr closed, full, or a file that is moved: the daemon runs, and says what it has to say."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import syslog
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fsdaemon.daemon.stderr import Syslog
from fsdaemon.esl.fake_switch import Switch
from tests.daemon import free_port
from tests.process.test_serve import plain

SERVE = f"{sys.executable} -m fsdaemon serve --listen 127.0.0.1:%d"
ALL_CLOSED = "<&- >&- 2>&-"
DEV_LOG = Path("/dev/log")


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "does not happen"
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(
    redirected: str, options: str = "", stderr: int | None = None
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    process = subprocess.Popen(["sh", "-c", f"exec {SERVE % port} {options} {redirected}"], stderr=stderr)
    try:
        until(lambda: listens(port))
        yield port, process
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("redirected", ["2>&-", ">&-", ALL_CLOSED])
def test_a_daemon_whose_streams_are_closed(redirected: str) -> None:
    with serving(redirected) as (port, process):
        for _ in range(2):
            assert Switch(plain()).call("127.0.0.1", port).variables["fsdaemon_verdict"] == "forward"
        process.send_signal(signal.SIGHUP)
        assert Switch(plain()).call("127.0.0.1", port).variables["fsdaemon_verdict"] == "forward"
        # What the daemon opens never gets the number of a stream: a traceback would go to a call.
        links = [os.readlink(f"/proc/{process.pid}/fd/{descriptor}") for descriptor in range(3)]
        assert not any("socket" in link for link in links), links


@pytest.mark.parametrize("redirected", ["2>&-", ">&-", ALL_CLOSED, ">/dev/full"])
@pytest.mark.parametrize("command", ["check", "check --config /no/such/file"])
def test_a_command_whose_streams_are_closed(command: str, redirected: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m fsdaemon {command} {redirected}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    bad = "/no/such" in command or "full" in redirected
    assert done.returncode == int(bad)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if bad and "2>&-" not in redirected:
        assert re.fullmatch(
            r"(fsdaemon: No space left on device|/no/such/file: cannot be read: .*)\n", done.stderr
        )


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[], socket.socket]]:
    """Something listens where syslog does: anew with each call."""
    opened: list[socket.socket] = []

    def listen() -> socket.socket:
        (tmp_path / "log").unlink(missing_ok=True)
        for sock in opened:
            sock.close()
        opened.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        opened[-1].bind(str(tmp_path / "log"))
        opened[-1].settimeout(30)
        return opened[-1]

    yield listen
    opened[-1].close()


def test_lines_of_syslog(tmp_path: Path, listening: Callable[[], socket.socket]) -> None:
    with Syslog(str(tmp_path / "log")) as stream:
        for _ in range(2):
            log = listening()
            stream.write("<4>one\n<6>two\n")
            print("no priority\0", file=stream)
            who = rf"\w{{3}} [ \d]\d \d\d:\d\d:\d\d fsdaemon\[{os.getpid()}\]"
            for said in (f"<28>{who}: one", f"<30>{who}: two", rf"<27>{who}: no priority\?"):
                assert re.fullmatch(said, log.recv(4096).decode())
        assert not stream.lost


def test_a_syslog_that_hangs_or_is_gone(tmp_path: Path, listening: Callable[[], socket.socket]) -> None:
    log = listening()
    with Syslog(str(tmp_path / "log")) as stream:
        stream.write("<4>line\n" * 10_000)
        before = stream.lost
        assert 0 < before < 10_000
        log.close()
        stream.write("<4>line\n")
        assert stream.lost == before + 1
        log = listening()
        stream.write("<4>again\n")
        assert log.recv(4096).endswith(b": again")


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_whoever_reads_the_log_hangs(tmp_path: Path, level: str) -> None:
    """No call waits, a signal is heard, and the log says what it lacks."""
    config = tmp_path / "conf.toml"
    config.write_text(f'[log]\nlevel = "{level}"\n')
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with serving("", f"--config {config}", writer) as (port, process):
            for _ in range(60):
                assert Switch(plain()).call("127.0.0.1", port).variables["fsdaemon_verdict"] == "forward"
            heard = os.read(reader, 65536).decode()
            while not re.search(r"WARNING \d+ lines of the log are lost, because nobody read them\n", heard):
                heard += os.read(reader, 65536).decode()
            process.send_signal(signal.SIGHUP)
            while "configuration reloaded" not in heard:
                heard += os.read(reader, 65536).decode()
    finally:
        os.close(reader)
        os.close(writer)


def test_the_log_goes_to_syslog() -> None:
    if DEV_LOG.exists() or DEV_LOG.is_symlink() or not os.access("/dev", os.W_OK):
        pytest.skip("/dev/log is another's, or cannot be made here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(DEV_LOG))
        log.settimeout(30)
        try:
            with serving("2>&-") as (port, process):
                Switch(plain()).call("127.0.0.1", port)
                heard, ours = "", f"fsdaemon[{process.pid}]: d807da79-"
                while ours not in heard or "forward 100 to 102 for 101: always" not in heard:
                    heard = log.recv(4096).decode()
                facility = syslog.LOG_DAEMON | syslog.LOG_INFO
                assert re.match(rf"<{facility}>.* fsdaemon\[{process.pid}\]: d807da79-\S+ forward ", heard)
                second = subprocess.run(
                    ["sh", "-c", f"{SERVE % port} 2>&-"], timeout=60, check=False, capture_output=True
                )
                assert second.returncode == 1
                while "Address already in use" not in heard:
                    heard = log.recv(4096).decode()
        finally:
            DEV_LOG.unlink()


def test_a_log_that_logrotate_moves(tmp_path: Path) -> None:
    log, moved = tmp_path / "fsdaemon.log", tmp_path / "fsdaemon.log.1"
    with serving(f"2>>{log}") as (port, process):
        Switch(plain()).call("127.0.0.1", port)
        until(lambda: "for 101: always" in log.read_text())
        log.rename(moved)
        before = moved.read_text()
        process.send_signal(signal.SIGHUP)
        until(lambda: log.exists() and "configuration reloaded" in log.read_text())
        Switch(plain()).call("127.0.0.1", port)
        until(lambda: "for 101: always" in log.read_text())
        assert moved.read_text() == before
        # Nothing was moved: the same file goes on.
        process.send_signal(signal.SIGHUP)
        until(lambda: log.read_text().count("configuration reloaded") == 2)
    assert "stopped, no calls in flight" in log.read_text()


def test_a_log_whose_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    with serving(f"2>>{folder / 'fsdaemon.log'}") as (port, process):
        gone = folder.rename(tmp_path / "gone") / "fsdaemon.log"
        process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in gone.read_text())
        assert re.search(
            "WARNING the log goes on in the old file, .*/log/fsdaemon.log cannot be opened: No such",
            gone.read_text(),
        )
        Switch(plain()).call("127.0.0.1", port)


def test_what_the_package_tells_logrotate(tmp_path: Path) -> None:
    """The command after a rotation finds the daemon however it was started, and not what started it."""
    text = (Path(__file__).parents[2] / "debian" / "fsdaemon.logrotate").read_text()
    (pattern,) = re.findall(r"pkill -HUP -f '(.*)'", text)
    for daemon in (
        "/usr/lib/fsdaemon/bin/python /usr/bin/fsdaemon serve",
        "/usr/bin/python3.11 -I /usr/bin/fsdaemon serve --config /etc/fsdaemon/8085.toml",
        "python3 -m fsdaemon serve",
    ):
        assert re.search(pattern, daemon)
    for other in (
        "sh -c /usr/bin/fsdaemon serve 2>>/var/log/fsdaemon/fsdaemon.log",
        "/usr/lib/fsdaemon/bin/python /usr/bin/fsdaemon status --watch",
        "vi /usr/bin/fsdaemon serve",
    ):
        assert not re.search(pattern, other)
