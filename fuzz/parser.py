"""However the bytes are cut, the parser finds the same messages, and no header that no line began.

The second half of that sentence is what greenswitch 0.0.19 gets wrong (a U+2028 in a name).
"""

from __future__ import annotations

import random
import sys
from urllib.parse import unquote_to_bytes

from hypothesis import strategies as st

from fsdaemon.esl.protocol import DEFAULT_LIMITS, Limits, Message, Parser, ProtocolError
from fuzz import corpus
from fuzz.run import Target, main

# Small limits, so that input of a size that a fuzzer makes is at and beyond them.
SMALL = Limits(header_bytes=120, headers=6, body_bytes=30)
SEPARATOR = b": "  # switch_event.c switch_event_serialize: "%s: %s\n"
Plain = tuple[dict[str, str], bytes]


class Refused(Exception):
    """The model's ProtocolError."""


def check(data: bytes, cuts: list[int], small: bool) -> None:
    """The messages of a whole, of pieces, of single bytes, and of a model that sees all at once."""
    limits = SMALL if small else DEFAULT_LIMITS
    one_by_one = receive([data[at : at + 1] for at in range(len(data))], limits) if len(data) < 600 else None
    expected, refused = model(data, limits)
    for parts in ([data], corpus.pieces(data, cuts)):
        messages, error = receive(parts, limits)
        assert error == refused, f"{'refused' if error else 'taken'} when cut into {len(parts)}"
        # Of a packet that ends in nonsense, the messages before the nonsense may be lost.
        wanted = expected[: len(messages)] if refused else expected
        assert messages == wanted, f"{messages} instead of {wanted}"
    if one_by_one:
        assert one_by_one == (expected, refused), (
            f"byte by byte {one_by_one} instead of {expected}, {refused}"
        )


def receive(parts: list[bytes], limits: Limits) -> tuple[list[Plain], bool]:
    """What the parser makes of the parts, and whether it refused something."""
    parser = Parser(limits)
    found: list[Plain] = []
    for part in parts:
        try:
            messages = parser.receive(part)
        except ProtocolError:
            return found, True
        found += map(plain, messages)
    return found, False


def plain(message: Message) -> Plain:
    """A message as names and values; every way to read it must work."""
    headers = message.headers
    assert isinstance(message.reply, str)
    assert message.is_reply == (message.content_type in ("command/reply", "api/response"))
    assert all(name in headers or "\ufffd" in name for name in headers.names())
    return {name: headers.get(name) for name in headers.names()}, message.body


def model(data: bytes, limits: Limits) -> tuple[list[Plain], bool]:
    """The protocol written down as shortly as can be, for one who has all the bytes."""
    found: list[Plain] = []
    try:
        while True:
            data = data.lstrip(b"\n")
            block, end, rest = data.partition(b"\n\n")
            if len(block) > limits.header_bytes + (not end and block.endswith(b"\n")):
                raise Refused
            if not end:
                return found, False
            lines = block.split(b"\n")
            if len(lines) > limits.headers:
                raise Refused
            headers: dict[bytes, bytes] = {}
            for line in lines:
                name, colon, value = line.partition(SEPARATOR)
                if colon:
                    headers.setdefault(name, value)
            length = model_length(headers, limits)
            if len(rest) < length:
                return found, False
            found.append((decoded(headers), rest[:length]))
            data = rest[length:]
    except Refused:
        return found, True


def decoded(headers: dict[bytes, bytes]) -> dict[str, str]:
    """Names as UTF-8, values percent-decoded and then UTF-8; a name that is no UTF-8 has no value."""
    names = [name.decode("utf-8", "replace") for name in headers]
    raw = [headers.get(name.encode(), b"") for name in names]
    return {
        name: unquote_to_bytes(value).decode("utf-8", "replace").strip(" ") for name, value in zip(names, raw)
    }


def model_length(headers: dict[bytes, bytes], limits: Limits) -> int:
    """Content-Length: ASCII digits, percent-encoded or not, with blanks around."""
    text = unquote_to_bytes(headers.get(b"Content-Length", b"0")).strip(b" ")
    if not (text.isdigit() and len(text) <= 9) or int(text) > limits.body_bytes:
        raise Refused
    return int(text)


def from_bytes(data: bytes) -> tuple[bytes, list[int], bool]:
    """For libFuzzer: the bytes themselves, cut somewhere."""
    chance = random.Random(data[:64])
    return data, [chance.randrange(1 << 16) for _ in range(chance.randrange(8))], len(data) % 2 == 0


_line = st.one_of(
    st.sampled_from([message.split(b"\n\n")[0] + b"\n" for message in corpus.MESSAGES]),
    st.tuples(corpus.raw, st.sampled_from([b":", b": ", b""]), corpus.raw, st.just(b"\n")).map(b"".join),
    st.integers(0, 130).map(lambda n: b"x" * n),
    st.tuples(st.just(b"Content-Length: "), st.integers(-1, 35).map(b"%d\n".__mod__)).map(b"".join),
)
_small = st.lists(st.one_of(_line, st.sampled_from([*corpus.MESSAGES, b"\n", b"\n\n", b"\r\n"])), max_size=12)
_whole = st.one_of(
    _small.map(b"".join),
    corpus.mutated(st.sampled_from(corpus.MESSAGES)),
    corpus.mutated(
        st.builds(lambda name: corpus.RECORDINGS[name] + corpus.ANSWER + corpus.OK, corpus.recording)
    ),
)
TARGET = Target(
    "parser",
    check,
    st.tuples(_whole, st.lists(st.integers(0, 12_000), max_size=8), st.booleans()),
    from_bytes,
)

if __name__ == "__main__":
    sys.exit(main(TARGET))
