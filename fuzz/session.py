"""Any bytes in: a session ends in a Decision or one of three exceptions, and never hangs.

ProtocolError, OutboundSessionHasGoneAway and OSError are what session.py documents; what it writes
meanwhile are whole commands, and what it logs is one line each.
"""

from __future__ import annotations

import random
import sys

from hypothesis import strategies as st

from fsdaemon.config.reader import Config, default
from fsdaemon.core.decide import Decision
from fsdaemon.esl.fake_switch import split
from fsdaemon.esl.session import OutboundSessionHasGoneAway, ProtocolError, Session
from fuzz import corpus
from fuzz.heard import broken, log_lines
from fuzz.run import Target, main

CONFIG: Config = default()
CLOSES, RESETS, STALLS = "closes", "resets", "stalls"


class Scripted:
    """A socket whose peer sends these pieces, then closes, resets, or says nothing until the time is over."""

    def __init__(self, pieces: list[bytes], end: str, sends: int) -> None:
        """`sends`: how often something can be sent to it before the connection breaks."""
        self._pieces = [piece for piece in pieces if piece]
        self._end = end
        self._sends = sends
        self._ended = 0
        self.sent = b""
        self.closed = False

    def recv(self, size: int) -> bytes:
        """The next piece, as much of it as is wanted."""
        assert not self.closed
        assert size > 0
        if self._pieces:
            piece = self._pieces.pop(0)
            if len(piece) > size:
                self._pieces.insert(0, piece[size:])
            return piece[:size]
        self._ended += 1
        assert self._ended == 1, "reads on after the end"
        if self._end == RESETS:
            raise ConnectionResetError(104, "Connection reset by peer")
        if self._end == STALLS:
            raise TimeoutError("timed out")
        return b""

    def send(self, data: bytes) -> int:
        """Take the half of it, unless the connection broke."""
        assert not self.closed
        if self._sends < 1:
            raise BrokenPipeError(32, "Broken pipe")
        self.sent += data[: len(data) // 2]
        return len(data) // 2

    def sendall(self, data: bytes) -> None:
        """Take it, unless the connection broke."""
        assert not self.closed
        self._sends -= 1
        if self._sends < 0:
            raise BrokenPipeError(32, "Broken pipe")
        self.sent += data

    def close(self) -> None:
        """Close."""
        self.closed = True


def check(data: bytes, cuts: list[int], end: str, sends: int) -> None:
    """A whole session against a peer that sends these bytes, cut like this."""
    sock = Scripted(corpus.pieces(data, cuts), end, sends)
    with log_lines() as lines:
        outcome = play(sock)
    assert str(outcome), "an exception that says nothing"
    if end == CLOSES and sends > 9:
        assert not isinstance(outcome, OSError)
    commands, rest = split(sock.sent)
    assert not rest
    assert not sends or commands[0] == b"connect"
    for command in commands:
        assert command == b"connect" or command.startswith((b"api ", b"sendmsg\ncall-command: execute\n"))
    for line in lines:
        assert not broken(line), f"logged {line!r}"


def play(sock: Scripted) -> Decision | Exception:
    """The session, as server.py runs it."""
    session = Session(("127.0.0.1", 1), sock)
    try:
        decision = session.decide(CONFIG)
    except (ProtocolError, OutboundSessionHasGoneAway, OSError) as error:
        return error
    session.stop()
    assert sock.closed
    return decision


def from_bytes(data: bytes) -> tuple[bytes, list[int], str, int]:
    """For libFuzzer: the bytes themselves, with the replies that follow, cut somewhere."""
    chance = random.Random(data[:64])
    tail = b"".join(chance.choice(corpus.MESSAGES) for _ in range(chance.randrange(5)))
    cuts = [chance.randrange(1 << 16) for _ in range(chance.randrange(6))]
    return data + tail, cuts, chance.choice((CLOSES, RESETS, STALLS)), chance.randrange(1, 12)


def _session(name: str, forward: str, tail: list[bytes]) -> bytes:
    head, _, rest = corpus.RECORDINGS[name].partition(b"\n")
    set_ = [b"variable_fsdaemon_forward_all: " + forward.encode(), b"variable_fsdaemon_forward_except: 109"]
    return b"\n".join([head, *set_, rest]) + b"".join(tail)


_replies = st.lists(st.sampled_from(corpus.MESSAGES), max_size=5)
_honest = st.builds(
    lambda name, forward: _session(name, forward, [corpus.ANSWER, corpus.OK]),
    corpus.recording,
    st.sampled_from(["101", "102"]),
)
_confused = st.builds(
    lambda first, name, forward, tail: b"".join(first) + _session(name, forward, tail),
    st.lists(st.sampled_from(corpus.MESSAGES), max_size=2),
    corpus.recording,
    corpus.text.map(lambda text: text.replace("\n", "%0A")),
    _replies,
)
TARGET = Target(
    "session",
    check,
    st.tuples(
        st.one_of(
            corpus.mutated(_honest),
            corpus.mutated(_confused),
            _replies.map(b"".join),
            st.binary(max_size=300),
        ),
        st.lists(st.integers(0, 12_000), max_size=6),
        st.sampled_from([CLOSES, RESETS, STALLS]),
        st.integers(0, 10),
    ),
    from_bytes,
)

if __name__ == "__main__":
    sys.exit(main(TARGET))
