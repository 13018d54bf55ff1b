"""What is read besides the phones: the records of mod_cdr_csv, and the document of a busy lamp."""

from __future__ import annotations

import csv
import hashlib
import re
import socket
import time
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

TEMPLATE = ",".join(
    f'"${{{name}}}"'
    for name in (
        "direction",
        "caller_id_name",
        "caller_id_number",
        "dialed_user",  # not destination_number: mod_cdr_csv expands what a 302 or a REFER brought
        "hangup_cause",
        "fsdaemon_cdr_called",
        "fsdaemon_cdr_diverter",
        "fsdaemon_cdr_kinds",
        "fsdaemon_cdr_verdict",
        "fsdaemon_cdr_reason",
        "fsdaemon_path",
    )
)
NAMES = tuple(re.findall(r"\w+", TEMPLATE))
FORWARD = ("called", "diverter", "kinds", "verdict", "reason")


def log_records(file: Path) -> None:
    """Both legs, with our template, in the example configuration."""
    text = file.read_text("utf-8").replace('name="legs" value="a"', 'name="legs" value="ab"')
    text = text.replace('value="example"', 'value="forwards"')
    text = text.replace("<templates>", f'<templates><template name="forwards">{TEMPLATE}</template>', 1)
    file.write_text(text, "utf-8")


def records(site: Any) -> list[dict[str, str]]:
    """Every leg that ended, in that order."""
    file = site.directory / "log" / "cdr-csv" / "Master.csv"
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as rows:
        return [dict(zip(NAMES, row)) for row in csv.reader(rows) if row]


def of_forward(row: dict[str, str]) -> tuple[str, ...]:
    """What a record says of the forward."""
    return tuple(row[f"fsdaemon_cdr_{name}"] for name in FORWARD)


class Lamp:
    """A phone's key for another user: it subscribes to that user's calls (RFC 4235)."""

    def __init__(self, site: Any, of: str, watched: str) -> None:
        self.site, self.user, self.watched = site, site.number(of), site.number(watched)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((site.host, 0))
        self.sock.connect((site.host, site.sip))
        self.call, self.cseq, self.seen = uuid.uuid4().hex, 0, list[str]()
        answer = self._subscribe("")
        challenge = re.search(r"^(WWW|Proxy)-Authenticate: (.*?)\r$", answer, re.M)
        if challenge:
            name = "Authorization" if challenge[1] == "WWW" else "Proxy-Authorization"
            answer = self._subscribe(f"{name}: {self._credentials(challenge[2])}\r\n")
        assert answer.startswith("SIP/2.0 202"), answer

    def _subscribe(self, authorization: str) -> str:
        host, port = self.sock.getsockname()
        self.cseq += 1
        me, other = (f"<sip:{user}@{self.site.domain}>" for user in (self.user, self.watched))
        request = (
            f"SUBSCRIBE sip:{self.watched}@{self.site.domain} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self.call}{self.cseq}\r\n"
            f"From: {me};tag={self.call[:8]}\r\nTo: {other}\r\n"
            f"Call-ID: {self.call}\r\nCSeq: {self.cseq} SUBSCRIBE\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{self.user}@{host}:{port}>\r\nEvent: dialog\r\nExpires: 300\r\n"
            f"Accept: application/dialog-info+xml\r\n{authorization}Content-Length: 0\r\n\r\n"
        )
        self.sock.send(request.encode())
        self.sock.settimeout(3)
        while True:
            text = self._take()
            if text.startswith("SIP/2.0 "):
                return text

    def _credentials(self, challenge: str) -> str:
        """RFC 2617, for a challenge with `qop="auth"`."""

        def md5(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        realm, nonce = (re.findall(rf'{name}="([^"]*)"', challenge)[0] for name in ("realm", "nonce"))
        known = md5(self.user, realm, self.site.password(self.user))
        response = md5(known, nonce, "00000001", "x", "auth", md5("SUBSCRIBE", "sip:x"))
        return (
            f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="sip:x", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"'
        )

    def _take(self) -> str:
        text = self.sock.recv(65536).decode("utf-8")
        if text.startswith("NOTIFY "):
            self.seen.append(text.partition("\r\n\r\n")[2])
            kept = ("via:", "from:", "to:", "call-id:", "cseq:")
            lines = [line for line in text.split("\r\n") if line.lower().startswith(kept)]
            self.sock.send("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())
        return text

    def caller(self, seconds: float = 3) -> str:
        """Who is shown to be calling; the document must be XML."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                self._take()
            except socket.timeout:
                break
            names = "{urn:ietf:params:xml:ns:dialog-info}"
            found = ElementTree.fromstring(self.seen[-1]).find(f".//{names}remote/{names}identity")
            if found is not None:
                return found.get("display", "")
        raise AssertionError(f"no caller in {self.seen}")
