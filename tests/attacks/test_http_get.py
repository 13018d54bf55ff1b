"""A browser, or a scanner that speaks HTTP, gets no answer it could take for one, and is let go in time."""

import pytest

from tests.attacks.peers import HTTP_GET, closes, connect, read_command
from tests.attacks.target import PATIENCE, TIMEOUT, Target

REQUESTS = {
    "get": HTTP_GET,
    "line ends of unix": HTTP_GET.replace(b"\r", b""),
    "http/0.9": b"GET /\n\n",
    "post": b"POST / HTTP/1.1\nContent-Type: command/reply\nContent-Length: 9\n\n{json: 1}",
    "tls": bytes.fromhex("16030100c8010000c40303") + bytes(200),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_it_is_let_go(daemon: Target, request_: bytes) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    with connect(daemon.port) as peer:
        peer.sendall(request_)
        assert read_command(peer).startswith(b"connect\n\n")
        closes(peer, TIMEOUT + PATIENCE)
    daemon.back_to(before)
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)
