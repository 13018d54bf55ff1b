"""Phones and trunks that answer a call as a script says: 180, a pause, 603; or nothing at all."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
import uuid

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
SILENT = ()


class Scripted:
    """Answers every call with `script`: 180 is a status, 0.5 a pause in seconds, "183" a status with SDP."""

    def __init__(self, site, script, who="", port=0):
        """A registered phone of `who`; without one the trunk, at `port`."""
        self.site, self.script, self.user = site, script, site.number(who) if who else "trunk"
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((site.host, port))
        self.sock.settimeout(3)
        self.port = self.sock.getsockname()[1]
        self.calls: dict[str, str] = {}  # Call-ID → INVITE
        self.ended: set[str] = set()
        if who:
            self._register(site.password(self.user))
        self.sock.settimeout(0.02)
        self._open = True
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._open = False
        self._thread.join(3)
        self.sock.close()

    @property
    def reasons(self):
        """Of each call why it was forwarded (RFC 5806); None: it was not."""
        found = [re.search(r"^Diversion: [^\n]*?reason=([\w-]+)", text, re.M) for text in self.calls.values()]
        return [match and match[1] for match in found]

    def _register(self, password):
        call_id, authorization = uuid.uuid4().hex, ""
        peer, domain = (self.site.host, self.site.sip), self.site.domain
        for number in (1, 2):
            request = (
                f"REGISTER sip:{domain} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.site.host}:{self.port};branch=z9hG4bK{call_id}{number}\r\n"
                f"From: <sip:{self.user}@{domain}>;tag={call_id}\r\nTo: <sip:{self.user}@{domain}>\r\n"
                f"Call-ID: {call_id}\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\nExpires: 600\r\n"
                f"Contact: <sip:{self.user}@{self.site.host}:{self.port}>\r\n"
                f"{authorization}Content-Length: 0\r\n\r\n"
            )
            self.sock.sendto(request.encode(), peer)
            answer = self.sock.recv(65536).decode()
            if answer.startswith("SIP/2.0 200"):
                return
            realm, nonce = (re.search(rf'{name}="([^"]*)"', answer)[1] for name in ("realm", "nonce"))
            secret = _md5(f"{self.user}:{realm}:{password}")
            digest = _md5(f"{secret}:{nonce}:{_md5(f'REGISTER:sip:{domain}')}")
            authorization = (
                f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", '
                f'uri="sip:{domain}", response="{digest}", algorithm=MD5\r\n'
            )
        raise AssertionError(f"not registered: {answer}")

    def _live(self):
        due = []
        while self._open:
            for step in [step for step in due if step[0] <= time.monotonic()]:
                due.remove(step)
                if step[1] not in self.ended:
                    self._reply(*step[2:])
            try:
                data, peer = self.sock.recvfrom(65536)
            except socket.timeout:
                continue
            text = data.decode("utf-8", "replace")
            call = re.search(r"^Call-ID: (\S+)", text, re.M)
            if text.startswith("INVITE ") and call[1] not in self.calls:
                self.calls[call[1]] = text
                at = time.monotonic()
                for step in self.script:
                    if isinstance(step, float):
                        at += step
                    else:
                        due.append((at, call[1], text, peer, step))
            elif text.startswith("CANCEL ") and self.script:
                self.ended.add(call[1])
                self._reply(text, peer, 200)
                self._reply(self.calls[call[1]], peer, 487)

    def _reply(self, request, peer, status):
        kept = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = [line for line in request.split("\r\n") if line.partition(":")[0] in kept]
        lines = [f"{line};tag=s{self.port}" if line.startswith("To:") else line for line in lines]
        lines.append(f"Contact: <sip:{self.user}@{self.site.host}:{self.port}>")
        body = SDP if isinstance(status, str) else ""
        lines += ["Content-Type: application/sdp"] if body else []
        head = "\r\n".join([f"SIP/2.0 {status} So", *lines, f"Content-Length: {len(body)}"])
        self.sock.sendto(f"{head}\r\n\r\n{body}".encode(), peer)


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()
