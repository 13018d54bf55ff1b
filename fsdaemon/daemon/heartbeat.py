"""Ends the process when its loop is stuck, where no systemd does it.

Rule: a thread of the operating system's, standard library only. A process that hangs keeps FreeSWITCH's
connections open, and FreeSWITCH waits for ever on one that was accepted; once ended, its calls go on.
"""

from __future__ import annotations

import os
import sys
import syslog
import threading
import time

EXIT_CODE = 70  # EX_SOFTWARE, sysexits.h


class Heartbeat:
    """Watches that `beat` is called at least every `seconds`, and ends the process when it is not."""

    def __init__(self, seconds: float) -> None:
        """Start watching now."""
        self._seconds = seconds
        self._last = time.monotonic()
        threading.Thread(target=self._watch, name="heartbeat", daemon=True).start()

    def beat(self) -> None:
        """The loop turns."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        tick, late, now = self._seconds / 4, False, time.monotonic()
        while True:
            time.sleep(tick)
            before, now = now, time.monotonic()
            # Twice, and in time: a process that was stopped and continued, or gets no CPU on a busy machine,
            # has its last beat long ago, and is well.
            was_late, late = late, now - self._last > self._seconds and now - before < 2 * tick
            if was_late and late:
                self._give_up()

    def _give_up(self) -> None:
        text = f"fsdaemon: the loop has not turned for {self._seconds:g} s; ending, so that calls go on\n"
        os.write(2, text.encode())
        if sys.__stderr__ is None:
            syslog.syslog(syslog.LOG_CRIT, text)
        os._exit(EXIT_CODE)
