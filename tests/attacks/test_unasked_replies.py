"""Replies nobody asked for, several, before, between and after: the session ends, and in time."""

import pytest

from tests.attacks.peers import ANSWERS, DISCONNECT, EVENT, OK, SESSION, api_answer, closes, connect, send
from tests.attacks.target import PATIENCE, TIMEOUT, USUAL, Target

MANY = OK * 5 + api_answer(b"nobody asked") * 5
WHEN = {
    "before": MANY + SESSION,
    "between": ANSWERS[0] + MANY + b"".join(ANSWERS[1:]),
    "after": SESSION + MANY,
    "nothing else": MANY,
    "a thousand": OK * 1000,
}


@pytest.mark.parametrize("data", WHEN.values(), ids=WHEN)
def test_the_session_ends(daemon: Target, data: bytes) -> None:
    mark, before = daemon.mark, daemon.descriptors()
    with connect(daemon.port) as peer:
        send(peer, data)
        closes(peer, TIMEOUT + PATIENCE)
    daemon.back_to(before)
    daemon.unharmed(mark)


def test_events_in_between_change_nothing(daemon: Target) -> None:
    """FreeSWITCH may tell of something between two replies; that answers nothing."""
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, EVENT + ANSWERS[0] + EVENT * 3 + ANSWERS[1] + EVENT + ANSWERS[2])
        closes(peer, USUAL)
    assert daemon.logs(mark, "forward 100 to 102 for 101: always$")
    daemon.unharmed(mark)


def test_a_disconnect_notice_ends_it(daemon: Target) -> None:
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, ANSWERS[0] + DISCONNECT + ANSWERS[1] + ANSWERS[2])
        closes(peer, USUAL)
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)


@pytest.mark.parametrize(
    "first", [OK, api_answer(b"true"), b"Content-Type: command/reply\nReply-Text: -ERR\n\n"]
)
def test_what_is_no_channel_data_is_not_decided_on(daemon: Target, first: bytes) -> None:
    """An answer to `connect` without a channel in it names no call: no verdict may come of it."""
    mark = daemon.mark
    with connect(daemon.port) as peer:
        send(peer, first + OK)
        closes(peer, TIMEOUT + PATIENCE)
    assert not daemon.verdicts(mark)
    daemon.unharmed(mark)
