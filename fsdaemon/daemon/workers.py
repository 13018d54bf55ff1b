"""Greenlets that are used again: one call after the other, where gevent starts one for each.

Rule: runs what it is given and knows nothing of calls. CPython maps memory for each new greenlet's frames
(pystate.c push_chunk, 16 KB) and unmaps it at its end, a quarter of what a minimal gevent server costs.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

import gevent
from gevent.hub import Waiter

_Job = tuple[Callable[..., Any], tuple[Any, ...]]


class Workers:
    """What a StreamServer may have as its `spawn`."""

    def __init__(self, most: int) -> None:
        """Keep `most` greenlets when they have nothing to do; those beyond end."""
        self._most = most
        self._idle: list[Waiter] = []

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        """Run `function` soon, in a greenlet that nothing else runs in meanwhile."""
        if self._idle:
            gevent.get_hub().loop.run_callback(self._idle.pop().switch, (function, args))
        else:
            gevent.spawn(self._work, [(function, args)])

    def _work(self, first: list[_Job]) -> None:
        function, args = first.pop()  # gevent keeps what a greenlet was started with
        while True:
            try:
                function(*args)
            except Exception:
                gevent.get_hub().handle_error(function, *sys.exc_info())
            del function, args  # not kept for as long as nobody calls
            if len(self._idle) >= self._most:
                return
            function, args = self._next()

    def _next(self) -> _Job:
        waiter = Waiter()
        self._idle.append(waiter)
        try:
            job: _Job = waiter.get()
        except BaseException:  # whoever ends this greenlet must not take the next call with it
            if waiter in self._idle:
                self._idle.remove(waiter)
            raise
        return job
