"""SIP phones that have many calls at a time: whole dialogs over UDP on loopback, one thread, no media."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import re
import selectors
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.ringing import SDP, Place, digest, header

_T1 = 0.5  # seconds (RFC 3261 section 17.1.1.1)
_TRIES = 6
_BRANCH = itertools.count()
_COPIED = re.compile(r"^(?:via|from|to|call-id|cseq|record-route):", re.I)


class Clock:
    """What is due later, and the sockets of all phones."""

    def __init__(self) -> None:
        """Nothing is due."""
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()
        self._selector = selectors.DefaultSelector()

    def later(self, seconds: float, what: Callable[[], object]) -> None:
        """Do it in that many seconds."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._count), what))

    def watch(self, sock: socket.socket, take: Callable[[], object]) -> None:
        """Call `take` when the socket can be read."""
        self._selector.register(sock, selectors.EVENT_READ, take)

    def turn(self, seconds: float) -> None:
        """Do what is due, and read what arrives, for so long."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            until = min([end, *(due for due, *_ in self._due[:1])])
            for key, _ in self._selector.select(max(0.0, until - time.monotonic())):
                key.data()


@dataclass(eq=False)
class Leg:
    """A dialog of a phone, from its INVITE on."""

    phone: Phone
    call_id: str
    ours: str  #: From of what we send in the dialog
    theirs: str
    uri: str  #: where requests go
    call: Any = None
    caller: bool = False
    invite: str = ""
    cseq: int = 1
    status: int = 0  #: of the last answer to the INVITE
    ended: bool = False
    cancelled: bool = False
    challenged: bool = False
    replies: dict[str, str] = field(default_factory=dict)  #: CSeq → what we answered

    @property
    def up(self) -> bool:
        """Answered, and not over."""
        return self.status == 200 and not self.ended


class Script(Protocol):
    """What the phones do; `leg.status` has how it went."""

    def rings(self, leg: Leg) -> None:
        """An INVITE came in."""

    def answered(self, leg: Leg) -> None:
        """We or the other side said 200."""

    def ended(self, leg: Leg) -> None:
        """The dialog is over."""


class Phone:
    """A telephone; every message of its calls goes over one socket."""

    def __init__(self, clock: Clock, place: Place, user: str, sock: socket.socket, script: Script) -> None:
        """`sock` is bound, and registered as far as it has to be."""
        self.clock, self.place, self.user, self.sock, self.script = clock, place, user, sock, script
        self.contact = "<sip:{}@{}:{}>".format(user, *sock.getsockname())
        self.legs: dict[str, Leg] = {}
        self._waiting: set[tuple[str, str]] = set()  # (Call-ID, CSeq) of what may have to be sent again
        sock.setblocking(False)
        clock.watch(sock, self._take)

    # --- what a user does ------------------------------------------------------------------------

    def dial(self, number: str, call: Any, extra: str = "", name: str = "") -> Leg:
        """Call; `extra` is whole header lines."""
        call_id, domain = uuid.uuid4().hex, self.place.domain
        uri = f"sip:{number.replace('#', '%23')}@{domain}"
        me = f"{name}<sip:{self.user}@{domain}>;tag={call_id[:8]}"
        leg = self.legs[call_id] = Leg(self, call_id, me, f"<{uri}>", uri, call, caller=True, invite=extra)
        self._invite(leg, "")
        return leg

    def cancel(self, leg: Leg) -> None:
        """Give up; before the switch has said anything this waits until it does (RFC 3261 section 9.1)."""
        leg.cancelled = True
        if 100 <= leg.status < 200:
            self._request(leg, "CANCEL", cseq=leg.cseq)

    def hang_up(self, leg: Leg) -> None:
        """End it, if it is not over."""
        if leg.up:
            self._request(leg, "BYE")
            self._end(leg)

    def refer(self, leg: Leg, number: str, replaces: Leg | None = None) -> None:
        """Transfer the other side to `number`, or to the other side of `replaces`."""
        query = ""
        if replaces:
            tags = [re.search(r"tag=([^;\s]+)", text) for text in (replaces.theirs, replaces.ours)]
            to, from_ = (tag[1] if tag else "" for tag in tags)
            query = f"?Replaces={replaces.call_id}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from_}"
        domain = self.place.domain
        who = f"Refer-To: <sip:{number}@{domain}{query}>\r\nReferred-By: <sip:{self.user}@{domain}>\r\n"
        self._request(leg, "REFER", who)

    def answer(self, leg: Leg, status: int, contact: str = "") -> None:
        """Answer the INVITE of a leg that rings."""
        if leg.ended or leg.status >= 200:
            return
        leg.status = status
        self._reply(leg, leg.invite, status, contact, SDP if status == 200 else "")
        if status == 200:
            self._again(leg, leg.replies[header("CSeq", leg.invite)], ("200", header("CSeq", leg.invite)))
            self.script.answered(leg)
        elif status > 200:
            self._end(leg)

    # --- what goes out ---------------------------------------------------------------------------

    def _invite(self, leg: Leg, proof: str) -> None:
        extra = f"{leg.invite}{proof}Content-Type: application/sdp\r\n"
        self._request(leg, "INVITE", extra, SDP.format(host=self.place.host), leg.cseq)

    def _request(self, leg: Leg, method: str, extra: str = "", body: str = "", cseq: int = 0) -> None:
        if not cseq:
            leg.cseq += 1
        number, (host, port) = cseq or leg.cseq, self.sock.getsockname()
        same = method in ("CANCEL", "ACK") and leg.status != 200
        branch = f"{leg.call_id}{number}" if same or method == "INVITE" else f"x{next(_BRANCH)}{leg.call_id}"
        text = (
            f"{method} {leg.uri} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch};rport\r\n"
            f"From: {leg.ours}\r\nTo: {leg.theirs}\r\nCall-ID: {leg.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: {self.contact}\r\nMax-Forwards: 70\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._send(text)
        if method != "ACK":
            self._again(leg, text, (leg.call_id, f"{number} {method}"))

    def _again(self, leg: Leg, text: str, key: tuple[str, str]) -> None:
        """Send it again until something is heard."""
        key = (leg.call_id, " ".join(key) if key[0] == "200" else key[1])
        self._waiting.add(key)
        tries = itertools.count(1)

        def due() -> None:
            if key in self._waiting:
                self._send(text)
                if next(tries) < _TRIES:
                    self.clock.later(_T1 * 2, due)
                else:
                    self._waiting.discard(key)

        self.clock.later(_T1, due)

    def _send(self, text: str) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self.sock.sendto(text.encode(), (self.place.host, self.place.port))

    def _reply(self, leg: Leg | None, request: str, status: int, contact: str = "", body: str = "") -> None:
        body = body.format(host=self.place.host)
        lines = [line for line in request.split("\r\n\r\n")[0].split("\r\n") if _COPIED.match(line)]
        if leg and not leg.caller:
            lines = [f"To: {leg.ours}" if line.lower().startswith("to:") else line for line in lines]
        lines += [f"Contact: {contact or self.contact}", *(["Content-Type: application/sdp"] if body else [])]
        text = "\r\n".join([f"SIP/2.0 {status} x", *lines, f"Content-Length: {len(body)}", "", body])
        if leg:
            leg.replies[header("CSeq", request)] = text
        self._send(text)

    # --- what comes in ---------------------------------------------------------------------------

    def _take(self) -> None:
        while True:
            try:
                text = self.sock.recv(65536).decode("utf-8", "replace")
            except (BlockingIOError, ConnectionRefusedError):
                return
            leg = self.legs.get(header("Call-ID", text))
            if not text.startswith("SIP/2.0 "):
                self._asked(text, leg)
            elif leg:
                self._told(leg, int(text[8:11]), text)

    def _asked(self, text: str, leg: Leg | None) -> None:
        method, cseq = text.partition(" ")[0], header("CSeq", text)
        if method == "ACK":
            if leg:
                self._waiting.discard((leg.call_id, f"200 {cseq.replace('ACK', 'INVITE')}"))
        elif leg and cseq in leg.replies:
            self._send(leg.replies[cseq])
        elif method == "INVITE" and not leg:
            self._ring(text)
        elif not leg:
            self._reply(None, text, 481 if method in ("BYE", "CANCEL") else 200)
        else:
            self._reply(leg, text, 200, body=SDP if method == "INVITE" else "")
            if method == "CANCEL" and leg.status < 200:
                leg.status = 487
                self._reply(leg, leg.invite, 487)
            if method == "BYE" or leg.status == 487:
                self._end(leg)

    def _ring(self, text: str) -> None:
        call_id, uri = header("Call-ID", text), re.search(r"<([^>]+)>", header("Contact", text))
        ours = f"{header('To', text)};tag={uuid.uuid4().hex[:8]}"
        leg = Leg(self, call_id, ours, header("From", text), uri[1] if uri else "", invite=text, status=180)
        self.legs[call_id] = leg
        self._reply(leg, text, 180)
        self.script.rings(leg)

    def _told(self, leg: Leg, status: int, text: str) -> None:
        cseq = header("CSeq", text)
        self._waiting.discard((leg.call_id, cseq))
        if not cseq.endswith(" INVITE"):
            return
        if status < 200:
            self._goes_on(leg, status)
            return
        number, last = int(cseq.split()[0]), leg.status >= 200
        if number == leg.cseq and not last:
            leg.status, leg.theirs = status, header("To", text)
            contact = re.search(r"<([^>]+)>", header("Contact", text))
            leg.uri = contact[1] if status == 200 and contact else leg.uri
        self._request(leg, "ACK", cseq=number)
        if number == leg.cseq and not last:
            self._finally(leg, status, text)

    def _goes_on(self, leg: Leg, status: int) -> None:
        if leg.status < 200:
            leg.status = status
            if leg.cancelled:
                self._request(leg, "CANCEL", cseq=leg.cseq)

    def _finally(self, leg: Leg, status: int, text: str) -> None:
        challenge = header("Proxy-Authenticate", text) or header("WWW-Authenticate", text)
        if challenge and not leg.challenged:
            leg.challenged, leg.status, leg.theirs = True, 0, f"<{leg.uri}>"
            leg.cseq += 1
            proof = digest(self.user, self.place.password, "INVITE", challenge)
            self._invite(leg, f"Proxy-Authorization: {proof}\r\n")
        elif status == 200:
            self.script.answered(leg)
        else:
            self._end(leg)

    def _end(self, leg: Leg) -> None:
        if not leg.ended:
            leg.ended = True
            self.clock.later(35, lambda: self.legs.pop(leg.call_id, None))
            self.script.ended(leg)
