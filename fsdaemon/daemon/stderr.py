"""Where stderr leads: nowhere where it was closed, so to syslog; or to a file that logrotate moves.

Rule: standard library only, and knows nothing of what is logged. journald listens at syslog's socket, too.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import syslog

_PRIORITY = re.compile(r"<([0-7])>")  # sd-daemon(3)


def fill_closed() -> None:
    """Open /dev/null where stdin, stdout or stderr is closed; a socket would get its descriptor."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


class Syslog(io.TextIOBase):
    """A stream whose lines go to syslog(3), each at the priority that it begins with: `<4>…`.

    Where nothing listens at /dev/log they are lost.
    """

    def __init__(self) -> None:
        """Log as `fsdaemon`, with the number of the process."""
        super().__init__()
        syslog.openlog("fsdaemon", syslog.LOG_PID, syslog.LOG_DAEMON)

    def write(self, text: str) -> int:
        """Log every line of `text`."""
        for line in text.splitlines():
            priority = _PRIORITY.match(line)
            said = line[priority.end() :] if priority else line
            if said:
                syslog.syslog(int(priority[1]) if priority else syslog.LOG_ERR, said.replace("\0", "?"))
        return len(text)


def was_closed() -> bool:
    """Whether stderr was closed when the process began."""
    return sys.__stderr__ is None


def file_behind() -> str:
    """The path of the file to which stderr is redirected; empty if it is a terminal, a pipe or the like."""
    try:
        return os.readlink("/proc/self/fd/2") if stat.S_ISREG(os.fstat(2).st_mode) else ""
    except OSError:
        return ""


def reopen(path: str) -> None:
    """Let stderr lead to the file that is `path` now. Raises OSError if that cannot be opened."""
    try:
        if os.path.samestat(os.stat(path), os.fstat(2)):
            return
    except FileNotFoundError:
        pass
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    os.dup2(file, 2)
    os.close(file)
