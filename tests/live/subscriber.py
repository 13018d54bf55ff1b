"""A phone that subscribes, byte by byte: to its feature keys (as-feature-event) and to lamps (dialog)."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
import uuid

KEYS, LAMP = "as-feature-event", "dialog"
SHOWN = re.compile(
    r"<forwardingType>(\w+)</forwardingType>\s*<forwardStatus>(\w+)</forwardStatus>\s*<forwardTo>([^<]*)</forwardTo>"
    r"(?:\s*<ringCount>(\d+)</ringCount>)?"
)


def forwarding(kind, on, number, rings=""):
    """The body that a key sends."""
    count = f"<ringCount>{rings}</ringCount>" if rings else ""
    return (
        f"<SetForwarding><device></device><forwardingType>{kind}</forwardingType><activateForward>{on}"
        f"</activateForward><forwardDN>{number}</forwardDN>{count}</SetForwarding>"
    )


class Subscriber:
    """A phone of `user`; it takes every NOTIFY and keeps it in `notified`."""

    def __init__(self, site, who, domain=None, password=None, host=None):
        """`host` stands in From and To where it is not the domain."""
        self.site, self.user = site, site.number(who)
        self.domain = domain or site.domain
        self.host = host or self.domain
        self.password = site.password(self.user) if password is None else password
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((site.host, 0))
        self.sock.settimeout(0.02)
        self.port = self.sock.getsockname()[1]
        self.notified = []  # (Call-ID, the whole NOTIFY)
        self._answers = []
        self._calls = {}  # Call-ID → [CSeq, local tag, remote tag]
        self._open = True
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._open = False
        self._thread.join(3)
        self.sock.close()

    # --- what it asks ---

    def register(self, **options):
        """Raises AssertionError unless it is 200."""
        status = self.request(
            "REGISTER", "", to=f"sip:{self.user}@{self.host}", uri=f"sip:{self.host}", **options
        )
        assert status == 200, status
        # FreeSWITCH answers 200 before its database knows.
        contacts = f"sofia_contact */{self.user}@{self.domain}"
        self.wait(lambda _: f":{self.port}" in self.site.api(contacts))
        return self

    def subscribe(self, event=KEYS, to="", body="", **options):
        """Subscribe, refresh (with `call`), or press a key (with a body); the status. `self.call` is the Call-ID."""
        to = to or f"sip:{self.user}@{self.host}"
        return self.request("SUBSCRIBE", event, to=to, body=body, **options)

    def press(self, kind, on, number="", rings="", **options):
        """Press a forward key."""
        return self.subscribe(body=forwarding(kind, on, number, rings), **options)

    def watch(self, lamp, **options):
        """Subscribe to a lamp: `forward+1000`."""
        return self.subscribe(LAMP, f"sip:{lamp}@{self.host}", **options)

    def request(
        self, method, event, *, to, uri="", body="", call="", from_="", expires=300,
        auth=None, realm="", password=None, contact="", port=0,
    ):  # fmt: skip
        """Send, with digest of `auth` where it is asked for; returns the final status."""
        self.call = call or uuid.uuid4().hex
        state = self._calls.setdefault(self.call, [0, uuid.uuid4().hex[:8], ""])
        uri, authorization, status = uri or to, "", 0
        from_ = from_ or f"sip:{self.user}@{self.host}"
        for _ in range(3):
            state[0] += 1
            tag = f";tag={state[2]}" if state[2] else ""
            head = [
                f"{method} {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.site.host}:{self.port};rport;branch=z9hG4bK{uuid.uuid4().hex[:16]}",
                "Max-Forwards: 70", f"From: <{from_}>;tag={state[1]}", f"To: <{to}>{tag}",
                f"Call-ID: {self.call}", f"CSeq: {state[0]} {method}", f"Expires: {expires}",
                f"Contact: <{contact or f'sip:{self.user}@{self.site.host}:{self.port}'}>",
                *([f"Event: {event}"] if event else []),
                *(["Content-Type: application/x-as-feature-event+xml"] if body else []),
                *([authorization] if authorization else []),
                f"Content-Length: {len(body.encode())}",
            ]  # fmt: skip
            self.sock.sendto(
                ("\r\n".join(head) + "\r\n\r\n" + body).encode(), (self.site.host, port or self.site.sip)
            )
            answer = self._answer(state[0], method)
            status = int(answer.split(" ")[1])
            challenge = re.search(
                r'^(WWW|Proxy)-Authenticate: .*?realm="([^"]*)".*?nonce="([^"]*)"', answer, re.M
            )
            if status < 300:
                state[2] = re.search(r"^To:.*;tag=([^;\r\n]+)", answer, re.M)[1]
            if status not in (401, 407) or not challenge or auth == "":
                break
            authorization = self._digest(method, uri, challenge, auth or self.user, realm, password)
        return status

    def _digest(self, method, uri, challenge, user, realm, password):
        where, asked, nonce = challenge.groups()
        realm = realm or asked
        secret = self.password if password is None else password
        ha1, ha2 = md5(f"{user}:{realm}:{secret}"), md5(f"{method}:{uri}")
        response = md5(f"{ha1}:{nonce}:00000001:x:auth:{ha2}")
        name = "Authorization" if where == "WWW" else "Proxy-Authorization"
        return (
            f'{name}: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, cnonce="x", qop=auth, nc=00000001'
        )

    def _answer(self, cseq, method):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for answer in self._answers:
                if self.call in answer and re.search(rf"^CSeq: {cseq} {method}", answer, re.M):
                    return answer
            time.sleep(0.005)
        raise AssertionError(f"no answer to {method}")

    # --- what it is told ---

    def _live(self):
        while self._open:
            try:
                data, peer = self.sock.recvfrom(65536)
            except socket.timeout:
                continue
            text = data.decode("utf-8", "replace")
            if text.startswith("SIP/2.0 "):
                if not text.startswith("SIP/2.0 1"):
                    self._answers.append(text)
                continue
            if text.startswith("NOTIFY "):
                self.notified.append((re.search(r"^Call-ID: (\S+)", text, re.M)[1], text))
            kept = re.findall(
                r"^(?:Via|From|To|Call-ID|CSeq): .*?\r$", text.partition("\r\n\r\n")[0] + "\r\n", re.M
            )
            self.sock.sendto(
                ("SIP/2.0 200 OK\r\n" + "\n".join(kept) + "\nContent-Length: 0\r\n\r\n").encode(), peer
            )

    def forget(self):
        """What was told so far counts no more."""
        self.notified.clear()

    @property
    def keys(self):
        """What the phone shows of each forward, as it was told last: kind → (on, number, rings)."""
        return {
            found[1]: (found[2] == "true", found[3].strip(), found[4] or "")
            for _, text in self.notified
            for found in SHOWN.finditer(text)
        }

    def lamp(self, call=""):
        """The lamp of a subscription as it was told last: "on", "off", "blinks"; None: nothing was told."""
        told = [text for one, text in self.notified if one == (call or self.call) and "<dialog-info" in text]
        if not told:
            return None
        state = re.search(r"<state>(\w+)</state>", told[-1])
        return {"confirmed": "on", "early": "blinks", "terminated": "off"}[state[1]] if state else "off"

    def wait(self, what, seconds=8):
        """Until `what(self)` is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what(self):
                return
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s: {self.keys}, {self.notified}")

    def shows(self, kind, on, number="", rings=None, seconds=8):
        """Until the phone shows this forward."""
        self.wait(
            lambda _: self.keys.get(kind, ("", "", ""))[:2] == (on, number)
            and rings in (None, self.keys[kind][2]),
            seconds,
        )  # fmt: skip


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()
