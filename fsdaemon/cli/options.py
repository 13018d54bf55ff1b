"""What may stand behind an option of a command.

Rule: each function takes the text, and refuses it with what would be right.
"""

from __future__ import annotations

import argparse
import re

from fsdaemon.config.reader import Wrong, host_port
from fsdaemon.terms.numbers import dialable


def pair(text: str) -> tuple[str, str]:
    """USER=NAME."""
    user, equals, name = text.partition("=")
    if not (user and equals):
        raise argparse.ArgumentTypeError(f"must be USER=NAME, not {text}")
    return user, name


def page(text: str) -> str:
    """Where the page is: host:port, or its address in a browser."""
    return address(re.sub(r"^http://|/$", "", text))


def count(text: str) -> int:
    """A number from 0 to 1000."""
    if not text.isascii() or not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1000, not {text}")
    return int(text)


def someone(text: str) -> str:
    """A user or a number."""
    if not text.strip() or len(text) > 200:
        raise argparse.ArgumentTypeError("must be a user, like 101 or 101@b.example, or a number")
    return text


def domain(text: str) -> str:
    """A domain."""
    if not re.fullmatch(r"[A-Za-z0-9._:\[\]-]{1,255}", text):
        raise argparse.ArgumentTypeError(f"must be a domain, like b.example, not {text}")
    return text


def path(text: str) -> tuple[str, ...]:
    """Users with commas between."""
    steps = tuple(text.split(","))
    if not all(map(dialable, steps)):
        raise argparse.ArgumentTypeError(f"must be users with commas between, like 104,105, not {text}")
    return steps


def address(text: str) -> str:
    """host:port."""
    try:
        return host_port(text)
    except Wrong as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
