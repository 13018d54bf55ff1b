"""Keys and lamps as the daemon tells them, at a fake event socket: after a login, an event, a break, a reload."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from fsdaemon.daemon import database
from tests.daemon import Daemon
from tests.inbound import PASSWORD, Fake, Peer

LISTED = (
    "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"
    "1000|default|lab.test|default|sofia/internal/sip:1000@127.0.0.1:5062|x|Cora|1000\n"
    "1001|default|lab.test|default|error/user_not_registered|x|Sina|1001\n\n+OK\n"
)
ANSWERS = {
    "list_users": LISTED,
    **{f"user_data {user}@lab.test attr id": user for user in ("1000", "1001", "1005")},
    "user_data 1000@lab.test var call_forward_all": "1001",
}


class Switch(Fake):
    """FreeSWITCH, as far as keys and lamps know it."""

    def __init__(self) -> None:
        super().__init__(self.play, ANSWERS)
        self.sending = threading.Lock()
        self.peer: Peer | None = None

    def play(self, peer: Peer) -> None:
        peer.log_in()
        peer.obey()  # the subscription
        self.peer = peer
        while True:
            peer.obey()

    def told(self, *wanted: str, seconds: float = 30) -> dict[str, str]:
        """The headers of the newest event for FreeSWITCH in which all of `wanted` stand."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for command in reversed(self.commands):
                lines = command.split("\n")
                if lines[0].startswith("sendevent ") and set(wanted) <= {lines[0][10:], *lines[1:]}:
                    return dict(line.split(": ", 1) for line in lines[1:])
            time.sleep(0.02)
        raise AssertionError(f"{wanted} not in {self.commands}")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path / "conf.toml"


def daemon_at(switch: Fake, conf: Path, more: str = "") -> Daemon:
    conf.write_text(f'[switch]\naddress = "{switch.address}"\npassword = "{PASSWORD}"\n{more}\n')
    return Daemon(config=conf)


def subscribe(switch: Switch, **more: str) -> None:
    own = {
        "user": "1000",
        "host": "lab.test",
        "call__id": "abc",
        "expires": "300",
        "profile_name": "internal",
    }
    _fire(switch, "PHONE_FEATURE_SUBSCRIBE", {**own, **more})


def probe(switch: Switch, **more: str) -> None:
    own = {
        "proto": "forward", "to": "forward+1000@lab.test", "from": "1005@lab.test", "expires": "300",
        "sub-call-id": "w1", "sip_profile": "internal",
    }  # fmt: skip
    _fire(
        switch, "PRESENCE_PROBE", {**own, **{name.replace("__", "-"): value for name, value in more.items()}}
    )


def _fire(switch: Switch, name: str, headers: dict[str, str]) -> None:
    assert switch.peer
    named = {one.replace("__", "-"): value for one, value in headers.items()}
    body = f"Event-Name: {name}\n" + "".join(f"{one}: {quote(value)}\n" for one, value in named.items())
    data = body.encode()
    switch.peer.say(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b\n" % (len(data) + 1, data))


def test_all_are_told_after_a_login(conf: Path) -> None:
    with Switch() as switch, daemon_at(switch, conf):
        now = switch.told("PHONE_FEATURE", "user: 1000", "forward_immediate: 1001")
        assert now == {
            "profile": "internal", "user": "1000", "host": "lab.test", "Feature-Event": "ForwardingEvent",
            "forward_immediate_enabled": "true", "forward_immediate": "1001",
        }  # fmt: skip
        switch.told("PHONE_FEATURE", "forward_busy_enabled: false", "forward_busy: \t")
        switch.told("PHONE_FEATURE", "forward_no_answer_enabled: false", "ringCount: 5")
        switch.told("PRESENCE_IN", "from: 1000@lab.test", "answer-state: confirmed")
        switch.told("PRESENCE_IN", "from: 1000/1001@lab.test", "answer-state: confirmed")
        off = switch.told("PRESENCE_IN", "from: 1001@lab.test", "answer-state: terminated")
        assert "unique-id" not in off


def test_a_phone_and_a_lamp_that_subscribe(conf: Path) -> None:
    with Switch() as switch, daemon_at(switch, conf) as daemon:
        switch.told("PRESENCE_IN", "from: 1001@lab.test")
        subscribe(switch)
        switch.told("PHONE_FEATURE", "call-id: abc", "forward_immediate: 1001")
        probe(switch)
        lamp = switch.told("PRESENCE_IN", "call-id: w1", "answer-state: confirmed")
        assert not lamp["from"].startswith("1000")
        # A lamp of nobody, and of somebody from another domain.
        probe(switch, to="forward+4711@lab.test", sub__call__id="w2")
        probe(switch, **{"from": "1005@b.test", "sub__call__id": "w3"})
        # What is refused here, as keys are only shown.
        subscribe(switch, call__id="d", Feature__Action="SetCallForward", Feature__Enabled="true",
                  Action__Name="forward_immediate", Action__Value="${x}\n1" * 2000)  # fmt: skip
        daemon.wait_line('refused, switch.feature_keys is "show"')
        switch.told("PHONE_FEATURE", "call-id: d", "forward_immediate: 1001")
        # A change that only the directory knows.
        switch.answers["user_data 1000@lab.test var call_forward_all"] = ""
        _fire(switch, "RELOADXML", {})
        switch.told("PHONE_FEATURE", "user: 1000", "forward_immediate_enabled: false")
        assert "unique-id" not in switch.told("PRESENCE_IN", "call-id: w1", "answer-state: terminated")
        assert not any("w2" in one or "w3" in one or "insert" in one for one in switch.commands)
        assert max(map(len, daemon.lines)) < 600


def test_off_for_those_who_had_a_forward_when_it_broke(conf: Path) -> None:
    with Switch() as switch, daemon_at(switch, conf):
        switch.told("PHONE_FEATURE", "forward_immediate_enabled: true")
        subscribe(switch, host="192.0.2.1")  # it is remembered how it writes its domain
        switch.answers["user_data 1000@192.0.2.1 attr id"] = ""
        switch.answers["list_users user 1000"] = LISTED.replace("1001|default", "1001 x|default")
        subscribe(switch, host="192.0.2.1", call__id="e")
        switch.told("PHONE_FEATURE", "host: 192.0.2.1", "call-id: e")
        switch.answers["user_data 1000@lab.test var call_forward_all"] = ""
        switch.answers["list_users"] = "-ERR"
        before = len(switch.commands)
        switch.hang_up()
        end = time.monotonic() + 60
        while switch.connections < 2 and time.monotonic() < end:
            time.sleep(0.02)
        del switch.commands[:before]
        switch.told("PHONE_FEATURE", "host: lab.test", "forward_immediate_enabled: false")
        switch.told("PHONE_FEATURE", "host: 192.0.2.1", "forward_immediate_enabled: false")


def test_strangers_do_no_harm(conf: Path) -> None:
    bad = [
        "",
        "\t",
        "${x}",
        "a\nb",
        "a\r\nb: c",
        "1000 x",
        "'",
        "x" * 5000,
        "%0A",
        "<&>",
        "\x00",
        "1000@lab.test",
        "-1",
        "ü",
    ]
    with Switch() as switch, daemon_at(switch, conf) as daemon:
        switch.told("PRESENCE_IN", "from: 1001@lab.test")
        for text in bad:
            for name in ("user", "host", "call__id", "expires", "profile_name"):
                subscribe(switch, **{name: text})
            for name in ("proto", "to", "from", "expires", "sub__call__id", "sip_profile"):
                probe(switch, **{name: text})
            probe(switch, to=f"forward+1000/{text}@lab.test")
            subscribe(
                switch, Feature__Action=text, Feature__Enabled=text, Action__Name=text, Action__Value=text
            )
        subscribe(switch, call__id="last")
        switch.told("PHONE_FEATURE", "call-id: last")
        assert not [line for line in daemon.lines if "internal error" in line]
        assert all(re.fullmatch(r"[A-Za-z-]+: .*", line) for one in switch.commands if one.startswith("sendevent")
                   for line in one.split("\n")[1:] if not line.startswith(("forward_", "event_type", "alt_event")))  # fmt: skip
        daemon.signal(signal.SIGHUP)
        daemon.wait_line("configuration reloaded")


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    def missing(directory: Path) -> str:
        with pytest.raises(database.Missing) as raised:
            database.look_up(str(directory), "internal", "", "1000")
        with pytest.raises(database.Missing):
            database.subscriptions(str(directory))
        return str(raised.value)

    assert "unable to open" in missing(tmp_path)
    file = tmp_path / "sofia_reg_internal.db"
    file.write_bytes(b"no database at all, but long enough to be taken for one")
    assert "not a database" in missing(tmp_path)
    file.unlink()
    sqlite3.connect(file).close()
    assert missing(tmp_path)
    assert not (tmp_path / "sofia_reg_other.db").exists()


def test_a_domain_in_other_letters_is_the_same_domain(conf: Path) -> None:
    with Switch() as switch:
        switch.answers = {
            **ANSWERS,
            "list_users": LISTED.replace("lab.test", "Lab.Test"),
            "user_data 1000@LAB.test attr id": "1000",
        }
        with daemon_at(switch, conf):
            switch.told("PHONE_FEATURE", "host: Lab.Test", "forward_immediate: 1001")
            switch.told("PRESENCE_IN", "from: 1000/1001@Lab.Test", "answer-state: confirmed")
            subscribe(switch, host="LAB.test")
            switch.told("PHONE_FEATURE", "host: LAB.test", "forward_immediate: 1001")
            switch.answers["user_data 1000@lab.test var call_forward_all"] = "1005"
            _fire(switch, "RELOADXML", {})
            switch.told("PHONE_FEATURE", "host: LAB.test", "forward_immediate: 1005")
            switch.told("PHONE_FEATURE", "host: Lab.Test", "forward_immediate: 1005")


def test_a_list_of_100000_users_costs_no_connection(conf: Path) -> None:
    many = "".join(
        f"{user}|default|lab.test|{'a' * 60}|error/user_not_registered|x|Extension {user}|{user}\n"
        for user in range(100_000, 200_000)
    )
    with Switch() as switch:
        switch.answers = {**ANSWERS, "list_users": LISTED.replace("\n\n+OK", f"\n{many}\n+OK")}
        with daemon_at(switch, conf):
            switch.told("PRESENCE_IN", "from: 199999@lab.test", seconds=20)
            assert switch.connections == 1
