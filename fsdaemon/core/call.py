"""Channel data to facts: a frozen `Call`, or the questions that have to be answered first.

Rule: decides nothing. forwards.py, identity.py and history.py each answer one question about the call; here
their answers are put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fsdaemon.config.reader import Config
from fsdaemon.core import busy, causes, codes, forwards, history, identity, mailbox
from fsdaemon.core.causes import Outcome
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import Forwarding, Public
from fsdaemon.core.history import OnChannel
from fsdaemon.core.own import Own
from fsdaemon.core.questions import Answers, Questions, Source
from fsdaemon.core.users import Caller, Person, User, user_of
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers


class Context(NamedTuple):
    """What freeswitch/dialplan/fsdaemon.xml needs to be told beside the verdict."""

    asks: bool = False  #: it is who asks, and took back what an earlier forward had lent to the channel
    beyond: tuple[str, ...] = ()  #: the kinds that would act now and lead to no user of the callee's domain
    rights: Mapping[v.Header, tuple[str, str]] = {}
    seconds: str = ""  #: how long the phone rings, where the user dialled that
    forks: bool = False  #: several phones: one that answers 302 must not end the ringing of the others
    now: str = ""  #: when FreeSWITCH asked, in microseconds
    given: tuple[v.Header, ...] = ()  #: what the dialplan set of this callee's forwards, and nobody else's
    sounded: bool = False  #: a phone rang before, so FreeSWITCH would not say whether the next one does
    half: bool = False  #: the caller is a half of a loopback that nobody took yet: of a group, or *4
    coded: bool = False  #: the SIP code of an earlier leg is on the channel
    looked_up: Mapping[v.Header, str] = {}  #: what the dialplan wants to know of the callee


class Call(NamedTuple):
    """What the rules need to know about one call at one hook."""

    uuid: str
    callee: User
    callee_name: str
    caller: Caller
    person: Person | None  #: the caller, where FreeSWITCH established who it is
    hides_target: bool  #: the diverter does not want callers to see where the forward leads
    refer: str  #: which REFER brought the caller here, attended; empty for none
    referrer: Person | None  #: who transferred the caller here, attended, if that is established
    forwards: Mapping[str, str]  #: kind → target, as it stands on the channel
    failure: str | None  #: the kind of why the last bridge failed; None before the bridge
    stage: str  #: one of forwards.STAGES
    is_user: bool  #: the callee is a user
    now: tuple[str, ...]  #: the kinds of forward that would act at once, in the order they are tried
    later: tuple[str, ...]  #: those that would act if nobody takes the call, where nobody asks again then
    path: tuple[Diverter, ...]  #: who forwarded this call so far, oldest first
    before_us: tuple[Diverter, ...]  #: who did before it came here, as a gateway says that is believed
    unasked: str  #: the kind of the last of them, if nobody was asked when it was followed; or empty
    is_target_number: frozenset[str]  #: the kinds that point to this outside caller's number
    public: Public  #: those who forward it, as they are known off-net
    sent_away: str  #: where the callee's phone sent the call (302 to another host), and nobody took it
    visited: tuple[str, ...]  #: who forwarded since the caller was last bridged, also without a daemon
    channel: OnChannel  #: what the directory and an earlier verdict left on the channel
    context: Context  #: what only freeswitch/dialplan/fsdaemon.xml needs to be told
    last_bridge: str  #: the leg that answered last, if any (ids.token)
    mailbox: User | None = None  #: whose it is if no forward is followed; None: not yet
    own: Own = Own()  #: who may get through by the callee's own list
    ended: tuple[Outcome, ...] = ()  #: how the last bridge failed; `failure` is one of these kinds
    calls: busy.Calls = busy.NONE  #: that the callee has already, and what counts the next one
    unanswered: str = ""  #: the kind of forward that acts when the ring time is over, if that matters now
    ring_time: int = 0  #: seconds; 0 if it does not matter

    @property
    def target(self) -> str:
        """Where the forward points that would act first; empty if there is none."""
        return next((self.forwards[kind] for kind in self.now), "")


def read(headers: Headers, answers: Answers, config: Config) -> Call | Questions:
    """The facts about the call, or what has to be asked of FreeSWITCH first.

    `answers` holds what FreeSWITCH answered so far, `config` is that of the callee's domain. Never raises.
    """
    source = Source(headers, answers, config)
    callee = forwards.callee_of(headers, config)
    call = _call(source, callee, forwards.forwarding(source, callee))
    return tuple(source.open) if source.open else call


def of_member(
    source: Source, group: User, member: User, forward: tuple[str, str], path: tuple[Diverter, ...]
) -> Call:
    """The same call at a member of the group that was dialled, and one forward (kind, target) of the member.

    `path`: who forwarded it so far. There may be open questions in `source` afterwards.
    """
    kind, target = forward
    found = Forwarding(forwards.MEMBERS, None, {kind: target}, (kind,), (), {})
    name = source.directory(member, v.EFFECTIVE_NAME)  # what the channel has is of who was dialled before
    return _call(source, member, found, group)._replace(path=path, callee_name=name, is_user=True)


def _call(source: Source, callee: User, found: Forwarding, dialled: User | None = None) -> Call:
    headers, config, dialled = source.headers, source.config, dialled or callee
    matters = any(found.targets.values())  # who calls; where no forward could be followed nobody is asked
    channel, path = history.on_channel(headers, found.stage), history.path_of(source, dialled)
    user, named = identity.established(source, matters), _named(callee, found)
    caller = identity.caller_of(headers, channel.own_name, user)
    refer, context = history.refer_of(headers, dialled), _context(source, callee, found)
    own, groups = _exceptions(source, callee, found, caller, refer) if matters else (Own(), ())
    return Call(
        uuid=headers.get(v.UUID),
        callee=callee,
        callee_name=forwards.callee_name(source, callee, matters or bool(path)),
        caller=caller,
        person=identity.person_of(source, user, groups, named),
        refer=refer,
        referrer=history.referrer_of(source, dialled, groups, named),
        forwards=found.forwards,
        failure=found.failure,
        stage=found.stage,
        is_user=forwards.is_set(headers, config.variables.is_user),
        now=found.now,
        later=found.later,
        path=path,
        hides_target=history.hides_target(source, callee, path, user),
        before_us=history.before_us(headers, user, channel.diversion, config),
        unasked=history.pending(headers, dialled).replace(history.ONWARD, ""),
        is_target_number=identity.is_target_number(source, found.targets, caller, callee),
        sent_away=history.sent_away(headers, found.stage, found.failure),
        visited=_visited(source, callee, found, context),
        public=forwards.public(source, found, callee, path),
        channel=channel,
        context=context,
        last_bridge=history.last_bridge(headers),
        mailbox=mailbox.owner(source, callee, found.stage, path),
        own=own,
        ended=found.ended,
        calls=found.calls,
        unanswered=found.unanswered,
        ring_time=forwards.ring_time(source, callee, found.dialled) if found.unanswered else 0,
    )


def _visited(source: Source, callee: User, found: Forwarding, context: Context) -> tuple[str, ...]:
    """Who forwarded so far; on a half of a loopback whose forward may lead to a group, before it, too."""
    onward = (context.half and context.beyond and not source.open) or (
        history.is_member(source.headers) and bool(found.targets)
    )
    before = history.visited_before(source, callee) if onward else ()
    return (*before, *history.visited(source.headers))


def _named(callee: User, found: Forwarding) -> tuple[User, ...]:
    """Whom the caller could be by a number: the callee, and the targets of the forwards."""
    targets = [user_of(target, callee.domain) for target in found.targets.values() if target.strip()]
    return (callee, *targets) if targets else ()


def _is_known(caller: Caller) -> bool:
    """Whether an exception could name this caller."""
    return caller.user is not None or not caller.withheld


def _exceptions(
    source: Source, callee: User, found: Forwarding, caller: Caller, refer: str
) -> tuple[Own, tuple[str, ...]]:
    """The callee's own exceptions, and the groups that an exception could name."""
    own = Own()
    if refer or _is_known(caller):
        own = forwards.own_exceptions(source, callee, found.stage)
        own = own._replace(caller=identity.own_number(source, own.entries, caller, callee))
    return own, tuple(dict.fromkeys((*source.config.exceptions.groups, *own.groups)))


def _context(source: Source, callee: User, found: Forwarding) -> Context:
    now = re.sub("[^0-9]", "", source.headers.get(v.NOW))
    if v.CONTEXT not in source.headers:
        return Context(now=now)
    beyond = tuple(kind for kind in found.now if not forwards.is_user(source, found.forwards[kind], callee))
    no_answer = found.dialled.get("no_answer", codes.Entry(False))
    half = source.headers.get(v.LOOPBACK_LEG) == "B"
    answered = source.headers.get(v.ANSWERED) not in ("", "0")  # then it is somebody's call, as any other
    return Context(
        asks=True,
        beyond=beyond,
        rights=forwards.rights_of(source, callee) if beyond and not source.open else {},
        seconds=no_answer.seconds if no_answer.on else "",
        forks=forwards.forks(source, callee, found.stage),
        now=now,
        given=tuple(name for name in (*v.FORWARDS.values(), v.FORWARD_EXCEPT) if name in source.headers),
        sounded=half or causes.sounded(source.headers),  # of a loopback FreeSWITCH does not say it
        half=half and not answered,
        coded=v.LAST_CODE in source.headers,
        looked_up=forwards.looked_up(source, callee, found.stage),
    )
