"""Findings about [switch]: the daemon's login at FreeSWITCH's event socket, as docs/switch.md sets it up.

Rule: pure. Nothing logs in, and no password is compared: the daemon itself says what it was told.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fsdaemon.config.reader import Config
from fsdaemon.core.users import User, user_of
from fsdaemon.doctor.facts import Entry, Facts, Place
from fsdaemon.doctor.finding import RELOAD, Finding
from fsdaemon.terms import events


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about it."""
    login = config.switch
    if not (login.address and login.user) or facts.files.broken or facts.files.elsewhere("directory"):
        return
    user = user_of(login.user, "")
    entry = next((one for one in facts.files.users if User(one.id, one.domain).same(user)), None)
    if not entry:
        domains = sorted({one.domain for one in facts.files.users})
        what = f"switch.user {login.user} is not in the directory"
        other = f" (its domains: {', '.join(domains[:3])})" if domains else ""
        place = Place(posixpath.join(facts.conf, "directory"))
        yield Finding("login", f"{what}{other}.", place, f"docs/switch.md has its entry; then {RELOAD}.")
        return
    yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[Finding]:
    if "esl-password" not in entry.params:
        what = f"{entry.id} has no esl-password: the daemon cannot log in."
        yield Finding("login", what, entry.place, f"docs/switch.md has its entry; then {RELOAD}.")
    if "password" not in entry.params and entry.params.get("sip-forbid-register") is None:
        what = f"Anybody can register as {entry.id} and make calls: it has no SIP password."
        mend = f'Add <param name="sip-forbid-register" value="true"/>, then {RELOAD}.'
        yield Finding("login", what, entry.place, mend)
    allowed = entry.params.get("esl-allowed-events")
    if allowed:
        words = allowed.text.replace(",", " ").split()
        missing = [one for one in events.HEARD if one not in words and "ALL" not in words]
        if missing:
            what = f"{entry.id} may not have the events {', '.join(missing)}: the daemon cannot log in."
            yield Finding("login", what, allowed.place, f"Add them to esl-allowed-events, then {RELOAD}.")
