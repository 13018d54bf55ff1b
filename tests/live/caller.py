"""Many calls at once, from outside: INVITE, the final answer, ACK (PJSIP can make four at a time)."""

from __future__ import annotations

import re
import socket
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

    def __init__(self, port: int, name: str = "Max", user: str = "+491701234567") -> None:
        self.port, self.name, self.user = port, name, user
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.connect(("127.0.0.1", port))
        self.own = self.sock.getsockname()[1]
        self.calls: dict[str, Try] = {}

    def _request(self, method: str, call_id: str, to: str, body: str = "") -> bytes:
        number = self.calls[call_id].number
        lines = [
            f"{method} sip:{number}@127.0.0.1:{self.port} SIP/2.0",
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
