"""What the daemon says: one line a verdict, the call's UUID first, so that one grep finds both logs.

Rule: whatever strangers wrote comes out as one line without control characters. stderr only.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from loguru import logger

from fsdaemon.config.reader import Config, Log
from fsdaemon.core.codes import Outcome
from fsdaemon.core.decide import Decision
from fsdaemon.core.sentences import line, warning
from fsdaemon.daemon import stderr, systemd
from fsdaemon.terms import numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers

if TYPE_CHECKING:
    from loguru import Record

    from fsdaemon.esl.session import Session

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PLAIN_VALUE = re.compile(r"[\w.*+#@:;/,<>()-]+")
# syslog(3) priorities, as sd-daemon(3) reads them at the start of a line.
_PRIORITY = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "SUCCESS": 5, "INFO": 6, "DEBUG": 7, "TRACE": 7}
_BLANK = re.compile(r"\s")
_LONGEST = 200  # characters of one field
_LONGEST_ID = 256  # FreeSWITCH knows no longer one
_MOST_KINDS = 1000  # of things that are counted; strangers may be behind some
DEBUGGING = ("TRACE", "DEBUG")


def configure(config: Log) -> None:
    """Send what is logged to stderr, as `config` says and as suits who reads it.

    The journal and syslog get priorities and no time of ours, a terminal colours (but see https://no-color.org),
    everything else plain lines.
    """
    journal = systemd.under_systemd() or isinstance(sys.stderr, stderr.Syslog)
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    logger.remove()
    logger.add(
        sys.stderr,
        level=config.level,
        format=_Format(config, journal, coloured),
        colorize=coloured and not journal and config.format == "text",
        backtrace=False,
        diagnose=False,
    )


class _Format:
    """How a record becomes lines; loguru calls it for each and fills in what it returns."""

    def __init__(self, config: Log, journal: bool, coloured: bool) -> None:
        self._show = shown_as(config)
        self._json = config.format == "json"
        self._journal = journal
        time_, level = (
            ("HH:mm:ss.SSS", "{level: <8}") if coloured else ("YYYY-MM-DD HH:mm:ss.SSS", "{level: <7}")
        )
        self._text = f"<dim>{{time:{time_}}}</dim> <level>{level}</level> {{message}}\n"
        if not coloured:
            self._text = f"{{time:{time_}}} {level} {{message}}\n"

    def __call__(self, record: Record) -> str:
        """The format for one record; what varies goes into its `extra`, where no `{` is one of ours."""
        priority = f"<{_PRIORITY.get(record['level'].name, 6)}>" if self._journal else ""
        record["extra"]["priority"] = priority  # in the format loguru would take it for a colour
        trace = self._traceback(record)
        if self._json:
            record["extra"]["lines"] = self._object(record, trace)
            return "{extra[priority]}{extra[lines]}\n"
        text = "{extra[priority]}{message}\n" if self._journal else self._text
        if trace:
            record["extra"]["trace"] = "\n".join(f"{priority}  {line}" for line in trace)
            text += "{extra[trace]}\n"
        return text

    def _object(self, record: Record, trace: list[str]) -> str:
        fields: dict[str, Any] = {"level": record["level"].name, "message": record["message"]}
        if not self._journal:
            fields = {"time": record["time"].isoformat(timespec="milliseconds"), **fields}
        fields.update((name, value) for name, value in record["extra"].items() if name != "priority")
        if trace:
            fields["traceback"] = trace
        return json.dumps(fields, ensure_ascii=False)

    def _traceback(self, record: Record) -> list[str]:
        error = record["exception"]
        if error is None or error.type is None:
            return []
        told = traceback.format_exception(error.type, error.value, error.traceback)
        return [self._show(line) for line in "".join(told).split("\n") if line]


def one_line(text: str) -> str:
    """`text` as it may stand in a log: what would break or disguise a line becomes `?`."""
    return _UNPRINTABLE.sub("?", text)


def verdict(decision: Decision, config: Log) -> None:
    """Log a verdict: the line of the contract, its facts as fields, and a warning if there is one.

    The warning is about a user's forward; it is said once, and then counted for an hour.
    """
    call, result = decision.call, decision.verdict
    show = shown_as(config)
    uuid = word(call.uuid)
    say = logger
    if config.format == "json":
        say = logger.bind(
            uuid=uuid,
            verdict=result.action,
            reason=result.reason,
            callee=show(str(call.callee)),
            caller=show(str(call.caller)),
            kind=result.kind,
            target=show(result.target),
            path=[show(step.number) for step in result.path],
            label=show(decision.label),
            rule=show(result.rule),
        )
    say.info(f"{uuid} {line(call, result, show)}")
    if result.notice:
        forward = f"{call.callee}@{call.callee.domain} {result.kind} {result.target}"
        FORWARDS(forward[: 2 * _LONGEST], f"{uuid} {show(warning(call, result))}")


def code(uuid: str, outcome: Outcome, config: Log) -> None:
    """Log what became of a code that a user dialled."""
    logger.info("{} {}", word(uuid), one_line(shown_as(config)(outcome.sentence)))


def refused(session: Session, config: Log) -> None:
    """Log the commands that FreeSWITCH did not take and that were not logged yet, each kind once a minute."""
    show = shown_as(config)
    while session.refused:
        command, said, hint = session.refused.pop(0)
        kind = str(command).partition(" ")[0]
        text = f"{word(session.uuid or '')} FreeSWITCH refused {show(str(command))}: {show(said)}"
        REFUSED(f"{kind} {show(said)}", f"{text}; {hint}" if hint else text)


def considered(headers: Headers, answers: Mapping[Api, str], config: Config) -> None:
    """Log every variable that the decision looked at, and what FreeSWITCH answered to questions.

    Costs as much as the decision: for DEBUGGING levels only.
    """
    show = shown_as(config.log)
    uuid, lists = word(headers.get(v.UUID)), config.variables.lists().values()
    looked_at = dict.fromkeys((*(header for names in lists for header in names), *v.ALL))
    seen = {one.variable: show(headers.get(one)) for one in looked_at if one in headers and one != v.UUID}
    # A list of the preset of which none is there is what is missed most often.
    missing = [
        names[0].variable
        for names in lists
        if names and not any(name.directory or name in headers for name in names)
    ]
    asked = {show(question.command): show(answer.strip()) for question, answer in answers.items()}
    text = f"{uuid} saw " + " ".join(f"{name}={_value(value)}" for name, value in seen.items())
    if missing:
        text += f"; not there: {' '.join(missing)}"
    if asked:
        text += "; asked: " + ", ".join(f"{command}: {_value(value)}" for command, value in asked.items())
    say = logger.bind(uuid=uuid, variables=seen, answers=asked) if config.log.format == "json" else logger
    say.debug(one_line(text))


def _value(text: str) -> str:
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def shown_as(config: Log, longest: int = _LONGEST) -> Callable[[str], str]:
    """How what strangers wrote is shown: one line, not too long, numbers masked where that is wanted."""
    if config.numbers == "masked":
        return lambda text: numbers.masked(one_line(text[:longest]))
    return lambda text: one_line(text[:longest])


def word(channel: str) -> str:
    """The id of a channel as the first word of a line; it may be a Call-ID that a stranger's phone wrote."""
    return _BLANK.sub("?", one_line(channel[:_LONGEST_ID]))


class _Said(NamedTuple):
    until: float  #: seconds of the clock; before that it is counted only
    kept: int  #: how many times it was not said
    text: str


class Sparse:
    """Says a thing at most once in some time, and then how many times it would have been said."""

    def __init__(
        self, say: Callable[[str], Any], seconds: float = 1.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Say through `say`, each kind of thing once in `seconds`; `now` is a clock in seconds."""
        self._say = say
        self._seconds = seconds
        self._now = now
        self._said: dict[str, _Said] = {}

    def __call__(self, kind: str, text: str) -> None:
        """Say `text`, unless something of the same `kind` was said a short while ago."""
        if kind not in self._said and len(self._said) >= _MOST_KINDS:
            kind = ""  # whoever makes up new things to be warned of: all of them together
        now, said = self._now(), self._said.get(kind, _Said(0.0, 0, ""))
        if now < said.until:
            self._said[kind] = said._replace(kept=said.kept + 1, text=text)
            return
        self._said[kind] = _Said(now + self._seconds, 0, text)
        self._say(one_line(text) + _more(said.kept))

    def flush(self, everything: bool = False) -> None:
        """Say what was counted and has waited long enough, or everything that was counted."""
        now = self._now()
        for kind, said in list(self._said.items()):
            if now < said.until and not everything:
                continue
            del self._said[kind]
            if said.kept:
                self._said[kind] = _Said(now + self._seconds, 0, said.text)
                self._say(one_line(said.text) + _more(said.kept - 1))


def _more(count: int) -> str:
    return f" (and {count} more like it)" if count else ""


#: What is said of a user's forward, what FreeSWITCH refuses, and what is wrong in here.
FORWARDS = Sparse(lambda text: logger.warning("{}", text), 3600.0)
REFUSED = Sparse(lambda text: logger.error("{}", text), 60.0)
DEFECTS = Sparse(lambda text: logger.opt(exception=True).error("{}", text), 60.0)
KEYS = Sparse(lambda text: logger.warning("{}", text), 1.0)  # anybody with an account can press them
LATE = Sparse(lambda text: logger.warning("{}", text), 60.0)
SPARSE = (FORWARDS, REFUSED, DEFECTS, KEYS, LATE)


def lost() -> None:
    """Say how many lines nobody took, once somebody takes them again."""
    stream = sys.stderr
    if not isinstance(stream, (stderr.Lossy, stderr.Syslog)) or not stream.lost:
        return
    before, stream.lost = stream.lost, 0
    logger.warning("{} lines of the log are lost, because nobody read them", before)
    if stream.lost:  # nobody does yet
        stream.lost = before


def defect(text: str, error: Exception) -> None:
    """Log a defect of ours with its traceback, each once a minute. To be called where it is caught."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    DEFECTS(f"{type(error).__name__} {where.filename}:{where.lineno}", text)
