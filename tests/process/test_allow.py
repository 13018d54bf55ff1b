"""server.allow: who may connect, and what is said of the others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from fsdaemon.config.reader import load
from fsdaemon.daemon.listener import may_connect
from tests.daemon import Daemon

IN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
NAMESPACE = "ip link set lo up && ip address add 192.0.2.1/24 dev lo"


def _possible() -> bool:
    tools = shutil.which("unshare") and shutil.which("ip")
    return (
        bool(tools)
        and not subprocess.run([*IN_NAMESPACE, NAMESPACE], capture_output=True, check=False).returncode
    )


def test_others_are_closed_counted_and_logged_once() -> None:
    if not _possible():
        pytest.skip("no network namespaces here: unshare and ip as an ordinary user")
    script = f"{NAMESPACE} && exec {sys.executable} -m tests.process.strangers"
    done = subprocess.run([*IN_NAMESPACE, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    seen = told["seen"]
    assert seen.pop("here")
    assert seen.pop("loopback")
    assert seen.pop("allowed")
    assert not any(seen.values())
    closed = [line for line in told["lines"] if "closed a connection" in line]
    assert len(closed) == 2  # once a minute, and at the end what was counted meanwhile
    assert closed[0].endswith("closed a connection from 192.0.2.66, which server.allow does not name")
    assert closed[1].endswith("from 192.0.2.67, which server.allow does not name (and 4 more like it)")
    assert "fsdaemon_not_allowed_total 6.0" in told["metrics"]
    assert told["status"]["not_allowed"] == 6
    assert "6 not allowed" in told["status"]["no_verdict"]
    assert "6 connections closed that server.allow does not name" in told["status"]["troubles"]


def test_an_address_that_others_reach_is_warned_of() -> None:
    for host in ("0.0.0.0", "[::]"):
        with Daemon(host=host) as daemon:
            line = daemon.wait_line("WARNING")
        where = re.escape(f"{host}:{daemon.port}")
        said = "is reachable from other machines; who may connect is this machine only (server.allow)"
        assert re.search(rf"{where} {re.escape(said)}$", line)
    with Daemon() as daemon:
        pass
    assert not any("WARNING" in line for line in daemon.lines)


@pytest.mark.parametrize(
    ("peer", "networks", "may"),
    [
        ("127.0.0.1", (), True),
        ("127.9.9.9", (), True),
        ("::1", (), True),
        ("::ffff:127.0.0.1", (), True),
        ("192.0.2.66", (), False),
        ("2001:db8::66", (), False),
        ("::ffff:192.0.2.66", (), False),
        ("192.0.2.66", ("192.0.2.0/24",), True),
        ("::ffff:192.0.2.66", ("192.0.2.66",), True),
        ("192.0.2.66", load('[server]\nallow = ["::ffff:192.0.2.0/120"]').server.allow, True),
        ("192.0.3.66", load('[server]\nallow = ["::ffff:192.0.2.0/120"]').server.allow, False),
        ("192.0.2.66", load('[server]\nallow = ["::ffff:192.0.2.66"]').server.allow, True),
        ("192.0.2.66", ("198.51.100.0/24", "::/0"), False),
        ("2001:db8::66", ("2001:db8::/64",), True),
        ("2001:db8:1::66", ("2001:db8::/64", "0.0.0.0/0"), False),
        ("fe80::1%2", ("fe80::/10",), True),
        ("0.0.0.0", (), False),
        ("", (), False),
        ("localhost", (), False),
    ],
)
def test_who_may_connect(peer: str, networks: tuple[str, ...], may: bool) -> None:
    assert may_connect(peer, networks) is may
