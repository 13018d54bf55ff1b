"""What the daemon says: one line a verdict, the call's UUID first, so that one grep finds both logs.

Rule: whatever strangers wrote comes out as one line without control characters. stderr only.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Callable

from loguru import logger

from fsdaemon import numbers, systemd
from fsdaemon.config import Log
from fsdaemon.decide import Decision
from fsdaemon.policy import sentence

if TYPE_CHECKING:
    from loguru import Record

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# syslog(3) priorities, as sd-daemon(3) reads them at the start of a line.
_PRIORITY = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "SUCCESS": 5, "INFO": 6, "DEBUG": 7, "TRACE": 7}
_LONGEST = 200  # characters of one field
_JOURNAL, _TERMINAL, _PLAIN, _JSON = "journal", "terminal", "plain", "json"


def configure(config: Log) -> None:
    """Send what is logged to stderr, as `config` says and as suits who reads it.

    The journal gets priorities and no time of ours, a terminal colours, everything else plain lines.
    """
    if config.format == "json":
        style = _JSON
    elif systemd.under_systemd():
        style = _JOURNAL
    else:
        style = _TERMINAL if sys.stderr.isatty() else _PLAIN
    logger.remove()
    logger.add(
        sys.stderr,
        level=config.level,
        format=_FORMATS[style],
        colorize=style == _TERMINAL,
        backtrace=False,
        diagnose=False,
    )


def _json_line(record: Record) -> str:
    fields: dict[str, Any] = {
        "time": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "message": record["message"],
        **{name: value for name, value in record["extra"].items() if name != "line"},
    }
    record["extra"]["line"] = json.dumps(fields, ensure_ascii=False)
    return "{extra[line]}\n"


def _journal_line(record: Record) -> str:
    # Escaped: loguru takes what is in angle brackets for a colour.
    return f"\\<{_PRIORITY.get(record['level'].name, 6)}>{{message}}\n"


_FORMATS: dict[str, Any] = {
    _JSON: _json_line,
    _JOURNAL: _journal_line,
    _TERMINAL: "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> {message}",
    _PLAIN: "{time:YYYY-MM-DD HH:mm:ss.SSS} {level: <7} {message}",
}


def one_line(text: str) -> str:
    """`text` as it may stand in a log: what would break or disguise a line becomes `?`."""
    return _UNPRINTABLE.sub("?", text)


def verdict(decision: Decision, config: Log) -> None:
    """Log a verdict: the line of the contract, its facts as fields, and a warning if there is one."""
    call, result = decision.call, decision.verdict
    show = shown_as(config)
    uuid = one_line(call.uuid)
    say = logger
    if config.format == "json":
        say = logger.bind(
            uuid=uuid,
            verdict=result.action,
            reason=result.reason,
            callee=show(str(call.callee)),
            caller=show(str(call.caller)),
            target=show(result.target),
            path=[show(step.number) for step in result.path],
            label=show(decision.label or ""),
        )
    say.info(f"{uuid} {sentence(call, result, show)}")
    if result.warning:
        say.warning(f"{uuid} {show(result.warning)}")


def shown_as(config: Log) -> Callable[[str], str]:
    """How what strangers wrote is shown: one line, not too long, numbers masked where that is wanted."""
    return _masked if config.numbers == "masked" else _short


def _short(text: str) -> str:
    return one_line(text[:_LONGEST])


def _masked(text: str) -> str:
    return numbers.masked(_short(text))


class Sparse:
    """Says a thing at most once a second, and then how many times it would have been said."""

    def __init__(self, say: Callable[[str], Any], now: Callable[[], float] = time.monotonic) -> None:
        """Say through `say`; `now` is a clock in seconds."""
        self._say = say
        self._now = now
        self._next: dict[str, float] = {}
        self._kept: dict[str, int] = {}

    def __call__(self, kind: str, text: str) -> None:
        """Say `text`, unless something of the same `kind` was said within the last second."""
        now = self._now()
        if now < self._next.get(kind, 0.0):
            self._kept[kind] = self._kept.get(kind, 0) + 1
            return
        kept = self._kept.pop(kind, 0)
        self._next[kind] = now + 1.0
        self._say(one_line(text) + (f" (and {kept} more like it)" if kept else ""))
