"""Upgrades that an administrator makes: of fsdaemon, under calls through a real FreeSWITCH, and of Debian 12 to 13."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsdaemon import __version__
from tests.live.caller import Callers, Engaged
from tests.live.switch import Switch, binary
from tests.package.conftest import Suite, offer
from tests.package.root import Root

REPOSITORY = Path(__file__).parents[2]
RELEASED = {"0.1.0": "23e6fcb", "0.2.0": "2c8bbff^"}  #: the last commit of each
SHARE = "usr/share/fsdaemon/freeswitch/dialplan"
LINK = "etc/freeswitch/dialplan/fsdaemon.xml"
BUSY = 486  # said by the target's phone; nobody else has one: 480
LABEL = "Uml. fuer Cora Chefin: Max"
EVERY = 0.05
ASK = "fsdaemon explain --json --caller 102 --callee 100 --always 101 --via 127.0.0.1:8084"


@contextlib.contextmanager
def network_of(process: int) -> Iterator[None]:
    """Sockets and programs of this thread are in the network of that process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as own, open(f"/proc/{process}/ns/net") as other:
        assert libc.setns(other.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(own.fileno(), 0) == 0, os.strerror(ctypes.get_errno())


class Installed(Switch):
    """A FreeSWITCH beside the root's systemd, with the dialplan files that are in the root at the moment."""

    def __init__(self, directory: Path, root: Root) -> None:
        super().__init__(directory)
        self.root = root
        for file in ("fsdaemon.xml", "fsdaemon_codes.xml"):
            (directory / file).unlink()
            (directory / file).symlink_to(root.path / SHARE / "default" / file)
        (directory / "context.xml").unlink()
        self.link()

    def link(self) -> None:
        """The context, if the package has linked it; the link leads into the root."""
        link, here = self.root.path / LINK, self.directory / "context.xml"
        if link.is_symlink() and not here.is_symlink():
            here.symlink_to(self.root.path / str(link.readlink())[1:])


@pytest.mark.skipif(not binary(), reason="no FreeSWITCH: set FREESWITCH=/path/to/freeswitch")
@pytest.mark.parametrize("suite", ["bookworm"], indirect=True)
@pytest.mark.parametrize("before", RELEASED)
def test_an_upgrade_loses_no_call(suite: Suite, root: Root, tmp_path: Path, before: str) -> None:
    """20 calls a second while apt upgrades, until `reloadxml`, and after it: each is forwarded, and labelled."""
    archive = ["git", "archive", RELEASED[before]]
    if subprocess.run([*archive, "setup.py"], cwd=REPOSITORY, capture_output=True, check=False).returncode:
        pytest.skip(f"{before} is not in this clone's history")

    def lay(source: Path) -> None:
        source.mkdir()
        files = subprocess.run(archive, cwd=REPOSITORY, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(source)], input=files, check=True)

    (root.path / LINK).parent.mkdir(parents=True)
    root.apt(f"install {root.put(*suite.make_deb(lay))}")
    new = root.put(*suite.debs[__version__])
    root.apt(f"install --download-only {new}")
    with root.booted() as first, network_of(first):
        root.run("ip link set lo up; systemctl start fsdaemon.service")
        directory = tmp_path / "freeswitch"
        directory.mkdir()
        switch = Installed(directory, root)
        switch.start()
        try:
            switch.set_forwards({"100": {"all": "101"}})
            phone = Engaged("127.0.0.1", switch.sip, "lab.test", "101", switch.password("101"))
            said: list[str] = []
            codes, worst = calls(switch, lambda: said.append(root.apt(f"install {new}")))
        finally:
            switch.stop()
        phone.close()
        assert root.run("fsdaemon --version").stdout == f"fsdaemon {__version__}\n"
    shown = list(phone.shown.values())
    bare = [at for at, text in enumerate(shown) if text != LABEL]
    print(f"{len(codes)} calls, worst {worst:.2f} s, without label: {bare}")
    assert "fs_cli -x reloadxml\n" in said[0]
    assert f"{__version__[:3]}.0 in /usr/share/doc/fsdaemon/CHANGELOG.md\n" in said[0]
    assert codes == [BUSY] * len(codes)
    assert shown == [LABEL] * len(codes)


def calls(switch: Installed, upgrade: Callable[[], None]) -> tuple[list[int], float]:
    """The final answers of all calls, and the seconds that the slowest took to it."""
    callers = Callers(switch.sip_out)
    upgraded = threading.Thread(target=upgrade)
    after = 0
    count = 0
    while after < 100:
        callers.call("100")
        callers.turn(EVERY)
        count += 1
        if count == 40:
            upgraded.start()
        if count > 40 and not upgraded.is_alive():
            after += 1
        if after == 40:
            switch.link()
            switch.api("reloadxml")
    callers.all_ended(40)
    callers.close()
    made = list(callers.calls.values())
    return [one.code for one in made], max(one.seconds for one in made)


@pytest.mark.parametrize("suite", ["bookworm"], indirect=True)
@pytest.mark.parametrize("repository", [False, True], ids=["package of 12 stays", "repository has both"])
def test_debian_12_becomes_13(
    suite: Suite, made: Callable[[str], Suite], root: Root, repository: bool
) -> None:
    """The daemon stays, goes over to the new Python without a start by hand, and is there after the reboot."""
    (root.path / LINK).parent.mkdir(parents=True)
    sources = "/etc/apt/sources.list"
    if repository:
        for one in (suite, made("trixie")):
            offer(one.debs[__version__], root.path / "repository" / one.name)
        root.run(f"echo 'deb [trusted=yes] copy:/repository/bookworm ./' >>{sources}; apt-get -q update")
        root.apt("install fsdaemon")
    else:
        root.apt(f"install {root.put(*suite.debs[__version__])}")
    root.run(f"sed -i s/bookworm/trixie/ {sources}; apt-get -q update")
    root.apt("full-upgrade --download-only")
    with root.booted():
        root.run("ip link set lo up; systemctl start fsdaemon.service")
        assert running(root) == "python3.11"
        root.apt("full-upgrade --no-download")
        assert running(root) == "python3.13"
        root.apt("autoremove --purge")
    with root.booted():
        assert running(root) == "python3.13"
        versions = root.run("dpkg-query -W -f '${Version} ' fsdaemon fsdaemon-dialplan").stdout.split()
        assert versions == [f"{__version__}-1~deb{'13' if repository else '12'}"] * 2
        assert root.run("dpkg --verify fsdaemon; dpkg --verify fsdaemon-dialplan").stdout == ""
        assert root.run(f"cat /{LINK}").stdout.startswith("<!--")
        compiled = root.run("find /usr/lib/fsdaemon -name '*.pyc' | grep -vc cpython-313", check=False)
        assert compiled.stdout == "0\n"
        root.run("dpkg --purge fsdaemon fsdaemon-dialplan")
        assert root.run("find /etc /usr -name '*fsdaemon*'").stdout == ""


def running(root: Root) -> str:
    """The Python of the daemon, which answers a call."""
    assert json.loads(root.run(ASK).stdout)["reason"] == "always"
    pid = root.run("systemctl show -P MainPID fsdaemon").stdout.strip()
    return root.run(f"readlink /proc/{pid}/exe").stdout.strip().rpartition("/")[2]
