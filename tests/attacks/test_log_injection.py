"""Whatever a stranger writes comes out as one log line, without control characters or turned writing."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fsdaemon.esl.fake_switch import Played, Switch, channel_data
from tests.attacks.target import BIDI, Target, broken_characters, recording

EXTERNAL = recording("external_before_bridge")
FAKE = "2026-11-24 12:00:00.000 INFO    11111111-1111 ring 100 for 101: target"
EVIL = {
    "newline": f"+49170\n{FAKE}",
    "crlf": f"+49170\r\n{FAKE}",
    "return": f"+49170\r{FAKE}",
    "unicode line ends": f"+49170\u2028{FAKE}\u2029\x85{FAKE}",
    "ansi": "\x1b[2J\x1b[31m\x1b]0;title\x07\x9b31m",
    "bidi": "101" + "".join(sorted(BIDI)) + "\u202e101\u202c",
    "format": "{} {0} {uuid} %s %(x)s <red>x</red> {extra[line]}",
    "nul": "a\x00b\x08\x7f",
    "priority": "<0>panic",
}
FIELDS = (
    "Caller-Caller-ID-Number",
    "Caller-Caller-ID-Name",
    "Caller-Destination-Number",
    "fsdaemon_forward_all",
)


def one_line_came(daemon: Target, mark: int) -> str:
    daemon.good_call()
    lines = [line for line in daemon.since(mark) if "WARNING" not in line]
    assert len(lines) == 1, lines
    for line in daemon.since(mark):
        assert not broken_characters(line), ascii(line)
    return lines[0]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_one_line(daemon: Target, evil: str, field: str) -> None:
    mark = daemon.mark
    daemon.call(channel_data(EXTERNAL, {"fsdaemon_forward_all": "101", field: evil}))
    line = one_line_came(daemon, mark)
    assert line[:4].isdigit(), "begins with the time"
    assert " INFO " in line[:32]
    daemon.unharmed(mark)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_one_object_in_json(start: Callable[[str], Target], evil: str) -> None:
    daemon = start('[log]\nformat = "json"\n')
    mark = daemon.mark
    changes = dict.fromkeys(("Caller-Caller-ID-Number", "Caller-Caller-ID-Name", "Unique-ID"), evil)
    daemon.call(channel_data(EXTERNAL, {"fsdaemon_forward_all": "101", **changes}))
    fields = json.loads(one_line_came(daemon, mark))
    assert fields["verdict"] == "forward"
    assert fields["reason"] == "always"
    daemon.unharmed(mark)


@dataclass
class Refusing:
    """A switch that refuses the verdict, and says why at length."""

    reason: str
    port: int

    def play(self, data: bytes) -> Played:
        reason = self.reason

        class Refuses(Switch):
            def _sendmsg(self, headers, body):
                return "-ERR " + "".join(f"%{byte:02X}" for byte in reason.encode())

        return Refuses(data).call("127.0.0.1", self.port)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_a_refused_command(fresh: Target, evil: str) -> None:
    """What FreeSWITCH refuses is logged with its words and ours: control characters are in neither."""
    daemon, mark = fresh, fresh.mark
    data = channel_data(EXTERNAL, {"fsdaemon_forward_all": "101", "Caller-Caller-ID-Name": evil})
    Refusing(evil, daemon.port).play(data)
    daemon.good_call()
    lines = daemon.since(mark)
    assert len(lines) == 2, lines
    assert "ERROR" in lines[0]
    for line in lines:
        assert line[:4].isdigit()
        assert not broken_characters(line), ascii(line)
    daemon.unharmed(mark)
