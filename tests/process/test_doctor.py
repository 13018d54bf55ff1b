"""`fsdaemon doctor` as a process: a report and no traceback, whatever the machine has in store."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.daemon import Daemon, free_port

ROOT = Path(__file__).parents[2]
OURS = ROOT / "freeswitch" / "dialplan"
TOP = """<document type="freeswitch/xml">
<section name="dialplan">
<X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>
</section>
<section name="directory">
<X-PRE-PROCESS cmd="include" data="directory/*.xml"/>
</section>
</document>
"""
DEFAULT = f"""<context name="default">
<X-PRE-PROCESS cmd="include" data="{OURS}/default/fsdaemon.xml"/>
</context>
"""
USERS = '<domain name="lab.test"><users><user id="1000"/></users></domain>\n'


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A FreeSWITCH's configuration with our dialplan, and a free port in it."""
    directory = tmp_path / "conf"
    for name in ("dialplan", "directory"):
        (directory / name).mkdir(parents=True)
    (directory / "freeswitch.xml").write_text(TOP)
    (directory / "dialplan" / "default.xml").write_text(DEFAULT)
    (directory / "directory" / "users.xml").write_text(USERS)
    shutil.copy(OURS / "fsdaemon.xml", directory / "dialplan")
    return directory


def doctor(conf: Path, *options: str) -> tuple[int, str]:
    command = [
        sys.executable,
        "-m",
        "fsdaemon",
        "doctor",
        "--freeswitch",
        str(conf),
        "--fs-cli",
        "",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def codes(conf: Path, *options: str) -> list[str]:
    """What is wrong; nobody listens in these tests."""
    code, out = doctor(conf, "--json", *options)
    told = json.loads(out)
    found = [one["code"] for one in told["findings"] if one["wrong"]]
    assert code == int(bool(found))
    return [one for one in found if one not in ("nobody", "port", "address")]


def toml(tmp_path: Path, port: int) -> str:
    file = tmp_path / "conf.toml"
    file.write_text(f'[server]\nlisten = ["127.0.0.1:{port}"]\n')
    return str(file)


def test_nothing_is_wrong(conf, tmp_path):
    with Daemon() as daemon:
        context = conf / "dialplan" / "fsdaemon.xml"
        context.write_text(context.read_text().replace("8084", str(daemon.port)))
        code, out = doctor(conf, "--config", toml(tmp_path, daemon.port))
        assert code == 0, out
        assert out.startswith("nothing is wrong")
        assert f"fsdaemon at 127.0.0.1:{daemon.port}" in " ".join(out.split())
        # It is no call: nobody is asked anything.
        assert not [line for line in daemon.lines if "WARNING" in line or "ERROR" in line]
        code, out = doctor(conf, "--config", toml(tmp_path, free_port()))
        assert code == 0, out  # systemd's socket may be another one than server.listen


def test_nobody_and_somebody_else(conf, tmp_path):
    context = conf / "dialplan" / "fsdaemon.xml"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        context.write_text(context.read_text().replace("8084", str(port)))
        code, out = doctor(conf, "--config", toml(tmp_path, port))
    assert (code, "[address]" in out) == (1, True)
    code, out = doctor(conf, "--config", toml(tmp_path, port))
    assert (code, "[nobody]" in out) == (1, True)
    code, out = doctor(conf, "--config", toml(tmp_path, free_port()))
    assert (code, "[port]" in out) == (1, True)


def test_no_freeswitch(tmp_path):
    assert codes(tmp_path / "nowhere") == ["conf"]
    assert codes(tmp_path) == ["conf"]


def test_files_that_are_not_files(conf, tmp_path):
    os.mkfifo(conf / "directory" / "pipe.xml")
    (conf / "directory" / "directory.xml").mkdir()
    (conf / "directory" / "nowhere.xml").symlink_to("/nowhere")
    (conf / "directory" / "itself.xml").symlink_to(conf / "directory" / "itself.xml")
    (conf / "directory" / "zero.xml").symlink_to("/dev/zero")
    assert codes(conf) == []
    out = doctor(conf, "--json")[1]
    for why in ("a pipe or a device", "a directory", "a link to /nowhere", "levels of symbolic links"):
        assert why in out


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"\x00\xff\xfe<\x01" * 1000, ["xml"]),
        (b"<" * 100_000, ["xml"]),
        (b"<a>" * 50_000, ["xml"]),
        (b"<a" + b" x='1'" * 10_000, ["xml"]),
        (b"<!-- " * 20_000, ["xml"]),
        (b'<domain name="\xfc.test"><users><user id="\xfc"/></users></domain>', ["user"]),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">\n', []),
        (b'<X-PRE-PROCESS cmd="exec" data="touch hacked"/>\n', []),
        (b'<X-PRE-PROCESS cmd="include" data="*.xml"/>\n', []),
        (b'<X-PRE-PROCESS cmd="include" data="' + b"*/" * 60 + b'"/>\n', []),
        (b'<X-PRE-PROCESS cmd="include" data="a\x00b"/>\n', []),
        (b'<X-PRE-PROCESS cmd="set" data="domain=$${domain}$${domain}"/>\n' * 2000, []),
    ],
    ids=range(12),
)
def test_content_that_nobody_meant(conf, content, wrong):
    (conf / "directory" / "x.xml").write_bytes(content)
    assert codes(conf) == wrong
    assert not list(conf.rglob("hacked"))


def test_an_expression_that_takes_for_ever(conf):
    evil = '<extension name="evil"><condition field="destination_number" expression="^(1+)+x$"/></extension>'
    default = conf / "dialplan" / "default.xml"
    default.write_text(DEFAULT.replace("<X-PRE", f"{evil}\n<X-PRE"))
    (conf / "directory" / "users.xml").write_text(USERS.replace("1000", "1" * 60))
    assert "timeout" in codes(conf, "--timeout", "3")


def test_a_lot_of_users(conf):
    users = "\n".join(f'<user id="{n}"/>' for n in range(50_000))
    (conf / "directory" / "users.xml").write_text(
        f'<domain name="lab.test"><users>\n{users}\n</users></domain>'
    )
    assert codes(conf, "--timeout", "60") == []


def test_a_huge_file(conf):
    with (conf / "directory" / "huge.xml").open("wb") as file:
        file.truncate(1 << 40)
    assert codes(conf) == []
    assert "it is larger than" in doctor(conf)[1]


def test_a_file_that_freeswitchs_user_may_not_read(conf):
    with tempfile.TemporaryDirectory(prefix="fsdaemon-doctor-") as open_to_all:
        os.chmod(open_to_all, 0o755)
        shutil.copytree(conf, f"{open_to_all}/conf")
        context = Path(open_to_all) / "conf" / "dialplan" / "fsdaemon.xml"
        kit = Path(open_to_all) / "kit"
        shutil.copytree(OURS / "default", kit)
        default = context.with_name("default.xml")
        default.write_text(default.read_text().replace(f"{OURS}/default", str(kit)))
        for file, mode, wrong in (
            (context, 0o600, ["closed"]),
            (context, 0o644, []),
            (kit, 0o750, ["closed"] * 2),
        ):
            file.chmod(mode)
            assert codes(Path(open_to_all) / "conf", "--user", "nobody") == wrong


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_closed_directories(conf):
    (conf / "dialplan").chmod(0)
    try:
        assert "context" in codes(conf)
    finally:
        (conf / "dialplan").chmod(0o755)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("sleep 600 & sleep 600", "did not answer within"),
        ("kill -9 $$", "fs_cli failed"),
        ("exit 3", "fs_cli failed"),
        ("exec yes '<a>'", "fs_cli"),
        ("head -c 100000 /dev/urandom", "fs_cli reached a FreeSWITCH"),
        ("echo '-ERR command not found!'", "fs_cli reached a FreeSWITCH"),
    ],
)
def test_fs_cli_of_every_kind(conf, tmp_path, script, why):
    program = tmp_path / "fs_cli"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    told = json.loads(doctor(conf, "--json", "--fs-cli", str(program))[1])
    assert [why in one for one in told["not_looked_at"]].count(True) == 1
    assert told["freeswitch"]["running"] is False


def test_odd_options(conf):
    assert "No closing quotation" in doctor(conf, "--fs-cli", "fs_cli 'x")[1]
    assert "not looked at" in doctor(conf, "--user", "nobody-of-this-name")[1]
