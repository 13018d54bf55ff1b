"""A decision in words: what happens, why, by which key, what would change it, what the phone shows.

Rule: pure, and decides nothing. The page, `explain` and `--json` say the same because they ask here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fsdaemon.config.reader import SCHEMA, Config
from fsdaemon.core.call import AFTER, BEFORE, BEYOND, user_of
from fsdaemon.core.decide import Decision
from fsdaemon.core.label import leaves_the_house, shown_by_mod_sofia
from fsdaemon.core.policy import FORWARD, RING
from fsdaemon.terms import variables as v
from fsdaemon.terms.kinds import KINDS, SET
from fsdaemon.terms.numbers import dialable, is_written_number


def facts_of(decision: Decision, config: Config) -> dict[str, Any]:
    """Everything about a decision in plain words and values; `config` is the whole one."""
    call, verdict = decision.call, decision.verdict
    words = _Words(decision, config)
    rule, origin = words.rule()
    user = call.caller.user
    return {
        "verdict": verdict.action,
        "reason": verdict.reason,
        "callee": str(call.callee),
        "caller": str(call.caller),
        "established": f"{user.name}@{user.domain}" if user else "",
        "target": verdict.target,
        "path": [step.number for step in verdict.path],
        "label": decision.label or "",
        "what": words.what(),
        "why": words.why(),
        "rule": rule,
        "from": origin,
        "otherwise": words.otherwise(),
        "shows": words.shows(),
        "label_rule": words.label_rule(),
        "warning": verdict.warning,
        "saw": words.saw(),
        "commands": [str(command) for command in decision.commands],
    }


def _when(kind: str) -> str:
    return KINDS[kind].when if kind in KINDS else ""


def _because(failure: str | None) -> str:
    return (
        KINDS[failure].because
        if failure in KINDS
        else "it failed for another reason than the forwards are for"
    )


class _Words:
    """One decision in sentences."""

    def __init__(self, decision: Decision, config: Config) -> None:
        self.call, self.verdict, self.decision = decision.call, decision.verdict, decision
        self.config = config.for_domain(self.call.callee.domain)
        self.overrides = config.overrides.get(self.call.callee.domain.lower(), ())
        verdict = self.verdict
        self.forward = f"{self.call.callee} forwards {_when(verdict.kind)} to {verdict.target}"

    def key(self, path: str) -> str:
        """A `section.key` as it is written, with the domain where that has its own."""
        return f'domains."{self.call.callee.domain}".{path}' if path in self.overrides else path

    def with_origin(self, path: str) -> str:
        return f"{self.key(path)} ({self.config.origin.get(path, 'default')})"

    # --- what and why ----------------------------------------------------------------------------

    def what(self) -> str:
        call, reason = self.call, self.verdict.reason
        if self.verdict.action == FORWARD:
            return f"the call is forwarded to {self.verdict.target} ({reason})"
        if call.stage == AFTER:
            return f"no forward is followed, the dialplan goes on: voicemail, or the call ends ({reason})"
        if call.stage == BEYOND:
            return f"the call goes on to {call.callee} ({reason})"
        return f"{call.callee} rings ({reason})"

    def why(self) -> str:
        call, verdict = self.call, self.verdict
        reasons = {
            "target": f"{self.forward}, and that is who is calling",
            "user": f"{self.forward}, but {call.caller} may break through every forward",
            "group": f"{self.forward}, but {call.caller} is in a group that may break through",
            "external": f"{self.forward}, but the number {call.caller} may break through",
            "referrer": f"{self.forward}, but whoever transferred the call here, attended, may break through",
            "loop": f"{self.forward}, but somebody on this way was asked already; it would be a loop",
            "hops": f"{self.forward}, but the call followed as many forwards as it may",
        }
        if verdict.action == FORWARD:
            return f"{self.forward}, and {self._stranger()}"
        return reasons.get(verdict.reason) or self._no_forward()

    def _stranger(self) -> str:
        """Who calls, and why she has no exception."""
        caller = self.call.caller
        if self._is_target():
            return f"{caller} is calling, whom it points to, but {self.key('exceptions.target')} is false"
        if caller.user:
            return f"{caller} is calling, who has no exception from it"
        if caller.withheld:
            return (
                "somebody from outside is calling who withholds her number, and so has no exception from it"
            )
        if self._poses():
            return (
                f"{caller} is calling from outside: who calls herself {caller} there is not the user {caller}"
            )
        return (
            f"{caller} is calling from outside, a number that {self.key('exceptions.external')} does not name"
        )

    def _poses(self) -> bool:
        """Whether a caller from outside has the number of the user whom the forward points to."""
        caller = self.call.caller
        return caller.user is None and not caller.withheld and caller.number == self.verdict.target

    def _is_target(self) -> bool:
        call = self.call
        target = user_of(self.verdict.target, call.callee.domain)
        outside = self.verdict.kind in call.is_target_number
        return outside or (call.caller.user is not None and target.same(call.caller.user))

    def _no_forward(self) -> str:
        call, verdict = self.call, self.verdict
        if verdict.warning:
            return f"{verdict.warning}, and so no forward"
        if call.stage == BEYOND:
            return f"{call.callee} is no user of this house, so there is no forward to follow"
        if not dialable(call.callee.name):
            return f"{call.callee} is no number, so she is nobody's user and has no forward"
        if verdict.target:
            return f"{call.callee} forwards {_when(verdict.kind)} to herself, which is no forward"
        others = [f"{_when(kind)} to {target}" for kind, target in call.forwards.items() if target.strip()]
        if not others:
            return f"{call.callee} forwards to nobody"
        tried = "was not tried yet" if call.stage == BEFORE else f"was tried: {_because(call.failure)}"
        return f"{call.callee} forwards {', '.join(others)}, but her phone {tried}"

    def rule(self) -> tuple[str, str]:
        """The rule of conf.toml that decided, and where it stands."""
        path, _, entry = self.verdict.rule.partition(" ")
        if path:
            return f"{self.key(path)} {entry}".rstrip(), self.config.origin.get(path, "")
        if self.verdict.action == FORWARD:
            paths = [f"exceptions.{key}" for key in SCHEMA["exceptions"]]
            origins = dict.fromkeys(self.config.origin.get(path, "default") for path in paths)
            return f"none fits of {', '.join(map(self.key, paths))}", ", ".join(origins)
        return "", ""

    # --- what would change it ----------------------------------------------------------------------

    def otherwise(self) -> str:
        """What would have to change for the opposite."""
        call, verdict = self.call, self.verdict
        if verdict.action == FORWARD:
            return self._how_to_ring()
        follow = "the forward would be followed"
        changes = {
            "target": f"with {self.key('exceptions.target')} = false {follow}",
            "referrer": f"after a blind transfer {follow}",
            "loop": f"a forward of {call.callee} to somebody who was not asked yet would be followed",
            "hops": f"with a larger {self.key('routing.max_hops')} {follow}",
            "no_forward": self._how_to_forward(),
        }
        return changes.get(verdict.reason, f"without {self.rule()[0]} {follow}")

    def _how_to_forward(self) -> str:
        call = self.call
        if call.stage == BEYOND or not dialable(call.callee.name):
            return "only a user's forward could be followed"
        acting = {BEFORE: "always", AFTER: call.failure}.get(call.stage)
        kinds = [acting] if acting in SET else list(SET)
        if not call.now and any(target.strip() for target in call.forwards.values()):
            wanted = [_when(kind) for kind, target in call.forwards.items() if target.strip()]
            return f"it would be followed {' or '.join(wanted)}; so would {self._variables(['always'])}"
        return f"{self._variables(kinds)} would be followed"

    def _variables(self, kinds: list[str]) -> str:
        """The channel variables that hold the forward, as the dialplan has to set them."""
        names = []
        for kind in kinds:
            where, flags = self.config.variables.forward(kind)
            flag = f" with {flags[0].variable} = true" if flags else ""
            named = next((f"the directory's {one.directory}" for one in where if one.directory), "")
            names += [named] if named else [f"{one.variable}{flag}" for one in where[:1]]
        return f"the number of somebody else in {' or '.join(names) or 'a variable of [variables]'}"

    def _how_to_ring(self) -> str:
        call, verdict, caller = self.call, self.verdict, self.call.caller
        ring = f"make {call.callee} ring" if call.stage == BEFORE else "keep the call from being forwarded"
        by_target = f"a call by {verdict.target}"
        allowed = "" if self.config.exceptions.target else f", with {self.key('exceptions.target')} = true"
        if self._is_target():
            return f"{by_target} would {ring}{allowed}"
        if self._poses():
            hint = "from outside nobody is a user; did FreeSWITCH authenticate her phone?"
            return f"a call by the user {verdict.target} would {ring}{allowed}; {hint}"
        if caller.user:
            same = caller.user.domain.lower() == call.callee.domain.lower()
            name = caller.user.name if same else f"{caller.user.name}@{caller.user.domain}"
            change = f'"{name}" in {self.key("exceptions.users")}'
        elif caller.withheld or not is_written_number(caller.number):
            what = "a withheld number breaks nothing" if caller.withheld else f"{caller} is no number to name"
            return f"{by_target} would {ring}{allowed}; {what}"
        else:
            change = f'"{caller.number}" in {self.key("exceptions.external")}'
        return f"{change} would {ring}; so would {by_target}{allowed}"

    # --- what the phone shows ------------------------------------------------------------------------

    def shows(self) -> str:
        """Name and number that the phone which gets the call next shows."""
        caller, values = self.call.caller, self.decision.values
        if self.verdict.action == RING and self.call.stage == AFTER:
            return "nothing new: no other phone is called"
        name = shown_by_mod_sofia(values.get(v.LABEL, "")) or self.call.own_name or caller.name
        number = values.get(v.NUMBER, "") or caller.number
        if caller.withheld and not (values.get(v.LABEL) or values.get(v.NUMBER)):
            return "what FreeSWITCH makes of a caller who withholds her number"
        return (
            f"{name} <{number}>" if name and number and number not in name else (name or number or "nothing")
        )

    def label_rule(self) -> str:
        """Which key of conf.toml made the label, or why there is none."""
        path, display = self.verdict.path, self.config.display
        if not path:
            return "none: nobody forwarded this call"
        template = "display.chain" if len(path) > 1 else "display.label"
        if self.decision.label:
            return self.with_origin(template)
        if path[-1].kind not in display.kinds:
            return f'none: "{path[-1].kind}" is not in {self.with_origin("display.kinds")}'
        if not display.outside and leaves_the_house(self.call, self.verdict, self.config):
            return f"none: the call leaves the house, and {self.with_origin('display.outside')} is false"
        return f"none: {self.with_origin(template)} is empty"

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
            "her phone": "was not tried yet"
            if call.stage == BEFORE
            else f"was tried: {_because(call.failure)}",
            "forwarded by": ", ".join(
                f"{_named(step.number, step.name)} ({step.kind})" for step in call.path
            ),
            "transferred by": str(call.referrer.user) if call.referrer else "",
            "asked before": ", ".join(call.visited),
        }
        if call.stage == BEYOND:
            found["her phone"] = "is none of this house"
        return {name: value for name, value in found.items() if value}

    def _where(self) -> str:
        if self.call.callee.domain:
            return f", in the domain {self.call.callee.domain}"
        return f", in no domain: none in {', '.join(one.variable for one in self.config.variables.domain)}"

    def _who(self) -> str:
        caller = self.call.caller
        if caller.user:
            return f"{_named(caller.user.name, caller.name)}, a user of {caller.user.domain}"
        named = _named(caller.number or "no number", caller.name)
        if caller.withheld:
            named = "somebody who withholds her number"
        return f"{named}, from outside: FreeSWITCH authenticated no user on this leg"


def _named(number: str, name: str) -> str:
    return f"{number} {name}" if name and name != number else number


def text(facts: dict[str, Any], saw: bool = False) -> str:
    """The facts as lines for a person; with `saw` also what was decided on."""
    rows: list[tuple[str, str]] = [("UUID", facts.get("uuid", ""))]
    if "time" in facts:
        when = datetime.fromtimestamp(facts["time"]).isoformat(" ", "milliseconds")
        rows.append(("when", f"{when}, decided in {facts['milliseconds']} ms"))
    if saw:
        rows += facts["saw"].items()
    rule = f"{facts['rule']} ({facts['from']})" if facts["from"] else facts["rule"]
    rows += [
        ("what", facts["what"]),
        ("why", facts["why"]),
        ("rule", rule),
        ("warning", "" if facts["warning"] in facts["why"] else facts["warning"]),
        ("unlike", facts.get("unlike", "")),
        ("note", facts.get("note", "")),
        ("otherwise", facts["otherwise"]),
        ("the phone shows", facts["shows"]),
        ("label", facts["label_rule"]),
    ]
    return "\n".join(f"{name + ':':17}{printable(value)}" for name, value in rows if value)


def printable(text: str) -> str:
    """`text` as it may go to a terminal: a caller's name holds no escape sequence and no line end there."""
    return "".join(ch if ch.isprintable() else "?" for ch in text)
