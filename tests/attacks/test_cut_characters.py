"""Packets end where they like: inside a UTF-8 character, inside an escape, in the middle of a line end."""

import time

import pytest

from tests.attacks.peers import ANSWERS, OK, closes, connect, entry_answer, read_command
from tests.attacks.target import USUAL, Target
from tests.attacks.test_not_utf8 import with_name


@pytest.mark.parametrize("name", ["Jürgen".encode(), b"J%C3%BCrgen"], ids=["raw", "encoded"])
def test_in_a_header(daemon: Target, name: bytes) -> None:
    mark = daemon.mark
    data = with_name(name)
    at = data.index(name)
    with connect(daemon.port) as peer:
        read_command(peer)
        start = 0
        for cut in range(at + 1, at + len(name)):
            peer.sendall(data[start:cut])
            time.sleep(0.002)
            start = cut
        peer.sendall(data[start:-1])
        time.sleep(0.01)
        peer.sendall(data[-1:])
        read_command(peer)
        peer.sendall(ANSWERS[1])
        assert "=Uml. fuer Cora Chefin%3A Jürgen" in read_command(peer).decode()
        peer.sendall(OK)
        closes(peer, USUAL)
    daemon.unharmed(mark)


def test_in_an_api_answer(daemon: Target) -> None:
    mark = daemon.mark
    answer = entry_answer("Jürgen 😀 Groß".encode())
    with connect(daemon.port) as peer:
        read_command(peer)
        peer.sendall(ANSWERS[0])
        read_command(peer)
        for at in range(len(answer)):
            peer.sendall(answer[at : at + 1])
            time.sleep(0.001)
        assert "=Uml. fuer Jürgen 😀 Groß%3A Sina Sekretariat" in read_command(peer).decode()
        peer.sendall(OK)
        closes(peer, USUAL)
    daemon.unharmed(mark)
