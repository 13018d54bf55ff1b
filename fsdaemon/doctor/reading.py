"""Elements to facts: contexts with their extensions, users, modules, and who is asked before the files.

Rule: pure; says what is written, and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fsdaemon.doctor.facts import (
    Action,
    Binding,
    Comparison,
    Condition,
    Contexts,
    Entry,
    Extension,
    Files,
    Place,
    Value,
)
from fsdaemon.doctor.preprocess import Preprocessed
from fsdaemon.doctor.tree import MODULES, Node, NotXml, parse

_ALL = frozenset({"dialplan", "directory", "configuration"})  # mod_xml_curl without `bindings`
_TRUE = ("yes", "on", "true", "t", "enabled", "active", "allow")
_TIMES = (
    "wday",
    "hour",
    "minute",
    "minute-of-day",
    "mon",
    "mday",
    "yday",
    "year",
    "week",
    "mweek",
    "time-of-day",
    "date-time",
    "tod",
)


def files(read: Preprocessed) -> Files:
    """What is in FreeSWITCH's configuration."""
    plain = Files(
        variables=read.variables,
        includes=tuple(read.includes),
        lost=tuple(read.lost),
        unread=tuple(read.unread),
    )
    if not read.files:
        return plain
    plain = replace(plain, read=True)
    try:
        root = parse(read.lines, read.places)
    except NotXml as error:
        return replace(plain, broken=(error.place, error.what))
    loaded = modules(root)
    bound = tuple(one for one in bindings(root) if one.module in loaded)
    return replace(plain, contexts=contexts(root), users=users(root), modules=loaded, bindings=bound)


def contexts(root: Node) -> Contexts:
    """Context → its extensions. Of two contexts with one name FreeSWITCH reads the first."""
    found: dict[str, tuple[Extension, ...]] = {}
    for section in _sections(root, "dialplan"):
        for context in section.all("context"):
            found.setdefault(context.get("name"), tuple(map(_extension, context.all("extension"))))
    return found


def _sections(root: Node, name: str) -> Iterator[Node]:
    return (one for one in root.below("document", "section") if one.get("name") == name)


def _extension(node: Node) -> Extension:
    conditions = tuple(map(_condition, node.all("condition")))
    return Extension(node.get("name"), _true(node.get("continue")), conditions, node.place)


def _condition(node: Node) -> Condition:
    regexes = list(node.all("regex"))
    tests = [Comparison(one.get("field"), _expression(one)) for one in regexes]
    nested = list(node.all("condition"))
    if nested or any(name in node.attributes for name in _TIMES):
        tests.append(Comparison(None))
    if "field" in node.attributes:
        tests.append(Comparison(node.get("field"), _expression(node)))
    return Condition(
        tuple(tests),
        any=node.get("regex") == "any",
        negated=node.get("regex") not in ("", "any", "all"),
        stop=node.get("break") or "on-false",
        actions=(*_actions(node, "action"), *(one for child in nested for one in _condition(child).actions)),
        otherwise=tuple(_actions(node, "anti-action")),
    )


def _true(text: str) -> bool:
    """As switch_true (switch_utils.h) reads it, any number but 0 included."""
    return text.lower() in _TRUE or (text.isdecimal() and int(text) != 0)


def _expression(node: Node) -> str:
    """An element of its own comes before the attribute (mod_dialplan_xml.c, parse_exten)."""
    return next((one.text.strip() for one in node.all("expression")), node.get("expression"))


def _actions(node: Node, tag: str) -> Iterator[Action]:
    for one in node.all(tag):
        yield Action(
            one.get("application"), one.text.strip() or one.get("data"), one.place, _true(one.get("inline"))
        )


def users(root: Node) -> tuple[Entry, ...]:
    """The users of all domains. What a user's entry says replaces what group and domain say."""
    found = []
    for section in _sections(root, "directory"):
        for domain in section.all("domain"):
            for parents in _with_users(domain):
                found += [_user(one, domain.get("name"), parents) for one in _own_users(parents[-1])]
    return tuple(found)


def _with_users(domain: Node) -> Iterator[tuple[Node, ...]]:
    yield (domain,)
    for group in domain.below("groups", "group"):
        yield (domain, group)


def _own_users(parent: Node) -> Iterator[Node]:
    """Entries; a pointer (in a group that lists users of another one) is not one."""
    for one in (*parent.below("users", "user"), *parent.all("user")):
        if one.get("type") != "pointer" and "id" in one.attributes:
            yield one


def _user(node: Node, domain: str, parents: tuple[Node, ...]) -> Entry:
    everything = (*parents, node)
    return Entry(
        node.get("id"),
        node.get("number-alias"),
        domain,
        _values(everything, "variables", "variable"),
        _values(everything, "params", "param"),
        node.place,
    )


def _values(nodes: tuple[Node, ...], outer: str, inner: str) -> dict[str, Value]:
    return {
        one.get("name"): Value(one.get("value"), one.place)
        for node in nodes
        for one in node.below(outer, inner)
    }


def _configuration(root: Node, name: str) -> Iterator[Node]:
    for section in _sections(root, "configuration"):
        yield from (one for one in section.all("configuration") if one.get("name") == name)


def modules(root: Node) -> dict[str, Place]:
    """The modules that FreeSWITCH loads at its start."""
    return {
        one.get("module").removesuffix(".so"): one.place
        for name in MODULES
        for configuration in _configuration(root, name)
        for one in configuration.below("modules", "load")
    }


def bindings(root: Node) -> tuple[Binding, ...]:
    """What FreeSWITCH asks for a section before it looks into its files: mod_lua, mod_xml_curl."""
    return (*_lua(root), *_curl(root))


def _lua(root: Node) -> Iterator[Binding]:
    for configuration in _configuration(root, "lua.conf"):
        params = {one.get("name"): one for one in configuration.below("settings", "param")}
        script, sections = params.get("xml-handler-script"), params.get("xml-handler-bindings")
        if script and sections:
            yield Binding("mod_lua", script.get("value"), _words(sections.get("value")), script.place)


def _curl(root: Node) -> Iterator[Binding]:
    for configuration in _configuration(root, "xml_curl.conf"):
        for one in configuration.below("bindings", "binding", "param"):
            if one.get("name") == "gateway-url":
                yield Binding(
                    "mod_xml_curl", one.get("value"), _words(one.get("bindings")) or _ALL, one.place
                )


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[\s,|]+", text)))
