"""The daemon in unprivileged containers: one whose root is nobody outside, and one that forbids bind mounts."""

from __future__ import annotations

import json
import platform
import re
import time
from pathlib import Path

import pytest

from fsdaemon import __version__
from tests.package import no_bind_mounts
from tests.package.conftest import Debs
from tests.package.root import Root

INSTALL = Path(__file__).parents[2] / "docs" / "install.md"
ASK = "fsdaemon explain --json --caller 102 --callee 100 --always 101 --via 127.0.0.1:8084"
USERS = 1_105_461_248  # any that begins 65536 users which nothing here has


def test_root_is_nobody_outside(root: Root, debs: Debs) -> None:
    """In a user namespace everything of the units is in force."""
    root.apt(f"install {root.put(*debs[__version__])}")
    with root.booted(users=USERS):
        root.run("ip link set lo up; systemctl restart fsdaemon.service")
        assert root.run("cat /proc/1/uid_map").stdout.split() == ["0", str(USERS), "65536"]
        assert json.loads(root.run(ASK).stdout)["reason"] == "always"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the filter is for x86_64")
def test_no_bind_mounts(root: Root, debs: Debs) -> None:
    """226/NAMESPACE: calls are refused at once, so they go on; with the drop-in of docs/install.md it runs."""
    text = INSTALL.read_text("utf-8")
    section = text[text.index("226/NAMESPACE") :]
    dropin = re.search(r"```ini\n(\[Service\]\n.*?)```", section, re.S)
    assert dropin
    root.apt(f"install {root.put(*debs[__version__])}")
    init = root.put(Path(no_bind_mounts.__file__ or ""))
    with root.booted(init=f"/usr/bin/python3 {init}"):
        root.run("ip link set lo up; systemctl restart fsdaemon.service", check=False)
        time.sleep(2)
        status = root.run("systemctl status fsdaemon.service", check=False).stdout
        assert "status=226/NAMESPACE" in status
        connect = "import socket; socket.create_connection(('127.0.0.1', 8084), 2)"
        assert "ConnectionRefusedError" in root.run(f'python3 -c "{connect}"', check=False).stderr
        folder = root.path / "etc/systemd/system/fsdaemon.service.d"
        folder.mkdir()
        (folder / "container.conf").write_text(dropin[1])
        root.run("systemctl daemon-reload; systemctl reset-failed fsdaemon; systemctl restart fsdaemon")
        assert json.loads(root.run(ASK).stdout)["reason"] == "always"
        pid = root.run("systemctl show -P MainPID fsdaemon").stdout.strip()
        assert "Uid:\t65534\t" in root.run(f"cat /proc/{pid}/status").stdout
