"""Call-IDs as nobody should write them, by a user and by a stranger."""

from __future__ import annotations

import hashlib
import re
import socket
import time
import uuid

import pytest

from fsdaemon.esl.fake_switch import url_encode
from tests.live.caller import SDP

CALL_IDS = (
    "x-1@[2001:db8::1]", "a(1)<2>{3}?!~*`%'", "it's@h", "q\"'\"@h", "a\\b", "a\\sb", "\\E.*\\Q", "a|b,c;d=e", "two words",
    "$x", "a%40b", "%61", ".*", "[", "-x", "y" * 250, "^x",
)  # fmt: skip


class Sip:
    """One call of somebody at one of the profiles; with a password as a user."""

    def __init__(self, port: int, user: str, number: str, call_id: str, password: str = "") -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.settimeout(5)
        self.user, self.number, self.call_id, self.branch = user, number, call_id, uuid.uuid4().hex
        self.code = self._answer(self._send("INVITE", 1))
        if self.code == 407:
            self.code = self._answer(self._send("INVITE", 2, self._authorization(password)))

    def __enter__(self) -> Sip:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def _send(self, method: str, cseq: int, authorization: str = "", to: str = "") -> int:
        body = SDP if method == "INVITE" else ""
        self.sock.send((
            f"{method} sip:{self.number}@lab.test SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.sock.getsockname()[1]};branch=z9hG4bK{self.branch}{cseq}\r\n"
            f"From: <sip:{self.user}@lab.test>;tag={self.branch}\r\nTo: {to or f'<sip:{self.number}@lab.test>'}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{authorization}"
            f"Contact: <sip:{self.user}@127.0.0.1:{self.sock.getsockname()[1]}>\r\n"
            f"{'Content-Type: application/sdp' + chr(13) + chr(10) if body else ''}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode())  # fmt: skip
        return cseq

    def _answer(self, cseq: int) -> int:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            self.text = self.sock.recv(65536).decode("utf-8", "replace")
            status = re.match(r"SIP/2.0 (\d+)", self.text)
            if status and int(status[1]) >= 200 and f"CSeq: {cseq} INVITE" in self.text:
                to = re.search(r"^To: *(.*?)\r$", self.text, re.M)
                self._send("ACK", cseq, to=to[1] if to else "")
                return int(status[1])
        raise AssertionError("no answer")

    def _authorization(self, password: str) -> str:
        realm, nonce = (re.search(rf'{name}="([^"]*)"', self.text)[1] for name in ("realm", "nonce"))  # type: ignore[index]
        uri = f"sip:{self.number}@lab.test"
        parts = (_md5(f"{self.user}:{realm}:{password}"), nonce, _md5(f"INVITE:{uri}"))
        return (
            f'Proxy-Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{_md5(":".join(parts))}", algorithm=MD5\r\n'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.mark.parametrize("call_id", CALL_IDS)
def test_a_user_behind_a_loopback(site, daemon, call_id):
    site.forwards(boss={"all": "secretary"})
    with Sip(site.sip, "101", "91100", call_id, "pw101"):
        assert daemon.says(r"ring {boss} for {secretary}: target")


@pytest.mark.parametrize("call_id", CALL_IDS)
def test_the_log_begins_with_it(site, daemon, call_id):
    site.forwards(boss={"all": "secretary"})
    with Sip(site.sip, "102", "100", call_id, "pw102"):
        line = daemon.says(r" forward {boss} to {secretary} for {kai}: always")
    found = call_id.replace(" ", "?").replace("%40", "@").replace("%61", "a")  # as the channel data has it
    assert f" {found} forward " in line


@pytest.mark.parametrize(("users", "strangers"), [("p@h", "p%40h"), ("pq", "%70q")])
def test_a_stranger_whose_call_id_reads_like_a_users(site, daemon, users, strangers):
    """While the secretary's call is up."""
    site.forwards(boss={"all": "secretary"})
    with (
        Sip(site.sip, "101", "9000", users, "pw101") as first,
        Sip(site.sip_out, "+491701234567", "91100", strangers),
    ):
        assert first.code == 200
        assert daemon.says(r"forward {boss} to {secretary} for \+491701234567: always")


@pytest.mark.parametrize("peer", [".*", "\\\\E.*\\\\Q", "(", "a|(.*)|b", "x@[::1]", "it\\'s", ""])
def test_a_loop_without_a_daemon(site, peer):
    """The id of the channel that a call was bridged to is no expression, and no list: a loop ends, nothing else does."""
    site.forwards(boss={"all": "vera"}, vera={"all": "boss"}, zoe={"all": "vera"})
    with Sip(site.sip_out, "+491701234567", "9000", uuid.uuid4().hex) as call:
        site.api(f"uuid_setvar {call.call_id} last_bridge_to {peer}")
        was = site.api(f"uuid_getvar {call.call_id} last_bridge_to").replace("_undef_", "")
        since = site.log_file.stat().st_size
        site.api(f"uuid_transfer {call.call_id} {site.number('zoe')} XML default")
        time.sleep(1)
    followed = re.findall(r"EXECUTE .*~fsdaemon_visited=(.*)\)", site.logged(since))
    # An apostrophe is a quote to `replace`, and to `set`, which would lose it: all such ids are one.
    of = "-ERR" if "'" in was else url_encode(was.encode()).decode()
    users = [f"{site.number(who)}@lab.test" for who in ("zoe", "vera")]
    assert followed == [f",{of}:{users[0]}", f",{of}:{users[0]},{of}:{users[1]}"]
