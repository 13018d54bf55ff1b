"""Counts what the daemon did, and keeps the last verdicts for the page and for `explain --uuid`.

Rule: knows no socket. Numbers leave it as the log shows them (`log.numbers`).
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fsdaemon import __version__
from fsdaemon.config import Config
from fsdaemon.decide import Decision
from fsdaemon.explain import facts_of
from fsdaemon.log import shown_as

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 2.0)  # seconds


class Kept(NamedTuple):
    """One verdict, as it is kept."""

    number: int  #: counts up; the page asks for what is newer than it has
    time: float  #: seconds since 1970
    seconds: float  #: that the session took
    decision: Decision
    config: Config


class Metrics:
    """What one daemon counts."""

    def __init__(self, keep: int) -> None:
        """Keep the last `keep` verdicts."""
        self.registry = CollectorRegistry()
        into, space = self.registry, "fsdaemon"
        self.verdicts = Counter("verdicts", "Verdicts", ["verdict", "reason"], namespace=space, registry=into)
        self.sessions = Histogram(
            "session_seconds", "How long sessions took", buckets=_BUCKETS, namespace=space, registry=into
        )
        self.refused = Counter("refused", "Calls beyond server.max_sessions", namespace=space, registry=into)
        self.errors = Counter("errors", "Sessions undecided", ["what"], namespace=space, registry=into)
        self.reloads = Counter("reloads", "Reloads", ["result"], namespace=space, registry=into)
        self.in_flight = Gauge("in_flight", "Sessions now", namespace=space, registry=into)
        build = Gauge("build_info", "Version", ["version"], namespace=space, registry=into)
        build.labels(__version__).set(1)
        self._kept: deque[Kept] = deque(maxlen=keep)
        self._number = 0

    def decided(self, decision: Decision, config: Config, seconds: float, now: float) -> None:
        """A verdict was given."""
        self.verdicts.labels(decision.verdict.action, decision.verdict.reason).inc()
        self.sessions.observe(seconds)
        self._number += 1
        self._kept.append(Kept(self._number, now, seconds, decision, config))

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)

    def newer_than(self, number: int) -> list[dict[str, Any]]:
        """The kept verdicts after `number`, oldest first, a line each."""
        return [_line(kept) for kept in self._kept if kept.number > number]

    def of_call(self, uuid: str) -> list[dict[str, Any]]:
        """All that is kept about one call, oldest first, with the facts each verdict was given on."""
        return [{**_line(kept), **_facts(kept)} for kept in self._kept if kept.decision.call.uuid == uuid]


def _line(kept: Kept) -> dict[str, Any]:
    call, verdict = kept.decision.call, kept.decision.verdict
    show = shown_as(kept.config.log)
    return {
        "number": kept.number,
        "time": round(kept.time, 3),
        "milliseconds": round(kept.seconds * 1000, 2),
        "uuid": show(call.uuid),
        "caller": show(str(call.caller)),
        "callee": show(str(call.callee)),
        "verdict": verdict.action,
        "reason": verdict.reason,
        "target": show(verdict.target),
        "label": show(kept.decision.label or ""),
    }


def _facts(kept: Kept) -> dict[str, Any]:
    show = shown_as(kept.config.log)
    return {
        name: show(value) if isinstance(value, str) else value
        for name, value in facts_of(kept.decision, kept.config).items()
        if name != "commands"
    }
