"""The addresses in a SIP header (RFC 3261 section 20.10), as strangers write them.

Rule: reads any text, in time that grows with its length; what is returned can be shown and written again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from fsdaemon.terms.numbers import as_dialled, dialable, is_written_number

ANONYMOUS = "anonymous"
ANONYMOUS_HOST = "anonymous.invalid"  # RFC 3323 section 4.1.1.3
_NOBODY = {ANONYMOUS, "restricted", "unavailable"}  # Cisco, and 3GPP TS 23.003 section 13.7
_NOBODYS_HOSTS = {ANONYMOUS_HOST, "unknown.invalid"}
_LONGEST = 1 << 14  # characters that are read
_LONGEST_NAME = 200
_ARRAY = "ARRAY::"  # switch_event.c: several headers of one name, "|:" between them
# Each piece begins with another character, and an open quotation runs to the end: one pass, whatever it is.
_PIECE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|<[^<>]*>|<|,|[^"<,]+', re.S)
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.S)
_BARE = re.compile(r'\s*("[^"]*"\s*)?((?:sips?|tel):)', re.I)
_URI = re.compile(r"\s*(sips?|tel):([^?]*)(?:\?(.*))?", re.I | re.S)
_PARAMETER = re.compile(r';\s*([\w.-]+)(?:\s*=\s*("[^"\\]*(?:\\.[^"\\]*)*"|[^;\s"]*))?', re.ASCII | re.S)
_HOST = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?|[A-Za-z0-9._:-]{1,255}", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f]+")


class Address(NamedTuple):
    """One address of a header, with its parameters."""

    number: str  #: the user part: a number, or a user's name; ANONYMOUS for a withheld one
    host: str  #: may have a port; empty for `tel:`
    name: str  #: display name
    parameters: tuple[tuple[str, str], ...]  #: of the URI, then of the header; names in lower case
    headers: str  #: what stands behind the "?" of the URI

    @property
    def anonymous(self) -> bool:
        """Whether it does not say whose it is."""
        return self.host == ANONYMOUS_HOST

    def get(self, parameter: str) -> str:
        """The last parameter with this name, in lower case; empty if there is none."""
        found = [value for name, value in self.parameters if name == parameter]
        return found[-1].lower() if found else ""

    def has(self, parameter: str) -> bool:
        """Whether there is such a parameter, with a value or without."""
        return any(name == parameter for name, _ in self.parameters)


def read(value: str) -> Iterator[Address | None]:
    """Each entry of a header, in the order they stand there; None for one that is not an address."""
    if value.startswith(_ARRAY):
        value = value[len(_ARRAY) :].replace("|:", ",")
    name, uri, rest = "", "", ""
    for piece in (*_PIECE.findall(value[:_LONGEST]), ","):
        if piece == ",":
            yield _entry(name, uri, rest)
            name, uri, rest = "", "", ""
        elif piece[0] == "<" and len(piece) > 1 and not uri:
            uri = piece[1:-1]
        elif uri:
            rest += piece
        else:
            name += piece


def is_nobody(number: str, host: str = "") -> bool:
    """Whether an address is the one of somebody who does not say who it is (RFC 3323 section 4.1.1.3)."""
    return number.lower() in _NOBODY or host.lower() in _NOBODYS_HOSTS


def _entry(name: str, uri: str, rest: str) -> Address | None:
    bare = None if uri else _BARE.match(name)
    if bare:  # without "<": what follows ";" belongs to the header, not to the URI
        start = bare.start(2)
        at = -1 if bare[2].lower() == "tel:" else name.find("@", start)
        end = name.find(";", max(at, start))
        uri, rest = (name[start:], "") if end < 0 else (name[start:end], name[end:])
        name = bare[1] or ""
    match = _URI.match(uri.rstrip())
    if not match:
        return None
    number, host, parameters = _parts(match[1].lower(), match[2])
    if is_nobody(number, host):
        name, number, host = "", ANONYMOUS, ANONYMOUS_HOST
    elif not dialable(number) or "@" in number or (host and not _HOST.fullmatch(host)):
        return None
    found = tuple((key.lower(), _unquoted(text)) for key, text in _PARAMETER.findall(parameters + rest))
    return Address(number, host, _name(name), found, match[3] or "")


def _parts(scheme: str, text: str) -> tuple[str, str, str]:
    """User part, host and parameters of a URI without its scheme."""
    user, at, host = text.partition("@")
    if scheme == "tel" or not at:
        user, mark, parameters = text.partition(";")
        number = as_dialled(unquote(user).strip())
        if scheme != "tel" and not is_written_number(number):
            return "", user, mark + parameters  # a host only
        return number, "", mark + parameters
    host, mark, parameters = host.partition(";")
    user = user.partition(";")[0].partition(":")[0]  # telephone-subscriber parameters, a password
    return as_dialled(unquote(user).strip()), host.strip(), mark + parameters


def _unquoted(text: str) -> str:
    match = _QUOTED.fullmatch(text)
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.S) if match else text


def _name(text: str) -> str:
    text = text.strip()[: 2 * _LONGEST_NAME]
    match = _QUOTED.fullmatch(text)
    text = _unquoted(text) if match else text.strip(' \t"').replace("\\", "")
    return _CONTROL.sub(" ", text).strip()[:_LONGEST_NAME]
