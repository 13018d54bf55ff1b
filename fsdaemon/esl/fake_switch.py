"""FreeSWITCH's half of the outbound event socket, as strict as FreeSWITCH: for demo, tests and bench.

Rule: refuses what FreeSWITCH refuses and expands what it expands; tests/live plays the same script to
this and to a real one. Blocking sockets of the standard library, one call at a time.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fsdaemon.esl.protocol import CONNECT, ProtocolError
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.variables import PREFIX

_UNSAFE = frozenset(b'\r\n #%&+:;<=>?@[\\]^`{|}"')  # SWITCH_URL_UNSAFE, switch_utils.h
_APPLICATIONS = frozenset(["set", "multiset", "unset", "export", "bridge", "log", "info", "sched_cancel"])
ApiAnswer = Callable[[str], str]


def url_encode(value: bytes) -> bytes:
    """As switch_url_encode_opt does without double_encode: what looks like %3A already stays."""
    out = bytearray()
    for at, byte in enumerate(value):
        coded = byte == 0x25 and re.match(rb"%[0-9A-F]{2}", value[at : at + 3])
        if not coded and (byte < 0x20 or byte > 0x7E or byte in _UNSAFE):
            out += b"%%%02X" % byte
        else:
            out.append(byte)
    return bytes(out)


def channel_data(recording: bytes, variables: Mapping[str, str]) -> bytes:
    """A recorded answer to `connect`, with channel variables (or headers) set to other values.

    An empty value takes one away.
    """
    changed = {name if name[:1].isupper() else PREFIX + name: value for name, value in variables.items()}
    lines = [
        line
        for line in recording.rstrip(b"\n").split(b"\n")
        if line.partition(b":")[0].decode("utf-8", "replace") not in changed
    ]
    new = [
        name.encode() + b": " + url_encode(value.encode("utf-8", "surrogateescape"))
        for name, value in changed.items()
        if value
    ]
    at = next((i for i, line in enumerate(lines) if line.startswith(b"Content-Type:")), len(lines))
    return b"\n".join(lines[:at] + new + lines[at:]) + b"\n\n"


@dataclass
class Played:
    """What happened to one call."""

    variables: dict[str, str]  #: channel variables as the daemon left them
    executed: list[tuple[str, str]] = field(default_factory=list)  #: applications, as they were sent
    asked: list[str] = field(default_factory=list)  #: api commands
    expanded: list[str] = field(default_factory=list)  #: every `${…}` that fired
    refused: list[str] = field(default_factory=list)  #: commands that FreeSWITCH does not know


class Switch:
    """One channel that executes `socket`, from its side."""

    def __init__(self, data: bytes, api: ApiAnswer | Mapping[str, str] | None = None) -> None:
        """`data` answers `connect`; `api` answers api commands, by default as if nothing existed."""
        headers = Headers(data)
        self.data = data
        self.played = Played(
            {n[len(PREFIX) :]: headers.get(n) for n in headers.names() if n.startswith(PREFIX)}
        )
        table = api if api is not None else {}
        self._api: ApiAnswer = (
            table if callable(table) else lambda command: table.get(command, "-ERR no reply\n")
        )

    def call(self, host: str, port: int, timeout: float = 5.0) -> Played:
        """Connect to a daemon, do what it says until it closes, and return what was done.

        Raises OSError where there is no daemon; TimeoutError when it says nothing for `timeout` seconds;
        ProtocolError when it does not begin as a daemon does.
        """
        begun = b""
        with socket.create_connection((host, port), timeout) as sock:
            sock.settimeout(timeout)
            buffer = b""
            while True:
                data = sock.recv(65536)
                if not data:
                    return self.played
                begun = begun or data[: len(CONNECT)]
                if not CONNECT.startswith(begun):
                    raise ProtocolError("it does not begin with `connect`")
                commands, buffer = split(buffer + data)
                sock.sendall(b"".join(map(self.answer, commands)))

    def answer(self, command: bytes) -> bytes:
        """The bytes FreeSWITCH sends back for one command."""
        head, _, body = command.decode("utf-8", "replace").lstrip("\n").partition("\n\n")
        first, *rest = head.split("\n")
        word, _, argument = first.partition(" ")
        if first == "connect":
            return self.data
        if word == "api":
            self.played.asked.append(argument)
            answer = self._api(argument).encode()
            return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(answer), answer)
        if word == "sendmsg":
            headers = {name.lower(): value.lstrip(" ") for name, _, value in (r.partition(":") for r in rest)}
            return self._reply(self._sendmsg(headers, body))
        if word == "exit":
            return self._reply("+OK bye")
        self.played.refused.append(first)
        return self._reply("-ERR command not found")

    @staticmethod
    def _reply(text: str) -> bytes:
        return b"Content-Type: command/reply\nReply-Text: " + text.encode() + b"\n\n"

    def _sendmsg(self, headers: Mapping[str, str], body: str) -> str:
        application = headers.get("execute-app-name", "")
        if headers.get("call-command") != "execute" or application not in _APPLICATIONS:
            self.played.refused.append(f"{headers.get('call-command')} {application}")
            return "+OK"  # FreeSWITCH says so too; an unknown application then ends the call
        argument = headers.get("execute-app-arg") or (
            body if headers.get("content-type") == "text/plain" else ""
        )
        self.played.executed.append((application, argument))
        argument = self.expand(argument)  # switch_core_session_exec, and base_set once more
        if application in ("set", "export"):
            self._set(argument)
        elif application == "unset":
            self._forget(argument)
        elif application == "multiset":
            separator, pairs = (argument[2:3], argument[3:]) if argument.startswith("^^") else (" ", argument)
            for pair in separate(pairs, separator):
                self._set(pair)
        return "+OK"

    def _set(self, pair: str) -> None:
        name, _, value = pair.partition("=")
        value = self.expand(value)
        self._forget(name)
        if value:
            self.played.variables[name] = value

    def _forget(self, name: str) -> None:
        """A variable has one name in whatever case (switch_event.c switch_event_del_header)."""
        for one in [one for one in self.played.variables if one.lower() == name.lower()]:
            del self.played.variables[one]

    def expand(self, text: str, depth: int = 0) -> str:
        """`${name}` and `${api(…)}`, recursively; an unclosed one eats the rest (switch_channel.c)."""
        start = text.find("${")
        if start < 0 or depth > 20:
            return text
        end = _closing(text, start + 1)
        inner = text[start + 2 : end]
        self.played.expanded.append(inner)
        value = self.played.variables.get(inner, "")
        return text[:start] + self.expand(value, depth + 1) + self.expand(text[end + 1 :], depth + 1)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole commands, each with the body that its content-length announces, and the rest."""
    commands: list[bytes] = []
    while True:
        head, blank, rest = data.partition(b"\n\n")
        length = re.search(rb"\ncontent-length: *(\d{1,9})", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if not blank or len(rest) < size:
            return commands, data
        commands.append(head + blank + rest[:size] if size else head)
        data = rest[size:]


def separate(text: str, delimiter: str) -> list[str]:
    """Split as switch_separate_string does: quotes hide the delimiter and vanish, backslashes escape."""
    parts, start, at, quoted = [], 0, 0, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "'" and (quoted or "'" in text[at + 1 :]):
            quoted = not quoted
        elif text[at] == delimiter and not quoted:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    if start < len(text):
        parts.append(text[start:])
    return [_cleaned(part, delimiter) for part in parts]


def words(argument: str) -> list[str]:
    """The arguments of an `api` command, as separate_string_blank_delim of switch_utils.c finds them."""
    if argument.startswith("^^"):  # another delimiter follows
        return [argument]
    found, start, at, quoted = [], 0, 0, False
    while at < len(argument):
        if argument[at] == "\\":
            at += 1
        elif argument[at] == "'":
            quoted = not quoted
        elif argument[at] == " " and not quoted:
            found.append(argument[start:at])
            at = start = len(argument) - len(argument[at:].lstrip(" "))
            continue
        at += 1
    return [_cleaned(one, "\0") for one in [*found, argument[start:]]]


def _cleaned(part: str, delimiter: str) -> str:
    part = part.lstrip(" ")
    out, end, at, quoted = "", 0, 0, False
    while at < len(part):
        ch, following = part[at], part[at + 1 : at + 2]
        if ch == "\\" and following and following in "'\"\\nrts" + delimiter:
            out += {"n": "\n", "r": "\r", "t": "\t", "s": " "}.get(following, following)
            end, at = len(out), at + 1
        elif ch == "'" and (quoted or "'" in part[at + 1 :]):
            quoted = not quoted
            end = len(out) if quoted else end
        else:
            out += ch
            end = len(out) if ch != " " or quoted else end
        at += 1
    return out[:end] if end else out


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)
