"""From a value that was refused to the one that may have been meant: 104 to "104", "a|b" to ["a", "b"].

Rule: guesses only what the check of the key accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fsdaemon.config.checks import Check
from fsdaemon.config.problems import Wrong

_MARKS = "“”„‟‘’‚‛«»‹›\"'`´ \t"  # quotes as word processors write them
_LONGEST = 500  # characters; what is longer is no slip of the pen, and takes time
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_COMMENT = re.compile(r"""^((?:"[^"]*"|'[^']*'|[^"'#])*)#.*$""")
_ITEM = re.compile(r""""[^"]*"|'[^']*'|[^\s,][^,]*""")


def meant(check: Check[Any], value: Any, written: str = "") -> str:
    """What may have been meant, as it is written in conf.toml; empty if there is no guess.

    `written` is the text of the file, as far as it is of this key: TOML drops the + of a number.
    """
    if check.secret:
        return ""
    found = _accepted(check, value, written)
    return "" if found is None else json.dumps(found, ensure_ascii=False)


def bare(written: str) -> Any:
    """What stands in a line that is not TOML: a text, or a list of texts."""
    text = _COMMENT.sub(r"\1", written).strip()
    if text.startswith("["):
        return [item.strip() for item in _ITEM.findall(text.strip("[]"))]
    return text.rstrip(",")


def _accepted(check: Check[Any], value: Any, written: str) -> Any:
    for candidate in _candidates(check, value, written):
        try:
            check(candidate)
        except Wrong:
            continue
        return candidate
    return None


def _candidates(check: Check[Any], value: Any, written: str) -> Iterator[Any]:
    if isinstance(value, list):
        if check.item:
            yield [_mended(check.item, part, written) for item in value for part in _parts(item)]
            yield [_mended(check.item, item, written) for item in value]
        elif len(value) == 1:
            yield _mended(check, value[0], written)
        return
    yield from _of_text(check, value) if isinstance(value, str) else _of_number(check, value, written)
    if check.item:
        yield [_mended(check.item, part, written) for part in _parts(value)]
        yield [_mended(check.item, value, written)]


def _mended(check: Check[Any], value: Any, written: str) -> Any:
    try:
        check(value)
    except Wrong:
        found = _accepted(check, value, written)
        return value if found is None else found
    return value


def _parts(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    return [part.strip(_MARKS) for part in re.split("[,;|]", value) if part.strip(_MARKS)]


def _of_text(check: Check[Any], text: str) -> Iterator[Any]:
    if len(text) > _LONGEST:
        return
    plain = text.strip(_MARKS)
    yield from (_WORDS[word] for word in [plain.lower()] if word in _WORDS)
    if re.fullmatch(r"[0-9]{1,9}", plain):
        yield int(plain)
    if re.fullmatch(r"[0-9]{1,9}[.,][0-9]{1,9}", plain):
        yield float(plain.replace(",", "."))
    yield from (one for one in (plain, check.guess(plain)) if one)


def _of_number(check: Check[Any], value: Any, written: str) -> Iterator[Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    if value in (0, 1):
        yield bool(value)
    try:
        digits = str(value)
    except ValueError:  # of thousands of digits
        return
    if re.search(rf"\+{re.escape(digits)}\b", written):
        yield f"+{digits}"
    yield from (digits, check.guess(digits))
