"""Keys and lamps over the event socket: hears of SUBSCRIBEs and changes, and tells phones what is in effect.

Rule: only moves. An event becomes questions, the answers become events (core: features, lamps, proof).
Nothing of a call waits for it. Without a connection it does nothing; after each login all is told anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import gevent
from gevent.event import Event as Flag
from loguru import logger

from fsdaemon.config.reader import Config
from fsdaemon.core import codes, features, lamps, proof
from fsdaemon.core.features import State, Subscribed, Wanted
from fsdaemon.core.known import Known
from fsdaemon.core.lamps import Lamp, Watcher
from fsdaemon.core.questions import Way, clean, drive
from fsdaemon.core.users import User
from fsdaemon.daemon import database, log
from fsdaemon.daemon.switch import Late, Switch, SwitchGone
from fsdaemon.esl.session import patiently
from fsdaemon.terms import events as e
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.events import Event

_MOST_PHONES, _MOST_WATCHERS = 20_000, 20_000
_MOST_OF_ONE = 32  # places at which one user's phones are
_GRACE = 32.0  # seconds that FreeSWITCH keeps a subscription beyond its end
_LONG = 86400.0  # seconds for which a phone is told that is registered and may have subscribed before
_LONG_LIST = 60.0  # seconds for list_users: FreeSWITCH reads the whole directory for it
_FRESH = 1.0  # seconds for which an answer about a user's forwards serves lamps
_Result = TypeVar("_Result")


class Phone(NamedTuple):
    """Where phones of a user subscribed, as FreeSWITCH has it (sip_subscriptions)."""

    profile: str
    user: str
    host: str


class Features:
    """What phones and lamps are told at one FreeSWITCH."""

    def __init__(self, config: Callable[[], Config], count: Callable[..., None]) -> None:
        """`config` gives the configuration of the moment, `count` counts for the metrics."""
        self._config, self._count = config, count
        self._switch: Switch | None = None
        self._phones: Known[Phone] = Known(_MOST_PHONES, _MOST_OF_ONE)
        self._watchers: Known[Watcher] = Known(_MOST_WATCHERS, _MOST_WATCHERS)
        self._all_known = False  # all subscriptions were read from FreeSWITCH's tables
        self._told: dict[User, State] = {}  # to all phones and lamps of the user
        self._asked: dict[User, tuple[float, State]] = {}  # when, and what was the answer
        self._due: dict[User, bool] = {}  # to be told; True: even if nothing changed
        self._written: dict[str, str] = {}  # domain in small letters → as the directory writes it
        self._everybody = False  # whoever has something new is to be told
        self._something_due = Flag()
        self._working: gevent.Greenlet | None = None
        self._token = secrets.token_hex(16)  # the id of a channel would send an event there

    # --- what happens ----------------------------------------------------------------------------

    def on_login(self, switch: Switch) -> None:
        """Everything is told anew: a restart of FreeSWITCH or of the daemon tells nobody anything."""
        self._switch = switch
        if not self._working:
            self._working = gevent.spawn(self._work)
        self._read_subscriptions()
        self._all_due(True)

    def on_event(self, headers: Headers) -> None:
        """One of `events.HEARD`."""
        name = headers.get(e.NAME)
        if name == e.RELOADED:
            self._everybody = True
            self._something_due.set()
        elif name == e.PROBE:
            self._probed(headers)
        elif name == e.SUBSCRIBED and self._config().switch.feature_keys != "off":
            self._subscribed(headers)

    def changed(self, user: User) -> None:
        """A code changed what is stored for `user`, as the directory writes that user."""
        if self._switch:
            self._due[user.folded] = True
            self._something_due.set()

    def reloaded(self) -> None:
        """The configuration is another one."""
        if self._switch:
            gevent.spawn(self._safely, self._all_due, True)

    # --- keys ------------------------------------------------------------------------------------

    def _subscribed(self, headers: Headers) -> None:
        event = features.subscribed(headers)
        user = self._drive(features.user_at(event.user, event.host)) if event else None
        if not event or not user:
            return
        phone = Phone(event.profile, event.user, event.host)
        if event.expires:
            self._phones.remember(phone, phone, user, time.monotonic() + event.expires + _GRACE)
        done = bool(event.wanted) and self._set(event, user, event.wanted)
        if done:
            self._tell(user, True)
            return
        to = {**phone._asdict(), "call-id": event.call_id}
        self._send(features.told(self._state(user), to))
        if event.wanted and event.wanted.do_not_disturb and self._config().preset != "fusionpbx":
            self._send([features.not_disturbed(to)])

    def _set(self, event: Subscribed, user: User, wanted: Wanted | None) -> bool:
        """Do what a key wants, if it is proven whose it is; whether anything is another than before."""
        assert wanted
        config = self._config().for_domain(user.domain)
        why = self._why_not(event, user, wanted)
        if why:
            self._refused(event, user, why)
            return False
        outcome = patiently(lambda: self._request(event, user, wanted, config), self._ask)
        log.code(event.call_id, outcome, config.log)
        self._count("keys", "done" if outcome.changed else "refused")
        return outcome.changed

    def _request(self, event: Subscribed, user: User, wanted: Wanted, config: Config) -> Way[codes.Outcome]:
        assert wanted.code
        request = yield from features.request_of(event, wanted.code, user, wanted.said)
        return (yield from codes.ask(request, config.codes))

    def _why_not(self, event: Subscribed, user: User, wanted: Wanted) -> str:
        config = self._config()
        if config.switch.feature_keys != "set":
            return f'switch.feature_keys is "{config.switch.feature_keys}"'
        if not config.for_domain(user.domain).codes.enabled:
            return codes.DISABLED
        if wanted.do_not_disturb:
            return wanted.why_not
        asked = proof.Asked(event.user, event.host, event.call_id, event.expires, event.now)
        try:
            found = database.look_up(config.switch.database, event.profile, event.machine, event.user)
        except database.Missing as error:
            return f"switch.database cannot be read: {error}"
        result = proof.key_pressed(asked, user, *found)
        if result.why_not:
            self._count("keys", "forged")
            why = f"nothing proves that it is the phone of {user}: {result.why_not}"
            return f"{why}; it came from {result.address}"
        return wanted.why_not

    def _refused(self, event: Subscribed, user: User, why: str) -> None:
        config = self._config()
        if "nothing proves" not in why:
            self._count("keys", "refused")
        show = log.shown_as(config.log)
        said = show(event.wanted.said) if event.wanted else ""
        text = f"{log.word(event.call_id)} {said} of {user.name}@{user.domain}: refused, {show(why)}"
        log.KEYS(f"{user.name}@{user.domain} {why}", text)

    # --- lamps -----------------------------------------------------------------------------------

    def _probed(self, headers: Headers) -> None:
        one = lamps.watcher(headers)
        if one:
            user = self._watched(one)
            if user:
                self._light(one, self._state(user, _FRESH), self._config().for_domain(user.domain))

    def _watched(self, one: Watcher) -> User | None:
        """Whose lamp it is, if it may be watched; it is remembered, then, or forgotten."""
        user = self._drive(features.user_at(one.lamp.ext, one.lamp.host))
        if not user or not one.expires or not self._may_watch(one, user):
            self._watchers.forget(one.call_id)
            return None
        self._watchers.remember(one.call_id, one, user, time.monotonic() + one.expires + _GRACE)
        return user

    def _may_watch(self, one: Watcher, user: User) -> bool:
        config = self._config()
        own = config.for_domain(user.domain)
        if lamps.open_to_all(own.codes):
            who: User | None = User(one.user, user.domain if one.host == one.lamp.host else one.host)
            if one.host != one.lamp.host:
                who = self._drive(features.user_at(one.user, one.host))
            return self._drive(lamps.may_watch(who, False, user, own))
        who = self._drive(features.user_at(one.user, one.host))
        if not who or not config.switch.database:
            return False
        asked = proof.Asked(one.user, one.host, one.call_id, one.expires, one.now)
        try:
            found = database.look_up(config.switch.database, one.profile, "", one.user)
        except database.Missing as error:
            log.KEYS("switch.database", f"switch.database cannot be read, so nobody may watch: {error}")
            return False
        return self._drive(lamps.may_watch(who, proof.watches(asked, who, *found), user, own))

    def _light(self, one: Watcher, state: State, config: Config) -> None:
        on = lamps.is_on(state, one.lamp.number, config.display.lamp_kinds)
        self._send([lamps.shown(one.lamp, on, self._token, one.call_id)])

    def _light_all(self, user: User, state: State, before: State) -> None:
        """Every lamp of a user: at each subscription that is known, before that at all where some are not."""
        config = self._config().for_domain(user.domain)
        kinds = config.display.lamp_kinds
        if lamps.open_to_all(config.codes) and not self._all_known:
            states = [known for known in (before, state) if known]
            numbers = dict.fromkeys(known[kind].target for known in states for kind in kinds)
            # A second "+" begins a host: nobody can watch such a number.
            for number in ("", *(one for one in numbers if one and "+" not in one)):
                lamp = Lamp(user.name, number, self._written.get(user.domain, user.domain))
                self._send([lamps.shown(lamp, lamps.is_on(state, number, kinds), self._token)])
        for one in self._watchers.of(user, time.monotonic()):
            self._light(one, state, config)

    # --- all of them -----------------------------------------------------------------------------

    def _all_due(self, even_the_same: bool) -> None:
        """Every user of the directory, and all who have phones or watchers, or had a forward."""
        listed = _in_thread(features.users_in, self._api("list_users", _LONG_LIST))
        if not listed:
            listed = features.registered_in(self._api("show registrations as json"))
        until = time.monotonic() + _LONG
        for user, profiles in listed:
            for profile in profiles:
                phone = Phone(profile, user.name, user.domain)
                if phone not in self._phones.of(user.folded, 0):
                    self._phones.remember(phone, phone, user.folded, until)
        known = [*self._told, *self._phones.users(), *self._watchers.users()]
        self._written = {user.domain.lower(): user.domain for user, _ in listed}
        for user in dict.fromkeys((*(user.folded for user, _ in listed), *known)):
            self._due[user] = even_the_same or self._due.get(user, False)
        self._something_due.set()

    def _read_subscriptions(self) -> None:
        """Who subscribed before we were there, from FreeSWITCH's tables, where they can be read."""
        directory, self._all_known = self._config().switch.database, False
        if not directory:
            return
        try:
            rows = database.subscriptions(directory)
        except database.Missing as error:
            logger.warning("switch.database cannot be read: {}", log.one_line(str(error)))
            return
        for row in rows:
            self._remember(row)
        self._all_known = True

    def _remember(self, row: proof.Subscription) -> None:
        left = int(row.expires - time.time())
        if row.event == proof.FEATURE:
            user = self._drive(features.user_at(row.sip_user, row.sip_host))
            phone = Phone(row.profile, row.sip_user, row.sip_host)
            if user:
                self._phones.remember(phone, phone, user, time.monotonic() + left + _GRACE)
        lamp = lamps.lamp_of(f"{row.proto}+{row.sub_to_user}@{row.sub_to_host}")
        if lamp:
            now = str(int(time.time()) * 1_000_000)
            self._watched(Watcher(row.call_id, lamp, row.sip_user, row.sip_host, row.profile, left, now))

    def _work(self) -> None:
        """Tell who is due, one after the other."""
        while True:
            self._something_due.wait()
            self._something_due.clear()
            if self._everybody:
                self._everybody = False
                self._safely(self._all_due, False)
            while self._due:
                user, force = self._due.popitem()
                self._safely(self._tell, user, force)
                gevent.sleep(0)  # calls need a turn

    def _safely(self, do: Callable[..., None], *arguments: object) -> None:
        try:
            do(*arguments)
        except Late as error:
            error.warn()
        except SwitchGone:
            pass  # the next login tells everybody
        except Exception as error:
            log.defect("internal error in fsdaemon, at keys and lamps", error)

    def _tell(self, user: User, force: bool) -> None:
        """Tell all phones and lamps of a user; only what is new, unless `force`."""
        before = self._told.get(user, {})
        self._told.pop(user, None)  # or this answer would be new to it
        self._told[user] = state = self._state(user)
        if state == before and not force:
            return
        if self._config().switch.feature_keys != "off":
            for phone in self._phones.of(user, time.monotonic()):
                self._send(features.told(state, phone._asdict()))
        self._light_all(user, state, before)

    def _state(self, user: User, fresh: float = 0.0) -> State:
        """What is in effect; an answer may be so many seconds old. What is new is told to all, soon."""
        now, (asked, state) = time.monotonic(), self._asked.get(user, (0.0, {}))
        if not state or now - asked > fresh:
            state = self._drive(features.state_of(user, self._config().for_domain(user.domain)))
            self._asked[user] = now, state
            if self._told.get(user, state) != state:
                self._due[user] = True
                self._something_due.set()
        return state

    # --- FreeSWITCH ------------------------------------------------------------------------------

    def _drive(self, way: Way[_Result]) -> _Result:
        return drive(way, self._ask)

    def _ask(self, questions: Sequence[Api]) -> list[str]:
        return [self._api(question.command) for question in questions]

    def _api(self, command: str, seconds: float = 0.0) -> str:
        if not self._switch:
            raise SwitchGone("not connected")
        return clean(self._switch.api(command, seconds))

    def _send(self, events: Iterable[Event]) -> None:
        if self._switch:
            for event in events:
                self._switch.send_event(event.name, event.headers)


def _in_thread(read: Callable[[str], _Result], text: str) -> _Result:
    """Calls need a turn while megabytes are read."""
    result: _Result = gevent.get_hub().threadpool.apply(read, (text,))
    return result
