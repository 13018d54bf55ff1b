"""Forwards dialled on the phone (3GPP TS 22.030): what a code means, and what becomes of the stored line.

Rule: pure. A user's line is one row of FreeSWITCH's db, with an entry for each kind for which something was
dialled: `;21=on:1001`, `;61=off:1002:20` (off, but number and seconds are kept), `;67=off` (the directory's
forward is off). `dial` yields what has to be asked of FreeSWITCH, in order, and is sent the answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fsdaemon.config.reader import Codes, Config
from fsdaemon.core import own, rows
from fsdaemon.core.questions import Way
from fsdaemon.terms import variables as v
from fsdaemon.terms.causes import STRONGEST
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.kinds import KINDS, SERVICES
from fsdaemon.terms.numbers import dialable, is_domain

_CONDITIONAL = tuple(service for service, kind in SERVICES.items() if kind in STRONGEST)
_SERVICES = {**{service: (service,) for service in SERVICES}, "002": tuple(SERVICES), "004": _CONDITIONAL}
_CODES = "|".join(SERVICES)
CODE = "code"  # fsdaemon_stage, where a code was dialled
SET, ON, OFF, ERASE, ASK, TOGGLE = "set", "on", "off", "erase", "ask", "toggle"
_LAMP = re.compile(r"forward\+([\w.*#-]+)(?:/(\+?[\w.-]{1,32}))?", re.ASCII)
_PREFIXES = {"#": OFF, "##": ERASE, "*#": ASK}
_STARS = {"**0": OFF, "**1": ON, "**2": ASK, "**9": ERASE}  # for phones that send no "#"

_CODE = re.compile(rf"(\*\*?|##?|\*#)({_CODES}|{own.SERVICE}|00[24])(.*)", re.DOTALL)
# Behind a number stand the basic service (TS 22.030 annex C: 10 and 11 are speech) and the seconds.
_NUMBER = re.compile(
    rf"\*(?P<number>{own.NUMBER})(?:\*1[01]|\*(?:1[01])?\*(?P<seconds>[5-9]|[12][0-9]|30))?#?", re.ASCII
)
_BARE = re.compile(r"(?:\*\*?1[01])?#?")
_ENTRY = re.compile(rf"({_CODES})=(on|off)(?::([^:]+))?(?::([0-9]+))?")
_SHOWN = re.compile(r"[\w.*#@+() -]+", re.ASCII)
_DIRECTORY = [f"call_forward_{KINDS[kind].variable}" for kind in SERVICES.values()]
DISABLED = "codes.enabled is false"


class Code(NamedTuple):
    """What a user dialled."""

    do: str  #: SET, ON, OFF, ERASE, ASK, TOGGLE, or what own.py does; empty: it looks like a code only
    service: str  #: 21, 67, 61, 62, or 002 for all of them, 004 for all but 21; 64: the user's own exceptions
    number: str = ""
    seconds: str = ""  #: how long the phone rings first; 61 only
    owner: str = ""  #: whose forward, where the code says so


def parse(dialled: str) -> Code | None:
    """What `dialled` means; None where it is not a code of ours (`**1001` picks up a call, `*8`, `*69` …)."""
    if dialled.startswith("forward+"):  # what a lamp watches, many phones dial when its key is pressed
        key = _LAMP.fullmatch(dialled)
        return Code(TOGGLE, "21", key[2] or "", owner=key[1]) if key else Code("", "21")
    match = _CODE.fullmatch(dialled)
    if not match or not (match[3] == "" or match[3][0] in "*#"):
        return None
    prefix, service, rest = match.groups()
    if (prefix == "**" and rest == "") or (prefix[:1] == "*" and prefix != "*#" and service == "002"):
        return None
    return _meaning(prefix, service, rest) or Code("", service)


def _meaning(prefix: str, service: str, rest: str) -> Code | None:
    if service == own.SERVICE:
        found = own.parse(prefix, rest)
        return Code(found[0], service, found[1]) if found else None
    if prefix in _PREFIXES:
        return Code(_PREFIXES[prefix], service) if _BARE.fullmatch(rest) else None
    if prefix == "*" and service == "21" and rest in ("**00", "**99"):
        return Code(OFF if rest == "**00" else ERASE, "002")
    if prefix == "*" and (rest in ("", "#") or re.fullmatch(r"\*\*1[01]#", rest)):
        return Code(ON, service)
    if prefix == "*" and rest in _STARS:
        return Code(_STARS[rest], service)
    match = _NUMBER.fullmatch(rest)
    if not match or (match["seconds"] and service not in ("61", "004")):
        return None
    return Code(SET, service, match["number"], match["seconds"] or "")


def toggled(code: Code, entries: Line, directory: Mapping[str, str]) -> Code:
    """The key of a lamp turns the forward off if the lamp is lit, else on; other codes are as they are."""
    if code.do != TOGGLE:
        return code
    target = in_effect((code.service,), entries, directory).get(code.service)
    if target == code.number or (target and not code.number):
        return code._replace(do=OFF, number="")
    return code._replace(do=SET if code.number else ON)


class Entry(NamedTuple):
    """What a user dialled for one kind of forward."""

    on: bool
    number: str = ""
    seconds: str = ""

    @property
    def target(self) -> str:
        """Where the forward leads; empty if it is off."""
        return self.number if self.on else ""


Line = Mapping[str, Entry]  # service → entry, in the order in which they were dialled


def _entries(line: str) -> dict[str, Entry]:
    found = {}
    for part in line.split(";"):
        match = _ENTRY.fullmatch(part)
        if match:
            found[match[1]] = Entry(match[2] == "on", match[3] or "", match[4] or "")
    return found


def read(line: str) -> dict[str, Entry]:
    """A stored line: kind of forward → what was dialled for it. Never raises."""
    return {SERVICES[service]: entry for service, entry in _entries(line).items()}


def write(entries: Line) -> str:
    """The line for `entries`; empty for none."""
    words = {
        service: ("on" if entry.on else "off", entry.number, entry.seconds)
        for service, entry in entries.items()
    }
    return "".join(f";{service}={':'.join(filter(None, parts))}" for service, parts in words.items())


def changed(code: Code, entries: Line, directory: Mapping[str, str]) -> dict[str, Entry] | None:
    """The entries after `code`; None where there is nothing that could be turned on.

    `directory` has the forwards of the user's directory entry by service. One kind: OFF keeps the number, ON
    takes it again, or gives the directory's forward back, and so does ERASE. Several kinds (002, 004): OFF
    and ERASE turn off what the directory forwards, too.
    """
    services = _SERVICES[code.service]
    if code.do == ASK:
        return dict(entries)
    if code.do == ON:
        return _turned_on(services, entries, directory)
    if code.do == SET:
        kept = {service: entry for service, entry in entries.items() if service not in services}
        return {
            **kept,
            **{one: Entry(True, code.number, code.seconds if one == "61" else "") for one in services},
        }
    if len(services) > 1:
        kept = {
            service: entry._replace(on=False) if service in services else entry
            for service, entry in entries.items()
            if not (code.do == ERASE and service in services)
        }
        return {**kept, **{one: Entry(False) for one in services if directory.get(one) and one not in kept}}
    (service,) = services
    kept = {one: entry for one, entry in entries.items() if one != service}
    if code.do == OFF and entries.get(service, Entry(False)).number:
        kept[service] = entries[service]._replace(on=False)
    elif code.do == OFF and directory.get(service):
        kept[service] = Entry(False)
    return kept


def _turned_on(
    services: tuple[str, ...], entries: Line, directory: Mapping[str, str]
) -> dict[str, Entry] | None:
    stored = {
        one: entries[one]._replace(on=True) for one in services if one in entries and entries[one].number
    }
    given_back = [one for one in services if one not in stored and directory.get(one)]
    if not stored and not given_back:
        return None
    kept = {one: entry for one, entry in entries.items() if one not in stored and one not in given_back}
    return {**kept, **stored}


def in_effect(services: tuple[str, ...], entries: Line, directory: Mapping[str, str]) -> dict[str, str]:
    """Service → where it leads now, for those that lead anywhere."""
    targets = {one: entries[one].target if one in entries else directory.get(one, "") for one in services}
    return {one: target for one, target in targets.items() if target}


def text_of(code: Code, targets: Mapping[str, str], words: Codes) -> str:
    """What the phone shows: what is in effect after `code`."""
    services, different = _SERVICES[code.service], set(targets.values())
    if not targets and code.service == "002":
        return words.all_off
    name = words.conditional if code.service == "004" else ""
    if len(services) == 1 or not targets:
        name = name or getattr(words, SERVICES[services[0]])
    if name and (not targets or (len(targets) == len(services) and len(different) == 1)):
        return _sentence(name, next(iter(targets.values()), ""), words)
    return ", ".join(
        _sentence(getattr(words, SERVICES[one]), target, words) for one, target in targets.items()
    )


def _sentence(name: str, target: str, words: Codes) -> str:
    if not target:
        return f"{name} {words.off}"
    return f"{name} {words.to} {target}" if _SHOWN.fullmatch(target) else name


def may_lead_to(number: str, is_user: bool, toll_allow: str, targets: tuple[str, ...]) -> bool:
    """Whether a code may forward to `number`: another user, or what `codes.targets` names."""
    if is_user:
        return True
    classes = set(re.split(r"[\s,]+", toll_allow))
    for target in targets:
        expression, _, needed = target.partition(" ")
        if (not needed or needed in classes) and re.fullmatch(expression, number, re.ASCII):
            return True
    return False


# --- with FreeSWITCH --------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What became of a code."""

    values: dict[v.Header, str]  #: channel variables: what one hears and sees
    sentence: str  #: one line for the log
    busy: bool = False  #: somebody else changes this line now; try again in a moment, or refuse
    changed: bool = False  #: what is stored for `user` is new
    user: str = ""
    domain: str = ""


class Request(NamedTuple):
    """What an established user asks for, by a code or with a key of the phone."""

    code: Code
    user: str  #: the id in the directory
    domain: str
    said: str  #: how it was asked for, for the log
    toll_allow: str
    key: str  #: names it in the lock


def select(user: str, domain: str) -> str:
    """The command that reads a user's line."""
    return rows.select(rows.forwards(domain), user)


def dial(headers: Headers, config: Config) -> Way[Outcome]:
    """The way of one code: yields commands for FreeSWITCH, is sent their answers, returns the outcome.

    Only a user whom FreeSWITCH authenticated, and who dialled it personally: a callee could send a caller
    here, with a 302 or a transfer, on the caller's own channel. Two fields say so, since
    switch_ivr_session_transfer sets transfer_source when the channel is on its way already, and rdnis is
    empty after a transfer out of execute_extension (seen on 1.10.12).
    """
    dialled = headers.get(v.DESTINATION)
    user, domain = headers.get(v.USER_NAME), headers.get(v.AUTH_DOMAIN) or headers.get(v.DOMAIN_NAME)
    known = dialable(user) and "@" not in user and is_domain(domain)
    if headers.get(v.AUTHORIZED) != "true" or not known:
        return _rejected(dialled, "FreeSWITCH did not authenticate the user")
    if headers.get(v.RDNIS) or headers.get(v.TRANSFER_SOURCE):
        return _rejected(dialled, f"{user}@{domain} was transferred to it")
    config = config.for_domain(domain)
    (user,) = yield [Api(f"user_data {user}@{domain} attr id")]
    code = parse(dialled) or Code("", "")
    if not config.codes.enabled:
        return _refused(f"code {dialled}", user, domain, code, config.codes, DISABLED)
    if not code.do or not dialable(user) or code.owner.lower() not in ("", user.lower()):
        why = "it is another user's" if code.owner else "not a code"
        return _refused(f"code {dialled}", user, domain, code, config.codes, why)
    key = rows.key_of(headers.get(v.UUID), headers.get(v.NOW))
    request = Request(code, user, domain, f"code {dialled}", headers.get(v.TOLL_ALLOW), key)
    if code.service != own.SERVICE:
        return (yield from ask(request, config.codes))
    if not config.codes.exceptions:
        return _refused(request.said, user, domain, code, config.codes, "codes.exceptions is false")
    return (yield from _Way(request, config.codes).exceptions(config.numbers.ways))


def ask(request: Request, words: Codes) -> Way[Outcome]:
    """The way of one request about forwards: judged, and stored under the lock."""
    return _Way(request, words).run()


class _Way:
    """One request of an established user."""

    def __init__(self, request: Request, words: Codes) -> None:
        self.request, self.words = request, words
        self.code, self.user, self.domain = request.code, request.user, request.domain
        self.services = _SERVICES.get(self.code.service, ())
        self.lock = rows.Lock(self.user, self.domain, request.key)

    def run(self) -> Way[Outcome]:
        first = self.lock.take()
        if self.code.do == ASK:
            first = [Api(rows.count(rows.forwards(self.domain)))]
        at = f"{self.user}@{self.domain}"
        asked = [Api(f"user_data {at} var {name}") for name in _DIRECTORY]
        answers = yield [*first, Api(select(self.user, self.domain)), *asked]
        why = self._why_not_now(answers[len(first) - 1])
        if why:
            yield self.lock.free
            return self._refused(why)
        entries, directory = _entries(answers[len(first)]), dict(zip(SERVICES, answers[len(first) + 1 :]))
        return (yield from self._change(entries, directory))

    def exceptions(self, ways: tuple[str, str, str]) -> Way[Outcome]:
        """The same for a code that is about the user's own exceptions."""
        code, words = self.code, self.words
        changed = yield from own.change(code.do, code.number, self.domain, self.lock, ways)
        if changed.why:
            return self._refused(changed.why)
        text = f"{words.own} {', '.join(changed.numbers)}" if changed.numbers else words.own_none
        asks = code.do == own.QUERY
        say = (yield from self._say(dict(enumerate(changed.numbers)))) if asks else ""
        return self._told(text, asks and not changed.numbers, say)

    def _why_not_now(self, answer: str) -> str:
        """Why nothing can be read or changed: FreeSWITCH's db is away, or somebody else holds the line."""
        if self.code.do == ASK:
            return "" if answer.isdigit() else rows.AWAY
        return self.lock.why_not(answer)

    def _change(self, entries: Line, directory: Mapping[str, str]) -> Way[Outcome]:
        self.code = toggled(self.code, entries, directory)
        new = changed(self.code, entries, directory)
        why = yield from self._why_not(new, entries)
        if self.code.do == ASK:
            pass
        elif why:
            yield self.lock.free
        else:
            why = yield from self.lock.store(rows.forwards(self.domain), write(new or {}))
        if why:
            return self._refused(why)
        targets = in_effect(self.services, new or {}, directory)
        say = (yield from self._say(targets)) if self.code.do == ASK else ""
        return self._done(targets, say)

    def _why_not(self, new: Line | None, entries: Line) -> Way[str]:
        """Why the code is refused; empty if it is not."""
        if new is None:
            return "there is no number to turn on"
        fresh = {new[one].target for one in self.services if one in new and new[one] != entries.get(one)}
        if self.code.do == SET:
            fresh = {self.code.number}
        for number in sorted(fresh - {""}):
            found = ""
            if dialable(number):
                (found,) = yield [Api(f"user_data {number}@{self.domain} attr id")]
            may = may_lead_to(number, bool(found), self.request.toll_allow, self.words.targets)
            if found.lower() == self.user.lower() or not may:
                return f"{number} is not a number to forward to (codes.targets)"
        return ""

    def _say(self, targets: Mapping[Any, str]) -> Way[str]:
        """The digits of the target for the application `say`, if FreeSWITCH can say them."""
        language, different = self.words.language, set(targets.values())
        number = different.pop() if len(different) == 1 else ""
        if not (language and dialable(number) and "@" not in number):
            return ""
        module, prefix = yield [Api(f"module_exists mod_say_{language}"), Api("global_getvar sound_prefix")]
        (there,) = yield [Api(f"file_exists {prefix}/digits/8000/0.wav")]
        return f"{language} name_spelled pronounced {number}" if module == there == "true" else ""

    def _refused(self, why: str) -> Outcome:
        refused = _refused(self.request.said, self.user, self.domain, self.code, self.words, why)
        return refused._replace(busy=why == rows.BUSY)

    def _done(self, targets: Mapping[str, str], say: str) -> Outcome:
        told = self._told(text_of(self.code, targets, self.words), self.code.do == ASK and not targets, say)
        return told._replace(changed=self.code.do != ASK, user=self.user, domain=self.domain)

    def _told(self, text: str, off: bool, say: str) -> Outcome:
        tone = self.words.tone_off if off else self.words.tone_done
        sentence = f"{self.request.said} of {self.user}@{self.domain}: {text}"
        return Outcome(_played(text, self.code, tone, say), sentence)


def _refused(said: str, user: str, domain: str, code: Code, words: Codes, why: str) -> Outcome:
    values = _played(words.refused, code, words.tone_refused, "")
    return Outcome(values, f"{said} of {user}@{domain}: refused, {why}")


def _rejected(dialled: str, why: str) -> Outcome:
    return Outcome({v.PLAY: "m:!:hangup:CALL_REJECTED"}, f"code {dialled}: rejected, {why}")


def _played(text: str, code: Code, tone: str, say: str) -> dict[v.Header, str]:
    """What one hears and sees: applications for the dialplan `inline` (mod_dptools.c)."""
    number = f"*{code.service}"
    steps = ["answer", f"send_display:{text}|{number}", "sleep:300", f"gentones:{tone}"]
    steps += [f"say:{say}"] if say else []
    steps += ["sleep:300", "hangup:NORMAL_CLEARING"]
    return {v.PLAY: "m:!:" + "!".join(steps), v.CALLEE_SHOWN: text, v.CALLEE_NUMBER_SHOWN: number}
