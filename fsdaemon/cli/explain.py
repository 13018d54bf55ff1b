"""What would happen to a call and why, without a FreeSWITCH, by the very code that `serve` uses.

Rule: decides nothing itself; turns options or a recording into channel data, or asks a daemon.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from http.client import NOT_FOUND, HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from fsdaemon.cli import peer
from fsdaemon.config.reader import Config
from fsdaemon.core.decide import Decision, settle
from fsdaemon.core.forwards import BEFORE
from fsdaemon.core.history import last_bridge
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.core.policy import FORWARD
from fsdaemon.core.questions import drive
from fsdaemon.core.sentences import facts_of
from fsdaemon.core.users import user_of
from fsdaemon.esl import protocol
from fsdaemon.esl.fake_switch import Played, Switch, channel_data
from fsdaemon.esl.protocol import ProtocolError
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.kinds import SET
from fsdaemon.terms.presets import PRESETS, Preset

_BLANK = b"Event-Name: CHANNEL_DATA\nContent-Type: command/reply\nReply-Text: %2BOK%0A\nControl: full\n\n"
_UUID = "00000000-0000-4000-8000-000000000000"
_LONGEST = 1 << 24  # bytes of one answer of the page; 1000 verdicts are below 1 MB
_COUNTING = {"module_exists": "true", "limit_usage": "{}"}
_FAILED = {"busy": "USER_BUSY", "no_answer": "NO_ANSWER", "not_registered": "USER_NOT_REGISTERED"}


@dataclass(frozen=True)
class Question:
    """A call that somebody asks about."""

    callee: str = ""  #: who is dialled, perhaps with the domain: 100@b.example
    caller: str = ""  #: the same
    domain: str = ""
    uuid: str = _UUID
    outside: bool = False  #: the caller comes from outside, `caller` is the number
    withheld: bool = False
    names: dict[str, str] = field(default_factory=dict)  #: user, perhaps user@domain → name in the directory
    groups: tuple[str, ...] = ()  #: that the caller is a member of
    forwards: dict[str, str] = field(default_factory=dict)  #: kind → target
    own: str = ""  #: who may get through, by the callee's own list
    failed: str = ""  #: the callee's phone was tried, and this was the matter
    path: tuple[str, ...] = ()  #: who forwarded already, oldest first
    calls: int = 0  #: that the callee has already


def data_of(question: Question, recording: bytes = b"", places: Preset = PRESETS["default"]) -> bytes:
    """The channel data FreeSWITCH would send for it; what is asked for replaces what was recorded.

    `places` says where the dialplan puts things, as in `config.variables`.
    """
    lines: dict[str, str] = {}
    if not recording:
        lines.update({v.UUID: question.uuid, v.CARRY.variable: "leg"})  # as our dialplan does
    callee = user_of(question.callee, question.domain)
    if question.callee:
        lines.update({v.DESTINATION: callee.name, v.CALLEE.variable: callee.name})
    lines.update(_caller(question, places))
    if callee.domain:
        lines[places.domain[0].variable] = callee.domain
    for kind, target in question.forwards.items():
        names, flags = places.forward(kind)
        named = next((name for name in names if not name.directory), None)
        if named:  # else FreeSWITCH is asked, see `answer`
            lines[named.variable] = target
        lines.update({flag.variable: "true" for flag in (*places.is_user[:1], *flags[:1])})
    if question.own and not any(name.directory for name in places.forward_except):
        lines.update({name.variable: question.own for name in places.forward_except[:1]})
    if question.failed:
        lines.update({v.STAGE.variable: "after", v.DISPOSITION.variable: _FAILED[question.failed]})
        lines.update({v.RUNG.variable: "true"} if question.failed == "no_answer" else {})
    if question.path:
        at = callee.name or Headers(recording).get(v.DESTINATION)
        lines.update({
            v.PATH.variable: ",".join(question.path),
            v.PATH_KINDS.variable: ",".join("always" for _ in question.path),
            v.HOP.variable: at,
        })  # fmt: skip
    return channel_data(recording or _BLANK, lines)


def _caller(question: Question, places: Preset) -> dict[str, str]:
    hidden: dict[str, str] = {v.HIDE_NUMBER: "true"} if question.withheld else {}
    if not question.caller:
        return hidden
    name = _name(question, question.caller)
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
        user = user_of(question.caller, user_of(question.callee, question.domain).domain)
        lines.update({
            v.CALLER_NUMBER: user.name,
            v.CALLER_NAME: name or user.name,
            v.AUTHORIZED.variable: "true",
            v.USER_NAME.variable: user.name,
            v.DOMAIN_NAME.variable: user.domain,
            places.caller_domain[0].variable: user.domain,
            v.EFFECTIVE_NAME.variable: name,
            v.CALLGROUP.variable: ",".join(question.groups),
        })  # fmt: skip
    return lines


def _name(question: Question, user: str) -> str:
    return question.names.get(user) or question.names.get(user.partition("@")[0], "")


def answer(question: Question, command: str, places: Preset = PRESETS["default"]) -> str:
    """What FreeSWITCH would answer to an `api` command, as far as the question tells."""
    word, _, rest = command.partition(" ")
    asked = rest.rpartition(" ")[2]
    for kind, target in question.forwards.items():
        if word == "user_data" and any(name.directory == asked for name in places.forward(kind)[0]):
            return target
    if word == "user_data" and any(name.directory == asked for name in places.forward_except):
        return question.own or "-ERR no reply"
    if word == "user_data" and rest.endswith(v.EFFECTIVE_NAME.variable):
        user = rest.partition(" ")[0]
        return _name(question, user) or "-ERR no reply"
    if word in _COUNTING:
        return _COUNTING[word].format(question.calls)
    if word == "user_exists":
        return "true" if rest.split(" ")[1] in question.names else "false"
    return "false" if word == "in_group" else "-ERR no reply"


def explain(question: Question, data: bytes, config: Config) -> dict[str, Any]:
    """Decide it; returns everything about the decision in plain words and values."""
    headers = protocol.read(data.rstrip(b"\n"))
    outcome = drive(
        settle(headers, config),
        lambda asked: [answer(question, one.command, config.variables) for one in asked],
    )
    facts = facts_of(outcome, config)
    if not outcome.call.forwards:
        facts["warning"] = facts["warning"] or _other_preset(headers, config)
    note = "" if outcome.call.path else _answered(headers) or _elsewhere(outcome, headers)
    return {**facts, "note": note} if note else facts


def _answered(headers: Headers) -> str:
    """What to say of a call that was forwarded and then answered; a transfer of it is not a forward."""
    by, leg = headers.get(v.PATH), last_bridge(headers)
    if not by or not leg or leg == headers.get(v.BRIDGED):
        return ""
    who = ", ".join(by.split(","))
    label = headers.get(v.LABEL)
    showed = f"; before, the phone showed: {label}" if label else ""
    return (
        f"this call was forwarded by {who}, and then answered; since then it is not a forwarded call{showed}"
    )


def _elsewhere(decision: Decision, headers: Headers) -> str:
    """What to say where the forwards are not in the recording: a daemon asks FreeSWITCH for them."""
    call = decision.call
    if v.CONTEXT not in headers or call.forwards or not call.callee.domain:
        return ""
    user = f"{call.callee.name}@{call.callee.domain}"
    kind = "all" if call.stage == BEFORE else (call.failure or "busy")
    command = f"fs_cli -x 'user_data {user} var call_forward_{kind}'"
    return f"the forwards of {user} are not in the channel data; add them, say with --always ({command})"


def _other_preset(headers: Headers, config: Config) -> str:
    """What to say where the channel data has forwards of another dialplan than the one that is configured."""
    for name, preset in PRESETS.items():
        theirs = [one.variable for kind in SET for one in preset.forward(kind).target if one in headers]
        if theirs and name != config.preset:
            return f'{", ".join(theirs)} is there: should it be variables.preset = "{name}"?'
    return ""


def ask_daemon(question: Question, data: bytes, host: str, port: int, config: Config) -> dict[str, Any]:
    """Ask a running daemon over its real socket, playing FreeSWITCH's part. Raises OSError.

    What it answers is the verdict; the words are found with `config`, and say so where that one would
    decide differently.
    """
    played = _play(Switch(data, lambda command: answer(question, command, config.variables)), host, port)
    heard, facts = _heard(played), explain(question, data, config)
    followed = ("target",) if FORWARD in (heard["verdict"], facts["verdict"]) else ()
    if any(heard[key] != facts[key] for key in ("verdict", "reason", "label", *followed)):
        read = config.source or "the built-in defaults"
        unlike = (
            f"by {read} it would be: {facts['what']}; is that what the daemon reads, and was it reloaded?"
        )
        local = ("why", "rule", "from", "otherwise", "label_rule", "caller_sees", "trunk_gets")
        words = dict.fromkeys(local, "")
        facts = {**facts, **words, "what": _what(heard), "shows": heard["label"], "unlike": unlike}
    return {**facts, **heard}


def _play(switch: Switch, host: str, port: int) -> Played:
    """One session with what should be a daemon. Raises OSError, which says what it is instead."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    what = f"what listens on {where} is not a daemon's server.listen"
    try:
        played = peer.within(lambda: switch.call(host, port))
    except ConnectionRefusedError:
        raise OSError(
            f"nothing listens on {where}: is fsdaemon running, and is that its server.listen?"
        ) from None
    except (TimeoutError, socket.timeout, ProtocolError, ConnectionError) as error:
        found = peer.instead(host, port, peer.CALLS) or f": no verdict ({_why(error)})"
        raise OSError(what + found) from None
    except OSError as error:
        raise OSError(f"{where}: {error.strerror or error}") from None
    if v.VERDICT.variable not in played.variables:
        found = peer.instead(host, port, peer.CALLS)
        why = "not in its server.allow, too many calls at a time, or no fsdaemon"
        raise OSError(what + found if found else f"{where} closed without a verdict: {why}")
    return played


def _why(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error)


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


def _what(heard: dict[str, Any]) -> str:
    happens = f"forwarded to {heard['target']}" if heard["verdict"] == FORWARD else "not forwarded"
    return f"the call is {happens} ({heard['reason']})"


NO_PAGE = "what listens on {} is not fsdaemon's page (metrics.listen)"


def ask_page(address: str, path: str) -> Any:
    """What a running daemon answers at `metrics.listen`; None if it knows nothing of it. Raises OSError."""
    no_page = NO_PAGE.format(address)
    try:
        return peer.within(lambda: _got(f"http://{address}{path}"))
    except HTTPError as error:
        error.close()
        if error.code == NOT_FOUND and error.headers.get_content_type() == "application/json":
            return None
        raise OSError(f"{no_page}: {error}") from None
    except (ValueError, RecursionError, HTTPException):  # no JSON, hundreds of brackets, no HTTP
        raise OSError(no_page + _instead(address)) from None
    except OSError as error:
        cause: Any = getattr(error, "reason", error)
        broken = isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError)
        if broken or isinstance(cause, (TimeoutError, socket.timeout)):
            raise OSError(f"no answer from {address}: {_why(cause)}{_instead(address)}") from None
        hint = "; is fsdaemon running, with this metrics.listen?" if isinstance(error, URLError) else ""
        raise OSError(f"no answer from {address}: {_why(cause)}{hint}") from None


def _got(url: str) -> Any:
    direct = build_opener(ProxyHandler({}))  # a proxy of the environment's is not for the daemon
    with direct.open(url, timeout=5) as answered:
        return json.loads(answered.read(_LONGEST))


def _instead(address: str) -> str:
    host, _, port = address.rpartition(":")
    return peer.instead(host.strip("[]"), int(port), peer.PAGE)


def ask_call(address: str, uuid: str) -> list[dict[str, Any]]:
    """All that a running daemon keeps about a call, over its page. Raises OSError."""
    found = ask_page(address, f"/calls/{quote(uuid, safe='')}") or []
    if not (isinstance(found, list) and all(isinstance(one, dict) and "verdict" in one for one in found)):
        raise OSError(NO_PAGE.format(address))
    return found
