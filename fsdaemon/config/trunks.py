"""What the keys may be that say what a trunk gets (docs/trunks.md)."""

from __future__ import annotations

from typing import Any

from fsdaemon.config.checks import Check, _matching, _text, _Unfit
from fsdaemon.terms import numbers

SIP_HOST = _matching(
    'a host, perhaps with a port, like "sip.carrier.example", or empty',
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)?(:[0-9]{1,5})?",
)


def _public(value: Any) -> str:
    text = _text(value)
    if text and (
        "{extension}" not in text or not numbers.is_written_number(text.replace("{extension}", "100"))
    ):
        raise _Unfit
    return text


PUBLIC = Check('a public number with {extension} in it, like "+4930555{extension}", or empty', _public)


def _diversion(value: Any) -> bool | str:
    if not isinstance(value, bool) and value not in ("phones", "trunks"):
        raise _Unfit
    return bool(value) if isinstance(value, bool) else str(value)


DIVERSION = Check('true, false, "phones" or "trunks"', _diversion)
