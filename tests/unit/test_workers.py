"""Greenlets that are used again."""

from __future__ import annotations

import weakref

import gevent
import pytest
from gevent.event import Event

from fsdaemon.daemon.workers import Workers


def test_one_after_the_other_has_one_greenlet() -> None:
    workers, seen = Workers(2), []
    for number in range(5):
        workers.spawn(lambda n: seen.append((n, gevent.getcurrent())), number)
        gevent.sleep(0)
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert len({greenlet for _, greenlet in seen}) == 1


def test_those_at_a_time_have_one_each_and_few_stay() -> None:
    workers, gate, seen = Workers(2), Event(), []

    def wait() -> None:
        gate.wait()
        seen.append(gevent.getcurrent())

    for _ in range(5):
        workers.spawn(wait)
    gevent.sleep(0)
    gate.set()
    gevent.sleep(0.01)
    assert len(set(seen)) == 5
    assert [greenlet.dead for greenlet in seen].count(False) == 2
    for _ in range(5):
        workers.spawn(wait)
    gevent.sleep(0.01)
    assert len(seen) == 10


def test_what_fails_in_one_is_told_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    workers, seen = Workers(2), []

    def fail() -> None:
        seen.append(gevent.getcurrent())
        raise ValueError("a defect")

    workers.spawn(fail)
    gevent.sleep(0)
    workers.spawn(lambda: seen.append(gevent.getcurrent()))
    gevent.sleep(0)
    assert "ValueError: a defect" in capsys.readouterr().err
    assert seen[0] is seen[1]


def test_a_late_wake_up_of_the_last_call_does_not_run_into_the_next() -> None:
    workers, seen, event = Workers(1), [], Event()

    def impatient() -> None:
        with gevent.Timeout(0.01, False):
            event.wait()
        seen.append("gave up")

    workers.spawn(impatient)
    gevent.sleep(0.03)
    event.set()
    gevent.sleep(0)
    workers.spawn(lambda: (gevent.sleep(0.01), seen.append("slept")))
    gevent.sleep(0.05)
    assert seen == ["gave up", "slept"]


class Connection:
    """Something that a call has."""


def test_who_waits_keeps_nothing_of_the_last_call() -> None:
    workers, kept = Workers(2), []
    for _ in range(3):
        connection = Connection()
        kept.append(weakref.ref(connection))
        workers.spawn(lambda _: None, connection)
        del connection
        gevent.sleep(0)
        gevent.sleep(0)
    assert [reference() for reference in kept] == [None, None, None]


def test_one_that_is_ended_takes_no_call_with_it() -> None:
    workers, seen = Workers(2), []
    workers.spawn(lambda: seen.append(gevent.getcurrent()))
    gevent.sleep(0)
    seen[0].kill()
    for number in range(3):
        workers.spawn(seen.append, number)
    gevent.sleep(0.01)
    assert seen[1:] == [0, 1, 2]
