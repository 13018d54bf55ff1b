"""Findings about FreeSWITCH itself: files it cannot read, modules, version, and what it has not read again.

Rule: pure.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from fsdaemon import __version__
from fsdaemon.config.reader import Config
from fsdaemon.doctor.dialplan import share
from fsdaemon.doctor.facts import CODES, CONTEXT, Facts, Place, Running
from fsdaemon.doctor.finding import RELOAD, Finding
from fsdaemon.doctor.preprocess import DENIED

OLDEST = (1, 8, 7)  # docs/compatibility.md
_PARTS = ("dialplan", "directory", CONTEXT)  # of a path: files that concern us
_OURS = f"{CONTEXT}.xml"
_VALUE = re.compile(r"(?<==)(\"[^\"]*\"|'[^']*')")  # may be a password


class Needed(NamedTuple):
    """A module, and what does not work without it."""

    module: str
    without: str
    uses: str = ""  #: only where an application or argument of the dialplan has this expression


_NEEDED = (
    Needed("mod_event_socket", "FreeSWITCH cannot ask the daemon"),
    Needed("mod_dialplan_xml", "FreeSWITCH does not read the dialplan"),
    Needed("mod_dptools", "no call can be bridged or forwarded"),
    Needed("mod_commands", "the dialplan cannot look up users"),
    Needed("mod_hash", "redial and the count of calls (routing.busy) do not work", r"\$\{hash\(|^limit "),
    Needed("mod_loopback", "the mailbox does not take a call", r"loopback/"),
    Needed("mod_voicemail", "nobody takes a call that is not answered: there are no mailboxes", r"voicemail"),
    Needed("mod_lua", "the dialplan's scripts do not run", r"^lua "),
    Needed("mod_tone_stream", "the tones of *4 are not heard", r"tone_stream://"),
)


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about it."""
    yield from _conf(facts)
    yield from _readable(facts)
    yield from _lost(facts)
    yield from _modules(facts, config)
    yield from _version(facts)
    yield from _daemon(facts)
    yield from _reload(facts)
    yield from _copies(facts)
    yield from _fusionpbx(facts)
    yield from _delay(facts)


def _conf(facts: Facts) -> Iterator[Finding]:
    if not facts.conf:
        yield Finding(
            "conf",
            "FreeSWITCH's configuration was not found.",
            None,
            "fsdaemon doctor --freeswitch DIR, the directory with freeswitch.xml in it.",
        )
    elif facts.files.broken:
        place, what = facts.files.broken
        line = next((one.place for one in facts.files.includes if one.pattern == place.file), None)
        comment = (
            f" Is the include line {line} in a comment? FreeSWITCH follows it there: delete it."
            if line
            else ""
        )
        yield Finding(
            "xml",
            f"This is not XML: {what}. FreeSWITCH keeps what it read before, or does not start.",
            place,
            f"Correct the line, or the element that is open there; then {RELOAD}.{comment}",
        )


def _concerns(path: str) -> bool:
    return any(part in path for part in _PARTS)


def _apart(path: str, why: str) -> bool:
    """Whether nothing is said about the file elsewhere: of our context only if its file is not there."""
    return why == DENIED or posixpath.basename(path) != _OURS


def _readable(facts: Facts) -> Iterator[Finding]:
    for path, why in facts.closed:
        if _concerns(path):
            yield Finding(
                "closed",
                f"FreeSWITCH runs as {facts.user}, and may not read this: {why}.",
                Place(path),
                f"chmod a+r {path}, and a+x for each directory above it; then {RELOAD}.",
            )
    for path, why in facts.files.unread:
        top = path == posixpath.join(facts.conf, "freeswitch.xml")
        if top:
            yield Finding(
                "conf",
                f"FreeSWITCH's configuration cannot be read: {why}.",
                Place(path),
                "Run fsdaemon doctor as root, or as FreeSWITCH's user; or name --freeswitch DIR.",
            )
        elif _concerns(path) and path not in dict(facts.closed) and _apart(path, why):
            yield Finding(
                "file",
                f"A file of FreeSWITCH's cannot be read: {why}.",
                Place(path),
                "Look whether FreeSWITCH can; or run fsdaemon doctor as root.",
                wrong=False,
            )


def _lost(facts: Facts) -> Iterator[Finding]:
    for one in facts.files.lost:
        if _concerns(one.place.file):
            yield Finding(
                "lost",
                f"{one.why}: {_VALUE.sub('...', one.text)[:60]}",
                one.place,
                f"Correct the line, with each element on a line of its own, then {RELOAD}.",
                wrong=False,
            )


def _modules(facts: Facts, config: Config) -> Iterator[Finding]:
    loaded = facts.modules
    if loaded is None or facts.files.broken:
        return
    texts = [
        f"{a.application} {a.data}"
        for all_ in facts.files.contexts.values()
        for e in all_
        if e.ours or e.name in ("mailbox", "att_xfer")
        for a in e.actions
    ]
    for module, without in _wanted(texts, facts, config):
        if module in loaded:
            continue
        place = facts.files.modules.get(module)
        named = place is not None
        mend = f"fs_cli -x 'load {module}' says why." if named else f'<load module="{module}"/> there.'
        if named:
            mend = f"It is named there and not loaded: {mend} Perhaps its package is missing."
        else:
            place = Place(posixpath.join(facts.conf, "autoload_configs", "modules.conf.xml"))
        yield Finding("module", f"{module} is not loaded: {without}.", place, mend)


def _wanted(texts: list[str], facts: Facts, config: Config) -> Iterator[tuple[str, str]]:
    for one in _NEEDED:
        if not one.uses or any(re.search(one.uses, text) for text in texts):
            yield one.module, one.without
    codes = any(e.name == CODES for all_ in facts.files.contexts.values() for e in all_)
    if codes and config.codes.enabled:
        yield "mod_db", "forwards cannot be dialled (codes)"
        if config.codes.language:
            yield f"mod_say_{config.codes.language}", "no digits are spoken to a user who asks for a forward"


def _version(facts: Facts) -> Iterator[Finding]:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", facts.running.version if facts.running else "")
    if found and tuple(map(int, found.groups())) < OLDEST:
        yield Finding(
            "version",
            f"FreeSWITCH is {found[0]}; the oldest that fsdaemon was tested with is "
            f"{'.'.join(map(str, OLDEST))}.",
            None,
            "docs/compatibility.md; upgrade it.",
        )


def _daemon(facts: Facts) -> Iterator[Finding]:
    if facts.daemon and facts.daemon != __version__:
        what = f"The daemon that runs is version {facts.daemon}, and {__version__} is installed."
        yield Finding("version", what, None, "systemctl restart fsdaemon", wrong=False)


def _reload(facts: Facts) -> Iterator[Finding]:
    running, files = facts.running, facts.files.contexts
    if not running or running.contexts is None or facts.closed or facts.files.broken:
        return
    if facts.files.elsewhere("dialplan"):
        return
    for context in sorted({*files, *running.contexts}):
        now, then = _names(facts, context), running.contexts.get(context, ())
        if _ours(context, now) != _ours(context, then):
            place = files[context][0].place if files.get(context) else None
            yield Finding(
                "reload",
                f"FreeSWITCH has read an older context `{context}` than the one in its files.",
                Place(place.file) if place else None,
                f"{RELOAD}; what does it answer?",
            )


def _names(facts: Facts, context: str) -> tuple[str, ...]:
    return tuple(one.name for one in facts.files.contexts.get(context, ()))


def _ours(context: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The part of a context's order that matters to us; nothing if we are not in it."""
    concerns = context == CONTEXT or any(one.startswith(f"{CONTEXT}_") for one in names)
    return names if concerns else ()


def _copies(facts: Facts) -> Iterator[Finding]:
    for path, what in facts.files.copies.items():
        yield Finding(
            "copy",
            f"This copy is not the file that came with this fsdaemon: {what}.",
            Place(path),
            f"Compare it with {share(facts)}, and take over what is new.",
            wrong=False,
        )


def _fusionpbx(facts: Facts) -> Iterator[Finding]:
    if facts.fusionpbx and not facts.fusionpbx_app:
        place = posixpath.join(facts.fusionpbx, "app", CONTEXT)
        yield Finding(
            "fusionpbx",
            "Our dialplan entries are not installed in FusionPBX: the daemon is not asked.",
            Place(place),
            f"cd {share(facts)}/fusionpbx && php install.php",
        )


def _delay(facts: Facts) -> Iterator[Finding]:
    """The example configuration delays every call as long as its password is the one that everybody knows."""
    password = facts.files.variables.get("default_password")
    extensions = [one for all_ in facts.files.contexts.values() for one in all_]
    fields = (test.field for one in extensions for c in one.conditions for test in c.tests)
    if password and password.text == "1234" and "${default_password}" in fields:
        what = "Every call waits ten seconds before a phone rings, because default_password is 1234."
        yield Finding(
            "delay", what, password.place, f"Write another password there, then {RELOAD}.", wrong=False
        )


def running_version(running: Running | None) -> str:
    """The number of FreeSWITCH's version; empty if it is not known."""
    found = re.search(r"\d+\.\d+\.[\w.-]*\w", running.version if running else "")
    return found[0].partition("+")[0] if found else ""
