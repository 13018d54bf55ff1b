"""Numbers as people dial them: is this one, is it outside the house, are two the same.

Rule: says nothing about who somebody is; an outside number is what a stranger wrote.
"""

from __future__ import annotations

import re

# A user's id or something to dial. Nothing in it can end an argument, start an expansion, or be read
# as a second endpoint by FreeSWITCH's bridge and transfer.
_DIALABLE = re.compile(r"\+?[\w.*#-]+(@[A-Za-z0-9._-]+)?", re.ASCII)
_LONGEST = 128
_OUTSIDE_DIGITS = 7


def dialable(text: str) -> bool:
    """Whether `text` is something that can be dialled: a user's id or a number, perhaps `@domain`."""
    return len(text) <= _LONGEST and _DIALABLE.fullmatch(text) is not None and any(map(str.isalnum, text))


def digits(text: str) -> str:
    """The digits of a number without the marks people write between them."""
    return "".join(ch for ch in text if ch.isascii() and ch.isdigit())


def looks_outside(target: str) -> bool:
    """Whether `target` is a public number rather than an extension: `+…`, or seven digits and more.

    Only asked about a target that is no user, to keep a label in the house.
    """
    return target.startswith("+") or (len(target) >= _OUTSIDE_DIGITS and digits(target) == target)
