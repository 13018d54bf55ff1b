"""The package under a systemd that was booted for it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsdaemon import __version__
from tests import inbound
from tests.package.conftest import NEWER, Suite
from tests.package.root import Root

ASK = "fsdaemon explain --json --caller 102 --callee 100 --always 101 --via 127.0.0.1"
# A connection, and after how many seconds the daemon's first word came.
CONNECT = """
import socket, sys, time
start = time.monotonic()
host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
with socket.create_connection((host, int(sys.argv[1])), 2) as sock:
    sock.settimeout(10)
    print(sock.recv(100), time.monotonic() - start)
"""
# Tries to reach a listener of the test's own, on loopback and on an address that is not.
OUTWARD = """#!/usr/bin/python3
import socket
for host in ("127.0.0.1", "192.0.2.1"):
    try:
        socket.create_connection((host, 9999), 1.5).close()
        print(host, "reached")
    except OSError as error:
        print(host, "not reached")
"""


@pytest.fixture(scope="module")
def system(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """A booted Debian with the packages in it."""
    root = suite.stocked.copy(tmp_path_factory.mktemp("booted") / "root")
    root.apt(f"install {root.put(*suite.debs[__version__])}")
    root.put(*suite.debs[NEWER])
    (root.path / "root" / "connect.py").write_text(CONNECT)
    outward = root.path / "usr" / "bin" / "outward"
    outward.write_text(OUTWARD)
    outward.chmod(0o755)
    with root.booted():
        yield root


@pytest.fixture(autouse=True)
def _well(system: Root) -> None:
    """Each test finds the daemon at work, and no start of the last ten seconds counted against it."""
    system.run("systemctl reset-failed; systemctl start fsdaemon.service")


def pid(system: Root, unit: str = "fsdaemon") -> int:
    return int(system.run(f"systemctl show -P MainPID {unit}").stdout)


def connect(system: Root, port: int = 8084) -> float:
    """Seconds until the daemon answered."""
    word, seconds = system.run(f"python3 /root/connect.py {port}").stdout.rsplit(None, 1)
    assert word == r"b'connect\n\n'"
    return float(seconds)


def reason(system: Root, port: int = 8084) -> str:
    return str(json.loads(system.run(f"{ASK}:{port}").stdout)["reason"])


def test_it_is_up_after_boot_and_answers(system: Root) -> None:
    assert system.run("systemctl is-active fsdaemon.service fsdaemon.socket").stdout.split() == [
        "active",
        "active",
    ]
    assert reason(system) == "always"


def test_the_first_connection_starts_it(system: Root) -> None:
    system.run("systemctl stop fsdaemon.service")
    assert connect(system) < 2
    assert system.run("systemctl is-active fsdaemon.service").stdout == "active\n"


def test_the_journal(system: Root) -> None:
    reason(system)
    time.sleep(0.2)  # a verdict waits for others until it is logged, 50 ms at most
    system.run("journalctl --sync")
    entries = system.run("journalctl -b -o json -u fsdaemon.service _COMM=fsdaemon").stdout.splitlines()
    last = json.loads(entries[-1])
    assert re.fullmatch(r"[0-9a-f-]+ forward 100 to 101 for 102: always", last["MESSAGE"])
    assert last["PRIORITY"] == "6"


def test_stopped_it_is_killed_and_the_next_call_is_answered(system: Root) -> None:
    stopped = pid(system)
    system.run(f"kill -STOP {stopped}")
    assert connect(system) < 2.5
    assert pid(system) != stopped


def test_it_is_nobody_and_may_nothing(system: Root) -> None:
    status = system.run(f"cat /proc/{pid(system)}/status").stdout
    fields = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.M))
    assert int(fields["Uid"].split()[0]) >= 61184  # systemd's range for DynamicUser
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_it_reaches_this_machine_and_nothing_else(system: Root) -> None:
    """IPAddressDeny is silently not in force where the kernel or a container forbids it; so it is tried."""
    system.run("ip link set lo up; ip addr replace 192.0.2.1/32 dev lo")
    listen = 'import socket, time; s = socket.create_server(("", 9999)); time.sleep(60)'
    system.run(f"systemd-run --unit=listener python3 -c '{listen}'")
    time.sleep(0.5)
    dropin = "/run/systemd/system/fsdaemon.service.d"
    try:
        assert system.run("outward").stdout == "127.0.0.1 reached\n192.0.2.1 reached\n"
        system.run(
            f"mkdir -p {dropin}; printf '[Service]\\nExecStartPost=/usr/bin/outward\\n' >{dropin}/try.conf"
        )
        system.run("systemctl daemon-reload; systemctl restart fsdaemon.service; journalctl --sync")
        said = system.run("journalctl -b -o cat _COMM=outward").stdout
        assert said == "127.0.0.1 reached\n192.0.2.1 not reached\n"
    finally:
        system.run(f"rm -rf {dropin}; systemctl daemon-reload; systemctl stop listener", check=False)


def test_it_logs_in_at_the_event_socket_with_a_credential(system: Root) -> None:
    """As docs/switch.md has it: only root can read the password, and the hardening lets the connection out."""
    system.put(Path(inbound.__file__))
    conf = system.path / "etc" / "fsdaemon" / "conf.toml"
    before = conf.read_text()
    secret = system.path / "etc" / "fsdaemon" / "switch_password"
    secret.write_text(inbound.PASSWORD + "\n")
    secret.chmod(0o600)
    dropin = "/run/systemd/system/fsdaemon.service.d"
    restart = "systemctl daemon-reload; systemctl restart fsdaemon.service"
    switch = "import sys, time; sys.path.insert(0, '/root'); import inbound; inbound.Fake(port=8021); time.sleep(60)"
    credential = r"[Service]\nLoadCredential=switch_password:/etc/fsdaemon/switch_password\n"
    try:
        system.run(f'systemd-run --unit=switch python3 -c "{switch}"')
        conf.write_text(
            f'[switch]\naddress = "127.0.0.1:8021"\nuser = "{inbound.USER}"\npassword_file = "switch_password"\n'
        )
        system.run(f"mkdir -p {dropin}; printf '{credential}' >{dropin}/credential.conf; {restart}")
        time.sleep(1.5)
        system.run("systemctl reload fsdaemon; journalctl --sync")
        said = system.run("journalctl -b -o cat -u fsdaemon.service").stdout
        assert "connected to FreeSWITCH's event socket at 127.0.0.1:8021" in said
        assert "configuration reloaded" in said.rpartition("connected to")[2]
        assert inbound.PASSWORD not in said
        assert reason(system) == "always"
    finally:
        conf.write_text(before)
        secret.unlink()
        system.run(f"rm -rf {dropin}; systemctl stop switch; {restart}", check=False)


def test_another_machine_is_let_in_by_the_socket_only(system: Root) -> None:
    """As docs/install.md has it; 192.0.2.1 is here both sides of the connection."""
    system.run("ip link set lo up; ip addr replace 192.0.2.1/32 dev lo")
    dropin = "/run/systemd/system/fsdaemon.socket.d"
    restart = "systemctl daemon-reload; systemctl restart fsdaemon.socket fsdaemon.service"
    asked = "python3 /root/connect.py 8090 192.0.2.1"
    try:
        listen = r"[Socket]\nListenStream=\nListenStream=192.0.2.1:8090\n"
        system.run(f"mkdir -p {dropin}; printf '{listen}' >{dropin}/other.conf; {restart}")
        assert "timed out" in system.run(asked, check=False).stderr
        system.run(f"echo IPAddressAllow=192.0.2.1 >>{dropin}/other.conf; {restart}")
        assert system.run(asked).stdout.startswith(r"b'connect\n\n'")
    finally:
        system.run(f"rm -rf {dropin}; {restart}")


def test_reload(system: Root) -> None:
    same = pid(system)
    conf = system.path / "etc" / "fsdaemon" / "conf.toml"
    before = conf.read_text()
    try:
        conf.write_text("[display]\nlabel = 5\n")
        assert system.run("systemctl reload fsdaemon", check=False).returncode != 0
        connect(system)
        conf.write_text('[display]\nlabel = "for {diverter}"\n')
        system.run("systemctl reload fsdaemon")
        time.sleep(0.3)
        assert '"for 100"' in system.run(f"{ASK}:8084").stdout
    finally:
        conf.write_text(before)
        system.run("systemctl reload fsdaemon")
    assert pid(system) == same


def test_a_daemon_that_cannot_start_holds_no_call(system: Root) -> None:
    """The socket is given up, so that calls are refused at once; mended and restarted, all is well."""
    conf = system.path / "etc" / "fsdaemon" / "conf.toml"
    before = conf.read_text()
    try:
        conf.write_text("nonsense\n")
        system.run("systemctl restart fsdaemon", check=False)
        time.sleep(2)
        states = system.run(
            "systemctl is-active fsdaemon.service fsdaemon.socket", check=False
        ).stdout.split()
        assert states == ["failed", "failed"]
        assert "Connection refused" in system.run("python3 /root/connect.py 8084", check=False).stderr
    finally:
        conf.write_text(before)
    system.run("systemctl reset-failed fsdaemon.service; systemctl restart fsdaemon")
    assert reason(system) == "always"


def test_two_side_by_side(system: Root) -> None:
    system.run("systemctl enable --now fsdaemon@8085.socket fsdaemon@8085.service")
    try:
        assert pid(system, "fsdaemon@8085") not in (0, pid(system))
        assert [reason(system, port) for port in (8084, 8085)] == ["always", "always"]
        system.run("systemctl stop fsdaemon.socket fsdaemon.service")
        assert reason(system, 8085) == "always"
    finally:
        system.run("systemctl disable --now fsdaemon@8085.socket fsdaemon@8085.service")


def test_an_upgrade_loses_no_call(system: Root) -> None:
    """The last one: it leaves the newer version. Calls are made all the while, and each is answered."""
    system.run("systemctl enable --now fsdaemon@8085.socket fsdaemon@8085.service")
    before = pid(system), pid(system, "fsdaemon@8085")
    caller = "for i in $(seq 100); do for p in 8084 8085; do python3 /root/connect.py $p || echo LOST; done; sleep 0.05; done"
    (system.path / "root" / "caller.sh").write_text(caller)
    system.run("systemd-run --unit=caller -p StandardOutput=file:/root/calls sh /root/caller.sh")
    system.run(f"dpkg -i --force-confold /root/fsdaemon*_{NEWER}-1~deb*.deb")
    system.run("while systemctl -q is-active caller; do sleep 0.2; done")
    calls = (system.path / "root" / "calls").read_text().splitlines()
    assert len(calls) == 200
    assert all(call.startswith(r"b'connect\n\n'") for call in calls)
    after = pid(system), pid(system, "fsdaemon@8085")
    assert not set(before) & set(after)
    assert 0 not in after


def test_purge_under_systemd(system: Root) -> None:
    system.run("apt-get -q -y purge fsdaemon fsdaemon-dialplan")
    assert system.run("systemctl list-units --all --no-legend 'fsdaemon*' | cat").stdout == ""
    assert system.run("find /etc /usr /run/systemd/system -name '*fsdaemon*'").stdout == ""
