"""What a value of conf.toml may be: a text that says it, and a function that takes the value or refuses it.

Rule: the text says all that is allowed; what is said about a mistake is made of it, and so are the documents.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fsdaemon.config.problems import Wrong, nearest, show
from fsdaemon.terms import causes, numbers
from fsdaemon.terms.variables import PREFIX, Header, header_of

T = TypeVar("T")


class _Unfit(Exception):
    """The value is not what the check's text says; the message is empty, or what exactly is wrong with it."""


@dataclass(frozen=True)
class Check(Generic[T]):
    """What a key may be."""

    text: str  #: what is allowed, as it reads after "must be"
    take: Callable[[Any], T]  #: the value as the program wants it; raises _Unfit, or Wrong
    guess: Callable[[str], str] = str  #: from a text that is refused the one that may have been meant
    item: Check[Any] | None = None  #: of a list: what each item may be; of a table: each value
    rows: tuple[str, ...] = ()  #: of a table: the names that may stand in it
    secret: bool = False  #: the value is never shown

    def __call__(self, value: Any) -> T:
        """The value as the program wants it. Raises Wrong."""
        try:
            return self.take(value)
        except _Unfit as unfit:
            raise Wrong(self.refusal(show(value), str(unfit))) from None

    def refusal(self, shown: str, why: str = "") -> str:
        """What is said about a value that is not allowed."""
        if self.secret:
            return f"must be {self.text} (what is there is not shown)"
        return f"must be {self.text}, not {shown}" + (f" ({why})" if why else "")


def _each(item: Check[T], values: list[Any]) -> tuple[T, ...]:
    """Every item taken; Wrong with all that is wrong."""
    good = []
    wrong: dict[str, list[str]] = {}
    for value in values:
        try:
            good.append(item.take(value))
        except _Unfit as unfit:
            wrong.setdefault(str(unfit), []).append(show(value))
    if wrong:
        raise Wrong("; ".join(item.refusal(" or ".join(shown), why) for why, shown in wrong.items()))
    return tuple(good)


def list_of(item: Check[T], what: str) -> Check[tuple[T, ...]]:
    """A list of `what`."""

    def take(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _Unfit
        return _each(item, value)

    return Check(f"a list of {what}", take, item=item)


def one_or_several(item: Check[T]) -> Check[tuple[T, ...]]:
    """One item without brackets, or a list."""

    def take(value: Any) -> tuple[T, ...]:
        return _each(item, value) if isinstance(value, list) else (item.take(value),)

    return Check(f"{item.text}, or a list of them", take, item.guess, item)


# --- values of any kind --------------------------------------------------------------------------------


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unfit
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unfit
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.1 <= value <= 60:
        raise _Unfit
    return float(value)


def whole(lowest: int, highest: int) -> Check[int]:
    """A whole number."""

    def take(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise _Unfit
        return value

    return Check(f"a whole number from {lowest} to {highest}", take)


def one_of(*allowed: str) -> Check[str]:
    """One of these words."""

    def take(value: Any) -> str:
        if value not in allowed:
            raise _Unfit
        return str(value)

    return Check(f"one of {', '.join(allowed)}", take, lambda text: nearest(text, allowed))


def _matching(text: str, expression: str, guess: Callable[[str], str] = str) -> Check[str]:
    """A text that this matches as a whole."""
    compiled = re.compile(expression, re.ASCII)

    def take(value: Any) -> str:
        if not compiled.fullmatch(_text(value)):
            raise _Unfit
        return str(value)

    return Check(text, take, guess)


BOOLEAN = Check("true or false", _boolean)
TEXT = Check('a text in quotes, like "…"', _text)
SECONDS = Check("a number of seconds from 0.1 to 60", _seconds)


# --- labels --------------------------------------------------------------------------------------------


def _braced(names: tuple[str, ...]) -> Callable[[str], str]:
    """A guess: a name without its braces, with others, or with something else for the name."""
    word = re.compile(r"\$?\{+\s*(\w+)[^{}]*\}+|[<\[%$]*\b(" + "|".join(names) + r")\b[>\]%]*", re.I)

    def field(match: re.Match[str]) -> str:
        name = nearest(match[1] or match[2], names)
        return "{" + name + "}" if name else match[0]

    return lambda text: word.sub(field, text)


def _fields(text: str, names: tuple[str, ...]) -> int:
    """How often one of `names` stands in braces; _Unfit for all else in braces."""
    try:
        fields = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise _Unfit("a brace that stands for itself is written twice, {{ or }}") from None
    for before, name, spec, conversion in fields:
        if name not in names:
            raise _Unfit(f"{{{name}}} is unknown")
        if spec or conversion:
            raise _Unfit(f"write {{{name}}} without a format")
        if before.endswith("$"):
            raise _Unfit(f"write {{{name}}} without $")
    return len(fields)


def template(*names: str) -> Check[str]:
    """A text in which `{name}` stands for something."""
    bare = re.compile(r"\b(" + "|".join(names) + r")\b")

    def take(value: Any) -> str:
        text = _text(value)
        forgotten = bare.search(text)
        if not _fields(text, names) and forgotten:
            raise _Unfit(f"write {{{forgotten[1]}}}")
        return text

    known = ["{" + name + "}" for name in names]
    allowed = f"{', '.join(known[:-1])} and {known[-1]}"
    return Check(f"a text in quotes, which may contain {allowed}", take, _braced(names))


def _bridge(value: Any) -> str:
    text = _text(value)
    _fields(text, ("callee", "domain"))
    if not text or re.search(r"[\x00-\x1f$]", text):
        raise _Unfit
    return text


BRIDGE = Check(
    'a dial string, like "user/{callee}@{domain}", which may contain {callee} and {domain}',
    _bridge,
    _braced(("callee", "domain")),
)


# mod_sofia cuts there, or a list of applications ends.
SHOWN_TEXT = _matching(
    "a text of 1 to 60 characters without quotes, braces, backslashes and : / @ % ! | ~ $",
    "[^:/@%\"'!|~$\\\\{}\x00-\x1f\x7f]{1,60}",
)
TONE = _matching('a tone as FreeSWITCH writes it (TGML), like "%(150,50,660)"', "[^'!~$\\\\{}\x00-\x1f\x7f]+")
LANGUAGE = _matching(
    'the XX of a module mod_say_XX, like "en", or empty', "[a-z]{0,8}", lambda text: text[:2].lower()
)


# --- users, groups, numbers ----------------------------------------------------------------------------

USER = _matching('a user, like "104" or "104@b.example"', r"[\w.*#+-]+(@[A-Za-z0-9._-]+)?")
PREFIX_DIGITS = _matching('what is dialled for an outside line, like "0", or empty', "[0-9*#]*")


def _group(value: Any) -> str:
    """As `in_group` of mod_commands can be asked: it separates at a comma and takes blanks off both ends."""
    text = _text(value)
    if not text or set(text) & set(",'\"\\$|") or text != text.strip() or not text.isprintable():
        raise _Unfit
    return text


GROUP = Check(
    "the name of a group; it may contain blanks, but no quotes, commas, $, | or backslashes",
    _group,
    str.strip,
)


def _external(value: Any) -> str:
    if not numbers.is_written_number(_text(value)):
        raise _Unfit
    return str(value)


EXTERNAL = Check('a telephone number, like "+49 170 1234567"', _external)


def _region(value: Any) -> str:
    if _text(value) and not numbers.known_region(value):
        raise _Unfit
    return str(value)


def _country(text: str) -> str:
    return {"UK": "GB", "EN": "GB"}.get(text.upper(), text.upper())


REGION = Check('a country by its two letters (ISO 3166), like "DE", or empty', _region, _country)


# --- the targets of codes, and variables ---------------------------------------------------------------

_TARGET = re.compile(r"(\S+)(?: ([\w-]+))?")


def _code_target(value: Any) -> str:
    match = _TARGET.fullmatch(_text(value))
    if not match:
        raise _Unfit
    try:
        re.compile(match[1], re.ASCII)
    except (re.error, ValueError, RecursionError, OverflowError) as error:  # x{99…9} with 5000 digits
        raise _Unfit(f"not a regular expression: {error}") from None
    return str(value)


CODE_TARGET = Check(
    "a regular expression for the whole number, or one with a blank and the toll class it needs, "
    'like "011\\\\d+ international"',
    _code_target,
)

_VARIABLE = re.compile(r"(?:directory:)?[A-Za-z][\w-]*", re.ASCII)


def _forward(value: Any) -> Header:
    name = _text(value)
    if not _VARIABLE.fullmatch(name):
        raise _Unfit
    if name.startswith(PREFIX):
        raise _Unfit(f"written without {PREFIX}")
    return header_of(name)


def _variable(value: Any) -> Header:
    header = _forward(value)
    if header.directory:
        raise _Unfit("only forwards and their exceptions are read from the directory")
    return header


def _without_prefix(text: str) -> str:
    return re.sub(rf"^({PREFIX}|\$\{{)+|\}}$", "", text)


FORWARD = Check(
    'a channel variable, like "my_forward", or a variable of the callee\'s directory entry, '
    'like "directory:call_forward_all"',
    _forward,
    _without_prefix,
)
VARIABLE = Check('a channel variable, like "my_variable"', _variable, _without_prefix)


# --- [routing.causes] ----------------------------------------------------------------------------------

_OUTCOME = one_of(*causes.STRONGEST, causes.NONE)


def _causes(value: Any) -> dict[str, str]:
    """The reader takes the rows one by one, so that each mistake has its line."""
    if not isinstance(value, dict) or not set(value) <= set(causes.ROWS):
        raise _Unfit
    return {row: _OUTCOME(outcome) for row, outcome in value.items()}


CAUSES = Check(
    "a table whose rows are SIP codes (486) or hangup causes of FreeSWITCH (USER_BUSY), with or without "
    f"{causes.RINGING} behind; each is {_OUTCOME.text}",
    _causes,
    item=_OUTCOME,
    rows=causes.ROWS,
)


def _busy(value: Any) -> int | str:
    if value == "phone":
        return "phone"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise _Unfit
    return value


BUSY = Check('"phone", or a number of calls from 1 to 100', _busy)
