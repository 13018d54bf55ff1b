"""FreeSWITCH's files on this machine: read within limits, and who may read them.

Rule: reads only, regular files only, and never more than the limits; anything else is `Unreadable`.
"""

from __future__ import annotations

import glob
import os
import stat
from pathlib import Path
from typing import NamedTuple

from fsdaemon.doctor.preprocess import Unreadable

_LARGEST = 32 << 20  # bytes of a file
_ALTOGETHER = 512 << 20
_READ, _SEARCH = 4, 1  # bits of a mode


class Disk:
    """A `Reader` of the file system."""

    def __init__(self) -> None:
        """Nothing is read so far."""
        self._left = _ALTOGETHER

    def read(self, path: str) -> str:
        """The text of a file; what is not UTF-8 becomes U+FFFD. Raises Unreadable."""
        try:
            kind = os.stat(path).st_mode
            if not stat.S_ISREG(kind):
                raise Unreadable("it is a directory" if stat.S_ISDIR(kind) else "it is a pipe or a device")
            with open(path, "rb") as file:
                data = file.read(_LARGEST + 1)
        except OSError as error:
            raise Unreadable(_why(path, error)) from None
        except ValueError:  # a NUL in the name
            raise Unreadable("this cannot be the name of a file") from None
        self._left -= len(data)
        if len(data) > _LARGEST or self._left < 0:
            raise Unreadable(f"it is larger than {_LARGEST >> 20} MB, or all files are")
        return data.decode("utf-8", "replace")

    def glob(self, pattern: str) -> list[str]:
        """The files that a pattern names, links to nowhere included, in the order of glob(3)."""
        try:
            return sorted(glob.glob(pattern))
        except (OSError, ValueError):
            return []


def _why(path: str, error: OSError) -> str:
    if os.path.islink(path) and isinstance(error, FileNotFoundError):
        return f"it is a link to {os.readlink(path)}, which does not exist"
    return (error.strerror or str(error)).lower().replace("no such file or directory", "it does not exist")


class Who(NamedTuple):
    """A user of the system, with all groups."""

    name: str
    uid: int
    groups: frozenset[int]


def closed_to(who: Who, path: str) -> str:
    """Why this user cannot read a file; empty if they can, or if that cannot be told (ACLs are not read)."""
    if who.uid == 0:
        return ""
    try:
        real = os.path.realpath(path)
        for directory in reversed(Path(real).parents):
            if not _may(who, os.stat(directory), _SEARCH) and not _acl(directory):
                return f"the directory {directory} is closed to that user"
        if not _may(who, os.stat(real), _READ) and not _acl(Path(real)):
            return f"its mode is {stat.filemode(os.stat(real).st_mode)}"
    except (OSError, ValueError):
        return ""
    return ""


def _may(who: Who, found: os.stat_result, right: int) -> bool:
    if found.st_uid == who.uid:
        return bool(found.st_mode >> 6 & right)
    if found.st_gid in who.groups:
        return bool(found.st_mode >> 3 & right)
    return bool(found.st_mode & right)


def _acl(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except OSError:
        return False
