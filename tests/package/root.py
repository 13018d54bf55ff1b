"""A Debian in a folder: commands run in it, or a systemd booted in it, by systemd-nspawn."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]
# IPAddressDeny is a program in the kernel; without these the container's systemd may not load it.
_BPF = ["--system-call-filter=bpf", "--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON"]
_ENV = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
_NAMESPACES = ["-m", "-u", "-i", "-n", "-p", "-r", "-w"]
# How this machine reaches PyPI; a file of certificates is bound into the root.
_PYPI = ("PIP_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_CERTIFICATES = "/root/certificates.crt"


class Root:
    """One root folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._enter = [*_NSPAWN[:1], f"--directory={path}", *_NSPAWN[1:], "--pipe"]
        self._env = _ENV

    @classmethod
    def debootstrap(cls, path: Path, suite: str) -> Root:
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=systemd-sysv,dbus,iproute2", suite, str(path)],
            check=True, stdout=subprocess.DEVNULL, timeout=900,
        )  # fmt: skip
        return cls(path)

    def copy(self, path: Path) -> Root:
        subprocess.run(["cp", "-a", str(self.path), str(path)], check=True)
        return Root(path)

    def run(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A shell command in it; AssertionError with what it said if it fails."""
        result = subprocess.run(
            [*self._enter, *self._env, "sh", "-c", command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert not check or result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result

    def apt(self, arguments: str) -> str:
        """What apt-get said."""
        return self.run(f"apt-get -q -y -o Dpkg::Options::=--force-confold {arguments}").stdout

    def put(self, *files: Path) -> str:
        """Copies of files; their paths in here."""
        for file in files:
            shutil.copy(file, self.path / "root" / file.name)
        return " ".join(f"/root/{file.name}" for file in files)

    def with_pypi(self) -> Root:
        """The same root, in which pip reaches what it reaches outside."""
        there = Root(self.path)
        passed = [f"{name}={os.environ[name]}" for name in _PYPI if name in os.environ]
        certificates = os.environ.get("PIP_CERT")
        if certificates:
            there._enter = [*there._enter, f"--bind-ro={certificates}:{_CERTIFICATES}"]
            passed.append(f"PIP_CERT={_CERTIFICATES}")
        there._env = [*_ENV, *passed]
        return there

    @contextmanager
    def booted(self, init: str = "--boot", users: int = 0) -> Iterator[int]:
        """A systemd runs in it, in a network of its own; `run` then runs beside it. Its first process.

        `init`: what starts systemd, if nspawn does not. `users`: it is in a user namespace that begins there.
        """
        env = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        options = [f"--private-users={users}:65536", "--private-users-ownership=chown"] if users else _BPF
        container = subprocess.Popen(
            [*_NSPAWN, f"--directory={self.path}", "--private-network", *options, *init.split()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env,
            preexec_fn=functools.partial(_own_control_group, users) if users else None,
        )  # fmt: skip
        usual = self._enter
        try:
            yield self._wait_booted(container.pid, ["-U"] if users else [])
        finally:
            self._enter = usual
            container.terminate()
            try:
                container.wait(30)
            except subprocess.TimeoutExpired:
                container.kill()
                container.wait(10)

    def _wait_booted(self, nspawn: int, namespaces: list[str]) -> int:
        """Enter the container of a systemd-nspawn when it has started; its first process."""
        state = ""
        end = time.monotonic() + 180
        while time.monotonic() < end:
            # nspawn's first child is not the last one, which becomes systemd.
            children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
            if children:
                self._enter = ["nsenter", f"--target={children[-1]}", *_NAMESPACES, *namespaces]
                state = self.run("systemctl is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return int(children[-1])
            time.sleep(0.2)
        raise AssertionError(f"systemd in the root is {state or 'silent'}")


def _own_control_group(owner: int) -> None:
    """Go into a control group that belongs to `owner`, for a systemd that is not root."""
    with tempfile.TemporaryDirectory() as mounted:
        subprocess.run(["mount", "-t", "cgroup2", "none", mounted], check=True)
        try:
            group = Path(mounted) / f"fsdaemon-test-{owner}"
            group.mkdir(exist_ok=True)
            for one in (
                group,
                *(group / f"cgroup.{name}" for name in ("procs", "threads", "subtree_control")),
            ):
                os.chown(one, owner, owner)
            (group / "cgroup.procs").write_text(str(os.getpid()))
        finally:
            subprocess.run(["umount", mounted], check=True)
