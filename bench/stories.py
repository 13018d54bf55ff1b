"""The calls of the soak test: who calls whom, what the phones do, and which end is right.

A call carries its number in a header of its own (X-Call), which FreeSWITCH passes on to every phone.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.ringing import header
from bench.sip import Clock, Leg, Phone

LATEST = 45.0  # seconds: a call that is not over by then is lost
_TRANSFER = 15.0  # seconds that a transfer may take
TRUNK, TONES = "trunk", "tones"
NAMES = (
    "Max",
    "",
    '"${system touch /tmp/x}" ',
    '"a;b=c,d" ',
    '"Uml. fuer 110: 100" ',
    '"\u2028variable_user_name: 110" ',
)


class Kind(NamedTuple):
    """A kind of call."""

    share: int
    role: str  #: of the callee
    phone: str = "answers"  #: what the callee's phone does
    then: str = ""  #: the transfer after the answer
    labelled: bool | None = None  #: whether the phone that answers must show a label; None: it may


KINDS = {
    "plain": Kind(15, "target", labelled=False),
    "always": Kind(14, "always", labelled=True),
    "busy": Kind(8, "busy", "is busy", labelled=True),
    "no answer": Kind(5, "no_answer", "rings", labelled=True),
    "not registered": Kind(5, "not_registered", labelled=True),
    "chain": Kind(5, "chain", labelled=True),
    "loop": Kind(2, "loop"),
    "exception": Kind(8, "always"),
    "from outside": Kind(8, "always", labelled=True),
    "to outside": Kind(4, "outside"),
    "nobody": Kind(2, "nobody"),
    "group": Kind(3, "group"),
    "redirect": Kind(3, "target", "moves"),
    "code": Kind(3, "code"),
    "dialled": Kind(3, "dialler"),
    "blind by callee": Kind(4, "target", then="blind by callee"),
    "blind by caller": Kind(4, "target", then="blind by caller"),
    "attended": Kind(4, "target", then="attended"),
}


class Cast:
    """Users 100 to 149, by what they are for; what they forward is drawn anew now and then."""

    def __init__(self, chance: random.Random) -> None:
        """Draw the first forwards."""
        numbers = iter(range(100, 150))
        sizes = {
            "caller": 10, "target": 10, "always": 6, "busy": 3, "no_answer": 3, "not_registered": 3,
            "chain": 3, "loop": 2, "outside": 1, "nobody": 1, "dialler": 1,
        }  # fmt: skip
        self.roles = {role: [str(next(numbers)) for _ in range(size)] for role, size in sizes.items()}
        self.chance, self.tables = chance, list[dict[str, tuple[str, str]]]()
        self.draw()

    @property
    def users(self) -> list[str]:
        """All of them."""
        return [user for users in self.roles.values() for user in users]

    @property
    def phones(self) -> list[str]:
        """Those with a phone that is registered."""
        without = self.roles["not_registered"] + self.roles["nobody"]
        return [user for user in self.users if user not in without]

    def draw(self) -> None:
        """New forwards: user → kind and target."""
        pick, table = self.chance.choice, dict[str, tuple[str, str]]()
        for kind in ("always", "busy", "no_answer", "not_registered"):
            table.update({user: (kind, pick(self.roles["target"])) for user in self.roles[kind]})
        table.update({user: ("always", pick(self.roles["always"])) for user in self.roles["chain"]})
        one, other = self.roles["loop"]
        table.update({one: ("always", other), other: ("always", one)})
        table[self.roles["outside"][0]] = ("always", f"0{self.chance.randrange(10**6, 10**7)}")
        self.tables.append(table)

    def forwards(self) -> dict[str, dict[str, str]]:
        """The last ones, for the directory."""
        return {
            user: {"all" if kind == "always" else kind: to} for user, (kind, to) in self.tables[-1].items()
        }

    def ends(self, number: str, callers: set[str], since: int) -> set[str]:
        """Who may answer a call to `number`, by the forwards since then; with the exception and without."""
        if number == "2000":
            return {"102", "103"}
        if number in self.roles["nobody"]:
            return {"480"}
        if number in self.roles["dialler"]:
            return {number, *self.roles["target"]}
        return {end for table in self.tables[since:] for end in _walk(table, number, callers)}


def _walk(table: dict[str, tuple[str, str]], number: str, callers: set[str]) -> set[str]:
    ends, visited = set[str](), list[str]()
    while number in table and number not in visited:
        visited.append(number)
        number = table[number][1]
        if number in callers:
            ends.add(visited[-1])
    ends |= {number, *visited} if number in visited else {TRUNK if number.startswith("0") else number}
    return ends


@dataclass(eq=False)
class Call:
    """One call of the soak test."""

    name: str
    kind: str
    caller: str
    number: str
    phone: str
    since: int  #: the forwards that held when it began
    began: float = field(default_factory=time.monotonic)
    to: str = ""  #: of a transfer
    gave_up: bool = False
    status: int = 0
    legs: list[Leg] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    labelled: bool = False
    events: list[str] = field(default_factory=list)
    consultation: Leg | None = None
    transferred: bool = False
    done: bool = False

    def note(self, text: str) -> None:
        """Keep what happened, for a failure."""
        self.events.append(f"{time.monotonic() - self.began:.2f} s {text}")

    def __str__(self) -> str:
        """All that is known of it."""
        moved = f", then to {self.to}" if self.to else ""
        who = f"{self.caller} called {self.number}{moved}, Call-ID {self.legs[0].call_id}"
        return f"call {self.name}, {self.kind}: {who}: {'; '.join(self.events)}"


class Stories:
    """Makes the calls and plays the phones."""

    def __init__(self, clock: Clock, cast: Cast, chance: random.Random) -> None:
        """`phones` has to be filled: users, and TRUNK."""
        self.clock, self.cast, self.chance = clock, cast, chance
        self.moods = random.Random(chance.random())  # of the phones: what they do when depends on the machine
        self.phones: dict[str, Phone] = {}
        self.calls: dict[str, Call] = {}
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.unlabelled: list[float] = []  #: when calls began that were decided without the daemon

    @property
    def placed(self) -> int:
        """How many calls were placed."""
        return sum(self.counts.values())

    # --- the calls -------------------------------------------------------------------------------

    def make(self) -> None:
        """Place one call of a kind drawn at random."""
        pick, roles = self.chance.choice, self.cast.roles
        kind = self.chance.choices([*KINDS], [kind.share for kind in KINDS.values()])[0]
        plan, caller, name = KINDS[kind], pick(roles["caller"]), ""
        number = {"group": "2000", "code": self._code()}.get(plan.role) or pick(roles[plan.role])
        if kind == "exception":
            caller = self.cast.tables[-1][number][1]
        elif kind == "code":
            caller = roles["dialler"][0]
        elif kind == "from outside":
            caller, name = TRUNK, pick(NAMES)
        call = Call(
            str(sum(self.counts.values())), kind, caller, number, plan.phone, len(self.cast.tables) - 1
        )
        call.to = (
            pick(roles["always"]) if plan.then else pick(roles["caller"]) if plan.phone == "moves" else ""
        )
        self.counts[kind] += 1
        self.calls[call.name] = call
        phone = self.phones[caller]
        leg = phone.dial(number, call, f"X-Call: {call.name}\r\n", name)
        call.legs.append(leg)
        if self.chance.random() < 0.15:
            self.clock.later(self.chance.uniform(0, 1.5), lambda: self._give_up(call, leg))
        self.clock.later(LATEST, lambda: self._late(call))

    def _code(self) -> str:
        return self.chance.choice((f"*21*{self.chance.choice(self.cast.roles['target'])}#", "#21#", "##002#"))

    def _give_up(self, call: Call, leg: Leg) -> None:
        if not leg.ended and leg.status < 200:
            call.gave_up = True
            call.note("gave up")
            leg.phone.cancel(leg)

    # --- what phones do --------------------------------------------------------------------------

    def rings(self, leg: Leg) -> None:
        """As the call has it; a phone that is not named in it answers."""
        call = self.calls.get(header("X-Call", leg.invite))
        if call is None:
            self.failures.append(f"{leg.phone.user} was called by nobody: {leg.invite}")
            leg.phone.answer(leg, 486)
            return
        leg.call = call
        call.legs.append(leg)
        user = leg.phone.user
        call.note(f"{user} rings")
        does = call.phone if user == call.number and not call.answered else "answers"
        status, contact = {
            "is busy": (486, ""),
            "moves": (302, f"<sip:{call.to}@{leg.phone.place.domain}>"),
        }.get(does, (200, ""))
        if does != "rings":
            self.clock.later(self.moods.uniform(0.05, 0.6), lambda: leg.phone.answer(leg, status, contact))

    def answered(self, leg: Leg) -> None:
        """A phone answered, or a caller hears so."""
        call: Call = leg.call
        if leg is call.consultation:
            self.clock.later(0.2, lambda: self._hand_over(call, leg))
            return
        if leg.caller:
            call.status = 200
        else:
            call.note(f"{leg.phone.user} answered")
            call.answered.append(TRUNK if leg.phone is self.phones[TRUNK] else leg.phone.user)
            if len(call.answered) == 1:
                call.labelled = "Uml. " in header("From", leg.invite)
        then = KINDS[call.kind].then
        if not then:
            self._talk(leg)
        elif leg.caller or len(call.answered) == 1:
            self.clock.later(_TRANSFER, lambda: self._talk(leg))
            if leg.caller == then.endswith("caller"):
                self.clock.later(self.moods.uniform(0.3, 0.8), lambda: self._transfer(call, leg, then))
        elif then != "attended":
            self._arrived(call)

    def _talk(self, leg: Leg) -> None:
        self.clock.later(self.moods.uniform(0.3, 4), lambda: leg.phone.hang_up(leg))

    def _transfer(self, call: Call, leg: Leg, then: str) -> None:
        if not leg.up:
            return
        call.note(f"{leg.phone.user} transfers to {call.to}")
        if then == "attended":
            call.consultation = leg.phone.dial(call.to, call, f"X-Call: {call.name}\r\n")
            call.legs.append(call.consultation)
        else:
            leg.phone.refer(leg, call.to)

    def _hand_over(self, call: Call, consultation: Leg) -> None:
        first = next(
            (leg for leg in call.legs if leg.phone is consultation.phone and leg.up and not leg.caller), None
        )
        if first:
            first.phone.refer(first, call.to, consultation)

    def _arrived(self, call: Call) -> None:
        call.transferred = True
        for leg in call.legs:
            self._talk(leg)

    # --- how they end ----------------------------------------------------------------------------

    def ended(self, leg: Leg) -> None:
        """A leg is over; a call is when all of them are."""
        call: Call = leg.call
        if call is None or call.done:
            return
        call.note(f"{leg.phone.user} is done: {leg.status}")
        if leg is call.legs[0]:
            call.status = leg.status
        second = call.consultation
        of_second = [one for one in call.legs if second and one.phone is second.phone]
        if second and second.status == 200 and call.legs[0].up and all(one.ended for one in of_second):
            self._arrived(call)
        if call.legs[0].ended and all(one.ended for one in call.legs):
            self.clock.later(0.5, lambda: self._finish(call))

    def _finish(self, call: Call) -> None:
        if call.done or not all(one.ended for one in call.legs):
            return
        call.done = True
        problem = self._problem(call)
        if problem:
            self.failures.append(f"{problem}: {call}")
        self.clock.later(60, lambda: self.calls.pop(call.name, None))

    def _late(self, call: Call) -> None:
        if not call.done:
            call.done = True
            self.failures.append(f"lost, not over after {LATEST:.0f} s: {call}")

    def _problem(self, call: Call) -> str:
        """What is wrong with the way in which it ended."""
        end = str(call.status) if call.status != 200 else call.answered[0] if call.answered else TONES
        right = self._right(call) | ({"487"} if call.gave_up else set())
        if end not in right:
            return f"lost, ended with {end} and not {' or '.join(sorted(right))}"
        if call.gave_up:
            return ""
        if KINDS[call.kind].then:
            return self._transfer_problem(call)
        wanted = KINDS[call.kind].labelled
        if call.kind == "exception":
            wanted = False if end == call.number else None
            if end != call.number and call.since == len(self.cast.tables) - 1:
                self.unlabelled.append(call.began)
        if wanted and not call.labelled:
            self.unlabelled.append(call.began)
        return "showed a label" if wanted is False and call.labelled else ""

    def _right(self, call: Call) -> set[str]:
        if KINDS[call.kind].role == "code":
            return {TONES}
        number = call.to if call.phone == "moves" else call.number
        return self.cast.ends(number, {call.caller}, call.since)

    def _transfer_problem(self, call: Call) -> str:
        right = self.cast.ends(call.to, {call.caller, call.number}, call.since)
        ends = call.answered[1:2]
        if not call.transferred or not ends or ends[0] not in right:
            return f"lost in the transfer, {ends or 'nobody'} and not {' or '.join(sorted(right))}"
        return ""
