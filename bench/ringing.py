"""Calls that ring and are cancelled: INVITE to 180, at a steady rate, from a registered phone to another.

Raw SIP over UDP on loopback, one thread: PJSIP makes four calls at a time. The callers wait for no one.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import re
import selectors
import socket
import time
import uuid
from dataclasses import dataclass, field

_RINGS = 0.2  # seconds, then the caller gives up
_LATE = 4.0  # seconds after the last INVITE, for those that still wait
SDP = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def header(name: str, text: str) -> str:
    """The first header of that name, or nothing."""
    match = re.search(rf"^{name}: *(.*?)\r?$", text, re.M | re.I)
    return match[1] if match else ""


def digest(user: str, password: str, method: str, challenge: str) -> str:
    """The answer to a challenge (RFC 2617)."""
    realm, nonce = (re.search(rf'{name}="([^"]*)"', challenge)[1] for name in ("realm", "nonce"))  # type: ignore[index]

    def md5(value: str) -> str:
        return hashlib.md5(value.encode()).hexdigest()

    response = md5(f"{md5(f'{user}:{realm}:{password}')}:{nonce}:00000001:x:auth:{md5(f'{method}:sip:x')}")
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="sip:x", response="{response}", '
        "algorithm=MD5, qop=auth, nc=00000001, cnonce=x"
    )


@dataclass
class Place:
    """The FreeSWITCH that is called."""

    host: str
    port: int
    domain: str
    password: str


class Phone:
    """A registered phone that says 180 to every call, and 487 when it is cancelled."""

    def __init__(self, place: Place, user: str) -> None:
        """Register; RuntimeError if FreeSWITCH refuses."""
        self.place, self.user = place, user
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((place.host, 0))
        self.sock.settimeout(5)
        self.rang: list[str] = []
        challenge = ""
        for number in (1, 2):
            self.sock.sendto(self._register(number, challenge).encode(), (place.host, place.port))
            answer = self.sock.recv(65536).decode()
            challenge = header("WWW-Authenticate", answer) or header("Proxy-Authenticate", answer)
        if not answer.startswith("SIP/2.0 200"):
            raise RuntimeError(f"{user} is not registered: {answer.splitlines()[0]}")
        self.sock.setblocking(False)

    def _register(self, number: int, challenge: str) -> str:
        host, port = self.sock.getsockname()
        address, place = f"<sip:{self.user}@{self.place.domain}>", self.place
        proof = (
            f"Authorization: {digest(self.user, place.password, 'REGISTER', challenge)}\r\n"
            if challenge
            else ""
        )
        return (
            f"REGISTER sip:{place.domain} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"From: {address};tag={self.user}\r\nTo: {address}\r\n"
            f"Call-ID: {self.user}@{port}\r\nCSeq: {number} REGISTER\r\n"
            f"Contact: <sip:{self.user}@{host}:{port}>\r\nExpires: 7200\r\nMax-Forwards: 70\r\n{proof}"
            "Content-Length: 0\r\n\r\n"
        )

    def take(self) -> None:
        """Answer what came in."""
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
            except BlockingIOError:
                return
            text = data.decode("utf-8", "replace")
            if text.startswith("INVITE "):
                self.rang.append(header("From", text))
                self._answer(text, peer, "180 Ringing")
            elif text.startswith("CANCEL "):
                self._answer(text, peer, "200 OK")
                self._answer(text.replace(" CANCEL", " INVITE"), peer, "487 Request Terminated")

    def _answer(self, request: str, peer: object, status: str) -> None:
        names = ("via:", "from:", "to:", "call-id:", "cseq:")
        lines = [line for line in request.split("\r\n") if line.lower().startswith(names)]
        lines = [
            f"{line};tag=x" if line.lower().startswith("to:") and "tag=" not in line else line
            for line in lines
        ]
        host, port = self.sock.getsockname()
        lines += [f"Contact: <sip:{self.user}@{host}:{port}>", "Content-Length: 0", "", ""]
        self.sock.sendto("\r\n".join([f"SIP/2.0 {status}", *lines]).encode(), peer)  # type: ignore[arg-type]


@dataclass
class _Call:
    """One call of the caller's."""

    number: str
    invited: float
    rang: float = 0.0
    ended: bool = False
    cseq: int = 1
    to: str = ""
    proof: str = ""


@dataclass
class Rung:
    """What a run measured; seconds."""

    asked: int = 0  #: calls that were made
    to_ringing: list[float] = field(default_factory=list)  #: INVITE → 180, of those that rang


class Caller:
    """A user's phone that makes many calls at a time."""

    def __init__(self, place: Place, user: str, phones: list[Phone]) -> None:
        """Call as `user`; `phones` live while calls are made."""
        self.place, self.user, self.phones = place, user, phones
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((place.host, 0))
        self.sock.connect((place.host, place.port))
        self.sock.setblocking(False)
        self.calls: dict[str, _Call] = {}
        self._count = itertools.count()
        self._due: list[tuple[float, int, str]] = []  # calls that are to be cancelled
        self._selector = selectors.DefaultSelector()
        for phone in phones:
            self._selector.register(phone.sock, selectors.EVENT_READ, phone.take)
        self._selector.register(self.sock, selectors.EVENT_READ, self._take)

    def run(self, number: str, rate: float, seconds: float) -> Rung:
        """Call `number` `rate` times a second; each call rings for a moment and is cancelled."""
        self.calls, self._due = {}, []
        start = time.monotonic()
        for step in range(int(rate * seconds)):
            self._live(start + step / rate)
            call_id = uuid.uuid4().hex
            self.calls[call_id] = _Call(number, time.monotonic())
            self._invite(call_id)
        end = time.monotonic() + _LATE
        while time.monotonic() < end and not all(call.ended for call in self.calls.values()):
            self._live(time.monotonic() + 0.05)
        rang = [call.rang - call.invited for call in self.calls.values() if call.rang]
        return Rung(len(self.calls), rang)

    def _live(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            while self._due and self._due[0][0] <= time.monotonic():
                self._cancel(heapq.heappop(self._due)[2])
            wait = min([left, *(due - time.monotonic() for due, *_ in self._due[:1])])
            for key, _ in self._selector.select(max(0.0, wait)):
                key.data()

    def _request(self, method: str, call_id: str, to: str, extra: str = "", body: str = "") -> None:
        call, (host, port) = self.calls[call_id], self.sock.getsockname()
        uri = f"sip:{call.number}@{self.place.domain}"
        text = (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{call_id}{call.cseq}\r\n"
            f"From: <sip:{self.user}@{self.place.domain}>;tag={call_id[:8]}\r\nTo: {to or f'<{uri}>'}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {call.cseq} {method}\r\n"
            f"Contact: <sip:{self.user}@{host}:{port}>\r\n"
            f"Max-Forwards: 70\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self.sock.send(text.encode())

    def _invite(self, call_id: str) -> None:
        proof = self.calls[call_id].proof
        extra = f"Proxy-Authorization: {proof}\r\n" if proof else ""
        self._request(
            "INVITE",
            call_id,
            "",
            f"{extra}Content-Type: application/sdp\r\n",
            SDP.format(host=self.place.host),
        )

    def _cancel(self, call_id: str) -> None:
        self._request("CANCEL", call_id, "")

    def _take(self) -> None:
        while True:
            try:
                text = self.sock.recv(65536).decode("utf-8", "replace")
            except (BlockingIOError, ConnectionRefusedError):
                return
            call = self.calls.get(header("Call-ID", text))
            status = re.match(r"SIP/2.0 (\d+)", text)
            if call and status and header("CSeq", text) == f"{call.cseq} INVITE":
                self._answered(header("Call-ID", text), call, int(status[1]), text)

    def _answered(self, call_id: str, call: _Call, status: int, text: str) -> None:
        if status in (180, 183) and not call.rang:  # 183: FreeSWITCH plays the ringback of vars.xml
            call.rang = time.monotonic()
            heapq.heappush(self._due, (call.rang + _RINGS, next(self._count), call_id))
        if status < 200:
            return
        self._request("ACK", call_id, header("To", text))
        if status == 407 and not call.proof:
            call.proof = digest(self.user, self.place.password, "INVITE", header("Proxy-Authenticate", text))
            call.cseq += 1
            self._invite(call_id)
        else:
            call.ended = True
