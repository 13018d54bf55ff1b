"""A phone that writes its INVITE byte by byte, and hears what FreeSWITCH plays (PJSIP escapes and checks)."""

from __future__ import annotations

import hashlib
import math
import re
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field

RATE = 8000
DONE, REFUSED, OFF = [660, 880], [330, 330, 330], [520]  # the tones of fsdaemon_codes.xml
NO_LINE = "-ERR no reply\n"


@dataclass
class Answer:
    """How a call ended: the final status, its headers, and the sound up to BYE."""

    code: int = 0
    head: str = ""
    requests: list[str] = field(default_factory=list)  # what FreeSWITCH sent in the call: INFO, UPDATE, BYE
    sound: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        match = re.search(rf"^{name}:\s*(.*?)\r?$", self.head, re.M | re.I)
        return match[1] if match else None

    @property
    def display(self) -> str:
        """The name a phone shows from the answer: Remote-Party-ID."""
        quoted = re.match(r'"([^"]*)"', self.header("Remote-Party-ID") or "")
        return quoted[1] if quoted else ""

    def tones(self) -> list[int]:
        """The frequencies heard, one after the other, to the nearest of FREQUENCIES."""
        heard: list[int] = []
        for start in range(0, len(self.sound) - 400, 400):  # 50 ms
            block = self.sound[start : start + 400]
            power = {f: share(block, f) for f in FREQUENCIES}
            best = max(power, key=power.__getitem__)
            loud = sum(s * s for s in block) / 400 > 100_000 and power[best] > 0.5
            heard.append(best if loud else 0)
        clean = [f for before, f in zip([0, *heard], heard) if f != before]
        return [f for f in clean if f]


FREQUENCIES = (330, 520, 660, 880)


def share(block: list[int], frequency: int) -> float:
    """The share of the block's power that is at `frequency`."""
    k = 2 * math.cos(2 * math.pi * frequency / RATE)
    a = b = 0.0
    for sample in block:
        a, b = sample + k * a - b, a
    total = sum(s * s for s in block) or 1
    return (a * a + b * b - k * a * b) / total / (len(block) / 2)


def _linear(byte: int) -> int:
    """One sample of G.711 mu-law."""
    byte = ~byte & 0xFF
    value = (((byte & 0x0F) << 3) + 0x84 << ((byte & 0x70) >> 4)) - 0x84
    return -value if byte & 0x80 else value


class Handset:
    """Dials for `user` of `domain`; without `password` it does not authenticate."""

    def __init__(
        self,
        port: int,
        user: str,
        domain: str,
        password: str = "",
        agent: str = "handset",
        host: str = "127.0.0.1",
    ) -> None:
        self.port, self.user, self.domain, self.password, self.agent = port, user, domain, password, agent
        self.host = host
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.connect((host, port))
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind((host, 0))
        self.rtp.setblocking(False)

    def dial(
        self, number: str, seconds: float = 10, from_: str | None = None, headers: tuple[str, ...] = ()
    ) -> Answer:
        """Call `number`, written into the request as it stands, and listen until FreeSWITCH hangs up."""
        self.call, self.cseq, self.answer = uuid.uuid4().hex, 1, Answer()
        self.uri = f"sip:{number}@{self.domain}"
        self.from_ = from_ or f"<sip:{self.user}@{self.domain}>"
        self.headers = headers
        self._invite()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._listen()
            self.sock.settimeout(0.02)
            try:
                text = self.sock.recv(65536).decode("utf-8", "replace")
            except (TimeoutError, socket.timeout):
                continue
            if self._take(text):
                return self.answer
        raise AssertionError(f"{number}: no end within {seconds} s")

    def _listen(self) -> None:
        while True:
            try:
                packet = self.rtp.recv(2048)
            except BlockingIOError:
                return
            self.answer.sound += [_linear(byte) for byte in packet[12:]]

    def _request(self, method: str, to: str, extra: tuple[str, ...] = (), body: str = "") -> None:
        host, port = self.sock.getsockname()
        lines = [
            f"{method} {self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self.call}{self.cseq}{'a' if method == 'ACK' else ''}",
            f"From: {self.from_};tag={self.call[:8]}",
            f"To: {to}",
            f"Call-ID: {self.call}",
            f"CSeq: {self.cseq} {method}",
            f"Contact: <sip:{self.user}@{host}:{port}>",
            "Max-Forwards: 70",
            "Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE",
            f"User-Agent: {self.agent}",
            *self.headers,
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.sock.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _invite(self, extra: tuple[str, ...] = ()) -> None:
        host, port = self.rtp.getsockname()
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        )
        self._request("INVITE", f"<{self.uri}>", extra, sdp)

    def _take(self, text: str) -> bool:
        """Handle a message; true when the call is over."""
        status = re.match(r"SIP/2.0 (\d+)", text)
        if not status:
            return self._asked(text)
        code, cseq = int(status[1]), re.search(r"^CSeq: (\d+) INVITE", text, re.M)
        if code < 200 or not cseq or int(cseq[1]) != self.cseq:
            return False
        self._request("ACK", re.search(r"^To: (.*?)\r$", text, re.M)[1])
        challenge = re.search(
            r'^(Proxy-Authenticate|WWW-Authenticate): .*?realm="([^"]*)".*?nonce="([^"]*)"', text, re.M
        )
        if challenge and self.password and self.cseq < 3:  # a nonce may be stale
            self.cseq += 1
            self._invite((self._digest(*challenge.groups()),))
            return False
        self.answer.code, self.answer.head = code, text
        return code >= 300

    def _digest(self, challenge: str, realm: str, nonce: str) -> str:
        def md5(value: str) -> str:
            return hashlib.md5(value.encode()).hexdigest()

        ha1, ha2 = md5(f"{self.user}:{realm}:{self.password}"), md5("INVITE:sip:x")
        response = md5(f"{ha1}:{nonce}:00000001:x:auth:{ha2}")
        name = "Proxy-Authorization" if challenge.startswith("Proxy") else "Authorization"
        return (
            f'{name}: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="sip:x", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"'
        )

    def _asked(self, text: str) -> bool:
        """A request of FreeSWITCH's in the call: say yes."""
        self.answer.requests.append(text)
        kept = re.findall(
            r"^(?:Via|From|To|Call-ID|CSeq): .*?\r$", text.partition("\r\n\r\n")[0] + "\r\n", re.M
        )
        self.sock.send(("SIP/2.0 200 OK\r\n" + "\n".join(kept) + "\nContent-Length: 0\r\n\r\n").encode())
        return text.startswith("BYE")

    def __enter__(self) -> Handset:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()
        self.rtp.close()


def dial(site, code, who="boss", domain=None, **options):
    """What `who` sees and hears when dialling `code`: the status, the display, the tones."""
    user, domain = site.number(who), domain or site.domain
    password = options.pop("password", site.password(user))
    with Handset(site.sip, user, domain, password, host=site.host) as phone:
        answer = phone.dial(site.filled(code), **options)
    return answer.code, answer.display, answer.tones()


def line(site, who="boss", domain=None):
    """What is stored for `who`."""
    return site.api(f"db select/fsdaemon-{domain or site.domain}/{site.number(who)}").replace(NO_LINE, "")


def exceptions(site, who="boss"):
    """Who gets through to `who`, as it was dialled."""
    return site.api(f"db select/fsdaemon.except-{site.domain}/{site.number(who)}").replace(NO_LINE, "")


def both_at_once(switches, codes_, rounds):
    """Two phones of a user dial a code each within 5 ms, four users at a time; what each phone showed, and the line."""
    users, seen = ("100", "102", "103", "104"), []
    for _ in range(rounds // len(users)):
        start, shown = threading.Barrier(2 * len(users)), {}

        def phone(user, at, start=start, shown=shown):
            switch = switches[at % len(switches)]
            with Handset(switch.sip, user, switch.domain, switch.password(user), host=switch.host) as handset:
                start.wait(5)
                shown[user, at] = handset.dial(codes_[at]).display

        for user in users:
            switches[0].api(f"db delete/fsdaemon-{switches[0].domain}/{user}")
        threads = [threading.Thread(target=phone, args=(user, at)) for user in users for at in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        seen += [(shown[user, 0], shown[user, 1], line(switches[0], user)) for user in users]
    return seen


def confirmed_is_in_effect(seen):
    """Whatever was confirmed stands in the line, and nothing that was refused; nearly all are confirmed."""
    for always, busy, stored in seen:
        assert (always == "Uml. immer an 101") == (";21=on:101" in stored), (always, busy, stored)
        assert (busy == "Uml. besetzt an 105") == (";67=on:105" in stored), (always, busy, stored)
        assert {always, busy} <= {"Uml. immer an 101", "Uml. besetzt an 105", "Uml. abgelehnt"}
    assert sum("abgelehnt" not in always + busy for always, busy, _ in seen) > len(seen) / 2
