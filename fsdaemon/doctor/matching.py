"""Which number which extension takes, as far as the dialplan's text tells.

Rule: pure; as mod_dialplan_xml.c (parse_exten) does it. Variables of a call are not known: then it is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from fsdaemon.doctor.facts import Action, Comparison, Condition, Extension

_MODULE = re.compile(r"\$\{module_exists\((\w+)\)\}")
_NUMBER = ("destination_number", "${destination_number}")
_ASTERISK = {"N": "[2-9]", "X": "[0-9]", "Z": "[1-9]", ".": ".*"}
ANYTHING = "x-anything-at-all"  # a number that nobody has


def takes(extension: Extension, number: str, modules: frozenset[str] | None) -> bool | None:
    """Whether the extension takes a call to `number`, with an application of its own; None: it depends."""
    taken, depends = False, False
    for condition in extension.conditions:
        matched = _matches(condition, number, modules)
        depends |= matched is None
        if not matched and _acts(condition.otherwise):
            return None
        if matched is not False and _acts(condition.actions):
            taken = True
        if matched is not None and condition.stop in ("always", "on-true" if matched else "on-false"):
            break
    return None if taken and depends else taken


def unknown(extension: Extension) -> bool:
    """Whether which numbers it takes cannot be told: an expression with a variable, or one for Perl alone."""
    tests = (test for condition in extension.conditions for test in condition.tests)
    return any(one.field in _NUMBER and _python(one.expression) is None for one in tests)


def _acts(actions: Iterable[Action]) -> bool:
    """Whether something is executed when the search is over; what is inline is executed while it lasts."""
    return any(not action.inline for action in actions)


def before(extensions: Iterable[Extension], ours: Extension) -> Iterator[Extension]:
    """The extensions that come first, and at which FreeSWITCH ends its search."""
    for extension in extensions:
        if extension == ours:
            return
        if not extension.goes_on:
            yield extension


def _matches(condition: Condition, number: str, modules: frozenset[str] | None) -> bool | None:
    if condition.negated:
        return None
    results = [_compared(one, number, modules) for one in condition.tests]
    if condition.any:
        return True if True in results else None if None in results else False
    return False if False in results else None if None in results else True


def _compared(test: Comparison, number: str, modules: frozenset[str] | None) -> bool | None:
    module = _MODULE.fullmatch(test.field or "")
    if test.field == "" and not test.expression:
        return True
    if module and modules is not None:
        text = "true" if module[1] in modules else "false"
    elif test.field in _NUMBER:
        text = number
    else:
        return None
    expression = _python(test.expression)
    return None if expression is None else expression.search(text) is not None


@lru_cache(maxsize=4096)
def _python(expression: str) -> re.Pattern[str] | None:
    """A Perl expression for Python; None where it depends on a call, or Python cannot read it."""
    if "${" in expression or "[[:" in expression:
        return None
    if expression.startswith("_"):  # as Asterisk writes it (switch_utils.c, switch_ast2regex)
        expression = f"^{''.join(_ASTERISK.get(one, one) for one in expression[1:])}$"
    flags = 0
    slashes = re.fullmatch(r"/(.*)/(i?)", expression, re.S)
    if slashes:
        expression, flags = slashes[1], re.I if slashes[2] else 0
    expression = re.sub(r"\\Q(.*?)(?:\\E|$)", lambda found: re.escape(found[1]), expression)
    expression = expression.replace(r"\z", r"\Z").replace("(?<", "(?P<")
    expression = expression.replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    try:
        return re.compile(expression, flags)
    except (re.error, RecursionError, OverflowError):
        return None
