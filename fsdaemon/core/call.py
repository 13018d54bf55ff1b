"""Channel data to facts: who calls whom, what the callee forwards, how the call came here.

Rule: who somebody is comes only from what FreeSWITCH established. A fact that is not in the channel
data is returned as a question; the same function runs again with the answers. Decides nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import codes
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.diversion import read as read_diversion
from fsdaemon.terms import kinds, numbers
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.numbers import dialable

_DOMAIN = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._:-]{1,255}")
_LONGEST_NUMBER = 100  # characters; SIP has no limit, and a log line should have one
_UUID = re.compile(r"[0-9a-fA-F-]{1,64}")
_QUOTED_PAIR = re.compile(r'\\(["\\])')  # FreeSWITCH keeps From's name as it was quoted (RFC 3261 25.1)
_REFERRED_TO = re.compile(r"<?sips?:([^@;>?]*)@?([^;>?]*)")
BEFORE, AFTER, BEYOND, ONCE = "before", "after", "beyond", "once"
CODE = "code"  # codes.py
REDIRECT = kinds.REDIRECT.name
_NOBODY = "-"
_PRIVATE = {"id", "user", "header", "full"}  # RFC 3323 section 4.2, RFC 3325; "full" is what some phones send
ONWARD = "*"  # in PENDING: an extension that is no user may pass the call on to anybody
_NO_PHONE = "error/user_not_registered"  # mod_sofia.c sofia_contact_function
_REFER_ID = 16  # hexadecimal digits that tell one REFER from another
_LONGEST_PATH = 50  # steps that are read; routing.max_hops allows no more
# After an answer an extension that passes a call on (an operator's: "please hold") has done so; what goes on
# longer, a menu or a conference, took the call for itself.
_TAKEN_AFTER = 4_000_000  # microseconds
_OWN = re.compile(
    r"[\w.*#+,/:-]*", re.ASCII
)  # values of the administrator's that may go back onto the channel

# Of several legs that failed for several reasons: somebody was there, at least.
_STRONGEST = ("no_answer", "busy", "not_registered")
_REDIRECTED = "REDIRECTION_TO_NEW_DESTINATION"


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


def user_of(text: str, domain: str) -> User:
    """The user that `text` means to somebody in `domain`: `101`, or `101@b.example`."""
    name, _, own = text.partition("@")
    return User(name, own or domain)


def full(number: str, domain: str) -> str:
    """A user's number with its domain, so that it means the same everywhere."""
    return number if "@" in number or not domain else f"{number}@{domain}"


class Person(NamedTuple):
    """Somebody whose right may count: an established user and the groups she is in."""

    user: User
    groups: tuple[str, ...] = ()


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


class Context(NamedTuple):
    """What freeswitch/dialplan/fsdaemon.xml needs to be told beside the verdict."""

    asks: bool = False  #: it is who asks, and took back what an earlier forward had lent to the channel
    target_is_user: bool = True  #: the forward that would act now points to a user of the callee's domain
    rights: Mapping[v.Header, tuple[str, str]] = {}
    seconds: str = ""  #: how long the phone rings, where the user dialled that
    forks: bool = False  #: several phones: one that answers 302 must not end the ringing of the others
    now: str = ""  #: when FreeSWITCH asked, in microseconds
    given: tuple[v.Header, ...] = ()  #: forwards that the dialplan set: this callee's, and nobody else's


class Call(NamedTuple):
    """What the rules need to know about one call at one hook."""

    uuid: str
    callee: User
    callee_name: str
    caller: Caller
    person: Person | None  #: the caller, if she is established
    refer: str  #: which REFER brought her here, attended; empty for none
    referrer: Person | None  #: who transferred her here, attended, if that is established
    forwards: Mapping[str, str]  #: kind → target, as it stands on the channel
    failure: str | None  #: the kind of why the last bridge failed; None before the bridge
    stage: str  #: BEFORE the callee's phone is tried, or AFTER; BEYOND: no user is called; ONCE: all at once
    is_user: bool  #: the callee is a user
    now: tuple[str, ...]  #: the kinds of forward that would act at once, in the order they are tried
    later: tuple[str, ...]  #: those that would act if nobody takes the call, where nobody asks again then
    path: tuple[Diverter, ...]  #: who forwarded this call so far, oldest first
    before_us: tuple[Diverter, ...]  #: who did before it came here, as a gateway says that is believed
    unasked: str  #: the kind of the last of them, if nobody was asked when it was followed; or empty
    is_target_number: frozenset[str]  #: the kinds that point to this outside caller's number
    outbound: bool  #: on a leg that FreeSWITCH dialled itself
    outside_id: tuple[str, str]  #: name and number of the callee for calls that leave the house
    sent_away: str  #: the foreign address to which her phone sent the call (302), where nobody took it
    visited: tuple[str, ...]  #: who forwarded since the caller was last bridged, also without a daemon
    own_name: str  #: effective_caller_id_name as it was without us; may be empty
    own_number: str  #: effective_caller_id_number, likewise
    labelled: bool  #: a label of ours stands in effective_caller_id_name
    numbered: bool  #: a number of ours stands in effective_caller_id_number
    leg_only: bool  #: the dialplan carries label and Diversion with the leg, not on the channel
    context: Context  #: what only freeswitch/dialplan/fsdaemon.xml needs to be told
    leftovers: tuple[v.Header, ...]  #: what an earlier verdict left on the channel
    last_bridge: str  #: UUID of the leg that answered last, if any

    @property
    def target(self) -> str:
        """Where the forward points that would act first; empty if there is none."""
        return next((self.forwards[kind] for kind in self.now), "")


Questions = tuple[Api, ...]
Answers = Mapping[Api, str]


def read(headers: Headers, answers: Answers, config: Config) -> Call | Questions:
    """The facts about the call, or what has to be asked of FreeSWITCH first.

    `answers` holds what FreeSWITCH answered so far, `config` is that of the callee's domain. Never raises.
    """
    ask = _Asking(answers)
    callee = callee_of(headers, config)
    stage, failure = _stage(headers, callee)
    dialled = _dialled(headers, callee, stage, config, ask)
    forwards = _forwards(headers, callee, stage, failure, dialled, config, ask)
    now, later = _acting(stage, failure, forwards, callee, ask)
    targets = {kind: forwards[kind] for kind in (*now, *later)}
    asked = any(targets.values())
    own_name, labelled = _own(headers, v.EFFECTIVE_NAME, v.LABEL, v.OWN_NAME)
    own_number, numbered = _own(headers, v.EFFECTIVE_NUMBER, v.NUMBER, v.OWN_NUMBER)
    # Who calls matters where a forward could be followed; otherwise nobody needs to be asked.
    user = _established(headers, ask if asked else None, config)
    caller = _caller(headers, own_name, user)
    call = Call(
        uuid=headers.get(v.UUID),
        callee=callee,
        callee_name=_callee_name(headers, config, callee, asked, ask),
        caller=caller,
        person=_person(headers, user, asked, config, ask),
        refer=_refer(headers, callee),
        referrer=_referrer(headers, callee, asked, config, ask),
        forwards=forwards,
        failure=failure,
        stage=stage,
        is_user=_says_true(headers, config.variables.is_user),
        now=now,
        later=later,
        path=_path(headers, callee, ask),
        before_us=_before_us(headers, user, config),
        unasked=_pending(headers, callee).replace(ONWARD, ""),
        is_target_number=_is_target_number(targets, caller, callee, config, ask),
        outbound=headers.get(v.CALL_DIRECTION) == "outbound",
        sent_away=_sent_away(headers, stage, failure),
        visited=_visited(headers),
        outside_id=_outside_id(targets if now else {}, callee, config, ask),
        own_name=own_name,
        own_number=own_number,
        labelled=labelled,
        numbered=numbered,
        leg_only=v.CONTEXT in headers or headers.get(v.CARRY) == "leg",
        context=_context(headers, callee, stage, forwards[now[0]] if now else "", dialled, ask),
        leftovers=_leftovers(headers, stage),
        last_bridge=_last_bridge(headers),
    )
    return tuple(ask.open) if ask.open else call


def _own(headers: Headers, shown: v.Header, ours: v.Header, kept: v.Header) -> tuple[str, bool]:
    """The caller's own name or number, and whether something of ours stands in its place now."""
    replaced = ours in headers and headers.get(shown) == headers.get(ours)
    return headers.get(kept if replaced else shown), replaced


def callee_of(headers: Headers, config: Config) -> User:
    """Who is dialled; without a domain where the channel data names none that could be one."""
    domain = _first(headers, config.variables.domain)
    return User(_first(headers, config.variables.callee), domain if _DOMAIN.fullmatch(domain) else "")


def _leftovers(headers: Headers, stage: str) -> tuple[v.Header, ...]:
    left = [header for header in (*v.MEMORY, v.REDIRECTED_TO) if header in headers]
    if stage == BEFORE and v.REDIRECT_USER in headers:  # of an earlier phone; nobody was tried here yet
        left.append(v.REDIRECT_USER)
    return tuple(left)


def clean(answer: str) -> str:
    """What FreeSWITCH answered to an `api` command; empty where it says that there is nothing."""
    text = answer.strip()
    return "" if re.match("-[A-Z]", text) or text == "_undef_" else text


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
        return clean(self.answers[question])

    @staticmethod
    def known(user: User) -> bool:
        """Whether a command may name this user: nothing in it ends an argument."""
        return bool(user.domain) and "@" not in user.name and _plain(user)

    def directory(self, user: User, variable: v.Header) -> str:
        """A variable of a user's directory entry; empty if there is none."""
        return self.variable(user, variable.variable)

    def variable(self, user: User, name: str) -> str:
        """The same by its plain name; nothing for no name."""
        if not (name and user.domain and dialable(user.name)):
            return ""
        return self(f"user_data {user.name}@{user.domain} var {name}")

    def contact(self, user: User) -> str:
        """Where FreeSWITCH would call a user's phones."""
        return self(f"sofia_contact */{user.name}@{user.domain}") if self.known(user) else ""

    def leg(self, uuid: str, variable: v.Header) -> str:
        """A variable of another channel; empty if it is gone."""
        return self(f"uuid_getvar {uuid} {variable.variable}") if _UUID.fullmatch(uuid) else ""


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
    failure = _failure(headers)
    stage = headers.get(v.STAGE)
    if stage not in (BEFORE, AFTER, BEYOND, ONCE):
        tried = failure is not None and headers.get(v.DIALED_USER) == callee.name
        stage = AFTER if tried else BEFORE
    return stage, failure if stage == AFTER else None


def _failure(headers: Headers) -> str | None:
    disposition = headers.get(v.DISPOSITION)
    cause = headers.get(v.LAST_CAUSE)
    if disposition in kinds.FAILURES:
        return kinds.FAILURES[disposition]
    if disposition == "SUCCESS":  # a 183 with SDP makes it so, even if a 486 follows
        return kinds.FAILURES.get(cause)
    if disposition == "DESTINATION_OUT_OF_ORDER" and v.REDIRECT_USER in headers:
        return REDIRECT  # a 302 to where FreeSWITCH does not go by itself, a tel: URI (RFC 3966)
    if disposition == "ORIGINATOR_CANCEL" and cause != _REDIRECTED:
        causes = [leg.rpartition(";")[2] for leg in re.split(r"\|:|::", headers.get(v.CAUSES))]
        legs = {kinds.FAILURES.get(cause) for cause in causes}
        return next((kind for kind in _STRONGEST if kind in legs), None)
    return None


def _acting(
    stage: str, failure: str | None, forwards: Mapping[str, str], callee: User, ask: _Asking
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which kinds of forward would act now, in the order they are tried, and which only later.

    A dialplan that asks once (ONCE) follows what it is not told to switch off by itself, and a forward for
    a user without a phone first.
    """
    if stage != ONCE:
        kind = "always" if stage == BEFORE else (failure or "")
        return ((kind,) if kind in forwards else ()), ()
    absent = "not_registered" in forwards and ask.contact(callee) == _NO_PHONE
    first = [kind for kind in ("not_registered", "always") if kind in forwards]
    if not absent:
        first = [kind for kind in first if kind == "always"]
    return tuple(first), tuple(kind for kind in forwards if kind not in first)


def _context(
    headers: Headers, callee: User, stage: str, target: str, dialled: Mapping[str, codes.Entry], ask: _Asking
) -> Context:
    if v.CONTEXT not in headers:
        return Context()
    is_user = not target or _is_user(target, callee, ask)
    no_answer = dialled.get("no_answer", codes.Entry(False))
    return Context(
        asks=True,
        target_is_user=is_user,
        rights={} if is_user else _rights(headers, callee, ask),
        seconds=no_answer.seconds if no_answer.on else "",
        forks=_forks(headers, callee, stage, ask),
        now=re.sub("[^0-9]", "", headers.get(v.NOW)),
        given=tuple(name for name in v.FORWARDS.values() if name in headers),
    )


def _dialled(
    headers: Headers, callee: User, stage: str, config: Config, ask: _Asking
) -> Mapping[str, codes.Entry]:
    """What the callee dialled for each kind (codes.py); it comes before the dialplan and the directory."""
    if v.CONTEXT not in headers or not config.codes.enabled:
        return {}
    if stage not in (BEFORE, AFTER) or not ask.known(callee):
        return {}
    return codes.read(ask(codes.select(callee.name, callee.domain)))


def _forwards(
    headers: Headers,
    callee: User,
    stage: str,
    failure: str | None,
    dialled: Mapping[str, codes.Entry],
    config: Config,
    ask: _Asking,
) -> dict[str, str]:
    """Kind → target, as far as it is told by itself; the directory is asked for what would act now only."""
    forwards: dict[str, str] = {}
    if not _says_true(headers, config.variables.is_user) or stage == BEYOND:
        return forwards
    acting = "always" if stage == BEFORE else failure
    for kind in kinds.SET:
        names, flags = config.variables.forward(kind)
        if not _says_true(headers, flags):
            continue
        target = _first(headers, names)
        if not target and kind == acting:
            target = next(filter(None, [ask.variable(callee, name.directory) for name in names]), "")
        if kind in dialled:
            target = dialled[kind].target
        if target:
            forwards[kind] = numbers.as_dialled(target)
        elif kind not in dialled and any(map(headers.__contains__, (*names, *flags))):
            forwards[kind] = " "  # set, and to nothing: somebody should know
    if failure == REDIRECT:
        forwards[REDIRECT] = numbers.as_dialled(headers.get(v.REDIRECT_USER))
    return forwards


def _visited(headers: Headers) -> tuple[str, ...]:
    """Who forwarded since the caller was last bridged. The dialplan writes it too, without a daemon."""
    if _taken(headers):
        return ()
    bridge = _last_bridge(headers)
    steps = (step.partition(":") for step in headers.get(v.VISITED).split(",")[-_LONGEST_PATH:])
    return tuple(user for of, _, user in steps if of == bridge and _plain(user_of(user, "")))


def _plain(user: User) -> bool:
    """Whether nothing in a user's name or domain ends an argument or a list; the domain may be missing."""
    return dialable(user.name) and (not user.domain or _DOMAIN.fullmatch(user.domain) is not None)


def _is_user(target: str, callee: User, ask: _Asking) -> bool:
    """Whether a forward's target is a user of the callee's domain, as far as the dialplan can tell."""
    user = user_of(target, callee.domain)
    if not user.same(User(user.name, callee.domain)) or not ask.known(user):
        return False
    return ask(f"user_exists id {user.name} {user.domain}") == "true"


def _rights(headers: Headers, callee: User, ask: _Asking) -> dict[v.Header, tuple[str, str]]:
    """What a trunk looks at: of the callee, by whose forward it is dialled, and what is on the channel."""
    pairs = {
        name: (ask.directory(callee, name), headers.get(name)) for name in (v.TOLL_ALLOW, v.DEFAULT_GATEWAY)
    }
    return {
        name: (theirs if _OWN.fullmatch(theirs) else "", own if _OWN.fullmatch(own) else "")
        for name, (theirs, own) in pairs.items()
    }


def _forks(headers: Headers, callee: User, stage: str, ask: _Asking) -> bool:
    """Whether the callee has several phones; after a bridge only where one of them answered 302."""
    if stage == AFTER and ";REQUESTED_CHAN_UNAVAIL" not in headers.get(v.CAUSES):
        return False
    return stage in (BEFORE, AFTER) and "," in ask.contact(callee)


def _says_true(headers: Headers, names: tuple[v.Header, ...]) -> bool:
    """Whether a flag is set, where the dialplan has one."""
    return not names or _first(headers, names) == "true"


def _callee_name(headers: Headers, config: Config, callee: User, asked: bool, ask: _Asking) -> str:
    name = _first(headers, config.variables.callee_name)
    return name or (ask.directory(callee, v.EFFECTIVE_NAME) if asked else "")


def _last_bridge(headers: Headers) -> str:
    uuid = headers.get(v.LAST_BRIDGE_TO)
    return uuid if _UUID.fullmatch(uuid) else ""


def _path(headers: Headers, callee: User, ask: _Asking) -> tuple[Diverter, ...]:
    """The forwards followed so far, unless the call has been something else since.

    It has when it is at another callee than the one the last forward led to, or was answered
    meanwhile (a later transfer is no forward). A phone that answered 302 is the newest diverter.
    """
    if not dialable(callee.name):
        return ()
    redirector = _redirector(headers)
    if not redirector and v.PATH not in headers and v.PENDING not in headers:
        return ()
    at = User(redirector or callee.name, callee.domain)
    steps: list[tuple[str, str]] = []
    hop = user_of(headers.get(v.HOP), callee.domain)
    pending = _pending(headers, callee)
    if _taken(headers):
        return ()
    alias = User(headers.get(v.DESTINATION), callee.domain)
    here = hop.same(at) or (not redirector and hop.same(alias))
    if pending or (here and headers.get(v.BRIDGED) == _last_bridge(headers)):
        kinds_ = headers.get(v.PATH_KINDS).split(",", _LONGEST_PATH)
        numbers_ = headers.get(v.PATH).split(",", _LONGEST_PATH)[:_LONGEST_PATH]
        steps = [
            (number, kind if kind in kinds.KINDS else "always")
            for number, kind in zip_longest(numbers_, kinds_)
            if number and dialable(number)
        ]
        # It came from another tenant, where the same numbers are other users.
        if hop.domain.lower() != callee.domain.lower():
            steps = [(full(number, hop.domain), kind) for number, kind in steps]
        if pending in kinds.KINDS:
            steps.append((str(hop), pending))
    while steps and user_of(steps[-1][0], callee.domain).same(at):  # by an alias of hers
        steps.pop()
    if redirector:
        steps.append((redirector, REDIRECT))
    return tuple(
        Diverter(number, kind, ask.directory(user_of(number, callee.domain), v.EFFECTIVE_NAME))
        for number, kind in steps
    )


def _pending(headers: Headers, callee: User) -> str:
    """By which forward the call came here from HOP, where all kinds were decided at once; or empty.

    FreeSWITCH writes who was dialled before into RDNIS; where her forwards lead was kept at her hook. ONWARD
    if HOP is no user, and may pass the call on to anybody.
    """
    if v.PENDING not in headers and v.SINCE not in headers:
        return ""
    if v.SINCE in headers:
        return ONWARD if headers.get(v.BRIDGED) == _last_bridge(headers) else ""
    hop = user_of(headers.get(v.HOP), callee.domain)
    from_there = hop.same(User(headers.get(v.RDNIS), callee.domain)) and not _redirector(headers)
    if not from_there or headers.get(v.BRIDGED) != _last_bridge(headers):
        return ""
    if headers.get(v.PENDING) == ONWARD:
        return ONWARD
    pairs = (pair.partition("=") for pair in headers.get(v.PENDING).split(","))
    found = [kind for kind, _, to in pairs if user_of(to, hop.domain).same(callee) and kind in kinds.KINDS]
    failure = _failure(headers)
    return failure if failure in found else next(iter(found), "")


def _taken(headers: Headers) -> bool:
    """Whether an application took the call to which our forward had led it: it answered, and went on."""
    times = [headers.get(name) for name in (v.NOW, v.ANSWERED, v.SINCE)]
    now, answered, since = (int(time) if time.isascii() and time.isdigit() else 0 for time in times)
    return 0 < since <= answered and now - answered > _TAKEN_AFTER  # FreeSWITCH's clock has ticks of 20 ms


def _before_us(headers: Headers, user: User | None, config: Config) -> tuple[Diverter, ...]:
    """Who forwarded the call before it came to this FreeSWITCH, for as long as nobody took it.

    Only where the INVITE came from an address that conf.toml believes (sofia.c: sip_network_ip is the
    packet's source), and never from a user's phone.
    """
    if user or not config.display.diversion_from or headers.get(v.CALL_DIRECTION) != "inbound":
        return ()
    incoming = headers.get(v.INCOMING_DIVERSION) or headers.get(v.DIVERSION)
    if not incoming or _last_bridge(headers) or incoming == headers.get(v.OUR_DIVERSION):
        return ()
    believed = numbers.in_networks(headers.get(v.NETWORK_IP), config.display.diversion_from)
    return read_diversion(incoming) if believed else ()


def _sent_away(headers: Headers, stage: str, failure: str | None) -> str:
    """A 302 to another host is followed inside the bridge (sofia.c), and told of if that failed."""
    return headers.get(v.REDIRECTED_TO) if stage == AFTER and failure != REDIRECT else ""


def _redirector(headers: Headers) -> str:
    """Whose phone answered 302 and so sent the call here; empty if none did.

    sofia.c transfers the caller then: the previous destination is RDNIS, and was the one dialled.
    """
    # With several phones the last cause is that of the phone which was last to end.
    moved = headers.get(v.LAST_CAUSE) == _REDIRECTED or headers.get(v.DISPOSITION) == "ORIGINATOR_CANCEL"
    user = headers.get(v.DIALED_USER)
    if not moved or v.REDIRECTED_TO not in headers or headers.get(v.STAGE) == AFTER:
        return ""
    # Two phones of one user that send the call on at the same time do it twice: RDNIS is the first target.
    by = (user, headers.get(v.DESTINATION))
    return user if dialable(user) and headers.get(v.RDNIS) in by else ""


def _caller(headers: Headers, own_name: str, user: User | None) -> Caller:
    outbound = headers.get(v.CALL_DIRECTION) == "outbound"
    shown = own_name
    if not shown and not outbound:  # on an outbound leg it names whoever called her
        shown = _QUOTED_PAIR.sub(r"\1", headers.get(v.CALLER_NAME))
    number = user.name if user else headers.get(v.CALLER_NUMBER)[:_LONGEST_NUMBER]
    return Caller(user, shown, number, _withheld(headers))


def _withheld(headers: Headers) -> bool:
    if "true" in (headers.get(v.HIDE_NAME), headers.get(v.HIDE_NUMBER)):
        return True
    privacy = headers.get(v.PRIVACY)
    return bool(privacy) and not _PRIVATE.isdisjoint(re.split(r"[\s;,]+", privacy.lower()))


def _established(headers: Headers, ask: _Asking | None, config: Config) -> User | None:
    """The user FreeSWITCH knows to be on this leg, or None.

    Inbound: who gave the password (sofia_reg.c sets sip_authorized, user_name and domain_name).
    Outbound: whom FreeSWITCH itself dialled (mod_dptools.c user_outgoing_channel). A loopback leg is
    nobody itself; the channel that dialled it is asked (mod_loopback.c other_loopback_from_uuid).
    """
    if headers.get(v.LOOPBACK_LEG) or headers.get(v.SOURCE) == "mod_loopback":
        return _other_leg(headers.get(v.LOOPBACK_FROM), ask, config) if ask else None
    return _of_leg(headers.get(v.CALL_DIRECTION), headers.get, config)


def _other_leg(uuid: str, ask: _Asking, config: Config) -> User | None:
    """The user FreeSWITCH knows to be on another channel."""
    answers = {variable: ask.leg(uuid, variable) for variable in (*_ASKED, *config.variables.caller_domain)}
    return _of_leg(answers[v.DIRECTION], answers.__getitem__, config)


_ASKED = (
    v.DIRECTION, v.AUTHORIZED, v.USER_NAME,
    v.WHO, v.DIALED_USER, v.DIALED_DOMAIN, v.DISPOSITION, v.PRESENCE_ID, v.REDIRECTED_TO, v.GATEWAY,
)  # fmt: skip


def _of_leg(direction: str, get: Callable[[v.Header], str], config: Config) -> User | None:
    """The user on a leg whose variables `get` tells.

    On an outbound leg dialed_user is hers until she dials somebody herself; then it is theirs. So it is
    believed before that, or if the dial-string says the same, and remembered (WHO). A leg of a group has the
    dial-string's word only. A phone that answered 302 to a foreign host is not on this leg any more.
    """
    if direction != "outbound":
        domain = next(filter(None, map(get, config.variables.caller_domain)), "")
        return _user(get(v.USER_NAME), domain) if get(v.AUTHORIZED) == "true" else None
    who, dialed = get(v.WHO), (get(v.DIALED_USER), get(v.DIALED_DOMAIN))
    if who:
        return None if who == _NOBODY else user_of(who, "")
    if get(v.REDIRECTED_TO) or get(v.GATEWAY):
        return None
    dial_string = user_of(get(v.PRESENCE_ID), "")
    if not any(dialed):
        return _user(*dial_string)
    return _user(*dialed) if not get(v.DISPOSITION) or dial_string == dialed else None


def _user(name: str, domain: str) -> User | None:
    return User(name, domain) if name and domain else None


def _person(headers: Headers, user: User | None, asked: bool, config: Config, ask: _Asking) -> Person | None:
    if user is None:
        return None
    groups = [group.strip() for name in config.variables.groups for group in headers.get(name).split(",")]
    return Person(user, (*filter(None, groups), *_directory_groups(user, asked, config, ask)))


def _directory_groups(user: User, asked: bool, config: Config, ask: _Asking) -> tuple[str, ...]:
    """Which of the configured groups the directory has her in; asked only where it could matter.

    `in_group` takes a comma; with a blank, as its help says, it answers false to everything.
    """
    if not (asked and config.exceptions.groups and dialable(user.name) and _DOMAIN.fullmatch(user.domain)):
        return ()
    groups = config.exceptions.groups
    return tuple(group for group in groups if ask(f"in_group {user.name}@{user.domain},{group}") == "true")


def _referrer(headers: Headers, callee: User, asked: bool, config: Config, ask: _Asking) -> Person | None:
    """Who transferred the caller here with a consultation (RFC 3891 Replaces), if FreeSWITCH knows.

    Referred-By is written by a phone and says nothing. The one who sent the REFER is whom the caller
    was bridged to: the user whom FreeSWITCH dialled for her, or the user on the leg that dialled her.
    """
    refer = _refer(headers, callee)
    if not refer:
        return None
    bridged = headers.get(v.BRIDGE_UUID)
    known, _, of = headers.get(v.REFERRER).partition("|")
    user = None
    if of.startswith(refer[:_REFER_ID]):  # at an earlier hook; a bridge since has overwritten the rest
        user = user_of(known, "") if of == refer and known != _NOBODY else None
    elif headers.get(v.CALL_DIRECTION) == "outbound":
        user = _other_leg(bridged, ask, config)
    elif headers.get(v.DIALED_USER) in _numbers_of_leg(headers, bridged):
        user = _user(headers.get(v.DIALED_USER), headers.get(v.DIALED_DOMAIN))
    return Person(user, _directory_groups(user, asked, config, ask)) if user else None


def _refer(headers: Headers, callee: User) -> str:
    """Which REFER with Replaces sent the call to this callee, and after which bridge; empty for none.

    FreeSWITCH keeps sip_refer_to on the channel; after one more bridge the call comes by something else.
    """
    refer_to = headers.get(v.REFER_TO)
    match = _REFERRED_TO.match(refer_to)
    if not match or "replaces=" not in refer_to.lower() or match[1] != callee.name:
        return ""
    return hashlib.sha256(refer_to.encode("utf-8", "replace")).hexdigest()[:_REFER_ID] + _last_bridge(headers)


def _numbers_of_leg(headers: Headers, uuid: str) -> set[str]:
    """What was dialled for the leg `uuid` (originated_legs: `ARRAY::uuid;name;number|:…`)."""
    legs = (leg.split(";") for leg in re.split(r"\|:|ARRAY::", headers.get(v.ORIGINATED_LEGS)))
    return {leg[2] for leg in legs if len(leg) == 3 and leg[0] == uuid and uuid}


def _is_target_number(
    targets: Mapping[str, str], caller: Caller, callee: User, config: Config, ask: _Asking
) -> frozenset[str]:
    """The kinds of forward that point to the outside number which an outside caller has.

    Never because her number reads like a user's: FreeSWITCH is asked whether there is such a user.
    """
    ways = (config.numbers.region, config.numbers.trunk_prefix)
    if caller.user or caller.withheld or not callee.domain:
        return frozenset()
    same = [
        kind
        for kind, target in targets.items()
        if numbers.looks_outside(target, ways[1]) and dialable(target)
        if numbers.same(target, caller.number, *ways)
    ]
    return frozenset(k for k in same if ask(f"user_exists id {targets[k]} {callee.domain}") == "false")


def _outside_id(targets: Mapping[str, str], callee: User, config: Config, ask: _Asking) -> tuple[str, str]:
    """How the callee is known outside, where a forward of hers leaves the house under her number."""
    target = next(iter(targets.values()), "")
    wanted = config.routing.outside_caller_id == "diverter"
    if not wanted or not numbers.looks_outside(target, config.numbers.trunk_prefix):
        return ("", "")
    return (ask.directory(callee, v.OUTBOUND_NAME), ask.directory(callee, v.OUTBOUND_NUMBER))
