"""Who listens on a port that somebody else wants: for one error message.

Rule: standard library and /proc (proc(5)); says nothing rather than fail.
"""

from __future__ import annotations

import os
from pathlib import Path

_LISTENING = "0A"  # include/net/tcp_states.h


def occupant(port: int, proc: Path = Path("/proc")) -> str:
    """`freeswitch (process 4711)`: who listens on TCP `port`; empty if that cannot be told.

    Processes of other users are seen by root only.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return ""
    for process in proc.glob("[0-9]*"):
        try:
            if sockets & {os.readlink(fd) for fd in (process / "fd").iterdir()}:
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # of another user, or gone meanwhile
    return ""


def _inodes(port: int, proc: Path) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found
