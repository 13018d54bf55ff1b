"""Findings about the dialplan: is our context there, does anything call it, and does it come in time.

Rule: pure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fsdaemon.config.reader import Config
from fsdaemon.core import busy
from fsdaemon.core.users import User, plain
from fsdaemon.doctor.facts import (
    CODES,
    CONTEXT,
    COUNTS,
    SCRIPTS,
    USERS,
    Entry,
    Extension,
    Facts,
    Include,
    Place,
)
from fsdaemon.doctor.finding import RELOAD, Finding
from fsdaemon.doctor.matching import before, takes
from fsdaemon.doctor.preprocess import DENIED

LOCAL = "Local_Extension"  # of FreeSWITCH's example configuration
_USUAL = "/usr/share/fsdaemon/freeswitch/dialplan"
_CODE = "*21*1001#"
_ASKED = 200  # users whose numbers are tried; more would say nothing new


def share(facts: Facts) -> str:
    """Where our dialplan files are."""
    return facts.share or _USUAL


def include_line(facts: Facts) -> str:
    """The line that the example configuration needs."""
    return f'<X-PRE-PROCESS cmd="include" data="{share(facts)}/default/fsdaemon.xml"/>'


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about it."""
    if not facts.files.read or facts.files.broken:
        return
    ours = [one for name, all_ in facts.files.contexts.items() if name != CONTEXT for one in all_ if one.ours]
    denied = any(why == DENIED and "dialplan" in path for path, why in facts.files.unread)
    elsewhere = facts.files.elsewhere("dialplan") and not any(one.asks for one in ours)
    otherwise = _by_socket(ours) or elsewhere or denied or (not ours and _scripts(facts))
    if CONTEXT not in facts.files.contexts and not otherwise:
        yield _no_context(facts)
    if not ours:
        if not facts.files.elsewhere("dialplan") and not denied:
            yield _no_line(facts)
        return
    yield from _order(facts)
    yield from _codes(facts, config)
    yield from _callers(facts)
    yield from _counted(facts, config)


def _scripts(facts: Facts) -> bool:
    """Whether a dialplan that is not the example configuration's runs scripts, each of which may ask."""
    extensions = [one for all_ in facts.files.contexts.values() for one in all_]
    return not any(one.name == LOCAL for one in extensions) and any(
        one.application in SCRIPTS for extension in extensions for one in extension.actions
    )


def _by_socket(ours: list[Extension]) -> bool:
    """Whether a dialplan asks without our context."""
    return any(one.application == "socket" for extension in ours for one in extension.actions) and not any(
        one.asks for one in ours
    )


def _no_context(facts: Facts) -> Finding:
    place = posixpath.join(facts.conf, "dialplan", "fsdaemon.xml")
    for path, why in facts.files.unread:
        if posixpath.basename(path) == "fsdaemon.xml":
            return Finding(
                "context",
                f"The file of the context `{CONTEXT}` cannot be read: {why}.",
                Place(path),
                f"Link or copy {share(facts)}/fsdaemon.xml there, then {RELOAD}.",
            )
    return Finding(
        "context",
        f"FreeSWITCH does not have the context `{CONTEXT}`: no forward is followed, and no code is taken.",
        Place(place),
        f"ln -s {share(facts)}/fsdaemon.xml {place}, then {RELOAD}.",
    )


def _no_line(facts: Facts) -> Finding:
    place, local = _local(facts)
    for lost in facts.files.lost:
        if CONTEXT in lost.text:
            return Finding(
                "line",
                f"The include line is not read: {lost.why}.",
                lost.place,
                f"Write {include_line(facts)} on a line of its own, then {RELOAD}.",
            )
    named = next((one for one in facts.files.includes if CONTEXT in one.pattern and not one.files), None)
    if named:
        return _names_nothing(facts, named)
    before_ = f'directly before <extension name="{LOCAL}">' if local else "before it calls users"
    scripts = _scripts(facts)
    unless = ", unless a script does" if scripts else ""
    return Finding(
        "line",
        f"Nothing in the dialplan calls the context `{CONTEXT}`{unless}: FreeSWITCH does not ask the daemon.",
        place,
        f"Add {include_line(facts)} {before_}, then {RELOAD}. Your own dialplan: docs/dialplan.md.",
        wrong=not scripts,
    )


def _names_nothing(facts: Facts, line: Include) -> Finding:
    return Finding(
        "line",
        f"The include line names {line.pattern}, and that file does not exist or cannot be found.",
        line.place,
        f"Correct the path: {include_line(facts)}, then {RELOAD}.",
    )


def _local(facts: Facts) -> tuple[Place, bool]:
    """Where the include line belongs, and whether the example configuration's extension is there."""
    for extensions in facts.files.contexts.values():
        for one in extensions:
            if one.name == LOCAL:
                return one.place, True
    return Place(posixpath.join(facts.conf, "dialplan")), False


def _order(facts: Facts) -> Iterator[Finding]:
    """Extensions that take users or codes before ours see them."""
    for name, extensions in facts.files.contexts.items():
        asking = next((one for one in extensions if one.asks and not one.goes_on), None)
        if name == CONTEXT or not asking:
            continue
        told = set()
        for number in _numbers(facts, name):
            first = next((e for e in before(extensions, asking) if takes(e, number, facts.modules)), None)
            if first and not first.ours and first.name not in told:
                told.add(first.name)
                yield Finding(
                    "order",
                    f"`{first.name}` takes the calls to {number} before `{asking.name}` in {asking.place}: "
                    "the daemon is not asked about them.",
                    first.place,
                    f"Put our include line before `{first.name}`, then {RELOAD}.",
                    wrong=any("user/" in one.data for one in first.actions),
                )


def _numbers(facts: Facts, context: str) -> list[str]:
    """Users who can be called from a context, as far as the directory's files tell."""
    taken = [one.id for one in facts.files.users if plain(User(one.id, ""))]
    local = any(one.name == LOCAL for one in facts.files.contexts[context])
    return (taken or (["1000"] if local else []))[:_ASKED]


def _codes(facts: Facts, config: Config) -> Iterator[Finding]:
    for extensions in facts.files.contexts.values():
        user = next((one for one in extensions if one.name == USERS), None)
        code = next((one for one in extensions if one.name == CODES), None)
        if not user or not config.codes.enabled:
            continue
        if not code:
            yield Finding(
                "codes",
                "Codes cannot be dialled: fsdaemon_codes.xml is not included.",
                user.place,
                f"Put it beside {posixpath.basename(user.place.file)}, or set codes.enabled = false.",
                wrong=False,
            )
            continue
        first = next((e for e in before(extensions, code) if takes(e, _CODE, facts.modules)), None)
        if first:
            yield Finding(
                "codes",
                f"`{first.name}` takes codes like {_CODE} before `{code.name}` does.",
                first.place,
                f"Put our include line before `{first.name}`, then {RELOAD}.",
            )


def _counted(facts: Facts, config: Config) -> Iterator[Finding]:
    """Whether the calls that users make are counted, where `routing.busy` wants to know."""
    for extensions in facts.files.contexts.values():
        names = {one.name: one.place for one in extensions}
        if busy.wanted(config) and USERS in names and COUNTS not in names:
            what = "routing.busy counts only the calls that users get, not those that they make."
            mend = f"Include {share(facts)}/default/fsdaemon_busy.xml first in this context (docs/busy.md)."
            yield Finding("busy", what, names[USERS], mend, wrong=False)


def _leading_to_us(facts: Facts) -> set[str]:
    """Contexts that ask, and those that hand calls on to one of them."""
    contexts = facts.files.contexts
    asking = {name for name, all_ in contexts.items() if any(one.ours for one in all_)}
    onward = {
        name: {
            action.data.split()[-1]
            for one in all_
            for action in one.actions
            if action.application in ("transfer", "execute_extension") and len(action.data.split()) > 2
        }
        for name, all_ in contexts.items()
    }
    for _ in contexts:
        asking |= {name for name, to in onward.items() if to & asking}
    return asking


def _callers(facts: Facts) -> Iterator[Finding]:
    """Users whose calls begin in a context that never asks."""
    asking = _leading_to_us(facts)
    found: dict[str, list[Entry]] = {}
    for one in facts.files.users:
        context = one.variable("user_context")
        if context and context not in asking and context in facts.files.contexts:
            found.setdefault(context, []).append(one)
    for context, users in found.items():
        names = ", ".join(one.id for one in users[:3]) + (f" and {len(users) - 3} more" if users[3:] else "")
        value = users[0].variables["user_context"]
        yield Finding(
            "callers",
            f"Calls of {names} begin in the context `{context}`, which never asks.",
            value.place,
            f"If they may call users: put our include line into `{context}`, too.",
            wrong=False,
        )
