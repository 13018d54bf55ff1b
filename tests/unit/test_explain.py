"""`fsdaemon explain`: the same verdict as the daemon's, in words."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from fsdaemon.cli import peer
from fsdaemon.cli.explain import Question, data_of, explain
from fsdaemon.config import reader as config
from fsdaemon.core.decide import Decision, decide
from fsdaemon.esl import protocol
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms.channel import Api
from tests.daemon import Daemon
from tests.recorded import DIRECTORY
from tests.unit.test_cli import run

BOSS = ("--callee", "100", "--always", "101")


def facts(capsys, *arguments):
    code, out, err = run(capsys, "explain", "--json", *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def told(capsys, *arguments) -> dict[str, str]:
    """What is printed, row by row."""
    code, out, err = run(capsys, "explain", *arguments)
    assert (code, err) == (0, "")
    return {name: text.strip() for name, _, text in (line.partition(":") for line in out.splitlines())}


def test_in_words(capsys):
    code, out, _ = run(capsys, "explain", "--caller", "102", *BOSS, "--name", "100=Cora", "--name", "102=Kai")
    assert code == 0
    assert out.splitlines() == [
        "what:            the call is forwarded to 101 (always)",
        "why:             100 forwards always to 101; 102 is calling and has no exception",
        "rule:            no exception matched (exceptions.target, exceptions.users, exceptions.groups, "
        "exceptions.external) (default)",
        'otherwise:       "102" in exceptions.users would make 100 ring; so would a call by 101',
        "the phone shows: Uml. fuer Cora: Kai <102>",
        "label:           display.label (default)",
    ]


OFF = "[exceptions]\ntarget = false\n"
B = '[domains."b.example".exceptions]\nusers = ["104"]\n[domains."b.example".display]\nlabel = ""\n'
MOBILE = ("--outside", "--caller", "+491701234567", "--callee", "100")
WORDS = [  # arguments, conf.toml, and some of the rows
    (
        ("--caller", "101", *BOSS),
        "",
        {
            "what": "100 rings (target)",
            "why": "100 forwards always to 101, and the target is calling",
            "rule": "exceptions.target (default)",
            "otherwise": "with exceptions.target = false the forward would be followed",
            "the phone shows": "101",
            "label": "none: the call was not forwarded",
        },
    ),
    (
        ("--caller", "101", *BOSS),
        OFF,
        {
            "what": "the call is forwarded to 101 (always)",
            "why": "100 forwards always to 101; the target 101 is calling, but exceptions.target is false",
            "otherwise": "a call by 101 would make 100 ring, with exceptions.target = true",
        },
    ),
    (
        ("--caller", "102", "--callee", "100"),
        "",
        {
            "what": "100 rings (no_forward)",
            "why": "100 does not forward calls",
            "otherwise": "the number of another user in the directory's call_forward_all would be followed",
        },
    ),
    (
        ("--caller", "102", "--callee", "100", "--always", "100"),
        "",
        {"why": "100 forwards always to itself; ignored"},
    ),
    (
        ("--caller", "102", "--callee", "100", "--always", "a b"),
        "",
        {"why": "100 forwards always to 'a b', which is not a number; ignored"},
    ),
    (
        ("--caller", "102", "--callee", "100", "--busy", "101"),
        "",
        {
            "why": "100 forwards when busy to 101, but the phone was not tried yet",
            "otherwise": "it would be followed when busy; so would the number of another user in the directory's call_forward_all",
        },
    ),
    (
        ("--caller", "102", "--callee", "100", "--busy", "101", "--failed", "no_answer"),
        "",
        {
            "what": "no forward is followed, the dialplan goes on: voicemail, or the call ends (no_forward)",
            "why": "100 forwards when busy to 101, but the phone was tried: nobody answered",
            "the phone shows": "nothing new: no other phone is called",
        },
    ),
    (
        ("--caller", "102", "--callee", "100", "--busy", "101", "--failed", "busy"),
        "",
        {
            "what": "the call is forwarded to 101 (busy)",
            "otherwise": '"102" in exceptions.users would keep the call from being forwarded; so would a call by 101',
        },
    ),
    (
        (*MOBILE, "--always", "101"),
        "",
        {
            "why": "100 forwards always to 101; +491701234567 is an external caller whose number is "
            "not in exceptions.external",
            "otherwise": '"+491701234567" in exceptions.external would make 100 ring; so would a call by 101',
            "the phone shows": "Uml. fuer 100: +491701234567",
        },
    ),
    (
        (*MOBILE, "--withheld", "--always", "101"),
        "",
        {
            "otherwise": "a call by 101 would make 100 ring; a withheld number cannot break through",
            "the phone shows": "Uml. fuer 100: Anonym <anonymous>",
        },
    ),
    (
        ("--outside", "--caller", "101", *BOSS),
        "",
        {
            "why": "100 forwards always to 101; 101 is an external caller, not the user 101",
            "otherwise": "a call by the user 101 would make 100 ring; did FreeSWITCH authenticate the phone?",
        },
    ),
    (
        ("--caller", "102", "--callee", "100", "--always", "+491701234567"),
        "",
        {
            "the phone shows": "102",
            "label": "none: the call goes off-net, and display.outside (default) is false",
        },
    ),
    (
        ("--caller", "104", "--callee", "100@b.example", "--always", "101"),
        B,
        {
            "rule": 'domains."b.example".exceptions.users "104" (FILE:2)',
            "otherwise": 'without domains."b.example".exceptions.users "104" the forward would be followed',
        },
    ),
    (
        ("--caller", "102@lab.test", "--callee", "100@b.example", "--always", "101"),
        B,
        {
            "otherwise": '"102@lab.test" in domains."b.example".exceptions.users would make 100 ring; '
            "so would a call by 101",
            "label": 'none: domains."b.example".display.label (FILE:4) is empty',
        },
    ),
    (
        ("--caller", "102", "--callee", "100", "--busy", "101", "--failed", "busy"),
        '[display]\nkinds = ["always"]\n',
        {"label": 'none: "busy" is not in display.kinds (FILE:2)'},
    ),
    (
        ("--caller", "102", "--callee", "100"),
        '[variables]\npreset = "fusionpbx"\n',
        {
            "otherwise": "the number of another user in forward_all_destination with forward_all_enabled = true "
            "would be followed"
        },
    ),
]


@pytest.mark.parametrize(("arguments", "config", "rows"), WORDS)
def test_what_an_administrator_reads(capsys, tmp_path: Path, arguments, config, rows):
    file = tmp_path / "conf.toml"
    file.write_text(config)
    found = told(capsys, *arguments, "--config", str(file))
    assert {name: found[name].replace(str(file), "FILE") for name in rows} == rows


def test_a_suggestion_holds(capsys, tmp_path: Path):
    """What `otherwise` says would make the callee ring does."""
    file = tmp_path / "conf.toml"
    for caller, key in ((("--caller", "102@lab.test"), "users"), (MOBILE[:3], "external")):
        otherwise = facts(capsys, *caller, *BOSS)["otherwise"]
        entry = otherwise.split('"')[1]
        assert f"exceptions.{key} would make 100 ring" in otherwise
        file.write_text(f'[exceptions]\n{key} = ["{entry}"]\n')
        assert facts(capsys, *caller, *BOSS, "--config", str(file))["verdict"] == "ring"


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
    found = facts(capsys, *BOSS, *arguments)
    assert (found["verdict"], found["reason"]) == (verdict, reason)
    assert found["why"]
    assert found["otherwise"]


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
    found = facts(capsys, *BOSS, "--caller", "104", "--group", "office", "--config", str(file))
    assert (found["reason"], found["rule"], found["from"]) == (
        "group",
        'exceptions.groups "office"',
        f"{file}:2",
    )


def test_a_recording(capsys):
    file = str(DIRECTORY / "external_forged_identity.txt")
    assert facts(capsys, "--recording", file, "--always", "101")["reason"] == "always"
    file = str(DIRECTORY / "internal_before_bridge.txt")
    assert facts(capsys, "--recording", file, "--always", "101", "--domain", "lab.test")["reason"] == "target"


def test_what_a_recording_says_is_told_first(capsys):
    file = str(DIRECTORY / "attended_transfer_rerouted.txt")
    found = told(capsys, "--recording", file, "--always", "101", "--domain", "lab.test")
    assert found["who calls"] == "102 Kai Kollege, a user of lab.test"
    assert found["transferred by"] == "101"
    assert found["forwards"] == "always to '101'"
    file = str(DIRECTORY / "external_anonymous.txt")
    found = told(capsys, "--recording", file)
    who = "a caller who withholds the number, external: FreeSWITCH did not authenticate a user on this leg"
    assert found["who calls"] == who
    assert found["who is called"] == "100, in no domain: fsdaemon_domain and domain_name are not set"


PATH = {"fsdaemon_path": "103,100", "fsdaemon_kinds": "always,busy", "fsdaemon_hop": "101"}
ANSWERED = {"last_bridge_to": "ebea3eff-4e4f-4a4a-b9d7-b189a9629733"}


@pytest.mark.parametrize(
    ("variables", "label", "note"),
    [
        (PATH, "display.chain (default)", ""),
        ({**PATH, **ANSWERED, "fsdaemon_bridged": ANSWERED["last_bridge_to"]}, "display.chain (default)", ""),
        (ANSWERED, "none: the call was not forwarded", ""),
        ({**PATH, **ANSWERED}, "none: the call was not forwarded",
            "this call was forwarded by 103, 100, and then answered; since then it is not a forwarded call"),
        ({**PATH, **ANSWERED, "fsdaemon_label": "Uml. fuer Cora: Kai"}, "none: the call was not forwarded",
            "this call was forwarded by 103, 100, and then answered; since then it is not a forwarded call; "
            "before, the phone showed: Uml. fuer Cora: Kai"),
    ],
)  # fmt: skip
def test_a_recording_of_an_answered_call(capsys, tmp_path: Path, variables, label: str, note: str):
    file = tmp_path / "call.txt"
    data = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    file.write_bytes(
        channel_data(data, {**variables, "fsdaemon_callee": "101", "fsdaemon_domain": "lab.test"})
    )
    found = told(capsys, "--recording", str(file))
    assert (found["label"], found.get("note", "")) == (label, note)


@pytest.mark.parametrize(
    ("visited", "before"),
    [
        ("", ""),
        (",:103", "103"),
        (",:103,:870", "103, 870"),
        (",:103@lab.test", "103@lab.test"),
        (",an-earlier-bridge:103", ""),
        (",:1 03", ""),
    ],
)
def test_who_was_asked_before(capsys, tmp_path: Path, visited: str, before: str):
    file = tmp_path / "call.txt"
    data = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    file.write_bytes(channel_data(data, {"fsdaemon_visited": visited, "fsdaemon_callee": "100"}))
    assert told(capsys, "--recording", str(file)).get("was already at", "") == before


EVIL = "K\x1b[31m\x9b2J\n\u2028\u202eai"


def test_a_name_cannot_drive_the_terminal(capsys):
    call = ("--outside", "--caller", "+4930123456", "--callee", "100", "--name", f"+4930123456={EVIL}")
    code, out, _ = run(capsys, "explain", *call)
    assert code == 0
    assert "K?[31m?2J???ai" in out
    code, out, _ = run(capsys, "explain", "--json", *call)
    assert code == 0
    assert all(ch.isprintable() for ch in out.replace("\n", ""))
    assert EVIL in json.loads(out)["shows"]


def test_beyond(capsys, tmp_path: Path):
    file = tmp_path / "call.txt"
    data = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    file.write_bytes(
        channel_data(data, {"fsdaemon_stage": "beyond", "Caller-Destination-Number": "05551234567"})
    )
    found = told(capsys, "--recording", str(file))
    assert found["what"] == "the call goes on to 05551234567 (no_forward)"
    assert found["why"] == "05551234567 is not a user, so there is no forward to follow"


def test_the_wrong_preset_is_noticed(capsys, tmp_path: Path):
    recording = ("--recording", str(DIRECTORY / "fusionpbx" / "internal_before_forward_all.txt"))
    said = 'forward_all_destination is there: should it be variables.preset = "fusionpbx"?'
    assert told(capsys, *recording)["warning"] == said
    file = tmp_path / "conf.toml"
    file.write_text('[variables]\npreset = "fusionpbx"\n')
    assert "warning" not in told(capsys, *recording, "--config", str(file))


def test_a_running_daemon_says_the_same(capsys):
    with Daemon() as daemon:
        call = ("--caller", "102", *BOSS, "--name", "102=Kai")
        via = facts(capsys, *call, "--via", f"127.0.0.1:{daemon.port}")
        assert daemon.wait_line(f"{via['uuid']} forward 100 to 101 for 102: always")
    alone = facts(capsys, *call)
    assert via == {**alone, "uuid": via["uuid"]}


@pytest.mark.parametrize(
    "more", [("--caller", "101"), ("--caller", "100"), ("--caller", "104", "--own", "104")], ids=str
)
def test_a_running_daemon_says_the_same_of_an_exception(capsys, more):
    """The forward that is not followed has a target, and the channel has none: that is no difference."""
    alone = told(capsys, *more, *BOSS)
    with Daemon() as daemon:
        via = told(capsys, *more, *BOSS, "--via", f"127.0.0.1:{daemon.port}")
    assert {**via, "UUID": ""} == {**alone, "UUID": ""}


def test_a_running_daemon_says_something_else(capsys, tmp_path: Path):
    """Its configuration is another one than the file has: the verdict is the daemon's, and that is said."""
    file = tmp_path / "conf.toml"
    file.write_text('[exceptions]\nusers = ["102"]\n')
    with Daemon() as daemon:
        call = ("--caller", "102", *BOSS, "--via", f"127.0.0.1:{daemon.port}", "--config", str(file))
        found = told(capsys, *call)
    assert found["what"] == "the call is forwarded to 101 (always)"
    unlike = f"by {file} it would be: 100 rings (user); is that what the daemon reads, and was it reloaded?"
    assert found["unlike"] == unlike
    assert not {"why", "rule", "otherwise"} & set(found)


CALL = ("--caller", "102", "--callee", "100")
DUMP = "fs_cli -x 'uuid_dump UUID'"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a call: --caller and --callee, or --recording, or --uuid"),
        (("--caller", "102"), "name a call"),
        ((*CALL, "--name", "x"), "must be USER=NAME, not x"),
        ((*CALL, "--path", "104,,105"), "must be users with commas between, like 104,105, not 104,,105"),
        ((*CALL, "--domain", "a b"), "must be a domain, like b.example, not a b"),
        ((*CALL, "--failed", "asleep"), "invalid choice: 'asleep'"),
        ((*CALL, "--via", "8084"), 'must be "host:port"'),
        ((*CALL, "--outside", "--group", "office"), "a caller from --outside is in no group"),
        (("--caller", " ", "--callee", "100"), "must be a user, like 101 or 101@b.example, or a number"),
        (("--uuid", "x", "--caller", "1"), "--caller is about another"),
        ((*CALL, "--listen", "127.0.0.1:1"), "--listen says where --uuid asks"),
    ],
)
def test_usage(capsys, arguments, said):
    code, out, err = run(capsys, "explain", *arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"", f"not channel data: the file is empty; save it with {DUMP} > FILE"),
        (b"\n \n", "not channel data: the file is empty; "),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            f"not channel data: there is no Unique-ID in it; save it with {DUMP} > FILE",
        ),
        (b"-ERR No such channel!\n", "not channel data: this is an error message of FreeSWITCH; "),
        (b"Unique-ID: [d807da79]\n", f"this is what the application info logs; save it with {DUMP} > FILE"),
        (b"Unique-ID: x\n" + b"a: b\n" * 5000, "more than 4096"),
        (b"Unique-ID: x\n" * 200_000, "not channel data: it is larger than 1048576 bytes"),
        (
            b'{\n"Event-Name":\t"CHANNEL_DATA",\n"Unique-ID": "x"\n}',
            "not channel data: this is JSON, and the plain format is needed",
        ),
        (
            b"<!DOCTYPE html>\n<p>Unique-ID: x</p>",
            "not channel data: this is HTML or XML, and the plain format is needed",
        ),
        (b"<event>\n<headers>\n<Unique-ID>x</Unique-ID>", "not channel data: this is HTML or XML"),
        (
            b"Event-Name: CHANNEL_DATA\nUnique-ID: x\nCaller-Dir",
            "not channel data: it is truncated, Caller-Destination-Number is missing",
        ),
        (
            b"Unique-ID: x\nCaller-Destination-Number: 100\nvariable_us",
            "not channel data: it is truncated in its last line",
        ),
    ],
)
def test_a_recording_that_is_none(capsys, tmp_path: Path, content: bytes | None, said: str):
    file = tmp_path / "call.txt"
    if content is not None:
        file.write_bytes(content)
    code, out, err = run(capsys, "explain", "--recording", str(file))
    assert (code, out) == (1, "")
    assert said in err
    assert err.startswith("fsdaemon: ")
    assert (
        run(capsys, "explain", "--recording", str(tmp_path))[2] == f"fsdaemon: {tmp_path}: Is a directory\n"
    )


@pytest.mark.parametrize("colour", [b"\x1b[0;33m", b"\x1b[m"])
def test_a_recording_with_terminal_colours(capsys, tmp_path: Path, colour: bytes):
    """As a terminal has them; no call by nobody to nobody is answered about."""
    file = tmp_path / "call.txt"
    data = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    for coloured in (colour + data, b"\n".join(colour + line for line in data.split(b"\n"))):
        file.write_bytes(coloured)
        code, out, err = run(capsys, "explain", "--recording", str(file))
        assert (code, out) == (1, "")
        assert err == (
            f"fsdaemon: {file}: not channel data: there are terminal colours in it (ANSI escape sequences; "
            f"fs_cli --no-color prints none); save it with {DUMP} > FILE\n"
        )


@pytest.mark.parametrize(("kept", "truncated"), [(0.2, True), (0.5, True), (1, False)])
def test_a_recording_that_was_cut(capsys, tmp_path: Path, kept: float, truncated: bool):
    file = tmp_path / "call.txt"
    lines = (DIRECTORY / "internal_before_bridge.txt").read_bytes().rstrip().split(b"\n")
    data = b"\n".join(lines[: int(len(lines) * kept)])
    file.write_bytes(data if kept == 1 else data + b"\nvariable_")
    code, _, err = run(capsys, "explain", "--recording", str(file))
    assert (code, "it is truncated" in err) == (int(truncated), truncated)


def test_a_group_with_a_blank(capsys, tmp_path: Path):
    """From conf.toml to the question that FreeSWITCH is asked, and to the verdict."""
    file = tmp_path / "conf.toml"
    file.write_text('[exceptions]\ngroups = ["Sales Team"]\n')
    member = ("--caller", "102", *BOSS, "--group", "Sales Team", "--config", str(file))
    found = facts(capsys, *member)
    assert (found["verdict"], found["reason"], found["rule"]) == (
        "ring",
        "group",
        'exceptions.groups "Sales Team"',
    )
    headers = protocol.read(
        data_of(Question(caller="102", callee="100", domain="b.example", forwards={"always": "101"}))
    )
    answers: dict[Api, str] = {}
    while not isinstance(outcome := decide(headers, answers, config.load(file.read_text())), Decision):
        answers.update({one: "true" if one.command.startswith("in_group") else "-ERR" for one in outcome})
    assert Api("in_group 102@b.example,Sales Team") in answers
    assert outcome.verdict.reason == "group"


def test_channel_data_with_the_line_ends_of_another_system(capsys, tmp_path: Path):
    file = tmp_path / "call.txt"
    data = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    file.write_bytes(data.replace(b"\n", b"\r\n"))
    assert facts(capsys, "--recording", str(file))["established"] == "101@lab.test"


def answering(said: bytes):
    """A server that says this to whoever connects, and closes; its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server:
            peer, _ = server.accept()
            with peer:
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                peer.settimeout(30)
                while peer.recv(1000):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, f"127.0.0.1:{server.getsockname()[1]}"


def test_nobody_there(capsys):
    code, out, err = run(capsys, "explain", *CALL, "--via", "127.0.0.1:1")
    assert (code, out) == (1, "")
    said = "nothing listens on 127.0.0.1:1: is fsdaemon running, and is that its server.listen?"
    assert err == f"fsdaemon: {said}\n"


def test_somebody_else_is_there(capsys):
    thread, address = answering(b"")
    said = "closed without a verdict: not in its server.allow, too many calls at a time, or no fsdaemon"
    assert run(capsys, "explain", *CALL, "--via", address)[2] == f"fsdaemon: {address} {said}\n"
    thread.join(30)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", "is not fsdaemon's page (metrics.listen)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is not fsdaemon's page (metrics.listen)"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "is not fsdaemon's page (metrics.listen)"),
        (b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n", "HTTP Error 404: Not Found"),
        (b"HTTP/1.0 500 Oh\r\n\r\n", "HTTP Error 500: Oh"),
    ],
)
def test_the_page_is_another_ones(capsys, tmp_path: Path, said: bytes, error: str):
    file = tmp_path / "conf.toml"
    for arguments in (("explain", "--uuid", "x"), ("status",)):
        thread, address = answering(said)
        file.write_text(f'[metrics]\nlisten = "{address}"\n')
        code, out, err = run(capsys, *arguments, "--config", str(file))
        assert (code, out) == (1, "")
        assert error in err
        assert address in err
        assert len(err.splitlines()) == 1
        thread.join(30)


def test_an_address_that_is_given_needs_no_configuration(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text("nonsense\n")
    for arguments in (("explain", "--uuid", "x"), ("status",)):
        assert run(capsys, *arguments, "--config", str(file))[2].startswith(f"{file}: line 1")
        err = run(capsys, *arguments, "--config", str(file), "--listen", "127.0.0.1:1")[2]
        assert err.startswith("fsdaemon: no answer from 127.0.0.1:1: Connection refused")


def test_no_page_to_ask(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text('[metrics]\nlisten = "127.0.0.1:1"\n')
    for arguments in (("explain", "--uuid", "x"), ("status",)):
        code, out, err = run(capsys, *arguments, "--config", str(file))
        said = "Connection refused; is fsdaemon running, with this metrics.listen?"
        assert (code, out, err) == (1, "", f"fsdaemon: no answer from 127.0.0.1:1: {said}\n")
    file.write_text("")
    for arguments in (("explain", "--uuid", "x"), ("status",)):
        code, out, err = run(capsys, *arguments, "--config", str(file))
        assert (code, out) == (1, "")
        assert err.startswith(f"fsdaemon: metrics.listen is off ({file}), so nobody can be asked; ")


def test_forwards_that_are_not_in_a_recording_are_asked_for():
    """freeswitch/dialplan/fsdaemon.xml leaves the directory to the daemon, so a dump of the channel has none."""
    recording = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    asked = {"fsdaemon_context": "default", "fsdaemon_stage": "before", "fsdaemon_domain": "lab.test"}
    data = channel_data(recording, asked)
    note = explain(Question(), data, config.default())["note"]
    assert "the forwards of 100@lab.test are not in the channel data" in note
    assert "'user_data 100@lab.test var call_forward_all'" in note
    told = explain(
        Question(), channel_data(recording, {**asked, "fsdaemon_forward_all": "103"}), config.default()
    )
    assert told["verdict"] == "forward"
    assert "note" not in told


def test_forwards_that_stand_in_the_directory_only():
    text = '[variables]\nalways = ["directory:my_forward"]\n'
    question = Question(callee="100", caller="102", domain="lab.test", forwards={"always": "101"})
    decided = explain(question, data_of(question, places=config.load(text).variables), config.load(text))
    assert (decided["verdict"], decided["target"]) == ("forward", "101")


@pytest.mark.parametrize(
    "host", ["a..b", ".", "x" * 64, "[1.2.3]", "[:::::]", "[fe80::1%lo]"], ids=lambda host: host[:9]
)
def test_a_host_that_cannot_be_one(capsys, host: str):
    for command in (("--caller", "102", "--callee", "100", "--via"), ("--uuid", "x", "--listen")):
        code, out, err = run(capsys, "explain", *command, f"{host}:8084")
        assert (code, out) == (2, "")
        assert 'must be "host:port", like "127.0.0.1:8084", not ' in err


def test_a_recording_from_a_pipe(capsys, monkeypatch, tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    threading.Thread(target=lambda: pipe.write_bytes(content), daemon=True).start()
    assert facts(capsys, "--recording", str(pipe), "--always", "101")["reason"] == "target"
    monkeypatch.setattr(peer, "LIMIT", 0.1)
    code, out, err = run(capsys, "explain", "--recording", str(pipe))  # nobody writes
    assert (code, out) == (1, "")
    assert err == f"fsdaemon: {pipe}: nothing more comes, and it does not end (no end of it within 0.1 s)\n"
