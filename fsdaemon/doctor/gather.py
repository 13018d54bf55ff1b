"""Gathers the facts: where FreeSWITCH's configuration is, what is in it, what runs, and what cannot be seen.

Rule: judges nothing. What fails is a fact or a line of `unseen`, never an exception.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fsdaemon.config.reader import Config
from fsdaemon.doctor import machine, reading
from fsdaemon.doctor.disk import Disk, closed_to
from fsdaemon.doctor.facts import CODES, USERS, Contexts, Extension, Facts, Files, Place, Running
from fsdaemon.doctor.preprocess import Unreadable, preprocess
from fsdaemon.doctor.sockets import sockets
from fsdaemon.doctor.tree import NotXml, parse

PLACES = ("/etc/freeswitch", "/usr/local/freeswitch/conf")
_FUSIONPBX = ("/var/www/fusionpbx", "/usr/local/www/fusionpbx")
_FUSIONPBX_CONF = ("/etc/fusionpbx/config.conf", "/usr/local/etc/fusionpbx/config.conf")
_CACHE = re.compile(r"^\s*cache\.location\s*=\s*(\S+)", re.M)
_USUAL_CACHE = "/var/cache/fusionpbx"
_SHARES = ("share/fsdaemon/freeswitch/dialplan",)
_SOCKET_LINE = "fsdaemon_socket="  # may differ in a copy: the README says so
_DELIVERED = {
    "ask": "fsdaemon.xml",
    USERS: "default/fsdaemon.xml",
    CODES: "default/fsdaemon_codes.xml",
}


@dataclass(frozen=True)
class Options:
    """What the user of the command said."""

    freeswitch: str = ""
    fs_cli: str | None = None
    user: str = ""
    fusionpbx: str = ""


def gather(options: Options, config: Config, note: Callable[[str], None] = lambda _: None) -> Facts:
    """All facts; `note` is told what is looked at now."""
    unseen: list[str] = []
    note("fs_cli")
    fs_cli = machine.FsCli(options.fs_cli)
    known, running = _asked(fs_cli, unseen)
    conf = _conf(options.freeswitch, known)
    if running and conf and not _same(running.conf, conf):
        other = f"fs_cli reached a FreeSWITCH whose configuration is {running.conf}"
        unseen.append(f"what runs: {other}; see --fs-cli")
        known, running = {}, None
    if not conf:
        return Facts(running=running, unseen=tuple(unseen))
    note(conf)
    facts = replace(_configuration(conf, known, options, unseen, note), running=running)
    note("who listens")
    addresses = [one for found in sockets(facts, config) for one in found.addresses]
    return replace(
        facts, listeners=machine.listeners([*addresses, *config.server.listen]), unseen=tuple(unseen)
    )


def _configuration(
    conf: str, known: dict[str, str], options: Options, unseen: list[str], note: Callable[[str], None]
) -> Facts:
    """What FreeSWITCH's files say, and who may read them."""
    share = _share()
    fusionpbx = options.fusionpbx or next((one for one in _FUSIONPBX if os.path.isdir(one)), "")
    read = preprocess(conf, {**_at_start(conf), **known}, Disk())
    note("the elements of FreeSWITCH's configuration")
    files = reading.files(read)
    files = replace(files, copies=_copies(files.contexts, share))
    if files.elsewhere("dialplan"):
        files, line = _cached(files, fusionpbx)
        unseen.append(line)
    if files.elsewhere("directory"):
        line = "users and their forwards: FreeSWITCH asks for them elsewhere, and only for one at a time"
        unseen.append(line)
    user, closed = _closed(conf, options.user, read.files, unseen)
    return Facts(
        conf,
        files,
        user=user,
        closed=closed,
        fusionpbx=fusionpbx if files.elsewhere("dialplan") else "",
        fusionpbx_app=os.path.isdir(os.path.join(fusionpbx, "app", "fsdaemon")),
        share=share,
    )


def _asked(fs_cli: machine.FsCli, unseen: list[str]) -> tuple[dict[str, str], Running | None]:
    try:
        known = machine.globals_of(fs_cli)
        return known, machine.running(fs_cli, known.get("conf_dir", ""))
    except machine.Silent as why:
        unseen.append(f"what runs: {why}; only the files were looked at")
        return {}, None


def _conf(named: str, known: dict[str, str]) -> str:
    if named:
        return os.path.abspath(named)
    places = (known.get("conf_dir", ""), *PLACES)
    return next((one for one in places if one and os.path.lexists(os.path.join(one, "freeswitch.xml"))), "")


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _at_start(conf: str) -> dict[str, str]:
    """Variables that FreeSWITCH has before it reads a file (switch_core.c), as far as they matter here."""
    base = os.path.dirname(conf)
    return {
        "conf_dir": conf,
        "base_dir": base,
        "hostname": os.uname().nodename,
        "local_ip_v4": machine.here(),
    }


def _share() -> str:
    """Where our dialplan files are, as they were delivered with this program."""
    source = Path(__file__).parents[2] / "freeswitch" / "dialplan"
    prefixes = [*Path(sys.prefix).parents, Path("/usr/local"), Path("/usr")]
    places = [source, *(prefix / one for prefix in prefixes for one in _SHARES)]
    return next((str(one) for one in places if (one / "fsdaemon.xml").is_file()), "")


def _copies(contexts: Contexts, share: str) -> dict[str, str]:
    """Our files that are read, and differ from what was delivered."""
    found = {}
    disk = Disk()
    for extensions in contexts.values():
        for one in extensions:
            name = _DELIVERED.get(one.name)
            if not name or not share:
                continue
            try:
                lines = [_compared(disk.read(path)) for path in (one.place.file, os.path.join(share, name))]
            except Unreadable:
                continue
            if lines[0] != lines[1]:
                found[one.place.file] = f"it differs from line {_same_lines(*lines) + 1} on"
    return found


def _compared(text: str) -> list[str]:
    return ["" if _SOCKET_LINE in line else line.rstrip() for line in text.splitlines()]


def _same_lines(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def _closed(
    conf: str, named: str, files: list[str], unseen: list[str]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """As whom FreeSWITCH runs, and what that user cannot read."""
    who = machine.user_of_freeswitch(conf, named)
    if not who:
        unseen.append("who may read the files: the user FreeSWITCH runs as is not known; see --user")
        return "", ()
    found = ((path, closed_to(who, path)) for path in files)
    return who.name, tuple((path, why) for path, why in found if why)


def _cached(files: Files, fusionpbx: str) -> tuple[Files, str]:
    """A dialplan from elsewhere: what FusionPBX's cache has of it, and what to say of the rest."""
    binding = files.elsewhere("dialplan")
    asked = f"{binding.module}, {binding.asked}" if binding else ""
    said = f"the dialplan: FreeSWITCH asks for it elsewhere ({asked}), and only for the call at hand"
    found: dict[str, tuple[Extension, ...]] = {}
    disk = Disk()
    if fusionpbx:
        for path in disk.glob(os.path.join(_cache(disk), "dialplan.*"))[:200]:
            found.update(_of_cache(path, disk))
    if not found:
        return files, said
    return replace(files, contexts={**files.contexts, **found}), f"{said}; its cache was looked at"


def _cache(disk: Disk) -> str:
    """Where FusionPBX keeps what it handed out."""
    for path in _FUSIONPBX_CONF:
        try:
            named = _CACHE.search(disk.read(path))
        except Unreadable:
            continue
        if named:
            return named[1]
    return _USUAL_CACHE


def _of_cache(path: str, disk: Disk) -> Contexts:
    try:
        lines = disk.read(path).split("\n")
        root = parse(lines, [Place(path, number) for number, _ in enumerate(lines, 1)])
    except (Unreadable, NotXml):
        return {}
    return reading.contexts(root)
