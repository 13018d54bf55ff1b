"""Where stderr leads: nowhere where it was closed, so to syslog; or to a file that logrotate moves.

No call waits for whoever reads it.

Rule: standard library only, and knows nothing of what is logged. journald listens at syslog's socket, too.
"""

from __future__ import annotations

import io
import os
import re
import select
import socket
import stat
import sys
import syslog
import time
from typing import TextIO

_PRIORITY = re.compile(r"<([0-7])>")  # sd-daemon(3)
_PIECE = 1000  # characters, at most 4000 bytes: a pipe that is ready takes 4096 (pipe(7), PIPE_BUF)


def fill_closed() -> None:
    """Open /dev/null where stdin, stdout or stderr is closed; a socket would get its descriptor."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


class Lossy(io.TextIOBase):
    """A stream for the log that loses lines where whoever reads it hangs: a call would wait, too."""

    lost = 0  #: lines that nobody took

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`, which has a descriptor."""
        super().__init__()
        self._stream = stream
        self._ready = select.poll()
        self._ready.register(stream, select.POLLOUT)

    def isatty(self) -> bool:
        """Whether `stream` is a terminal."""
        return self._stream.isatty()

    def write(self, text: str) -> int:
        """Write `text`, or the first part of it."""
        for start in range(0, len(text), _PIECE):
            if not self._ready.poll(0):
                self.lost += 1
                break
            self._stream.write(text[start : start + _PIECE])
            self._stream.flush()
        return len(text)


class Syslog(io.TextIOBase):
    """A stream whose lines go to syslog, each at the priority that it begins with: `<4>…`.

    It does not wait, as syslog(3) does for a syslog that hangs: where nobody listens they are lost.
    """

    lost = 0  #: lines that nobody took

    def __init__(self, address: str = "/dev/log") -> None:
        """Log as `fsdaemon`, with the number of the process."""
        super().__init__()
        self._address = address
        self._socket: socket.socket | None = None

    def write(self, text: str) -> int:
        """Log every line of `text`."""
        for line in text.splitlines():
            priority = _PRIORITY.match(line)
            said = line[priority.end() :] if priority else line
            if said:
                level = syslog.LOG_DAEMON | (int(priority[1]) if priority else syslog.LOG_ERR)
                now = time.strftime("%b %e %H:%M:%S")  # RFC 3164, section 4.1.2
                header = f"<{level}>{now} fsdaemon[{os.getpid()}]: "
                self._send((header + said.replace("\0", "?")).encode("utf-8", "replace"))
        return len(text)

    def _send(self, message: bytes) -> None:
        for _ in range(2):  # a syslog that was started anew has another socket
            try:
                if self._socket is None:
                    self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                    self._socket.setblocking(False)
                    self._socket.connect(self._address)
                self._socket.send(message)
                return
            except BlockingIOError:
                break
            except OSError:
                self._leave()
        self.lost += 1

    def _leave(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None

    def close(self) -> None:
        """Close the connection, too."""
        self._leave()
        super().close()


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
