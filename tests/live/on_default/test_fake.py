"""The fake switch against the real one: the same script, the same answers."""

from __future__ import annotations

import socket
import threading

import pytest

from fsdaemon.esl.fake_switch import Switch as Fake
from fsdaemon.esl.protocol import Message, Parser, to_bytes
from fsdaemon.terms.channel import Api, Command, Execute
from tests.recorded import DIRECTORY
from tests.unit.test_switchside import SCRIPT

RAW = [b"nonsense\n\n", b"sendmsg\ncall-command: dance\n\n", b"sendmsg\ncall-command: execute\n\n"]


class Real:
    """One call on a real FreeSWITCH that executes `socket` towards us."""

    def __init__(self, site) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(5)
        port = self.server.getsockname()[1]
        command = f"originate loopback/9000/default '&socket(127.0.0.1:{port} full)'"
        self.thread = threading.Thread(target=site.api, args=(command,))
        self.thread.start()
        self.sock, _ = self.server.accept()
        self.sock.settimeout(5)
        self.parser = Parser()
        self.uuid = self.ask(b"connect\n\n").headers.get("Unique-ID")

    def ask(self, data: bytes) -> Message:
        self.sock.sendall(data)
        while True:
            messages = self.parser.receive(self.sock.recv(65536))
            if messages:
                return messages[0]

    def do(self, command: Command) -> str:
        return self.ask(to_bytes(command)).reply.strip()

    def close(self) -> None:
        self.sock.close()
        self.server.close()
        self.thread.join(5)


@pytest.fixture
def real(site):
    call = Real(site)
    yield call
    call.close()


def test_the_same_script(real):
    real.do(Execute("set", "user_name=101"))
    fake = Fake((DIRECTORY / "internal_before_bridge.txt").read_bytes())
    different = []
    for application, argument, name, value in SCRIPT:
        assert real.do(Execute(application, argument)).startswith("+OK")
        message = real.ask(to_bytes(Api(f"uuid_getvar {real.uuid} {name}")))
        got = message.body.decode()
        expected = "_undef_" if value is None else value
        if got != expected:
            different.append((application, argument, name, got, expected))
    assert not different
    for raw in RAW:
        theirs, ours = real.ask(raw).reply, Parser().receive(fake.answer(raw.rstrip(b"\n")))[0].reply
        assert theirs.startswith("-ERR") == ours.startswith("-ERR"), (raw, theirs, ours)


def test_channel_data_looks_the_same(real):
    """What `connect` answers has the headers that the recordings have."""
    data = real.ask(to_bytes(Execute("set", "x=a:b %3A ü"))).reply
    assert data.startswith("+OK")
