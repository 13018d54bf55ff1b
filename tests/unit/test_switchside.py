"""The fake switch refuses what FreeSWITCH refuses and expands what it expands.

tests/live/on_default/test_fake.py plays the same script to a real one.
"""

from __future__ import annotations

import pytest

from fsdaemon.esl.fake_switch import Switch, channel_data, url_encode
from tests.recorded import DIRECTORY

RECORDING = (DIRECTORY / "internal_before_bridge.txt").read_bytes()


def execute(switch: Switch, application: str, argument: str) -> bytes:
    return switch.answer(
        f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\nexecute-app-arg: {argument}".encode()
    )


# (application, argument, variable, its value afterwards; None: unset) — shared with tests/live/on_default/test_fake.py
SCRIPT = [
    ("set", "a=b", "a", "b"),
    ("set", "a=", "a", None),
    ("set", "a= x ", "a", " x "),
    ("set", "x=${user_name}", "x", "101"),
    ("set", "y=%24{user_name}", "y", "%24{user_name}"),
    ("set", "y=$ {user_name}", "y", "$ {user_name}"),
    ("set", "y=$", "y", "$"),
    ("set", "y=cut ${user_name", "y", "cut 101"),
    ("multiset", "^^\x1fa=1;2,3'4'\x1fb=c d", "a", "1;2,34"),
    ("multiset", "^^\x1fa=it's\x1fb=o'clock", "a", "its\x1fb=oclock"),
    ("multiset", "^^\x1fa=one'\x1fb=x", "a", "one'"),
    ("multiset", "^^\x1fa=x\\ny\x1fb=x", "a", "x\ny"),
    ("multiset", "^^\x1fa=x\\wy\x1fb=x", "a", "x\\wy"),
    ("multiset", "^^\x1fa= x \x1fb=x", "a", " x"),
    ("multiset", "^^\x1fa=1\x1fb=c d", "b", "c d"),
    ("multiset", "a=1 b=2", "b", "2"),
    ("set", "b=2=3", "b", "2=3"),
    ("unset", "b", "b", None),
]


@pytest.mark.parametrize(("application", "argument", "name", "value"), SCRIPT)
def test_variables(application, argument, name, value):
    switch = Switch(RECORDING)
    assert execute(switch, application, argument) == b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    assert switch.played.variables.get(name) == value


def test_an_expansion_is_noticed():
    switch = Switch(RECORDING)
    execute(switch, "set", "x=${system(rm)}")
    assert switch.played.expanded == ["system(rm)"]


def test_what_is_refused():
    switch = Switch(RECORDING)
    assert b"-ERR command not found" in switch.answer(b"nonsense")
    assert b"+OK" in execute(switch, "no_such_application", "x")
    assert b"+OK" in switch.answer(b"sendmsg\ncall-command: dance")
    assert switch.played.refused == ["nonsense", "execute no_such_application", "dance "]


def test_api():
    switch = Switch(RECORDING, {"user_data 100@lab.test var x": "Cora"})
    assert switch.answer(b"api user_data 100@lab.test var x").endswith(b"Content-Length: 4\n\nCora")
    assert switch.answer(b"api user_data 1@lab.test var x").endswith(b"-ERR no reply\n")


def test_values_are_encoded_as_freeswitch_does():
    assert url_encode("Kai: 100% ü, %3A %3a".encode()) == b"Kai%3A%20100%25%20%C3%BC,%20%3A%20%253a"


def test_channel_data():
    data = channel_data(RECORDING, {"user_name": "", "fsdaemon_forward_all": "1 0", "Caller-ANI": "5"})
    lines = data.split(b"\n")
    assert b"variable_fsdaemon_forward_all: 1%200" in lines
    assert b"Caller-ANI: 5" in lines
    assert not any(line.startswith(b"variable_user_name:") for line in lines)
    assert data.endswith(b"Control: full\n\n")
