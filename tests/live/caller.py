"""Many calls at once, from outside: INVITE, the final answer, ACK (PJSIP can make four at a time)."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


@dataclass
class Try:
    """One call: when it began, and how it ended."""

    number: str
    start: float = field(default_factory=time.monotonic)
    code: int = 0
    seconds: float = 0.0


class Callers:
    """Calls `number` at a profile that asks nobody who she is."""

    def __init__(
        self, port: int, name: str = "Max", user: str = "+491701234567", host: str = "127.0.0.1"
    ) -> None:
        self.port, self.name, self.user, self.host = port, name, user, host
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.connect((host, port))
        self.own = self.sock.getsockname()[1]
        self.calls: dict[str, Try] = {}

    def _request(self, method: str, call_id: str, to: str, body: str = "") -> bytes:
        number = self.calls[call_id].number
        lines = [
            f"{method} sip:{number}@{self.host}:{self.port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.own};branch=z9hG4bK{call_id}",
            f'From: "{self.name}" <sip:{self.user}@carrier.example>;tag={call_id}',
            f"To: {to}",
            f"Call-ID: {call_id}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:{self.user}@127.0.0.1:{self.own}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def call(self, number: str) -> Try:
        call_id = uuid.uuid4().hex
        made = self.calls[call_id] = Try(number)
        self.sock.send(self._request("INVITE", call_id, f"<sip:{number}@127.0.0.1>", SDP))
        return made

    def turn(self, seconds: float) -> None:
        """Take answers for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                text = self.sock.recv(65536).decode("utf-8", "replace")
            except (TimeoutError, socket.timeout):
                return
            self._answer(text)

    def _answer(self, text: str) -> None:
        status = re.match(r"SIP/2.0 (\d+)", text)
        call_id = re.search(r"^Call-ID: *(\S+)", text, re.M | re.I)
        to = re.search(r"^To: *(.*?)\r$", text, re.M | re.I)
        if not (status and call_id and to and call_id[1] in self.calls) or int(status[1]) < 200:
            return
        made = self.calls[call_id[1]]
        if not made.code:
            made.code, made.seconds = int(status[1]), time.monotonic() - made.start
        self.sock.send(self._request("ACK", call_id[1], to[1]))

    def all_ended(self, seconds: float) -> bool:
        """Wait until every call has its final answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not all(made.code for made in self.calls.values()):
            self.turn(0.1)
        return all(made.code for made in self.calls.values())

    def close(self) -> None:
        self.sock.close()


class Engaged:
    """A registered phone that is always busy, however many call at a time; `shown` is what each call showed."""

    def __init__(self, host: str, port: int, domain: str, user: str, password: str) -> None:
        self.user, self.domain = user, domain
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(5)
        self.sock.connect((host, port))
        self.own = self.sock.getsockname()[1]
        self._register(password)
        self.sock.close()  # calls come from any node
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", self.own))
        self.sock.settimeout(0.1)
        self.shown: dict[str, str] = {}
        self._open = True
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _register(self, password: str) -> None:
        call_id, authorization = uuid.uuid4().hex, ""
        for number in (1, 2):
            request = (
                f"REGISTER sip:{self.domain} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.own};branch=z9hG4bK{call_id}{number}\r\n"
                f"From: <sip:{self.user}@{self.domain}>;tag={call_id}\r\n"
                f"To: <sip:{self.user}@{self.domain}>\r\n"
                f"Call-ID: {call_id}\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:{self.user}@127.0.0.1:{self.own}>\r\nExpires: 600\r\n"
                f"{authorization}Content-Length: 0\r\n\r\n"
            )
            self.sock.send(request.encode())
            answer = self.sock.recv(65536).decode()
            if answer.startswith("SIP/2.0 200"):
                return
            if "nonce=" not in answer:
                break
            realm, nonce = (re.search(rf'{name}="([^"]*)"', answer)[1] for name in ("realm", "nonce"))  # type: ignore[index]
            digest = _md5(
                f"{_md5(f'{self.user}:{realm}:{password}')}:{nonce}:{_md5(f'REGISTER:sip:{self.domain}')}"
            )
            authorization = (
                f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", '
                f'uri="sip:{self.domain}", response="{digest}", algorithm=MD5\r\n'
            )
        self.sock.close()
        raise RuntimeError(f"not registered: {answer}")

    def _live(self) -> None:
        while self._open:
            try:
                data, peer = self.sock.recvfrom(65536)
            except socket.timeout:
                continue
            if data.startswith(b"INVITE "):
                text = data.decode("utf-8", "replace")
                headers = dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)
                self.shown[headers["Call-ID"]] = headers["From"].partition("<")[0].strip().strip('"')
                self.sock.sendto(_busy_here(data), peer)

    def close(self) -> None:
        self._open = False
        self._thread.join(2)
        self.sock.close()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class ForeignHost:
    """A SIP address elsewhere, where everybody is busy."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.9", 0))
        self.sock.setblocking(False)
        self.address = f"sip:777@127.0.0.9:{self.sock.getsockname()[1]}"

    def asked(self) -> bool:
        """Answer what came; true if it was a call."""
        try:
            request, peer = self.sock.recvfrom(65536)
        except BlockingIOError:
            return False
        self.sock.sendto(_busy_here(request), peer)
        return request.startswith(b"INVITE sip:777@127.0.0.9")

    def __enter__(self) -> ForeignHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def _busy_here(request: bytes) -> bytes:
    """486 to an INVITE (RFC 3261 section 8.2.6)."""
    kept = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
    lines = [line for line in request.split(b"\r\n") if line.lower().startswith(kept)]
    lines = [line + b";tag=x" if line.lower().startswith(b"to:") else line for line in lines]
    return b"\r\n".join([b"SIP/2.0 486 Busy Here", *lines, b"Content-Length: 0", b"", b""])
