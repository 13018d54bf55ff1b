"""Counts what the daemon did, and keeps the last verdicts for the page and for `explain --uuid`.

Rule: knows no socket. Numbers leave it as the log shows them (`log.numbers`).
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fsdaemon import __version__
from fsdaemon.config.reader import Config
from fsdaemon.core.decide import Decision
from fsdaemon.core.sentences import facts_of
from fsdaemon.daemon.log import shown_as, word
from fsdaemon.daemon.switch import CONNECTED, OFF
from fsdaemon.daemon.switch import COUNTERS as SWITCH_COUNTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsdaemon.daemon.switch import Switch

_NAMESPACE = "fsdaemon"
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 2.0)  # seconds
_MINUTES = 60  # that the page draws
_LATELY = 5  # minutes; a trouble older than that is over
_MOST = 1000  # verdicts that one answer holds
_LONGEST = 2000  # characters of one fact; sentences hold several names
_FULL = 0.9  # of server.max_sessions
#: Why a session ends without a verdict, and how a person reads it.
ERRORS = {
    "timeout": "timed out",
    "protocol": "protocol errors",
    "defect": "internal errors",
    "gone": "ended by the caller",
}


#: What becomes of a forward that a phone's key wants to set; "forged": nothing proves whose phone it is.
KEYS = ("done", "refused", "forged")


class Kept(NamedTuple):
    """One verdict, as it is kept."""

    number: int  #: counts up; the page asks for what is newer than it has
    time: float  #: seconds since 1970
    seconds: float  #: that the session took
    decision: Decision
    config: Config


class _SwitchCollector:
    """The connection to FreeSWITCH's event socket, which counts for itself; nothing where it is off."""

    def __init__(self, switch: Callable[[], Switch | None]) -> None:
        self._switch = switch

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client wants it."""
        switch = self._switch()
        if not switch or switch.state == OFF:
            return
        connected = switch.state == CONNECTED
        prefix = f"{_NAMESPACE}_switch_"
        yield GaugeMetricFamily(f"{prefix}connected", "Logged in at the event socket", value=connected)
        for name, count in switch.counts().items():
            yield CounterMetricFamily(prefix + name, SWITCH_COUNTERS[name], value=count)


class Metrics:
    """What one daemon counts."""

    def __init__(
        self,
        in_flight: Callable[[], int],
        config: Callable[[], Config],
        switch: Callable[[], Switch | None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Ask `in_flight`, `config` and `switch` how it is now; `now` is a clock in seconds since 1970."""
        self.registry = CollectorRegistry()
        into: dict[str, Any] = {"namespace": _NAMESPACE, "registry": self.registry}
        self.verdicts = Counter("verdicts", "Verdicts", ["verdict", "kind", "reason"], **into)
        self.sessions = Histogram(
            "session_seconds", "How long sessions with a verdict took", buckets=_BUCKETS, **into
        )
        self.refused = Counter("refused", "Calls beyond server.max_sessions", **into)
        self.not_allowed = Counter("not_allowed", "Connections that server.allow does not name", **into)
        self.codes = Counter("codes", "Codes that users dialled", **into)
        self.keys = Counter("keys", "Forwards that phones' keys wanted to set", ["result"], **into)
        self.errors = Counter("errors", "Sessions that ended without a verdict", ["what"], **into)
        self.reloads = Counter("reloads", "Reloads of the configuration", ["result"], **into)
        Gauge("in_flight", "Sessions now", **into).set_function(in_flight)
        Gauge("build_info", "Version", ["version"], **into).labels(__version__).set(1)
        self.registry.register(_SwitchCollector(switch))
        for what in ERRORS:  # at 0 from the beginning, so that the first one is an increase
            self.errors.labels(what)
        for result in ("done", "refused"):
            self.reloads.labels(result)
        for result in KEYS:
            self.keys.labels(result)
        self._in_flight, self._config, self._switch, self._now = in_flight, config, switch, now
        self._kept: deque[Kept] = deque(maxlen=config().metrics.keep)
        self._number = 0
        self._started = now()
        self._total: Tally[str] = Tally()
        self._minutes: deque[tuple[int, Tally[str]]] = deque(maxlen=_MINUTES)
        self._reload_refused = False

    def decided(self, decision: Decision, config: Config, seconds: float) -> None:
        """A verdict was given, `seconds` after FreeSWITCH had connected."""
        verdict = decision.verdict
        self.verdicts.labels(verdict.action, verdict.kind or "none", verdict.reason).inc()
        self.sessions.observe(seconds)
        self._number += 1
        self._kept.append(Kept(self._number, self._now(), seconds, decision, config))
        self._tally(verdict.action)

    def count(self, name: str, *labels: str) -> None:
        """One more of `refused`, `not_allowed`, `codes`, of `errors` (what) or of `reloads` (its result)."""
        counter = getattr(self, name)
        (counter.labels(*labels) if labels else counter).inc()
        if name == "reloads":
            self._reload_refused = labels == ("refused",)
        self._tally(" ".join((name, *labels)))

    def _tally(self, what: str) -> None:
        self._total[what] += 1
        minute = int(self._now() // 60)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Tally()))
        self._minutes[-1][1][what] += 1

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)

    def newer_than(self, number: int) -> list[dict[str, Any]]:
        """The kept verdicts after `number`, oldest first, a line each; of many the newest."""
        newer = [kept for kept in islice(reversed(self._kept), _MOST) if kept.number > number]
        return [_line(kept) for kept in reversed(newer)]

    def of_call(self, uuid: str) -> list[dict[str, Any]]:
        """All that is kept about one call, oldest first, with the facts each verdict was given on.

        `uuid` is the id of the channel, or what the log shows of it.
        """
        found = [
            kept for kept in self._kept if uuid in (kept.decision.call.uuid, word(kept.decision.call.uuid))
        ]
        return [{**_line(kept), **_facts(kept)} for kept in found]

    def status(self) -> dict[str, Any]:
        """How it is: what a person looks at first."""
        config, total, troubles, minutes = self._config(), self._total, self._troubles(), self._per_minute()
        calls, switch = [sum(minute.values()) for minute in minutes], self._switch()
        return {
            "version": __version__,
            "started": round(self._started, 3),
            "now": round(self._now(), 3),
            "healthy": not troubles,
            "troubles": troubles,
            "configuration": config.source,
            "numbers": config.log.numbers,
            "in_flight": self._in_flight(),
            "max_sessions": config.server.max_sessions,
            "rang": total["ring"],
            "forwarded": total["forward"],
            "refused": total["refused"],
            "not_allowed": total["not_allowed"],
            "errors": {what: total[f"errors {what}"] for what in ERRORS},
            "switch": switch.status() if switch else {"state": OFF},
            "reloads": {"done": total["reloads done"], "refused": total["reloads refused"]},
            "milliseconds": self._milliseconds(),
            "kept": len(self._kept),
            "keep": self._kept.maxlen,
            # The running minute counts from its beginning, so for a while the one before says more.
            "calls_a_minute": {"now": max(calls[-2:]), "most": max(calls)},
            "no_verdict": ", ".join(f"{count} {words}" for words, count in self._without_verdict().items()),
            "minutes": minutes,
        }

    def _without_verdict(self) -> dict[str, int]:
        errors = {words: self._total[f"errors {what}"] for what, words in ERRORS.items()}
        total = self._total
        return {"refused": total["refused"], "not allowed": total["not_allowed"], **errors}

    def _troubles(self) -> list[str]:
        config, lately = self._config(), self._lately()
        troubles = []
        if self._in_flight() >= _FULL * config.server.max_sessions:
            troubles.append(
                f"{self._in_flight()} calls at a time, of server.max_sessions = {config.server.max_sessions}"
            )
        if lately["refused"]:
            troubles.append(f"{lately['refused']} calls refused: more than server.max_sessions at a time")
        if lately["not_allowed"]:
            troubles.append(f"{lately['not_allowed']} connections closed that server.allow does not name")
        if lately["errors timeout"]:
            limit = f"server.timeout = {config.server.timeout:g} s"
            troubles.append(f"{lately['errors timeout']} calls without a verdict within {limit}")
        if lately["errors defect"]:
            troubles.append(f"{lately['errors defect']} calls met an internal error of fsdaemon; see the log")
        if lately["errors protocol"]:
            troubles.append(f"{lately['errors protocol']} connections by a peer that is not FreeSWITCH")
        if self._reload_refused:
            troubles.append(
                "the last reload was refused; the configuration before it is still in effect; see the log"
            )
        switch = self._switch()
        if switch and switch.trouble:
            troubles.append(switch.trouble)
        return troubles

    def _lately(self) -> Tally[str]:
        after = int(self._now() // 60) - _LATELY
        found: Tally[str] = Tally()
        for minute, tally in self._minutes:
            if minute > after:
                found += tally
        return found

    def _per_minute(self) -> list[dict[str, int]]:
        """Each of the last minutes, the running one last: what rang, was forwarded, got no verdict."""
        now, known = int(self._now() // 60), dict(self._minutes)
        last = [known.get(minute, Tally[str]()) for minute in range(now - _MINUTES + 1, now + 1)]
        return [
            {
                "rang": tally["ring"],
                "forwarded": tally["forward"],
                "undecided": tally["refused"]
                + sum(tally[f"errors {what}"] for what in ERRORS if what != "gone"),
            }
            for tally in last
        ]

    def _milliseconds(self) -> dict[str, float]:
        """How long the kept sessions took: the middle one, and what 95 of 100 stay below."""
        took = sorted(kept.seconds * 1000 for kept in self._kept)
        if not took:
            return {}
        return {"p50": round(took[len(took) // 2], 2), "p95": round(took[len(took) * 95 // 100], 2)}


def _line(kept: Kept) -> dict[str, Any]:
    call, verdict = kept.decision.call, kept.decision.verdict
    show = shown_as(kept.config.log)
    return {
        "number": kept.number,
        "time": round(kept.time, 3),
        "milliseconds": round(kept.seconds * 1000, 2),
        "uuid": call.uuid,
        "caller": show(str(call.caller)),
        "callee": show(str(call.callee)),
        "verdict": verdict.action,
        "reason": verdict.reason,
        "target": show(verdict.target),
        "label": show(kept.decision.label),
    }


def _facts(kept: Kept) -> dict[str, Any]:
    """What `explain` says, with numbers as the log shows them."""
    facts = facts_of(kept.decision, kept.config)
    del facts["commands"]
    shown: dict[str, Any] = _shown(facts, shown_as(kept.config.log, _LONGEST))
    return shown


def _shown(value: Any, show: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return show(value)
    if isinstance(value, dict):
        return {name: _shown(one, show) for name, one in value.items()}
    return [_shown(one, show) for one in value] if isinstance(value, (list, tuple)) else value
