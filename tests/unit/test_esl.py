"""Bytes to messages and back."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.esl.protocol import Limits, Message, Parser, ProtocolError, to_bytes
from fsdaemon.terms.channel import Api, Execute, Headers
from fsdaemon.terms.variables import ALL
from tests.recorded import DIRECTORY

STREAM = (
    (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    + b"Content-Type: api/response\nContent-Length: 12\n\nCora\n\nChefin"
    + b"Content-Type: command/reply\nReply-Text: +OK\n\n"
)


def seen(messages: list[Message]) -> list[tuple[list[str], str, bytes]]:
    return [(m.headers.names(), m.reply, m.body) for m in messages]


def test_whole() -> None:
    data, api, reply = Parser().receive(STREAM)
    assert data.headers.get("variable_user_name") == "101"
    assert data.headers.get("variable_effective_caller_id_name") == "Sina Sekretariat"
    assert data.headers.names()[0] == "Event-Name"
    assert data.is_reply
    assert api.reply == "Cora\n\nChefin"
    assert reply.reply == "+OK"


def test_the_same_at_every_split_position() -> None:
    whole = seen(Parser().receive(STREAM))
    for at in range(len(STREAM)):
        parser = Parser()
        assert seen(parser.receive(STREAM[:at]) + parser.receive(STREAM[at:])) == whole


@given(st.lists(st.integers(1, 400)))
def test_the_same_in_any_pieces(sizes: list[int]) -> None:
    parser, got, at = Parser(), [], 0
    for size in [*sizes, len(STREAM)]:
        got += parser.receive(STREAM[at : at + size])
        at += size
    assert seen(got) == seen(Parser().receive(STREAM))


def test_a_line_separator_in_a_name_is_no_line() -> None:
    headers = Headers((DIRECTORY / "external_line_separator_in_name.txt").read_bytes().rstrip(b"\n"))
    assert "variable_user_name" not in headers
    assert headers.get("Caller-Caller-ID-Name") == "Jörg Groß\u2028variable_user_name: 101"


def test_an_encoded_newline_is_no_line() -> None:
    headers = Headers(b"Caller-Caller-ID-Name: a%0Avariable_user_name: 101")
    assert headers.names() == ["Caller-Caller-ID-Name"]
    assert headers.get("Caller-Caller-ID-Name") == "a\nvariable_user_name: 101"


def test_the_first_of_two_counts() -> None:
    assert Headers(b"a: 1\nA: 3\na: 2").get("a") == "1"


NAMES = st.sampled_from([*map(str, ALL), "Content-Type", "a", "variable_a", "variable_user_name_", ": ", ""])
LINES = st.lists(
    st.tuples(NAMES, st.sampled_from([": ", ":", ""]), st.text(": %a0\r", max_size=5)), max_size=40
)


@given(LINES)
def test_what_is_picked_out_is_what_is_there(lines: list[tuple[str, str, str]]) -> None:
    block = "\n".join(map("".join, lines))
    split = [line.partition(": ") for line in block.split("\n") if ": " in line]
    first = {name: unquote(value).strip(" ") for name, _, value in reversed(split)}
    headers = Headers(block.encode())
    assert set(headers.names()) == set(first)
    for name in (*ALL, *first, "not there"):
        assert headers.get(name, "nothing") == first.get(name, "nothing")
        assert (name in headers) == (name in first)


def test_bytes_that_are_no_utf8() -> None:
    assert Headers(b"name: J\xfcrgen%FC").get("name") == "J\ufffdrgen\ufffd"


@pytest.mark.parametrize("length", ["-1", "abc", "9999999999", "1e3", "٣", "2000000"])
def test_a_content_length_that_is_none(length: str) -> None:
    with pytest.raises(ProtocolError, match="Content-Length"):
        Parser().receive(f"Content-Type: api/response\nContent-Length: {length}\n\n".encode())


def test_limits() -> None:
    with pytest.raises(ProtocolError, match="more than 100 bytes"):
        Parser(Limits(header_bytes=100)).receive(b"x" * 101)
    with pytest.raises(ProtocolError, match="headers"):
        Parser(Limits(headers=3)).receive(b"a: 1\nb: 2\nc: 3\nd: 4\n\n")


def test_commands() -> None:
    assert to_bytes(Api("in_group 104@lab.test,reception")) == b"api in_group 104@lab.test,reception\n\n"
    assert to_bytes(Execute("set", "a=b")) == (
        b"sendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\ncontent-length: 3\n\na=b"
    )
    assert str(Execute("unset", "a")) == "unset a"


@pytest.mark.parametrize("command", [Api("x\n\napi y"), Execute("set", "a=b\nb: c"), Execute("s\ret")])
def test_one_command_never_becomes_two(command: Api) -> None:
    with pytest.raises(ValueError, match="line break"):
        to_bytes(command)
