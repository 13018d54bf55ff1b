"""Peers that do harm: what an attack is made of, and the short ones to be mixed at random."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections.abc import Callable

from fsdaemon.esl.fake_switch import split
from tests.attacks.target import ASKS_NAME, call_data

OK = b"Content-Type: command/reply\nReply-Text: %2BOK\n\n"
GONE = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
DISCONNECT = b"Content-Type: text/disconnect-notice\nContent-Length: %d\n\n%b" % (len(GONE), GONE)
EVENT = b"Content-Type: text/event-plain\nContent-Length: 23\n\nEvent-Name: HEARTBEAT\n\n"
HTTP_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"


def api_answer(body: bytes) -> bytes:
    return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body)


def entry_answer(name: bytes) -> bytes:
    variable = b'<variable name="effective_caller_id_name" value="%b"/>' % name
    return api_answer(b'<user id="100"><variables>%b</variables></user>' % variable)


# What FreeSWITCH sends in one whole session in which 100 forwards to 102: the answers to `connect`, to
# the one question (the directory's entry of 100), and to `multiset`.
ANSWERS = (call_data(), entry_answer(b"Cora Chefin"), OK)
SESSION = b"".join(ANSWERS)
assert ASKS_NAME.startswith("user_data 100@")


def connect(port: int, receive_buffer: int = 0, segment: int = 0) -> socket.socket:
    """A connection to the daemon; with small buffers it is soon full."""
    sock = socket.socket()
    try:
        sock.settimeout(5)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock


def send(sock: socket.socket, data: bytes) -> bool:
    """Send; False if the daemon closed first, which it may."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def read_command(sock: socket.socket) -> bytes:
    """What the daemon sends next, whole commands; AssertionError if it closes."""
    data, rest = b"", b"?"
    while rest:
        piece = sock.recv(65536)
        assert piece, f"closed after {data!r}"
        data += piece
        _, rest = split(data)
    return data


def closes(sock: socket.socket, within: float) -> float:
    """Wait for the daemon to close; how long it took. AssertionError if it took longer than `within`."""
    started = time.monotonic()
    sock.settimeout(within)
    try:
        while sock.recv(65536):
            assert time.monotonic() - started < within, "sends for ever"
    except ConnectionResetError:
        pass
    except socket.timeout:
        raise AssertionError(f"not closed within {within} s") from None
    return time.monotonic() - started


def half_close(sock: socket.socket) -> None:
    """End our direction; nothing if the daemon was faster."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)


def reset(sock: socket.socket) -> None:
    """Close with RST instead of FIN: what a killed or crashed peer's kernel sends."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# --- short hostile peers: each does its worst without waiting and returns the socket, still open ---------

Peer = Callable[[random.Random, int], socket.socket]


def silent(chance: random.Random, port: int) -> socket.socket:
    del chance
    return connect(port)


def half_closed(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, SESSION[: chance.randrange(len(SESSION))])
    half_close(sock)
    return sock


def cut_anywhere(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, SESSION[: chance.randrange(len(SESSION))])
    chance.choice((reset, socket.socket.close))(sock)
    return sock


def in_pieces(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    start = 0
    while start < len(SESSION):
        end = start + chance.randint(1, 900)
        if not send(sock, SESSION[start:end]):
            break
        start = end
    return sock


def endless_header(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, chance.choice((b"x", b"x: y\n")) * chance.randint(1, 300_000))
    return sock


def too_many_headers(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, b"".join(b"a%d: b\n" % number for number in range(chance.randint(3000, 6000))) + b"\n")
    return sock


BAD_LENGTHS = (b"-1", b"999999999999999999999", b"99999999", b"abc", b"1e3", b"0x10", b"", b"%D9%A3", b"+5")


def bad_length(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, b"Content-Type: api/response\nContent-Length: %b\n\nbody" % chance.choice(BAD_LENGTHS))
    return sock


def short_body(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    head = b"Content-Type: api/response\nContent-Length: %d\n\n" % chance.randint(10, 1_000_000)
    send(sock, ANSWERS[0] + head + b"short")
    if chance.random() < 0.7:
        half_close(sock)
    return sock


def no_content_type(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, b"Reply-Text: %2BOK\n\n" * chance.randint(1, 3))
    return sock


def unasked(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    parts = [*ANSWERS, *[chance.choice((OK, EVENT, api_answer(b"x")))] * chance.randint(1, 20)]
    chance.shuffle(parts)
    send(sock, b"".join(parts))
    return sock


def garbage(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, chance.randbytes(chance.randint(1, 2000)))
    return sock


def mutated(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    data = bytearray(SESSION)
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    send(sock, bytes(data))
    return sock


def health_check(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    chance.choice((reset, socket.socket.close))(sock)
    return sock


def http_get(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    send(sock, chance.choice((HTTP_GET, HTTP_GET.replace(b"\r", b""))))
    return sock


def hangs_up(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port)
    read_command(sock)
    time.sleep(chance.random() * 0.003)
    send(sock, ANSWERS[0][: chance.randrange(len(ANSWERS[0]))] if chance.random() < 0.3 else DISCONNECT)
    chance.choice((reset, socket.socket.close))(sock)
    return sock


def never_reads(chance: random.Random, port: int) -> socket.socket:
    sock = connect(port, receive_buffer=1024, segment=536)
    send(sock, call_data(effective_caller_id_name="#" * chance.randint(100, 40_000)) + ANSWERS[1])
    return sock


HOSTILE: tuple[Peer, ...] = (
    silent,
    half_closed,
    cut_anywhere,
    in_pieces,
    endless_header,
    too_many_headers,
    bad_length,
    short_body,
    no_content_type,
    unasked,
    garbage,
    mutated,
    health_check,
    http_get,
    hangs_up,
    never_reads,
)
