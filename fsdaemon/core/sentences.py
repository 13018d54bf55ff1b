"""A decision in words: what happens, why, by which key, what would change it, what the phone shows.

Rule: pure, and decides nothing; the reason is a row (reasons.py), and here its fields are filled in. The log,
the page, `explain` and `--json` say the same because they ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from fsdaemon.config.schema import Config, Exceptions
from fsdaemon.core import reading, records, ring, telling
from fsdaemon.core.call import Call
from fsdaemon.core.decide import Decision
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import AFTER, BEFORE, BEYOND
from fsdaemon.core.mailbox import CALLED
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.core.policy import FORWARD, RING, Verdict
from fsdaemon.terms import variables as v
from fsdaemon.terms.kinds import KINDS, SET

_LONGEST = 60  # characters of nonsense that are shown


def facts_of(decision: Decision, config: Config) -> dict[str, Any]:
    """Everything about a decision in plain words and values; `config` is the whole one."""
    call, verdict = decision.call, decision.verdict
    words = Fields(decision, config)
    user = call.caller.user
    return {
        "verdict": verdict.action,
        "reason": verdict.reason,
        "callee": str(call.callee),
        "caller": str(call.caller),
        "established": f"{user.name}@{user.domain}" if user else "",
        "target": verdict.target,
        "path": [step.number for step in verdict.path],
        "label": decision.label,
        "what": words.what(),
        "busy": words.busy(),
        "mailbox": words.mailbox(),
        "why": verdict.why.why.format_map(words),
        "rule": words["rule"],
        "from": words.origin(),
        "otherwise": verdict.why.otherwise.format_map(words),
        "shows": words.shows(),
        "caller_sees": telling.caller_sees(decision.connected),
        "trunk_gets": telling.trunk_gets(decision.trunk),
        "missed": words.missed(),
        "label_rule": decision.shown.reason.text.format_map(words),
        "rings": ring.alert_info(call, verdict, words.config),
        "record": [
            f"{header.variable}={value}" for header, value in records.of(call, verdict).items() if value
        ],
        "warning": warning(call, verdict),
        "answer": words.answer(),
        "saw": words.saw(),
        "commands": [str(command) for command in decision.commands],
    }


def line(call: Call, verdict: Verdict, show: Callable[[str], str] = str) -> str:
    """One line that says what was decided and why, as the log has it (contract: the log).

    `show` is how numbers are shown.
    """
    callee, caller, target = show(str(call.callee)), show(str(call.caller)), show(verdict.target)
    said = ""
    if call.unasked and call.path:
        said = f"forward {show(call.path[-1].number)} to {callee} for {caller}: {call.unasked}; "
    if verdict.action == FORWARD:
        return said + f"forward {callee} to {target} for {caller}: {verdict.reason}"
    said += f"ring {callee} for {caller}: {verdict.reason}"
    if call.channel.exempt_from:
        return f"{said} (the call goes to the mailbox of {show(call.channel.exempt_from.name)})"
    if verdict.notice:
        return f"{said} ({show(warning(call, verdict))})"
    return f"{said} ({callee} forwards {verdict.kind} to {target})" if verdict.kind else said


def warning(call: Call, verdict: Verdict) -> str:
    """What an administrator should know about this forward; empty nearly always."""
    if verdict.notice is None:
        return ""
    forwards = f"{call.callee} forwards {verdict.kind} to"
    return verdict.notice.text.format(
        callee=call.callee,
        domain=call.callee.domain,
        sent_away=repr(call.sent_away[:_LONGEST]),
        own_unread=call.own.unread,
        forward_plain=f"{forwards} {call.forwards.get(verdict.kind, '')}",
        forward_quoted=f"{forwards} {verdict.target[:_LONGEST]!r}",
    )


def _when(kind: str) -> str:
    return KINDS[kind].when if kind in KINDS else ""


def _tried(call: Call) -> str:
    if call.stage == BEFORE:
        return "was not tried yet"
    if call.failure in KINDS:
        return f"was tried: {KINDS[call.failure].because}"
    return "was tried: it failed for another reason than the forwards are for"


class Fields:
    """What may stand in the braces of a row of reasons.py, for one decision. `FIELDS` names them."""

    def __init__(self, decision: Decision, config: Config) -> None:
        """`config` is the whole one."""
        self.call, self.verdict, self.decision = decision.call, decision.verdict, decision
        self.config = config.for_domain(self.call.callee.domain)
        self.overrides = config.overrides.get(self.call.callee.domain.lower(), ())

    def __getitem__(self, name: str) -> str:
        """The text of a field. `section_key` is a key of conf.toml as it is written."""
        section, _, key = name.partition("_")
        if section in ("exceptions", "routing"):
            return self.key(f"{section}.{key}")
        if section == "display":
            return self.with_origin(f"{section}.{key}")
        return str(getattr(self, f"_{name}")())

    def key(self, path: str) -> str:
        """A `section.key` as it is written, with the domain where that has its own."""
        return f'domains."{self.call.callee.domain}".{path}' if path in self.overrides else path

    def with_origin(self, path: str) -> str:
        """The same, and where its value comes from."""
        return f"{self.key(path)} ({self.config.origin.get(path, 'default')})"

    def _callee(self) -> str:
        return str(self.call.callee)

    def _caller(self) -> str:
        return str(self.call.caller)

    def _exempt_from(self) -> str:
        user = self.call.channel.exempt_from
        return user.name if user else ""

    def _number(self) -> str:
        return self.call.caller.number

    def _target(self) -> str:
        return self.verdict.target

    def _when(self) -> str:
        return _when(self.verdict.kind)

    def _forward(self) -> str:
        return f"{self.call.callee} forwards {self._when()} to {self.verdict.target}"

    def _forward_quoted(self) -> str:
        return f"{self.call.callee} forwards {self._when()} to {self.verdict.target[:_LONGEST]!r}"

    def _tried(self) -> str:
        return _tried(self.call)

    def _set_to_something(self) -> dict[str, str]:
        return {kind: target for kind, target in self.call.forwards.items() if target.strip()}

    def _others(self) -> str:
        return ", ".join(f"{_when(kind)} to {target}" for kind, target in self._set_to_something().items())

    def _conditions(self) -> str:
        return " or ".join(map(_when, self._set_to_something()))

    def _place(self) -> str:
        call = self.call
        acting = {BEFORE: "always", AFTER: call.failure}.get(call.stage)
        return self._places([acting] if acting in SET else list(SET))

    def _place_always(self) -> str:
        return self._places(["always"])

    def _places(self, kinds: list[str]) -> str:
        """The variables that hold the forward, as the directory or the dialplan has to set them."""
        names = []
        for kind in kinds:
            where, flags = self.config.variables.forward(kind)
            flag = f" with {flags[0].variable} = true" if flags else ""
            named = next((f"the directory's {one.directory}" for one in where if one.directory), "")
            names += [named] if named else [f"{one.variable}{flag}" for one in where[:1]]
        return " or ".join(names) or "a variable of [variables]"

    def _rule(self) -> str:
        verdict = self.verdict
        if verdict.key:
            return f"{self.key(verdict.key)}{verdict.rule[len(verdict.key) :]}"
        if verdict.action == FORWARD:
            own = dict.fromkeys(f"{one.name} of {self.call.callee}" for one in self.call.own.entries)
            return f"no exception matched ({', '.join([*map(self.key, self._exceptions()), *own])})"
        return ""

    @staticmethod
    def _exceptions() -> list[str]:
        return [f"exceptions.{one.name}" for one in fields(Exceptions)]

    def origin(self) -> str:
        """Where the rule stands."""
        if self.verdict.place:
            return self.verdict.place
        paths = [self.verdict.key] if self.verdict.key else []
        if self.verdict.action == FORWARD:
            paths = self._exceptions()
        return ", ".join(dict.fromkeys(self.config.origin.get(path, "default") for path in paths))

    def _ring(self) -> str:
        if self.call.stage == BEFORE:
            return f"make {self.call.callee} ring"
        return "keep the call from being forwarded"

    def _allowed(self) -> str:
        return "" if self.config.exceptions.target else f", with {self.key('exceptions.target')} = true"

    def _caller_in_conf(self) -> str:
        user = self.call.caller.user
        if user is None or user.domain.lower() == self.call.callee.domain.lower():
            return str(user)
        return f"{user.name}@{user.domain}"

    def _template(self) -> str:
        return self.with_origin(self.decision.shown.key)

    def _label_kind(self) -> str:
        return self.decision.shown.kind

    # --- what happens, and what the phone shows ----------------------------------------------------

    def what(self) -> str:
        """What happens to the call next."""
        call, reason = self.call, self.verdict.reason
        if self.verdict.action == FORWARD:
            return f"the call is forwarded to {self.verdict.target} ({reason})"
        if call.channel.exempt_from:
            return f"the call goes to the mailbox of {call.channel.exempt_from.name} ({reason})"
        if call.stage == AFTER:
            return f"no forward is followed, the dialplan goes on: voicemail, or the call ends ({reason})"
        if call.stage == BEYOND:
            return f"the call goes on to {call.callee} ({reason})"
        return f"{call.callee} rings ({reason})"

    def busy(self) -> str:
        """How many calls the callee has, where a forward for busy could be followed for it."""
        number = self.call.calls.number
        if number is None:
            return ""
        calls = f"{number} call{'' if number == 1 else 's'}"
        rule = f"{self.config.routing.busy} on, by {self.with_origin('routing.busy')}"
        return f"{self.call.callee} has {calls}, and is busy from {rule}"

    def mailbox(self) -> str:
        """Whose mailbox takes the call, if there is one."""
        owner, callee = self.call.mailbox, self.call.callee
        if owner is None or self.verdict.action == FORWARD:
            return ""
        none = ""
        if owner == callee and self.config.routing.mailbox == CALLED and self.call.path:
            none = f"; {self.call.path[0].number} has none"
        name = owner.name if owner.domain == callee.domain else f"{owner.name}@{owner.domain}"
        return f"of {name}, by {self.with_origin('routing.mailbox')}{none}"

    def answer(self) -> str:
        """How each phone ended the call, and the row of [routing.causes] for it."""
        table = self.with_origin("routing.causes")
        said = [one for one in self.call.ended if one.said]
        rows = [f"the row {one.row}" if one.row else "no row" for one in said]
        return "; ".join(
            f"{one.said}: {one.kind or 'no forward'}, by {row} of {table}" for one, row in zip(said, rows)
        )

    def shows(self) -> str:
        """Name and number that the phone which gets the call next shows."""
        caller, values = self.call.caller, self.decision.values
        if self.verdict.action == RING and self.call.stage == AFTER:
            return "nothing new: no other phone is called"
        name = shown_by_mod_sofia(values.get(v.LABEL, "")) or self.call.channel.own_name or caller.name
        number = values.get(v.NUMBER, "") or caller.number
        if caller.withheld and not (values.get(v.LABEL) or values.get(v.NUMBER)):
            return "what FreeSWITCH makes of a withheld number"
        return (
            f"{name} <{number}>" if name and number and number not in name else (name or number or "nothing")
        )

    def missed(self) -> str:
        """That the callee's phone will list no missed call (routing.missed); empty where it will."""
        to, limit = self.verdict.unanswered, f"within {self.call.ring_time} s"
        key = self.with_origin("routing.missed")
        return f"none if {self._callee()} does not answer {limit}: {to} gets the call ({key})" if to else ""

    # --- what it was decided on --------------------------------------------------------------------------

    def saw(self) -> dict[str, str]:
        """The facts that the rules were given."""
        call = self.call
        forwards = [f"{_when(kind)} to {target.strip()!r}" for kind, target in call.forwards.items()]
        found = {
            "who calls": self._who(),
            "is in groups": ", ".join(call.person.groups if call.person else ()),
            "who is called": _named(call.callee.name, call.callee_name) + self._where(),
            "forwards": ", ".join(forwards) or "none",
            "lets through": ", ".join(f"{one.text} ({one.place})" for one in call.own.entries),
            "phone": _tried(call),
            "forwarded before": _steps(call.before_us),
            "Diversion": self._came(),
            "forwarded by": _steps(call.path),
            "transferred by": str(call.referrer.user) if call.referrer else "",
            "was already at": ", ".join(call.visited),
            **reading.rows(call, self.config, self.key),
        }
        if call.stage == BEYOND:
            found["phone"] = "none: not a user"
        return {name: value for name, value in found.items() if value}

    def _came(self) -> str:
        """What happens to a Diversion that came in."""
        came = self.call.channel.diversion
        if not came.stands:
            return ""
        passed = self.config.routing.pass_diversion
        told = "left on the channel" if passed else "removed from the channel"
        read = "came in with the call" if came.path else "came in with the call, and names nobody"
        if came.path and not self.call.before_us:
            read += f", and is not shown ({self.key('display.diversion_from')})"
        return f"{read}; {told} ({self.key('routing.pass_diversion')})"

    def _where(self) -> str:
        if self.call.callee.domain:
            return f", in the domain {self.call.callee.domain}"
        names = " and ".join(one.variable for one in self.config.variables.domain)
        return f", in no domain: {names} are not set"

    def _who(self) -> str:
        caller = self.call.caller
        if caller.user:
            return f"{_named(caller.user.name, caller.name)}, a user of {caller.user.domain}"
        named = _named(caller.number or "no number", caller.name)
        if caller.withheld:
            named = "a caller who withholds the number"
        return f"{named}, external: FreeSWITCH did not authenticate a user on this leg"


def _steps(path: tuple[Diverter, ...]) -> str:
    return ", ".join(f"{_named(step.number, step.name)} ({step.kind})" for step in path)


def _named(number: str, name: str) -> str:
    return f"{number} {name}" if name and name != number else number


def text(facts: dict[str, Any], saw: bool = False) -> str:
    """The facts as lines for a person, with how numbers were read; with `saw` all that was decided on."""
    rows: list[tuple[str, str]] = [("UUID", facts.get("uuid", ""))]
    if "time" in facts:
        when = datetime.fromtimestamp(facts["time"]).isoformat(" ", "milliseconds")
        rows.append(("when", f"{when}, decided in {facts['milliseconds']} ms"))
    rows += [(name, value) for name, value in facts["saw"].items() if saw or name in reading.ROWS]
    rule = f"{facts['rule']} ({facts['from']})" if facts["from"] else facts["rule"]
    rows += [
        ("what", facts["what"]),
        ("busy", facts.get("busy", "")),
        ("mailbox", facts.get("mailbox", "")),
        ("why", facts["why"]),
        ("rule", rule),
        ("the phone said", facts.get("answer", "")),
        ("warning", "" if facts["warning"] in facts["why"] else facts["warning"]),
        ("unlike", facts.get("unlike", "")),
        ("note", facts.get("note", "")),
        ("otherwise", facts["otherwise"]),
        ("the phone shows", facts["shows"]),
        ("label", facts["label_rule"]),
        ("the caller sees", facts["caller_sees"]),
        ("the trunk gets", facts["trunk_gets"]),
        ("Alert-Info", facts["rings"]),
        ("missed call", facts["missed"]),
        ("in the record", " ".join(facts["record"]) if saw else ""),
    ]
    return "\n".join(f"{name + ':':17}{printable(value)}" for name, value in rows if value)


def printable(text: str) -> str:
    """`text` as it may go to a terminal: a caller's name holds no escape sequence and no line end there."""
    return "".join(ch if ch.isprintable() else "?" for ch in text)
