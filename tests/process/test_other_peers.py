"""`explain` and `status` at an address where something else listens: they end, and name what it is."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsdaemon.cli import peer
from tests.daemon import Daemon, free_port
from tests.unit.test_cli import run

VIA = ("explain", "--caller", "102", "--callee", "100", "--always", "101", "--via")
ASKS_PAGE = (("status", "--listen"), ("explain", "--uuid", "x", "--listen"))
GREETING = b"Content-Type: auth/request\n\n"  # mod_event_socket.c, listener_run
REFUSAL = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"
Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """A server whose every connection `serve` gets; its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def one(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            serve(sock)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=server.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def inbound_event_socket(sock: socket.socket) -> None:
    """FreeSWITCH's, which refuses whatever comes before the login and goes on for ever."""
    sock.sendall(GREETING)
    rest = b""
    while data := sock.recv(65536):
        *commands, rest = (rest + data).split(b"\n\n")
        sock.sendall(REFUSAL * len(commands))


def refusing_event_socket(sock: socket.socket) -> None:
    sock.sendall(b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n")


def http(sock: socket.socket) -> None:
    if sock.recv(65536):
        sock.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>")


def ssh(sock: socket.socket) -> None:
    sock.sendall(b"SSH-2.0-OpenSSH_9.2\x1b[31m\r\n")
    sock.recv(65536)
    time.sleep(0.1)


def silent(sock: socket.socket) -> None:
    while sock.recv(65536):
        pass


def endless(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"x" * 65536)


def endless_session(sock: socket.socket) -> None:
    """Begins as a daemon does, and asks for ever."""
    sock.sendall(b"connect\n\n")
    for number in itertools.count():
        sock.sendall(b"api user_exists id %d example\n\n" % number)
        sock.recv(65536)


def sip(sock: socket.socket) -> None:
    if sock.recv(65536):
        sock.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")


def tls(sock: socket.socket) -> None:
    if sock.recv(65536):
        sock.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing(sock: socket.socket) -> None:
    """As the daemon does for a machine that it does not answer."""
    sock.shutdown(socket.SHUT_RDWR)


def blank_lines(sock: socket.socket) -> None:
    sock.sendall(b"\r\n\r\nhello\n\n")
    sock.recv(65536)


def a_length_of_thousands_of_digits(sock: socket.socket) -> None:
    sock.sendall(b"connect\n\nsendmsg\ncontent-length: " + b"9" * 5000 + b"\n\n")
    sock.recv(65536)
    sock.recv(65536)


def endless_headers(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.0 200 OK\r\n")
    while True:
        sock.sendall(b"x")
        time.sleep(0.05)


EVENT_SOCKET = "it is FreeSWITCH's inbound event socket (event_socket.conf.xml); give "


@pytest.mark.parametrize(
    ("serve", "via", "page"),
    [
        (inbound_event_socket, f"{EVENT_SOCKET}server.listen, like 127.0.0.1:8084", f"{EVENT_SOCKET}metrics.listen, like 127.0.0.1:9484"),
        (refusing_event_socket, "whose access list refuses you; give server.listen", "whose access list refuses you; give metrics.listen"),
        (http, "it is an HTTP server", "HTTP Error 404: Not Found"),
        (ssh, 'it says "SSH-2.0-OpenSSH_9.2?[31m"', 'it says "SSH-2.0-OpenSSH_9.2?[31m"'),
        (silent, "it accepts and says nothing", "it accepts and says nothing"),
        (endless, 'it says "xxxx', 'it says "xxxx'),
        (endless_session, "no verdict (no end of it within 2 s)", "it is where fsdaemon answers calls (server.listen); give metrics.listen"),
        (sip, "it is a SIP server; give server.listen", "it is a SIP server; give metrics.listen"),
        (tls, "it is a TLS server; give server.listen", "it is a TLS server; give metrics.listen"),
        (reset, "no verdict (Connection reset by peer)", "no answer from"),
        (closing, "it closes the connection at once, as fsdaemon does for those that server.allow does not name", "it closes the"),
        (blank_lines, 'it says "hello"', 'it says "hello"'),
        (a_length_of_thousands_of_digits, "", "it is where fsdaemon answers calls (server.listen)"),
        (endless_headers, "it is an HTTP server", "it is an HTTP server"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_listens_there_is_named(capsys, monkeypatch, serve: Serve, via: str, page: str) -> None:
    monkeypatch.setattr(peer, "LIMIT", 2.0)
    with listening(serve) as address:
        code, out, err = run(capsys, *VIA, address)
        assert (code, out) == (1, "")
        assert address in err
        assert via in err
        code, out, err = run(capsys, *ASKS_PAGE[0], address)
        assert (code, out) == (1, "")
        assert address in err
        assert page in err


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"200 OK", b"[1, 2]"),
        (b"200 OK", b'{"a": 1}'),
        (b"200 OK", b"[{}]"),
        (b"200 OK", b"[" * 100_000),
        (b"500 \x1b[31mred", b""),
        (b"302 Found\r\nLocation: /x", b""),
    ],
    ids=lambda value: value[:12].decode("ascii", "replace"),
)
def test_a_page_of_somebody_else(capsys, head: bytes, body: bytes) -> None:
    def page(sock: socket.socket) -> None:
        if sock.recv(65536):
            sock.sendall(b"HTTP/1.0 " + head + b"\r\nContent-Type: application/json\r\n\r\n" + body)

    with listening(page) as address:
        for command in ASKS_PAGE:
            code, out, err = run(capsys, *command, address)
            assert (code, out) == (1, "")
            assert err.startswith(
                f"fsdaemon: what listens on {address} is not fsdaemon's page (metrics.listen)"
            )
            assert err.rstrip("\n").isprintable()


def test_a_daemon_at_its_other_port(capsys, tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    page = f"127.0.0.1:{free_port()}"
    config.write_text(f'[metrics]\nlisten = "{page}"\n')
    with Daemon(config=config) as daemon:
        calls = f"127.0.0.1:{daemon.port}"
        err = run(capsys, *VIA, page)[2]
        assert err.endswith(
            "it is fsdaemon's page (metrics.listen); give server.listen, like 127.0.0.1:8084\n"
        )
        for command in ASKS_PAGE:
            err = run(capsys, *command, calls)[2]
            said = "it is where fsdaemon answers calls (server.listen); give metrics.listen, like 127.0.0.1:9484\n"
            assert err.endswith(said)


def test_a_limit_is_a_limit_whatever_happens_behind_it() -> None:
    forever = threading.Event()
    with pytest.raises(TimeoutError):
        peer.within(forever.wait, 0.05)
    forever.set()
    assert peer.within(lambda: 7) == 7
    with pytest.raises(KeyError):
        peer.within(lambda: {}["x"])
