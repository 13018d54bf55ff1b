"""Why a port cannot be had, and who has it, as far as /proc shows that to us (proc(5)).

Rule: standard library only; says less rather than fail.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import pwd
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN, as /proc/net/tcp writes it
_PROC = Path("/proc")


def why_not(error: OSError, host: str, port: int) -> str:
    """What `error` of binding to `host` and `port` means, in a sentence."""
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        names = ", ".join(holders(host, port))
        return f"{text}, by {names}" if names else text
    if error.errno == errno.EACCES and port < 1024:
        return f"{text}; a port below 1024 is for root"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{text}; this machine has no such address"
    return text


def holders(host: str, port: int) -> list[str]:
    """The processes that listen where `host` and `port` would: `nginx (process 712)`, or whose they are."""
    sockets = dict(_listening(host, port))
    found, unknown = [], set(sockets)
    for process in _processes() if sockets else []:
        held = _held(process, sockets)
        if held:
            found.append(f"{_name(process)} (process {process.name})")
            unknown -= held
    return found + [f"a process of {_user(int(sockets[inode]))}" for inode in sorted(unknown)]


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _listening(host: str, port: int) -> Iterator[tuple[str, str]]:
    """The inode and the owner's uid of each listening socket in the way."""
    for table in ("tcp", "tcp6"):
        for line in _read(_PROC / "self" / "net" / table).splitlines()[1:]:
            fields = line.split()
            address, _, used = fields[1].partition(":")
            if fields[3] == _LISTEN and int(used, 16) == port and _in_the_way(_address(address), host):
                yield fields[9], fields[7]


def _address(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address in /proc/net/tcp: words of 32 bits in the machine's own order of bytes."""
    words = (int(written[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(written), 8))
    return ipaddress.ip_address(b"".join(words))


def _in_the_way(theirs: ipaddress.IPv4Address | ipaddress.IPv6Address, host: str) -> bool:
    try:
        ours = ipaddress.ip_address(host)
    except ValueError:  # a name
        return True
    return theirs == ours or theirs.is_unspecified or ours.is_unspecified


def _processes() -> list[Path]:
    return sorted((path for path in _PROC.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _held(process: Path, sockets: Iterable[str]) -> set[str]:
    """Which of the sockets a process has open; none if we may not look."""
    links = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                links.add(os.readlink(descriptor))
    return {inode for inode in sockets if f"socket:[{inode}]" in links}


def _name(process: Path) -> str:
    return _read(process / "comm").strip() or "a process"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
