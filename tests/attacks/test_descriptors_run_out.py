"""More connections than the process may have descriptors (1024 is usual): no traceback, and it recovers.

`max_sessions` alone cannot help: a connection has to be accepted before it can be refused, and gevent
accepts a hundred at a time.
"""

import resource
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.attacks.peers import connect
from tests.attacks.target import Target


def test_it_recovers(start: Callable[[str], Target]) -> None:
    daemon = start("[server]\ntimeout = 1.0\nmax_sessions = 1000\n")
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (100, 100))
    before = daemon.descriptors()
    with ExitStack() as opened:
        for _ in range(300):
            opened.enter_context(connect(daemon.port))
        time.sleep(0.3)
        assert daemon.descriptors() <= 100
    daemon.back_to(before)
    time.sleep(1.0)  # gevent waits up to a second before it accepts again
    daemon.unharmed(0)
