"""`display.ring`: the Alert-Info of a forwarded call, one text for every kind or a table by kind.

Rule: a text that is taken can stand in a leg variable and in a header, and goes out as it is written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Union

from fsdaemon.config.checks import Check, _Unfit
from fsdaemon.terms.kinds import KINDS

Ring = Union[str, Mapping[str, str]]

# What is not in here was tried on FreeSWITCH 1.10.12: a blank, a parameter without what precedes it and a "/"
# outside of <> are dropped by sofia-sip, a % is decoded, a comma begins a second header, and !|[]"'$ end the
# leg variable or the argument.
_WORD = r"[\w.~+*#-]{1,100}"
_URI = r"<[A-Za-z][\w.~:/?#@&=+*();-]{0,199}>"
_ALERT_INFO = re.compile(
    rf"(?:{_WORD}|{_URI})(?:;[\w.-]{{1,40}}(?:=[\w.~:/@+*#-]{{1,100}})?){{0,8}}", re.ASCII
)


def _text(value: Any) -> str:
    if not isinstance(value, str) or (value and not _ALERT_INFO.fullmatch(value)):
        raise _Unfit
    return value


def _ring(value: Any) -> Ring:
    if not isinstance(value, dict):
        return _text(value)
    for kind in value:
        if kind not in KINDS:
            raise _Unfit(f"{kind} is unknown, the kinds are {', '.join(KINDS)}")
    return {kind: _text(text) for kind, text in value.items()}


def _with_brackets(text: str) -> str:
    return re.sub(r"^<?([^<>;\s]+:[^<>;\s]+)>?", r"<\1>", text)


RING = Check(
    'the value of an Alert-Info header, like "Bellcore-dr2" or "<http://127.0.0.1/x>;info=forwarded", '
    'a table of them by kind of forward, like { always = "Bellcore-dr2" }, or empty',
    _ring,
    _with_brackets,
)


def of_kind(ring: Ring, kind: str) -> str:
    """The Alert-Info for a call that was forwarded last by this kind; empty for none."""
    return ring if isinstance(ring, str) else ring.get(kind, "")
