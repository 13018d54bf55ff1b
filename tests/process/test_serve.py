"""The daemon as a process, over its real socket, with a fake switch at the other end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.daemon import systemd
from fsdaemon.daemon.listener import adopt
from fsdaemon.esl.fake_switch import Switch, channel_data
from tests.daemon import Daemon, free_port
from tests.recorded import DIRECTORY, Recording, recordings

# Nothing is left to ask about.
FORWARD = {
    "fsdaemon_forward_all": "102",
    "fsdaemon_callee_name": "Cora Chefin",
    "fsdaemon_forward_except": "109",
}


def plain(**variables: str) -> bytes:
    recording = (DIRECTORY / "internal_before_bridge.txt").read_bytes()
    return channel_data(recording, {**FORWARD, **variables})


def good_call(port: int) -> None:
    played = Switch(plain()).call("127.0.0.1", port)
    assert played.variables["fsdaemon_verdict"] == "forward"
    assert played.refused == []


@pytest.fixture(scope="module")
def daemon():
    with Daemon() as running:
        yield running


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory):
    """A daemon for each configuration that is asked for."""
    running: dict[str, Daemon] = {}

    def get(config: str) -> Daemon:
        if config not in running:
            file = tmp_path_factory.mktemp("conf") / "conf.toml"
            file.write_text(config, "utf-8")
            running[config] = Daemon(config=file)
        return running[config]

    yield get
    for one in running.values():
        one.stop()


@pytest.mark.parametrize("recording", recordings(), ids=lambda r: f"{r.name}: {r.title}")
def test_recordings(daemons, recording: Recording) -> None:
    played = Switch(recording.data, recording.api).call("127.0.0.1", daemons(recording.config).port)
    assert played.variables["fsdaemon_verdict"] == recording.expect["verdict"]
    assert played.variables["fsdaemon_reason"] == recording.expect["reason"]
    if recording.expect.get("label"):
        leg_only = {"fsdaemon_carry", "fsdaemon_context"} & set(played.variables)
        carried = "fsdaemon_label" if leg_only else "effective_caller_id_name"
        assert shown_by_mod_sofia(played.variables[carried]) == recording.expect["label"]
    assert played.expanded == []
    assert played.refused == []


def test_one_line_a_verdict(daemon: Daemon) -> None:
    good_call(daemon.port)
    line = daemon.wait_line(r"forward 100 to 102 for 101: always$")
    assert "d807da79-3542-4914-b35a-82bb7615f605 forward" in line


def test_a_label_set_by_one_hook_is_taken_back_by_the_next(daemon: Daemon) -> None:
    """A dialplan that knows nothing of fsdaemon_carry: the label stands on the channel for one hop."""
    first = Switch(plain()).call("127.0.0.1", daemon.port).variables
    assert shown_by_mod_sofia(first["effective_caller_id_name"]) == "Uml. fuer Cora Chefin: Sina Sekretariat"
    arriving = {
        **first,
        "fsdaemon_forward_all": "",
        "Caller-Destination-Number": "102",
        "fsdaemon_callee_name": "",
    }
    names = {"user_data 100@lab.test var effective_caller_id_name": "Cora Chefin"}
    second = Switch(plain(**arriving), names).call("127.0.0.1", daemon.port).variables
    assert shown_by_mod_sofia(second["effective_caller_id_name"]) == "Uml. fuer Cora Chefin: Sina Sekretariat"
    elsewhere = {**arriving, **second, "Caller-Destination-Number": "103"}
    third = Switch(plain(**elsewhere)).call("127.0.0.1", daemon.port).variables
    assert third["effective_caller_id_name"] == "Sina Sekretariat"
    left = {"sip_h_Diversion", "fsdaemon_path", "fsdaemon_label", "fsdaemon_leg", "fsdaemon_target"}
    assert not left & set(third)


def test_a_dialplan_that_carries_it_with_the_leg(daemon: Daemon) -> None:
    played = Switch(plain(fsdaemon_carry="leg")).call("127.0.0.1", daemon.port).variables
    assert played["effective_caller_id_name"] == "Sina Sekretariat"
    assert "sip_h_Diversion" not in played
    assert played["fsdaemon_leg"] == (
        "[^^!sip_h_Diversion=<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        "!execute_on_pre_bridge_fsdaemon=unset sip_h_Diversion!fsdaemon_undo=^^~sip_h_Diversion=~fsdaemon_undo="
        "!origination_caller_id_name=Uml. fuer Cora Chefin%3A Sina Sekretariat"
        "!execute_on_originate_fsdaemon=set_profile_var caller_id_name=Uml. fuer Cora Chefin: Sina Sekretariat"
        "!fsdaemon_cdr_called=100!fsdaemon_cdr_diverter=100!fsdaemon_cdr_kinds=always"
        "!fsdaemon_cdr_verdict=forward!fsdaemon_cdr_reason=always]"
    )


def test_a_users_entry_is_looked_up_once(daemon: Daemon) -> None:
    """Behind mod_xml_curl each look-up is a request."""
    names = {"effective_caller_id_name": "Cora", "call_forward_all": "102"}
    variables = "".join(f'<variable name="{name}" value="{value}"/>' for name, value in names.items())
    whole = {"find_user_xml id 100 lab.test": f'<user id="100"><variables>{variables}</variables></user>'}
    call = plain(fsdaemon_forward_all="", fsdaemon_callee_name="", fsdaemon_forward_except="")
    played = Switch(call, whole).call("127.0.0.1", daemon.port)
    assert (
        shown_by_mod_sofia(played.variables["effective_caller_id_name"]) == "Uml. fuer Cora: Sina Sekretariat"
    )
    assert [asked for asked in played.asked if "100" in asked and "user" in asked] == [*whole]


def test_a_refused_command_is_logged(daemon: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)), socket.create_connection(("127.0.0.1", daemon.port)) as sock:
        sock.recv(100)
        sock.sendall(plain())
        sock.recv(10000)
        sock.sendall(b"Content-Type: command/reply\nReply-Text: -ERR no such channel\n\n")
    assert "multiset" in daemon.wait_line("FreeSWITCH refused .*: -ERR no such channel")


def test_reload(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text("[exceptions]\ntarget = true\n")
    with Daemon(config=config) as daemon:
        target = plain(fsdaemon_forward_all="101")
        assert Switch(target).call("127.0.0.1", daemon.port).variables["fsdaemon_reason"] == "target"
        config.write_text("[exceptions]\ntarget = maybe\n")
        daemon.signal(signal.SIGHUP)
        assert f": {config}: line 2, " in daemon.wait_line("not reloaded, the old configuration stays")
        assert Switch(target).call("127.0.0.1", daemon.port).variables["fsdaemon_reason"] == "target"
        config.write_text("[exceptions]\ntarget = false\n")
        daemon.signal(signal.SIGHUP)
        assert daemon.wait_line("configuration reloaded").endswith(f"reloaded: {config}")
        assert Switch(target).call("127.0.0.1", daemon.port).variables["fsdaemon_reason"] == "always"
        config.unlink()
        daemon.signal(signal.SIGHUP)
        said = (
            f"not reloaded, the old configuration stays: {config}: cannot be read: No such file or directory"
        )
        daemon.wait_line(re.escape(said))
    assert daemon.lines[0].endswith(f"INFO    configuration: {config}")


def test_no_file_is_said(tmp_path: Path) -> None:
    """As on a machine without /etc/fsdaemon/conf.toml, where one is made later, and taken away again."""
    file = tmp_path / "conf.toml"
    code = (
        "import sys; from pathlib import Path; from fsdaemon.cli import main\n"
        f"main.DEFAULT_PATH = Path({str(file)!r})\n"
        "sys.exit(main.main(['serve', '--listen', '127.0.0.1:0']))"
    )
    with Daemon(command=[sys.executable, "-c", code]) as daemon:
        none = "there is no conf.toml, so all keys have their defaults"
        assert daemon.lines[0].endswith(f"configuration: {none}")
        file.write_text("[routing]\nmax_hops = x\n")
        daemon.signal(signal.SIGHUP)
        assert f"stays: {file}: line 2" in daemon.wait_line("not reloaded")
        file.write_text("")
        daemon.signal(signal.SIGHUP)
        daemon.wait_line(f"configuration reloaded: {file}$")
        file.unlink()
        daemon.signal(signal.SIGHUP)
        daemon.wait_line(f"configuration reloaded: {none}$")


def test_a_reload_costs_no_line_of_the_log(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text('[log]\nformat = "text"\n')
    with Daemon(config=config) as daemon:
        config.write_text('[log]\nformat = "json"\n')
        good_call(daemon.port)
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("configuration reloaded")
        good_call(daemon.port)
    told = [line for line in daemon.lines if "for 101: always" in line or "configuration reloaded" in line]
    assert [line.startswith("{") for line in told] == [False, True, True]
    assert "configuration reloaded" in told[1]
    assert json.loads(told[2])["verdict"] == "forward"


def test_sigterm_costs_no_line_of_the_log() -> None:
    with Daemon() as daemon:
        good_call(daemon.port)
    assert "for 101: always" in daemon.lines[-2]
    assert "stopped" in daemon.lines[-1]


def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text("[server]\ntimeout = 60\n")
    with Daemon(config=config) as daemon, socket.create_connection(("127.0.0.1", daemon.port)) as sock:
        assert sock.recv(100) == b"connect\n\n"
        daemon.signal(signal.SIGTERM)
        end = time.monotonic() + 30
        while _listens(daemon.port):
            assert time.monotonic() < end, "accepts for ever"
            time.sleep(0.01)
        sock.sendall(plain())
        assert b"fsdaemon_verdict=forward" in sock.recv(10000)
        sock.sendall(b"Content-Type: command/reply\nReply-Text: +OK\n\n")
        assert sock.recv(100) == b""
        assert daemon.process.wait(30) == 0
        assert daemon.wait_line("stopped, no calls in flight")


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_a_silent_peer_is_left_after_the_time_limit(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text("[server]\ntimeout = 0.5\n")
    with Daemon(config=config) as daemon, socket.create_connection(("127.0.0.1", daemon.port)) as sock:
        sock.recv(100)
        start = time.monotonic()
        assert sock.recv(100) == b""
        assert 0.4 < time.monotonic() - start < 30
        daemon.wait_line("no verdict within 0.5 s")
        good_call(daemon.port)


def test_more_than_max_sessions_are_let_go_at_once(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text("[server]\nmax_sessions = 1\ntimeout = 60\n")
    with Daemon(config=config) as daemon, socket.create_connection(("127.0.0.1", daemon.port)) as first:
        assert first.recv(100) == b"connect\n\n"
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", daemon.port)) as second:
                second.settimeout(30)  # of sixty
                assert second.recv(100) == b""
        daemon.wait_line("refused a call: 1 at a time")
        assert sum("refused a call" in line for line in daemon.lines) == 1


def test_json(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text('[log]\nformat = "json"\n')
    with Daemon(config=config) as daemon:
        good_call(daemon.port)
        line = json.loads(daemon.wait_line("forward 100"))
    assert line["verdict"] == "forward"
    assert line["reason"] == "always"
    assert line["callee"] == "100"
    assert line["target"] == "102"
    assert line["uuid"] == "d807da79-3542-4914-b35a-82bb7615f605"


def test_masked_numbers(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text('[log]\nnumbers = "masked"\n')
    data = (DIRECTORY / "external_before_bridge.txt").read_bytes()
    with Daemon(config=config) as daemon:
        for target in ("101", "+4930 5550199 x"):
            Switch(channel_data(data, {**FORWARD, "fsdaemon_forward_all": target})).call(
                "127.0.0.1", daemon.port
            )
        assert "forward 100 to 101 for +49170*****67: always" in daemon.wait_line("forward 100")
        assert "'+4930 5****99 x'" in daemon.wait_line("WARNING")
        assert not any("1234567" in line or "5550199" in line for line in daemon.lines)


def test_under_systemd(tmp_path: Path) -> None:
    """JOURNAL_STREAM names what stderr is: priorities come, and no time of ours."""
    with (tmp_path / "journal").open("wb+") as journal:
        found = os.fstat(journal.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        command = [sys.executable, "-m", "fsdaemon", "serve", "--listen", f"127.0.0.1:{free_port()}"]
        process = subprocess.Popen(command, stderr=journal, env=environment)
        try:
            end = time.monotonic() + 60
            while b"listening" not in (tmp_path / "journal").read_bytes() and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            process.terminate()
            assert process.wait(30) == 0
        journal.seek(0)
        assert re.fullmatch(
            rb"<6>configuration: .*\n<6>listening on 127.0.0.1:\d+\n<6>stopped, no calls in flight\n",
            journal.read(),
        )


def test_debug_says_what_was_considered(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text('[log]\nlevel = "DEBUG"\n')
    with Daemon(config=config) as daemon:
        good_call(daemon.port)
        line = daemon.wait_line("DEBUG .* saw ")
    assert "fsdaemon_forward_all=102" in line


def test_a_broken_forward_is_said_once(daemon: Daemon) -> None:
    for _ in range(5):
        Switch(plain(fsdaemon_forward_all="a b")).call("127.0.0.1", daemon.port)
    daemon.wait_line("ring 100 for 101: no_forward")
    good_call(daemon.port)
    daemon.wait_line("forward 100 to 102")
    said = [line for line in daemon.lines if "'a b', which is not a number" in line]
    assert [line.split()[2] for line in said] == ["INFO", "WARNING", *["INFO"] * 4]


def test_without_full_the_daemon_says_what_is_missing(daemon: Daemon) -> None:
    class Deaf(Switch):
        """As FreeSWITCH answers `api` where the dialplan says no `full` behind the address."""

        def answer(self, command: bytes) -> bytes:
            if command.startswith(b"api "):
                return self._reply("-ERR command not found")
            return super().answer(command)

    for _ in range(2):
        Deaf(plain(fsdaemon_callee_name="")).call("127.0.0.1", daemon.port)
    line = daemon.wait_line("FreeSWITCH refused api find_user_xml")
    assert line.endswith("-ERR command not found; is `full` missing behind the address in the dialplan?")
    good_call(daemon.port)
    assert sum("FreeSWITCH refused api" in line for line in daemon.lines) == 1


def test_each_problem_of_a_bad_file_is_a_line(tmp_path: Path) -> None:
    config = tmp_path / "conf.toml"
    config.write_text('[log]\nnumbers = "masked"\n')
    with Daemon(config=config) as daemon:
        config.write_text('[exceptions]\nexternal = "+49 170 1234567"\ntarget = 1\n[metrics]\nkeep = -1\n')
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("metrics.keep")
        told = [line for line in daemon.lines if "ERROR" in line]
    assert len(told) == 3
    assert all(f"not reloaded, the old configuration stays: {config}: line " in line for line in told)
    assert "1234567" not in told[0]


def fsdaemon(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fsdaemon", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_reader_that_has_enough() -> None:
    with fsdaemon("check", "--print") as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_a_terminal_that_knows_no_umlauts() -> None:
    call = ("explain", "--caller", "102", "--callee", "100", "--always", "101", "--name", "102=J\u00fcrgen")
    with fsdaemon(*call, PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate(timeout=60)
    assert b"Uml. fuer 100: J?rgen" in out
    assert (process.returncode, err) == (0, b"")


def test_a_port_in_use() -> None:
    with Daemon() as daemon:
        command = [sys.executable, "-m", "fsdaemon", "serve", "--listen", f"127.0.0.1:{daemon.port}"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    who = rf"127.0.0.1:{daemon.port}: Address already in use, by [\w.-]+ \(process {daemon.process.pid}\)\n"
    assert re.fullmatch(f"fsdaemon: {who}", result.stderr)
    assert "Traceback" not in result.stderr


def test_socket_activation_answers_what_waited(tmp_path: Path) -> None:
    """The listening socket outlives the daemon: a call that comes between two of them is answered."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=10)
    port = listener.getsockname()[1]
    script = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid())\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'fsdaemon', 'serve'])"
    )
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(listener.fileno())],
            env={**os.environ, "LISTEN_FDS": "1"}, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            waiting.settimeout(30)
            assert waiting.recv(100) == b"connect\n\n"
            good_call(port)
        finally:
            process.terminate()
            assert process.wait(30) == 0
    listener.close()


def test_a_loop_that_is_stuck_ends_the_process() -> None:
    """Without systemd the heartbeat does it; the daemon itself has no way to be stuck but a debugger's."""
    code = (
        "import time\nfrom fsdaemon.daemon.heartbeat import Heartbeat\n"
        "heartbeat = Heartbeat(2)\nfor _ in range(60):\n    heartbeat.beat()\n    time.sleep(0.05)\n"
        "print('beats are over', flush=True)\ntime.sleep(60)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 70
    assert "so that calls go on" in result.stderr
    assert result.stdout == "beats are over\n"


def test_what_systemd_hands_over(tmp_path: Path) -> None:
    here = {"LISTEN_PID": str(os.getpid())}
    assert systemd.listen_fds({**here, "LISTEN_FDS": "2"}) == [3, 4]
    for odd in ("", "x", "-1", "\u00b2"):
        assert systemd.listen_fds({**here, "LISTEN_FDS": odd}) == []
        assert systemd.watchdog_seconds({"WATCHDOG_USEC": odd}) == 0
    with (
        open(tmp_path / "file", "w") as file,
        socket.socket() as idle,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        for other in (file, idle, datagrams):
            descriptor = other.fileno() if other is file else os.dup(other.fileno())  # a socket is closed
            said = "of systemd's socket unit is not a listening socket; it needs ListenStream"
            with pytest.raises(OSError, match=said):
                adopt(descriptor)


def test_a_systemd_that_reads_nothing_holds_up_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as silent:
        silent.bind(path)
        told = 0
        while systemd.notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": path}):
            told += 1  # until its queue is full (net.unix.max_dgram_qlen)
        assert told


def test_readiness_and_the_watchdog_are_told(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(30)
        with Daemon(free_port(), env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"}) as daemon:
            assert notify.recv(100) == b"READY=1"
            assert [notify.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            daemon.signal(signal.SIGHUP)
            told = b"\n".join(notify.recv(200) for _ in range(4))
            assert b"RELOADING=1\nMONOTONIC_USEC=" in told
            assert b"READY=1" in told
            daemon.signal(signal.SIGTERM)
            while notify.recv(200) != b"STOPPING=1":
                pass
