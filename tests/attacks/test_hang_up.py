"""The caller hangs up 0 to 20 ms after `connect`: with FreeSWITCH's notice, by closing, or by reset."""

import socket
import time
from collections.abc import Callable

import pytest

from tests.attacks.peers import ANSWERS, DISCONNECT, connect, read_command, reset, send
from tests.attacks.target import Target


def with_notice(peer: socket.socket) -> None:
    send(peer, DISCONNECT)
    peer.close()


def with_data_and_notice(peer: socket.socket) -> None:
    send(peer, ANSWERS[0] + DISCONNECT)
    peer.close()


def by_closing(peer: socket.socket) -> None:
    peer.close()


@pytest.mark.parametrize("hang_up", [with_notice, with_data_and_notice, by_closing, reset])
def test_nothing_stays_and_nothing_is_decided(daemon: Target, hang_up: Callable[..., None]) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    for milliseconds in range(21):
        with connect(daemon.port) as peer:
            read_command(peer)
            time.sleep(milliseconds / 1000)
            hang_up(peer)
    daemon.back_to(before, 0.5)
    assert not daemon.verdicts(mark)
    assert not daemon.since(mark, "ERROR")
    daemon.unharmed(mark)


def test_in_the_middle_of_a_session(daemon: Target) -> None:
    """The daemon has asked, or has told the verdict, when the caller hangs up."""
    mark, before = daemon.mark, daemon.descriptors()
    for milliseconds in range(21):
        for answered in (1, 2):
            with connect(daemon.port) as peer:
                for answer in ANSWERS[:answered]:
                    read_command(peer)
                    peer.sendall(answer)
                time.sleep(milliseconds / 1000)
                with_notice(peer)
    daemon.back_to(before, 0.5)
    assert not daemon.verdicts(mark)
    assert not daemon.since(mark, "ERROR")
    daemon.unharmed(mark)
