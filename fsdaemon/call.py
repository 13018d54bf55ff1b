"""Channel data to facts: who calls whom, what the callee forwards, how the call came here.

Rule: who somebody is comes only from what FreeSWITCH established. A fact that is not in the channel
data is returned as a question; the same function runs again with the answers. Decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fsdaemon import variables as v
from fsdaemon.config import Config
from fsdaemon.esl import Api, Headers
from fsdaemon.numbers import dialable

_DOMAIN = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_QUOTED_PAIR = re.compile(r'\\(["\\])')  # FreeSWITCH keeps From's name as it was quoted (RFC 3261 25.1)
BEFORE, AFTER = "before", "after"

# switch_types.h names; which of them is which kind was measured (busy 486/600, 480, no reply, …).
FAILURES = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no_answer",
    "NO_USER_RESPONSE": "no_answer",
    "ALLOTTED_TIMEOUT": "no_answer",
    "PROGRESS_TIMEOUT": "no_answer",
    "MEDIA_TIMEOUT": "no_answer",
    "RECOVERY_ON_TIMER_EXPIRE": "no_answer",
    "USER_NOT_REGISTERED": "not_registered",
    "SUBSCRIBER_ABSENT": "not_registered",
}


class User(NamedTuple):
    """A user of the directory. FreeSWITCH finds users and domains whatever their case."""

    name: str
    domain: str

    def same(self, other: User) -> bool:
        """Whether both are the same user."""
        return (self.name.lower(), self.domain.lower()) == (other.name.lower(), other.domain.lower())

    def __str__(self) -> str:
        """The name alone: what people call her by."""
        return self.name


class Caller(NamedTuple):
    """Who is calling."""

    user: User | None  #: who FreeSWITCH says she is; None for anybody from outside
    name: str  #: what she is shown as; written by a stranger where `user` is None
    number: str  #: the same
    withheld: bool  #: she does not want to be shown

    def __str__(self) -> str:
        """Her user name or number, as the log shows it."""
        if self.user:
            return self.user.name
        return "anonymous" if self.withheld else (self.number or "unknown")


class Diverter(NamedTuple):
    """One whose forward was followed: a step of `fsdaemon_path`."""

    number: str
    kind: str
    name: str = ""


@dataclass(frozen=True)
class Call:
    """What the rules need to know about one call at one hook."""

    uuid: str
    callee: User
    callee_name: str
    caller: Caller
    forwards: Mapping[str, str]  #: kind → target, as it stands on the channel
    failure: str | None  #: the kind of why the last bridge failed; None before the bridge
    stage: str  #: BEFORE the callee's phone is tried, or AFTER
    path: tuple[Diverter, ...]  #: who forwarded this call so far, oldest first
    own_name: str  #: effective_caller_id_name as it was without us; may be empty
    labelled: bool  #: a label of ours stands in effective_caller_id_name
    leg_only: bool  #: the dialplan carries label and Diversion with the leg, not on the channel
    leftovers: tuple[v.Header, ...]  #: what an earlier verdict left on the channel
    last_bridge: str  #: UUID of the leg that answered last, if any


Questions = tuple[Api, ...]
Answers = Mapping[Api, str]


def read(headers: Headers, answers: Answers, config: Config) -> Call | Questions:
    """The facts about the call, or what has to be asked of FreeSWITCH first.

    `answers` holds what FreeSWITCH answered so far. Never raises, whatever the headers hold.
    """
    names = config.variables
    domain = _first(headers, names.domain)
    callee = User(_first(headers, names.callee), domain if _DOMAIN.fullmatch(domain) else "")
    stage, failure = _stage(headers, callee)
    forwards = {kind: _first(headers, getattr(names, kind)) for kind in v.CONDITION_NAMES}
    ask = _Asking(answers)
    path = _path(headers, callee, ask)
    callee_name = _first(headers, names.callee_name)
    if not callee_name and forwards.get(failure or "always"):
        callee_name = ask.name_of(callee)
    if ask.open:
        return tuple(ask.open)
    labelled = v.LABEL in headers and headers.get(v.EFFECTIVE_NAME) == headers.get(v.LABEL)
    own_name = headers.get(v.OWN_NAME if labelled else v.EFFECTIVE_NAME)
    return Call(
        uuid=headers.get(v.UUID),
        callee=callee,
        callee_name=callee_name,
        caller=_caller(headers, own_name),
        forwards=forwards,
        failure=failure,
        stage=stage,
        path=path,
        own_name=own_name,
        labelled=labelled,
        leg_only=headers.get(v.CARRY) == "leg",
        leftovers=tuple(header for header in v.MEMORY if header in headers),
        last_bridge=headers.get(v.LAST_BRIDGE_TO),
    )


class _Asking:
    """Collects the questions that have no answer yet."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.open: list[Api] = []

    def __call__(self, command: str) -> str:
        question = Api(command)
        if question not in self.answers:
            if question not in self.open:
                self.open.append(question)
            return ""
        answer = self.answers[question].strip()
        return "" if answer.startswith("-") or answer == "_undef_" else answer

    def name_of(self, user: User) -> str:
        """The directory's name for a user; empty if there is none."""
        if not (user.domain and dialable(user.name)):
            return ""
        return self(f"user_data {user.name}@{user.domain} var {v.EFFECTIVE_NAME.variable}")


def _first(headers: Headers, names: tuple[v.Header, ...]) -> str:
    for name in names:
        value = headers.get(name)
        if value:
            return value
    return ""


def _stage(headers: Headers, callee: User) -> tuple[str, str | None]:
    """Whether the callee's phone was tried, and why nobody took the call.

    Our dialplan says which hook it is. Another one need not: a bridge to this very user that failed
    tells as much.
    """
    disposition = headers.get(v.DISPOSITION)
    if disposition == "SUCCESS":  # a 183 with SDP makes it so, even if a 486 follows
        disposition = headers.get(v.LAST_CAUSE)
    failure = FAILURES.get(disposition)
    stage = headers.get(v.STAGE)
    if stage not in (BEFORE, AFTER):
        tried = failure is not None and headers.get(v.DIALED_USER) == callee.name
        stage = AFTER if tried else BEFORE
    return stage, failure if stage == AFTER else None


def _path(headers: Headers, callee: User, ask: _Asking) -> tuple[Diverter, ...]:
    """The forwards followed so far, unless the call has been something else since.

    It has when it is at another callee than the one the last forward led to, or was answered
    meanwhile (a later transfer is no forward).
    """
    if headers.get(v.HOP) != callee.name or headers.get(v.BRIDGED) != headers.get(v.LAST_BRIDGE_TO):
        return ()
    numbers = [number for number in headers.get(v.PATH).split(",") if dialable(number)]
    kinds = headers.get(v.KINDS).split(",")
    kinds += ["always"] * (len(numbers) - len(kinds))
    return tuple(
        Diverter(number, kind, ask.name_of(User(number, callee.domain)))
        for number, kind in zip(numbers, kinds)
    )


def _caller(headers: Headers, own_name: str) -> Caller:
    user = _established(headers)
    outbound = headers.get(v.CALL_DIRECTION) == "outbound"
    shown = own_name
    if not shown and not outbound:  # on an outbound leg it names whoever called her
        shown = _QUOTED_PAIR.sub(r"\1", headers.get(v.CALLER_NAME))
    number = user.name if user else headers.get(v.CALLER_NUMBER)
    withheld = "true" in (headers.get(v.HIDE_NAME), headers.get(v.HIDE_NUMBER))
    return Caller(user, shown, number, withheld)


def _established(headers: Headers) -> User | None:
    """The user FreeSWITCH knows to be on this leg, or None.

    Inbound: who gave the password (sofia_reg.c sets sip_authorized, user_name and domain_name).
    Outbound: whom FreeSWITCH itself dialled (mod_dptools.c user_outgoing_channel).
    """
    if headers.get(v.CALL_DIRECTION) == "outbound":
        user = User(headers.get(v.DIALED_USER), headers.get(v.DIALED_DOMAIN))
    elif headers.get(v.AUTHORIZED) == "true":
        user = User(headers.get(v.USER_NAME), headers.get(v.DOMAIN_NAME))
    else:
        return None
    return user if user.name and user.domain else None
