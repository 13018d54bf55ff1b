"""systemd's side of a service: sockets handed over, and telling how we are (sd_notify(3)).

Rule: standard library only; does nothing and fails never where there is no systemd.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

_PATIENCE = 0.1  # seconds for a systemd that reads nothing: no call is answered meanwhile
_FIRST_FD = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)


def listen_fds(environ: MutableMapping[str, str] = os.environ) -> list[int]:
    """The descriptors systemd handed over (LISTEN_FDS for LISTEN_PID), taken out of `environ`."""
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not _is_number(count):
        return []
    return list(range(_FIRST_FD, _FIRST_FD + int(count)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def notify(*states: str, environ: MutableMapping[str, str] = os.environ) -> bool:
    """Tell systemd, e.g. `READY=1`; False where there is none or it does not listen."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return False
    if path.startswith("@"):
        path = "\0" + path[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(_PATIENCE)
            sender.connect(path)
            sender.send("\n".join(states).encode())
    except OSError:
        return False
    return True


def watchdog_seconds(environ: MutableMapping[str, str] = os.environ) -> float:
    """How long systemd waits for a sign of life before it kills us; 0 if it does not watch."""
    pid, microseconds = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    if (pid and pid != str(os.getpid())) or not _is_number(microseconds):
        return 0.0
    return int(microseconds) / 1_000_000


def under_systemd(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Whether what we write to stderr goes to the journal (systemd.exec(5), JOURNAL_STREAM)."""
    stream = environ.get("JOURNAL_STREAM", "")
    try:
        stat = os.fstat(2)
    except OSError:
        return False
    return stream == f"{stat.st_dev}:{stat.st_ino}"
