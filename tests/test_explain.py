"""`fsdaemon explain`: the same verdict as the daemon's, in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.recorded import DIRECTORY
from tests.test_cli import run

BOSS = ("--callee", "100", "--always", "101")


def facts(capsys, *arguments):
    code, out, err = run(capsys, "explain", "--json", *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_in_words(capsys):
    code, out, _ = run(capsys, "explain", "--caller", "102", *BOSS, "--name", "100=Cora", "--name", "102=Kai")
    assert code == 0
    assert out.splitlines() == [
        "what:            forward to 101 (always)",
        "why:             100 forwards always to 101, and 102 is calling, who has no exception from it",
        'otherwise:       exceptions.users = ["102"] would make 100 ring; so would a call by 101',
        "the phone shows: Uml. fuer Cora: Kai",
    ]


@pytest.mark.parametrize(
    ("arguments", "verdict", "reason"),
    [
        (("--caller", "101"), "ring", "target"),
        (("--caller", "101", "--outside"), "forward", "always"),
        (("--caller", "+4930123456", "--outside", "--withheld"), "forward", "always"),
        (("--caller", "104", "--path", "101"), "ring", "loop"),
        (("--caller", "104", "--path", "1,2,3,4,5"), "ring", "hops"),
        (("--caller", "104", "--busy", "103", "--failed", "busy"), "forward", "busy"),
        (("--caller", "104", "--failed", "no_answer"), "ring", "no_forward"),
    ],
)
def test_verdicts(capsys, arguments, verdict, reason):
    told = facts(capsys, *BOSS, *arguments)
    assert (told["verdict"], told["reason"]) == (verdict, reason)
    assert told["why"]
    assert told["otherwise"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--caller", "101"), "target"),
        (("--caller", "101", "--outside"), "always"),
        (("--caller", "102"), "always"),
        (("--caller", "104", "--path", "101"), "loop"),
    ],
)
def test_where_another_dialplan_puts_things(capsys, tmp_path: Path, arguments, reason):
    file = tmp_path / "conf.toml"
    file.write_text('[variables]\npreset = "fusionpbx"\n')
    assert facts(capsys, *BOSS, *arguments, "--config", str(file))["reason"] == reason


def test_which_line_of_the_configuration(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text('[exceptions]\ngroups = ["office"]\n')
    told = facts(capsys, *BOSS, "--caller", "104", "--group", "office", "--config", str(file))
    assert (told["reason"], told["rule"], told["from"]) == (
        "group",
        'exceptions.groups "office"',
        "conf.toml:2",
    )


def test_a_recording(capsys):
    file = str(DIRECTORY / "external_forged_identity.txt")
    assert facts(capsys, "--recording", file, "--always", "101")["reason"] == "always"
    file = str(DIRECTORY / "internal_before_bridge.txt")
    assert facts(capsys, "--recording", file, "--always", "101", "--domain", "lab.test")["reason"] == "target"


def test_a_running_daemon_says_the_same(capsys):
    with Daemon() as daemon:
        via = facts(
            capsys, "--caller", "102", *BOSS, "--name", "102=Kai", "--via", f"127.0.0.1:{daemon.port}"
        )
        assert daemon.wait_line("forward 100 to 101 for 102: always")
    alone = facts(capsys, "--caller", "102", *BOSS, "--name", "102=Kai")
    same = ("verdict", "reason", "target", "path", "label", "commands")
    assert [via[key] for key in same] == [alone[key] for key in same]


def test_what_is_wrong(capsys, tmp_path: Path):
    assert run(capsys, "explain")[0] == 2
    assert run(capsys, "explain", "--caller", "1", "--callee", "2", "--name", "x")[0] == 2
    code, _, err = run(capsys, "explain", "--caller", "1", "--callee", "2", "--via", "127.0.0.1:1")
    assert (code, "Traceback" in err) == (1, False)
    assert "Connection refused" in err
    nothing = tmp_path / "nothing.txt"
    assert run(capsys, "explain", "--recording", str(nothing))[0] == 1
    nothing.write_text("GET / HTTP/1.1")
    assert "no channel data" in run(capsys, "explain", "--recording", str(nothing))[2]
