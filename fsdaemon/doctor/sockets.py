"""Findings about the application `socket`: its address, `full`, and who listens there.

Rule: pure; who listens was found out elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fsdaemon.config.problems import Wrong
from fsdaemon.config.reader import Config, host_port
from fsdaemon.doctor.facts import CONTEXT, FSDAEMON, NOBODY, Extension, Facts, Place, Value
from fsdaemon.doctor.finding import RELOAD, Finding

_LUA = re.compile(r"execute\(\s*['\"]socket['\"]\s*,\s*['\"]([^'\"]*)['\"]")
_VARIABLE = re.compile(r"\$\$?\{(\w+)\}")
_PORT = 8084
_ANY = ("0.0.0.0", "[::]")
_HERE = ("127.0.0.1", "localhost", "[::1]")


class Socket(NamedTuple):
    """A use of the application `socket` by us."""

    addresses: tuple[str, ...]  #: tried in turn
    words: tuple[str, ...]  #: what stands behind them
    place: Place
    set_at: Place | None  #: where the address comes from, if from a variable


def sockets(facts: Facts, config: Config) -> list[Socket]:
    """The uses that are ours: in our context, in our extensions, or with an address of the daemon."""
    found = []
    for name, extensions in facts.files.contexts.items():
        for extension in extensions:
            for one in _of(extension, facts):
                known = set(one.addresses) & set(config.server.listen)
                if name == CONTEXT or extension.ours or known:
                    found.append(one)
    return found


def _of(extension: Extension, facts: Facts) -> Iterator[Socket]:
    for action in extension.actions:
        lua = _LUA.search(action.data) if action.application == "lua" else None
        if action.application == "socket" or lua:
            yield _read(lua[1] if lua else action.data, action.place, facts)


def _read(data: str, place: Place, facts: Facts) -> Socket:
    variable = _VARIABLE.search(data)
    value = facts.files.variables.get(variable[1]) if variable else None
    if not value:  # the address was put in when the line was read
        value = _from_variable(data.partition(" ")[0], facts)
    text = _VARIABLE.sub(lambda one: _known(one[1], facts, one[0]), data)
    address, *words = text.split() or [""]
    return Socket(
        tuple(map(_complete, address.split("|"))), tuple(words), place, value.place if value else None
    )


def _complete(address: str) -> str:
    """With FreeSWITCH's port, if there is none, and without a path (mod_event_socket.c, socket_function)."""
    host, colon, port = address.rpartition(":")
    if not colon and re.fullmatch(r"[\w.-]+(/.*)?", address):
        return f"{address.partition('/')[0]}:{_PORT}"
    return f"{host}{colon}{port.partition('/')[0]}"


def _from_variable(address: str, facts: Facts) -> Value | None:
    """The variable of the preprocessor that the address comes from, as in our context."""
    values = (one for name, one in facts.files.variables.items() if name.startswith(CONTEXT))
    return next((one for one in values if one.text == address and one.place.file), None)


def _known(name: str, facts: Facts, otherwise: str) -> str:
    value = facts.files.variables.get(name)
    return value.text if value else otherwise


def findings(facts: Facts, config: Config) -> Iterator[Finding]:
    """Everything about it."""
    found = sockets(facts, config)
    for one in found:
        if "full" not in one.words:
            yield Finding(
                "full",
                "`full` is missing behind the address: the daemon may not set what it decided.",
                one.place,
                f'Write data="{"|".join(one.addresses)} full", then {RELOAD}.',
            )
    told = set()
    for one in found:
        for address in one.addresses:
            if address not in told:
                told.add(address)
                yield from _address(address, one, facts, config)


def _address(address: str, one: Socket, facts: Facts, config: Config) -> Iterator[Finding]:
    where = one.set_at or one.place
    if "${" in address and CONTEXT not in facts.files.contexts:
        return  # it is set where our context is
    try:
        host_port(address)
    except Wrong:
        what = f"The address of the daemon is not an address: {address!r}."
        yield Finding("address", what, where, f'Write host:port, like "127.0.0.1:8084", then {RELOAD}.')
        return
    there = facts.listeners.get(address, FSDAEMON)
    if there == NOBODY:
        yield Finding(*_nobody(address, where, facts, config))
    elif there != FSDAEMON:
        what = f"FreeSWITCH asks at {address}, and what listens there is not fsdaemon: {there}."
        listens = ", ".join(config.server.listen)
        mend = f"Ask where the daemon listens ({listens}), or give the daemon this port."
        yield Finding("address", what, where, mend)


def _nobody(address: str, where: Place, facts: Facts, config: Config) -> tuple[str, str, Place, str]:
    listens = ", ".join(config.server.listen)
    others = [known for known in config.server.listen if facts.listeners.get(known) == FSDAEMON]
    if _listens(address, config):
        mend = "systemctl start fsdaemon.socket fsdaemon.service; if it fails: systemctl status fsdaemon."
        return "nobody", f"Nobody listens at {address}: the daemon does not run.", where, mend
    if others:
        what = f"FreeSWITCH asks at {address}, and the daemon listens at {others[0]}."
        mend = f'Write {others[0]} there, then {RELOAD}; or give the daemon server.listen = "{address}".'
        return "port", what, where, mend
    what = f"FreeSWITCH asks at {address}, where nobody listens; server.listen is {listens}."
    return "port", what, where, "Write the same address in both (under systemd, fsdaemon.socket has it)."


def _listens(address: str, config: Config) -> bool:
    """Whether the daemon would listen at this address, by conf.toml."""
    host, _, port = address.rpartition(":")
    for known in config.server.listen:
        own, _, own_port = known.rpartition(":")
        if port == own_port and (own in (host, *_ANY) or {host, own} <= set(_HERE[:2])):
            return True
    return False
