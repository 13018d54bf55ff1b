"""Why a port cannot be had, and who has it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from fsdaemon import ports

OURS = f"(process {os.getpid()})"
linux = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc as Linux has it")


@linux
@pytest.mark.parametrize(
    ("theirs", "ours", "in_the_way"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.2", "127.0.0.1", False),
    ],
)
def test_who_listens_there(theirs: str, ours: str, in_the_way: bool) -> None:
    with socket.create_server((theirs, 0)) as listener:
        found = ports.holders(ours, listener.getsockname()[1])
    assert any(OURS in name for name in found) == in_the_way


@linux
def test_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        assert any(OURS in name for name in ports.holders("::1", listener.getsockname()[1]))


@linux
def test_a_connection_is_no_listener() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as one,
    ):
        assert ports.holders("127.0.0.1", one.getsockname()[1]) == []


@linux
def test_whose_it_is_where_we_may_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_held", lambda process, sockets: set())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = ports.holders("127.0.0.1", listener.getsockname()[1])
    assert found == [f"a process of {ports._user(os.getuid())}"]


def test_a_user_without_a_name() -> None:
    assert ports._user(0) == "root"
    assert ports._user(4_000_000_000) == "user 4000000000"


def test_without_proc_it_says_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ports, "_PROC", tmp_path / "none")
    error = OSError(errno.EADDRINUSE, "Address already in use")
    assert ports.why_not(error, "127.0.0.1", 8084) == "Address already in use"


@pytest.mark.parametrize(
    ("number", "port", "said"),
    [
        (errno.EACCES, 80, "Permission denied; a port below 1024 is for root"),
        (errno.EACCES, 8084, "Permission denied"),
        (errno.EADDRNOTAVAIL, 80, "Cannot assign requested address; this machine has no such address"),
    ],
)
def test_why_not(number: int, port: int, said: str) -> None:
    assert ports.why_not(OSError(number, os.strerror(number)), "127.0.0.1", port) == said
