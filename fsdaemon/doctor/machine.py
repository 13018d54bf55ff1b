"""What runs on this machine: FreeSWITCH's user, what fs_cli says, and who listens at an address.

Rule: asks, and changes nothing; each question has its time, and whoever does not answer is not asked again.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from fsdaemon.daemon.occupant import occupant
from fsdaemon.doctor.disk import Who
from fsdaemon.doctor.facts import FSDAEMON, NOBODY, Place, Running
from fsdaemon.doctor.reading import contexts
from fsdaemon.doctor.tree import NotXml, parse

_SECONDS = 5.0  # for an answer of fs_cli
_LARGEST = 64 << 20  # bytes of an answer
_END = 1000  # bytes of an answer that say why there is none
_CONNECT = 2.0  # seconds
_FS_CLI = ("/usr/local/freeswitch/bin/fs_cli", "/opt/freeswitch/bin/fs_cli")
_GREETING = b"connect\n\n"  # esl/session.py sends it first; FreeSWITCH waits for it


class Silent(Exception):
    """fs_cli has no answer; the text says why."""


class FsCli:
    """FreeSWITCH's own fs_cli."""

    def __init__(self, command: str | None, seconds: float = _SECONDS) -> None:
        """`command` with its options; None: the one that is installed; empty: none."""
        self._seconds, self._why = seconds, ""
        found = shutil.which("fs_cli") or next((one for one in _FS_CLI if os.access(one, os.X_OK)), "")
        try:
            self._command = shlex.split(found if command is None else command)
        except ValueError as error:
            self._command, self._why = [], f"--fs-cli: {error}"
        if not self._command and not self._why:
            self._why = "there is no fs_cli" if command is None else "fs_cli is turned off"

    def __call__(self, question: str) -> str:
        """What FreeSWITCH answers to `question`. Raises Silent, at once if it was silent before."""
        if not self._why:
            self._why, answer = self._ask(question)
        if self._why:
            raise Silent(self._why)
        return answer

    def _ask(self, question: str) -> tuple[str, str]:
        with tempfile.TemporaryFile() as out:
            try:
                process = subprocess.Popen(
                    [*self._command, "-x", question],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_limit,
                )
            except OSError as error:
                return f"fs_cli cannot be run: {error.strerror}", ""
            try:
                code = process.wait(self._seconds)
            except subprocess.TimeoutExpired:
                return f"fs_cli did not answer within {self._seconds:g} s", ""
            finally:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            out.seek(-min(_END, out.tell()) if code else 0, os.SEEK_END if code else os.SEEK_SET)
            answer = out.read(_LARGEST).decode("utf-8", "replace")
        if code:
            line = answer.strip().splitlines()[-1:] or ["no word"]
            return f"fs_cli failed: {re.sub('[^ -~]+.*?m', '', line[0])[:100]}", ""
        return "", answer


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))


def globals_of(fs_cli: FsCli) -> dict[str, str]:
    """FreeSWITCH's global variables, `conf_dir` among them. Raises Silent."""
    lines = (line.partition("=") for line in fs_cli("global_getvar").splitlines())
    return {name: value for name, equals, value in lines if equals}


def running(fs_cli: FsCli, conf: str) -> Running:
    """What the running FreeSWITCH says of itself. Raises Silent."""
    version = fs_cli("version").strip().splitlines()[:1]
    return Running(
        version[0][:200] if version else "",
        conf,
        _modules(fs_cli("show modules as json")),
        _contexts(fs_cli("xml_locate dialplan")),
    )


def _modules(answer: str) -> frozenset[str] | None:
    try:
        rows = json.loads(answer)["rows"]
        return frozenset(row["ikey"] for row in rows) or None
    except (ValueError, KeyError, TypeError):
        return None


def _contexts(answer: str) -> Mapping[str, tuple[str, ...]] | None:
    lines = f"<document>{answer}</document>".split("\n")
    try:
        found = contexts(parse(lines, [Place("fs_cli", number) for number, _ in enumerate(lines, 1)]))
    except NotXml:
        return None
    return {name: tuple(one.name for one in all_) for name, all_ in found.items()} or None


def listener(address: str) -> str:
    """Who listens at `host:port`: FSDAEMON, NOBODY, or what it is. Sends nothing."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT) as peer:
            heard = peer.recv(len(_GREETING))
    except ConnectionRefusedError:
        return NOBODY
    except TimeoutError:
        return _somebody(port, "it says nothing")
    except (OSError, ValueError, OverflowError) as error:
        return str(getattr(error, "strerror", None) or error)
    return FSDAEMON if heard and _GREETING.startswith(heard) else _somebody(port, "it answers something else")


def _somebody(port: str, otherwise: str) -> str:
    return occupant(int(port)) or otherwise


def user_of_freeswitch(conf: str, named: str = "", proc: Path = Path("/proc")) -> Who | None:
    """As whom FreeSWITCH runs: `named`, else the process, else the user of that name; None: not known."""
    if named:
        return _of_name(named)
    found = [one for one in proc.glob("[0-9]*") if _line(one / "comm") == "freeswitch"]
    ours = [one for one in found if conf in _line(one / "cmdline").split("\0")]
    for process in ours or found:
        status = dict(line.split(":\t", 1) for line in _line(process / "status").split("\n") if ":\t" in line)
        with contextlib.suppress(ValueError, IndexError):
            uid, groups = int(status["Uid"].split()[1]), status["Gid"].split()[1:2] + status["Groups"].split()
            return Who(_name(uid), uid, frozenset(map(int, groups)))
    return _of_name("freeswitch")


def _line(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _of_name(name: str) -> Who | None:
    try:
        user = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None
    groups = {one.gr_gid for one in grp.getgrall() if name in one.gr_mem}
    return Who(name, user.pw_uid, frozenset({user.pw_gid, *groups}))


def listeners(addresses: Iterable[str]) -> dict[str, str]:
    """Who listens at each of them."""
    return {address: listener(address) for address in dict.fromkeys(addresses)}


def here() -> str:
    """This machine's address, as FreeSWITCH finds its local_ip_v4."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
