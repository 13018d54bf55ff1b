"""What would happen to a call and why, without a FreeSWITCH, by the very code that `serve` uses.

Rule: decides nothing itself; turns options or a recording into channel data, and a decision into words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.client import NOT_FOUND
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

from fsdaemon import variables as v
from fsdaemon.call import KINDS
from fsdaemon.config import Config
from fsdaemon.decide import Decision, decide
from fsdaemon.display import shown_by_mod_sofia
from fsdaemon.esl import Api, Headers
from fsdaemon.numbers import is_written_number
from fsdaemon.policy import FORWARD
from fsdaemon.switchside import Played, Switch, channel_data

_BLANK = b"Event-Name: CHANNEL_DATA\nContent-Type: command/reply\nReply-Text: %2BOK%0A\nControl: full\n\n"
_UUID = "00000000-0000-4000-8000-000000000000"
_FAILED = {"busy": "USER_BUSY", "no_answer": "NO_ANSWER", "not_registered": "USER_NOT_REGISTERED"}


@dataclass(frozen=True)
class Question:
    """A call that somebody asks about."""

    callee: str = ""
    caller: str = ""
    domain: str = ""
    outside: bool = False  #: the caller comes from outside, `caller` is her number
    withheld: bool = False
    names: dict[str, str] = field(default_factory=dict)  #: user → name in the directory
    groups: tuple[str, ...] = ()  #: that the caller is a member of
    forwards: dict[str, str] = field(default_factory=dict)  #: kind → target
    failed: str = ""  #: the callee's phone was tried, and this was the matter
    path: tuple[str, ...] = ()  #: who forwarded already, oldest first


def data_of(question: Question, recording: bytes = b"", places: v.Preset = v.PRESETS["default"]) -> bytes:
    """The channel data FreeSWITCH would send for it; what is asked for replaces what was recorded.

    `places` says where the dialplan puts things, as in `config.variables`.
    """
    lines: dict[str, str] = {}
    if not recording:
        lines[v.UUID] = _UUID
    if question.callee:
        lines.update({v.DESTINATION: question.callee, v.CALLEE.variable: question.callee})
    lines.update(_caller(question, places))
    if question.domain:
        lines[places.domain[0].variable] = question.domain
    for kind, target in question.forwards.items():
        lines[getattr(places, kind)[0].variable] = target
        flags = (*places.is_user[:1], *getattr(places, f"{kind}_enabled")[:1])
        lines.update({flag.variable: "true" for flag in flags})
    if question.failed:
        lines.update({v.STAGE.variable: "after", v.DISPOSITION.variable: _FAILED[question.failed]})
    if question.path:
        callee = question.callee or Headers(recording).get(v.DESTINATION)
        lines.update({
            v.PATH.variable: ",".join(question.path),
            v.KINDS.variable: ",".join("always" for _ in question.path),
            v.HOP.variable: callee,
        })  # fmt: skip
    return channel_data(recording or _BLANK, lines)


def _caller(question: Question, places: v.Preset) -> dict[str, str]:
    hidden: dict[str, str] = {v.HIDE_NUMBER: "true"} if question.withheld else {}
    if not question.caller:
        return hidden
    name = question.names.get(question.caller, "")
    lines: dict[str, str] = {
        v.CALL_DIRECTION: "inbound",
        v.CALLER_NUMBER: question.caller,
        v.CALLER_NAME: name or question.caller,
        **hidden,
    }
    if question.outside:
        nobody = (v.AUTHORIZED, v.USER_NAME, v.DOMAIN_NAME, v.EFFECTIVE_NAME, v.DIALED_USER, v.CALLGROUP)
        lines.update({header.variable: "" for header in nobody})
    else:
        lines.update({
            v.AUTHORIZED.variable: "true",
            v.USER_NAME.variable: question.caller,
            v.DOMAIN_NAME.variable: question.domain,
            places.caller_domain[0].variable: question.domain,
            v.EFFECTIVE_NAME.variable: name,
            v.CALLGROUP.variable: ",".join(question.groups),
        })  # fmt: skip
    return lines


def answer(question: Question, command: str) -> str:
    """What FreeSWITCH would answer to an `api` command, as far as the question tells."""
    word, _, rest = command.partition(" ")
    if word == "user_data" and rest.endswith(v.EFFECTIVE_NAME.variable):
        return question.names.get(rest.partition("@")[0], "") or "-ERR no reply"
    if word == "user_exists":
        return "true" if rest.split(" ")[1] in question.names else "false"
    return "false" if word == "in_group" else "-ERR no reply"


def explain(question: Question, data: bytes, config: Config) -> dict[str, Any]:
    """Decide it; returns everything about the decision in plain words and values."""
    headers = Headers(data.rstrip(b"\n"))
    answers: dict[Api, str] = {}
    while not isinstance(outcome := decide(headers, answers, config), Decision):
        answers.update({asked: answer(question, asked.command) for asked in outcome})
    return facts_of(outcome, config)


def ask_daemon(question: Question, data: bytes, host: str, port: int) -> dict[str, Any]:
    """Ask a running daemon over its real socket, playing FreeSWITCH's part. Raises OSError."""
    played = Switch(data, lambda command: answer(question, command)).call(host, port)
    if v.VERDICT.variable not in played.variables:
        raise OSError(f"{host}:{port} closed without a verdict: too many calls at a time, or no fsdaemon")
    return _heard(played)


def ask_page(address: str, uuid: str) -> list[dict[str, Any]]:
    """All that a running daemon keeps about a call, over its page. Raises OSError."""
    url = f"http://{address}/calls/{quote(uuid, safe='')}"
    try:
        with urlopen(url, timeout=5) as answered:
            found: list[dict[str, Any]] = json.load(answered)
    except HTTPError as error:
        if error.code == NOT_FOUND:
            return []
        raise
    return found


def _heard(played: Played) -> dict[str, Any]:
    after = played.variables
    return {
        "verdict": after.get(v.VERDICT.variable, ""),
        "reason": after.get(v.REASON.variable, ""),
        "target": after.get(v.TARGET.variable, ""),
        "path": [step for step in after.get(v.PATH.variable, "").split(",") if step],
        "label": shown_by_mod_sofia(after.get(v.LABEL.variable, "")),
        "commands": [f"{application} {argument}" for application, argument in played.executed],
    }


def facts_of(decision: Decision, config: Config) -> dict[str, Any]:
    """Everything about a decision in plain words and values; `config` is the whole one."""
    call, verdict = decision.call, decision.verdict
    section = verdict.rule.split(" ")[0]
    domain = config.for_domain(call.callee.domain)
    return {
        "verdict": verdict.action,
        "reason": verdict.reason,
        "callee": str(call.callee),
        "caller": str(call.caller),
        "established": f"{call.caller.user.name}@{call.caller.user.domain}" if call.caller.user else "",
        "target": verdict.target,
        "path": [step.number for step in verdict.path],
        "label": decision.label or "",
        "rule": verdict.rule,
        "from": domain.origin.get(section, "") if section else "",
        "warning": verdict.warning,
        "why": why(decision),
        "otherwise": otherwise(decision),
        "commands": [str(command) for command in decision.commands],
    }


_KIND_WORDS = {
    "always": "always",
    "busy": "when busy",
    "no_answer": "when nobody answers",
    "not_registered": "when no phone is registered",
    "redirect": "by the phone itself",
}


def why(decision: Decision) -> str:
    """In a sentence, why the verdict is what it is."""
    call, verdict = decision.call, decision.verdict
    forward = f"{call.callee} forwards {_KIND_WORDS.get(verdict.kind, verdict.kind)} to {verdict.target}"
    reasons = {
        "no_forward": f"{call.callee} has no forward that applies now",
        "target": f"{forward}, and that is who is calling",
        "user": f"{forward}, but {call.caller} may break through every forward",
        "group": f"{forward}, but {call.caller} is in a group that may break through",
        "external": f"{forward}, but the number {call.caller} may break through",
        "referrer": f"{forward}, but the one who transferred the call here, attended, may break through",
        "loop": f"{forward}, but somebody on this way was asked already; it would be a loop",
        "hops": f"{forward}, but the call followed as many forwards as it may",
    }
    who = "who is known by her number only" if call.caller.user is None else "who has no exception from it"
    return reasons.get(verdict.reason, f"{forward}, and {call.caller} is calling, {who}")


def otherwise(decision: Decision) -> str:
    """What would have to change for the opposite."""
    call, verdict = decision.call, decision.verdict
    if verdict.action == FORWARD:
        return _how_to_ring(decision)
    changes = {
        "target": "exceptions.target = false would let the forward be followed",
        "user": f"without {verdict.rule} the forward would be followed",
        "group": f"without {verdict.rule} the forward would be followed",
        "external": f"without {verdict.rule} the forward would be followed",
        "referrer": "a blind transfer would follow the forward",
        "loop": f"a forward of {call.callee} to somebody who was not asked yet would be followed",
        "hops": "a larger routing.max_hops would let the forward be followed",
    }
    kinds = ", ".join(f"call_forward_{'all' if kind == 'always' else kind}" for kind in KINDS)
    return changes.get(verdict.reason, f"a forward ({kinds}) to somebody else would be followed")


def _how_to_ring(decision: Decision) -> str:
    call, verdict = decision.call, decision.verdict
    if call.caller.user:
        change = f'exceptions.users = ["{call.caller.user.name}"]'
    elif call.caller.withheld or not call.caller.number:
        return f"a withheld number breaks nothing; a call by {verdict.target} would make {call.callee} ring"
    elif not is_written_number(call.caller.number):
        return f"a call by {verdict.target} would make {call.callee} ring; {call.caller} is no number to name"
    else:
        change = f'exceptions.external = ["{call.caller.number}"]'
    return f"{change} would make {call.callee} ring; so would a call by {verdict.target}"


def text(facts: dict[str, Any]) -> str:
    """The facts as lines for a person."""
    happens = f"forward to {facts['target']}" if facts["verdict"] == FORWARD else "ring"
    rows = [("what", f"{happens} ({facts['reason']})")]
    if facts.get("why"):
        rows.append(("why", facts["why"]))
    if facts.get("rule"):
        rows.append(("rule", f"{facts['rule']} ({facts['from']})"))
    if facts.get("warning"):
        rows.append(("warning", facts["warning"]))
    if facts.get("otherwise"):
        rows.append(("otherwise", facts["otherwise"]))
    rows.append(("the phone shows", facts["label"] or "the caller"))
    return "\n".join(f"{name + ':':17}{value}" for name, value in rows)
