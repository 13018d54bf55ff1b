"""The connection to the inbound event socket: good peers and bad ones, and no call knows of it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from loguru import logger

from fsdaemon.config.reader import load
from fsdaemon.daemon import switch as daemon_switch
from fsdaemon.daemon.switch import CONNECTED, CONNECTING, OFF, Switch, SwitchGone
from fsdaemon.esl import inbound
from fsdaemon.terms.channel import Headers
from tests.daemon import Daemon, free_port
from tests.inbound import PASSWORD, USER, Fake, Peer, good
from tests.process.test_page import get
from tests.process.test_serve import good_call

EVENTS = 100_000


def wait(seen: Callable[[], object], what: str, seconds: float = 40) -> None:
    """Until `seen` is true."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, what
        gevent.sleep(0.02)


# --- the daemon as a process -----------------------------------------------------------------------


class Running:
    """A daemon with a connection to `fake`, and everything that it ever printed."""

    def __init__(self, fake: Fake, folder: Path, more: str = "") -> None:
        self.page = f"127.0.0.1:{free_port()}"
        self.conf = folder / "conf.toml"
        self.fake, self._more = fake, more
        self.configure(f"password = {json.dumps(PASSWORD)}")
        self.daemon = Daemon(config=self.conf)
        self.printed = ""

    def configure(self, login: str) -> None:
        self.conf.write_text(
            f'{self._more}\n[log]\nlevel = "TRACE"\n[metrics]\nlisten = "{self.page}"\n'
            f'[switch]\naddress = "{self.fake.address}"\n{login}\n'
        )

    def status(self) -> dict[str, object]:
        text = get(self.page, "/status")
        self.printed += text
        return json.loads(text)["switch"]

    def wait_for(self, state: str, why: str = "") -> None:
        def seen() -> bool:
            now = self.status()
            return str(now["state"]).startswith(state) and why in str(now["why"])

        wait(seen, f"{state} {why} {self.daemon.lines}")

    def everything(self) -> str:
        self.printed += get(self.page, "/metrics") + get(self.page, "/status")
        return self.printed + "\n".join(self.daemon.lines)

    def of_commands(self) -> str:
        printed = ""
        for command in (("check",), ("check", "--print"), ("status", "--listen", self.page)):
            whole = [sys.executable, "-m", "fsdaemon", *command, "--config", str(self.conf)]
            made = subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)
            printed += made.stdout + made.stderr
        return printed


def wrong(peer: Peer) -> None:
    peer.greet()
    peer.reply(f"-ERR invalid {peer.command()}")


def rude(peer: Peer) -> None:
    text = "Access Denied, go away.\n"
    peer.say(f"Content-Type: text/rude-rejection\nContent-Length: {len(text)}\n\n{text}")


def closes(peer: Peer) -> None:
    peer.say("")


def garbage(peer: Peer) -> None:
    peer.say(b"\x00\xff: \xfe\n\n" + bytes(range(256)) * 100)


def another_server(peer: Peer) -> None:
    peer.say("220 mail.example ESMTP\n\n")


def endless_header(peer: Peer) -> None:
    peer.log_in()
    while True:
        peer.say("x: y\n" * 1000)


def endless_line(peer: Peer) -> None:
    while True:
        peer.say("x" * 65536)


def endless_body(peer: Peer) -> None:
    peer.greet()
    peer.command()
    peer.say("Content-Type: command/reply\nReply-Text: +OK\nContent-Length: 999999999\n\n")
    while True:
        peer.say("x" * 65536)


def repeats_the_password(peer: Peer) -> None:
    peer.greet()
    said = peer.command().removeprefix("auth ")
    peer.reply("+OK accepted")
    peer.say(f"Content-Type: {said}\nContent-Length: {said}\n{said}: {said}\n\n")
    peer.command()


def notice(peer: Peer) -> None:
    peer.log_in()
    peer.leave()


def unasked(peer: Peer) -> None:
    peer.log_in()
    peer.reply("+OK")
    peer.obey()


NOT_FREESWITCH = "is not FreeSWITCH's event socket, or sends more than is allowed"
PEERS = [
    (wrong, "refused: wrong password", "wrong password"),
    (rude, "refused: its access list", "apply-inbound-acl"),
    (closes, CONNECTING, "closed"),
    (garbage, CONNECTING, NOT_FREESWITCH),
    (another_server, CONNECTING, NOT_FREESWITCH),
    (endless_line, CONNECTING, NOT_FREESWITCH),
    (endless_header, CONNECTING, NOT_FREESWITCH),
    (endless_body, CONNECTING, NOT_FREESWITCH),
    (repeats_the_password, CONNECTING, NOT_FREESWITCH),
    (unasked, CONNECTING, NOT_FREESWITCH),
    (notice, CONNECTING, "FreeSWITCH ended the connection"),
]


@pytest.mark.parametrize(("script", "state", "why"), PEERS, ids=lambda one: getattr(one, "__name__", ""))
def test_bad_peers(tmp_path: Path, script, state, why) -> None:
    """The state says what is wrong, calls are decided, and the password is nowhere."""
    with Fake(script) as fake:
        running = Running(fake, tmp_path)
        with running.daemon as daemon:
            running.wait_for(state, why)
            good_call(daemon.port)
            said = [
                line for line in daemon.lines if f"event socket at {fake.address}: " in line and why in line
            ]
            assert len(said) == 1
            assert PASSWORD not in running.everything()
            assert "fsdaemon_switch_connected 0.0" in get(running.page, "/metrics")
            fake.script = good


def test_good_login_and_reload(tmp_path: Path) -> None:
    with Fake() as fake, Fake() as another:
        running = Running(fake, tmp_path)
        with running.daemon as daemon:
            running.wait_for(CONNECTED)
            assert fake.commands[0] == f"auth {PASSWORD}"
            assert "fsdaemon_switch_connected 1.0" in get(running.page, "/metrics")
            printed = running.of_commands()
            assert 'password = "…" ' in printed
            assert f"{fake.address} connected; 0 reconnects" in printed
            assert PASSWORD not in printed
            daemon.signal(signal.SIGHUP)
            daemon.wait_line("configuration reloaded")
            time.sleep(0.2)
            assert fake.connections == 1  # nothing changed
            (tmp_path / "password").write_text(PASSWORD + "\n")
            running.fake = another
            running.configure(f'user = "{USER}"\npassword_file = "{tmp_path}/password"')
            daemon.signal(signal.SIGHUP)
            wait(lambda: another.commands[:1] == [f"userauth {USER}:{PASSWORD}"], "the new login")
            running.wait_for(CONNECTED)
            (tmp_path / "password").write_text("other")
            daemon.signal(signal.SIGHUP)
            running.wait_for("refused", f"wrong password, or {USER} has no esl-password")
            (tmp_path / "password").unlink()
            daemon.signal(signal.SIGHUP)
            running.wait_for(
                "refused", f"switch.password_file {tmp_path}/password cannot be read: No such file"
            )
            good_call(daemon.port)
            assert PASSWORD not in running.everything()
            assert fake.connections == 1


def test_lost_and_back(tmp_path: Path) -> None:
    with Fake() as fake:
        running = Running(fake, tmp_path)
        with running.daemon as daemon:
            running.wait_for(CONNECTED)
            fake.hang_up()
            daemon.wait_line("event socket at .*: the connection was closed")
            wait(lambda: running.status()["reconnects"] == 1, "a second login")
            assert json.loads(get(running.page, "/status"))["troubles"] == []


def test_many_events(tmp_path: Path) -> None:
    """While they come, calls are decided; each event is handled or counted as dropped."""

    def flood(peer: Peer) -> None:
        peer.log_in()
        peer.obey()  # the subscription
        for _ in range(EVENTS // 100):
            for _ in range(100):
                peer.event(Event_Name="RELOADXML", Text="x" * 200)
        while True:
            peer.obey()

    with Fake(flood) as fake:
        running = Running(fake, tmp_path)
        with running.daemon as daemon:
            running.wait_for(CONNECTED)

            def seen() -> int:
                now = running.status()
                return int(str(now["events"])) + int(str(now["events_dropped"]))

            during = 0
            while seen() < EVENTS:
                good_call(daemon.port)
                during += 1
            assert during > 1
            assert seen() == EVENTS
            assert running.status()["state"] == CONNECTED


def test_off() -> None:
    with Daemon() as daemon:
        assert not any("event socket" in line for line in daemon.lines)


# --- in this process, with short times -------------------------------------------------------------


class Linked:
    """A `Switch` that is started; what it saw."""

    def __init__(
        self, fake: Fake, on_login: Callable[[Switch], None] | None = None, **config: object
    ) -> None:
        text = {"address": fake.address, "password": PASSWORD, **config}
        lines = [f"{key} = {json.dumps(value)}" for key, value in text.items()]
        self.events: list[Headers] = []
        self.logins = 0
        self._on_login = on_login
        config_ = load("\n".join(["[switch]", *lines]))
        self.switch = Switch(config_, PASSWORD, self.logged_in, self.heard, ["RELOADXML", "PRESENCE_PROBE"])

    def logged_in(self, switch: Switch) -> None:
        self.logins += 1
        if self._on_login:
            self._on_login(switch)

    def heard(self, headers: Headers) -> None:
        self.events.append(headers)
        if headers.get("Text") == "fail":
            raise RuntimeError("a defect in a handler")

    def __enter__(self) -> Switch:
        self.switch.start()
        return self.switch

    def __exit__(self, *exc: object) -> None:
        self.switch.stop()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tenths of a second, for those that would be many."""
    for name, seconds in (
        ("_QUIET", 0.3),
        ("_HUNG", 2.0),
        ("_ANSWER", 1.5),
        ("_TICK", 0.1),
        ("_SHORTEST", 0.2),
    ):
        monkeypatch.setattr(daemon_switch, name, seconds)
    monkeypatch.setattr(inbound, "_LOGIN", 2.0)


def gone(switch: Switch, why: str) -> None:
    with pytest.raises(SwitchGone, match=why):
        switch.api("status")


def test_asking_and_telling() -> None:
    with Fake(answers={"db list/x": "1000,1001"}) as fake:
        linked = Linked(fake, lambda one: fake.commands.append(one.api("db list/x")))
        gone(linked.switch, "connecting")
        with linked as switch:
            wait(lambda: "1000,1001" in fake.commands, "on_login asks")
            assert fake.commands[:3] == [
                f"auth {PASSWORD}",
                "event plain RELOADXML PRESENCE_PROBE",
                "api db list/x",
            ]
            assert switch.api("nothing") == "-ERR no reply\n"
            with pytest.raises(ValueError, match="line break"):
                switch.api("db list/x\nsendmsg")
            switch.send_event("PHONE_FEATURE", {"user": "1000", "forward_immediate": "äö"})
            wait(
                lambda: fake.commands[-1] == "sendevent PHONE_FEATURE\nuser: 1000\nforward_immediate: äö",
                "told",
            )
            assert switch.counts()["sent"] == 1
        assert switch.state == OFF
        gone(switch, "off")


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("PHONE_FEATURE", {"user": "1000\nunique-id: x"}),
        ("PHONE_FEATURE", {"user": "1000\r"}),
        ("PHONE_FEATURE", {"user": "1000\0"}),
        ("PHONE_FEATURE", {"user: x\nunique-id": "1000"}),
        ("PHONE_FEATURE", {"Content-Length": "10"}),
        ("PHONE_FEATURE\n\napi x", {}),
        ("", {}),
    ],
)
def test_what_is_no_event_is_not_sent(name, headers) -> None:
    with Fake() as fake, Linked(fake) as switch:
        wait(lambda: switch.state == CONNECTED, "login")
        switch.send_event(name, headers)
        assert switch.api("after") == "-ERR no reply\n"
        assert [one for one in fake.commands if "sendevent" in one] == []
        assert switch.counts()["sent_dropped"] == 1


def test_a_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_switch, "_MOST_TOLD", 5)
    with Fake() as fake, Linked(fake) as switch:
        switch.send_event("X", {})  # nobody is there yet
        wait(lambda: switch.state == CONNECTED, "login")
        for _ in range(8):
            switch.send_event("X", {})
        wait(lambda: switch.counts()["sent"] == 5, "sent")
        assert switch.counts()["sent_dropped"] == 4


def test_questions_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_switch, "_MOST_ASKED", 0)
    with Fake() as fake, Linked(fake) as switch:
        wait(lambda: switch.state == CONNECTED, "login")
        gone(switch, "wait already")


def test_events_are_decoded_and_a_handler_may_fail() -> None:
    def tells(peer: Peer) -> None:
        peer.log_in()
        peer.obey()
        peer.event(Event_Name="PRESENCE_PROBE", Text="fail")
        peer.event(Event_Name="PRESENCE_PROBE", Text="a%0Ab: c%C3%A4", Big="")
        peer.event(Event_Name="PRESENCE_PROBE", Text="x" * daemon_switch._LARGEST_EVENT)
        peer.event(Event_Name="PRESENCE_PROBE", Text="last")
        good_from(peer)

    def good_from(peer: Peer) -> None:
        while True:
            peer.obey()

    with Fake(tells) as fake:
        linked = Linked(fake)
        with linked as switch:
            wait(lambda: len(linked.events) == 3, "the events")
            assert [one.get("Text") for one in linked.events] == ["fail", "a\nb: cä", "last"]
            assert "b" not in linked.events[1]
            assert switch.counts()["events_dropped"] == 1
            assert switch.state == CONNECTED


def test_what_freeswitch_may_not_be_asked_is_refused() -> None:
    def forbids(peer: Peer) -> None:
        peer.log_in()
        peer.obey()
        while True:
            peer.command()
            peer.reply("-ERR permission denied")

    with Fake(forbids) as fake, Linked(fake) as switch:
        wait(lambda: switch.state == CONNECTED, "login")
        assert switch.api("status") == "-ERR permission denied"


def test_events_that_the_login_may_not_have() -> None:
    def forbids(peer: Peer) -> None:
        peer.log_in()
        peer.command()
        peer.reply("-ERR permission denied")
        peer.command()

    with Fake(forbids) as fake, Linked(fake, user=USER) as switch:
        wait(lambda: switch.state.startswith("refused"), "the refusal")
        assert "may not have the events RELOADXML,PRESENCE_PROBE (esl-allowed-events)" in switch.why
        assert "esl-allowed-events" in switch.trouble


def mute(peer: Peer) -> None:
    peer.command()


def mute_after_greeting(peer: Peer) -> None:
    peer.greet()
    peer.command()
    peer.command()


def drips(peer: Peer) -> None:
    while True:
        peer.say("Content-Type")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("script", "why"),
    [(mute, "no greeting"), (mute_after_greeting, "no answer to the login"), (drips, "no greeting")],
)
def test_a_peer_that_hangs_before_the_login(script, why) -> None:
    with Fake(script) as fake, Linked(fake) as switch:
        wait(lambda: re.match(f"{why} within", switch.why), why)
        gone(switch, "connecting")
        fake.script = good
        wait(lambda: switch.state == CONNECTED, "the next attempt")


def test_a_trouble_once_it_is_gone_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of FreeSWITCH is none."""
    with Fake() as fake, Linked(fake) as switch:
        wait(lambda: switch.state == CONNECTED, "login")
        fake.script = closes
        fake.hang_up()
        wait(lambda: switch.why, "why not")
        assert switch.trouble == ""
        monkeypatch.setattr(daemon_switch, "_LASTED", 0.0)
        assert switch.trouble.endswith("(switch.address): the connection was closed")


def silent(peer: Peer) -> None:
    peer.log_in()
    peer.obey()
    while True:
        peer.command()


def never_reads(peer: Peer) -> None:
    peer.log_in()
    peer.obey()
    peer.switch.over.wait(10)


def only_tells(peer: Peer) -> None:
    peer.log_in()
    peer.obey()
    while True:
        peer.event(Event_Name="RELOADXML")
        time.sleep(0.01)


@pytest.mark.parametrize("script", [silent, never_reads, only_tells])
def test_a_peer_that_hangs_after_the_login(script) -> None:
    """A question ends in time; the connection is given up, and the next login is told of."""
    with Fake(script) as fake:
        linked = Linked(fake)
        with linked as switch:
            wait(lambda: linked.logins == 1, "login")
            fake.script = good
            for _ in range(2000):
                switch.send_event("PHONE_FEATURE", {"user": "x" * 4000})
            gone(switch, "did not answer|broke")
            wait(lambda: linked.logins == 2, "the next login")
            assert switch.counts()["reconnects"] == 1
            assert switch.counts()["sent_dropped"] > 0


def test_a_quiet_peer_that_answers_is_not_left() -> None:
    with Fake() as fake:
        linked = Linked(fake)
        with linked as switch:
            wait(lambda: fake.commands.count("nolog") == 5, "asked whether it is there")
            assert linked.logins == 1
            assert switch.state == CONNECTED


def test_a_question_that_waits_ends_with_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_switch, "_ANSWER", 30.0)
    with Fake(silent) as fake, Linked(fake) as switch:
        wait(lambda: switch.state == CONNECTED, "login")
        gevent.spawn_later(0.1, fake.hang_up)
        gone(switch, "broke")


def slow(peer: Peer) -> None:
    """FreeSWITCH, which takes longer for one question than any answer may take; the next one waits, too."""
    peer.log_in()
    peer.obey()
    while True:
        command = peer.command()
        if command == "api list_users":
            time.sleep(4.0)
        peer.answer(command)


def test_a_question_may_have_more_time_than_others() -> None:
    with Fake(slow) as fake:
        linked = Linked(fake)
        with linked as switch:
            wait(lambda: switch.state == CONNECTED, "login")
            later = gevent.spawn(switch.api, "list_users", 30.0)
            gevent.sleep(0.05)
            gone(switch, "did not answer status within 1.5 s")
            assert later.get(timeout=60) == "api list_users"
            assert switch.api("status") == "api status"
            assert linked.logins == 1


def test_an_answer_that_is_too_late_is_warned_of() -> None:
    said: list[str] = []
    sink = logger.add(lambda message: said.append(str(message)), level="WARNING", format="{message}")
    try:
        with Fake(silent) as fake, Linked(fake, lambda one: one.api("list_users")):
            late = "FreeSWITCH did not answer list_users within 1.5 s; phones and lamps may show"
            wait(lambda: any(one.startswith(late) for one in said), "the warning")
    finally:
        logger.remove(sink)


def test_what_runs_after_a_login_ends_with_it() -> None:
    ended = []

    def runs(switch: Switch) -> None:
        try:
            gevent.sleep(60)
        finally:
            ended.append(switch)

    with Fake() as fake:
        linked = Linked(fake, runs)
        with linked:
            wait(lambda: linked.logins == 1, "login")
            fake.hang_up()
            wait(lambda: linked.logins == 2, "the next login")
            assert len(ended) == 1
        assert len(ended) == 2
