"""`fsdaemon check`: what is wrong with a configuration on this machine, beyond what its text can tell.

Rule: opens and changes nothing that lasts. What may be another here than for the daemon is a note only.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

from fsdaemon.cli import peer
from fsdaemon.config import doubts
from fsdaemon.config.problems import Problem
from fsdaemon.config.reader import Config

_SECONDS = 5.0  # for one name
_LATER = (socket.EAI_AGAIN, socket.EAI_FAIL)
_ADDRESSES = ("server.listen", "metrics.listen", "switch.address")


def look(config: Config) -> tuple[list[Problem], list[Problem]]:
    """What is wrong, and what is only worth a note."""
    wrong, notes = list[Problem](), list(doubts.without_effect(config))
    resolved: dict[str, str] = {}
    for key in _ADDRESSES:
        value = config.value(key)
        for address in filter(None, [value] if isinstance(value, str) else value):
            what, surely = _address(address, key != "switch.address", resolved)
            if what:
                (wrong if surely else notes).append(doubts.problem(config, key, what))
    for key, what, surely in _files(config):
        (wrong if surely else notes).append(doubts.problem(config, key, what))
    return doubts.conflicts(config, resolved) + wrong, notes


def _address(address: str, ours: bool, resolved: dict[str, str]) -> tuple[str, bool]:
    """What is wrong with an address, which has to be `ours` or only to exist; and whether that is sure.

    What it leads to goes into `resolved`.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_UNSPEC if not ours else socket.AF_INET6 if ":" in host else socket.AF_INET
    like = f'an address always works, like "127.0.0.1{address[address.rindex(":") :]}"'
    try:
        found = peer.within(lambda: socket.getaddrinfo(host, None, family, socket.SOCK_STREAM), _SECONDS)
    except socket.gaierror as error:
        surely = error.errno not in _LATER
        what = "cannot be resolved" if surely else "cannot be resolved now"
        return f'the host name "{host}" {what} ({error.strerror}); {like}', surely
    except (OSError, UnicodeError):
        return f'the host name "{host}" is not resolved within {_SECONDS:g} s; {like}', False
    family, kind, _, _, at = found[0]
    if not ours:
        return "", False
    resolved[address] = f"[{at[0]}]:{port}" if family == socket.AF_INET6 else f"{at[0]}:{port}"
    return _ours(family, kind, at, host)


def _ours(family: int, kind: int, at: tuple[object, ...], host: str) -> tuple[str, bool]:
    try:
        with socket.socket(family, kind) as probe:
            probe.bind((at[0], 0, *at[2:]))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            every = "[::]" if family == socket.AF_INET6 else "0.0.0.0"
            what = f'"{host}" is not an address of this machine; "{every}" stands for all that it has'
            return what, False
    return "", False


def _files(config: Config) -> Iterator[tuple[str, str, bool]]:
    name, directory = config.switch.password_file, config.switch.database
    if name.startswith("/"):  # else it is a credential, which only the unit has
        try:
            os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK))
        except OSError as error:
            yield "switch.password_file", f"cannot be read: {error.strerror}", _missing(error)
    if directory:
        try:
            os.scandir(directory).close()
        except OSError as error:
            yield "switch.database", f"cannot be read: {error.strerror}", _missing(error)


def _missing(error: OSError) -> bool:
    """Whether it is so for everybody; the daemon may have another user's rights."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
