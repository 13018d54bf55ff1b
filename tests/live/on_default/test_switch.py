"""The connection to the event socket of a real FreeSWITCH: logins, a restart, and a hang that no call feels."""

from __future__ import annotations

import json
import re
import signal
import time
from contextlib import contextmanager

import gevent
import pytest

from fsdaemon.config.reader import load
from fsdaemon.daemon.switch import CONNECTED, Switch
from tests.daemon import free_port
from tests.live.caller import Callers
from tests.live.proxy import Proxy
from tests.live.stage import Daemon
from tests.live.switch import ESL_PASSWORD
from tests.process.test_page import get

USER = "fsdaemon@lab.test"
EVENTS = ["PHONE_FEATURE_SUBSCRIBE", "PRESENCE_PROBE", "RELOADXML"]
LOGINS = {"userauth": (USER, ESL_PASSWORD), "auth": ("", "ClueCon")}
FOLLOWED, EVERY = 486, 0.05  # as in test_hung


def conf(port: int, user: str, password: str) -> str:
    return f'[switch]\naddress = "127.0.0.1:{port}"\nuser = "{user}"\npassword = "{password}"\n'


@contextmanager
def linked(port, user, password, events):
    """A `Switch` in this process, and the events that it got."""
    heard: list[str] = []
    switch = Switch(
        load(conf(port, user, password)),
        password,
        lambda one: heard.append(f"login, {one.api('db list/nothing').strip()}"),
        lambda headers: heard.append(headers.get("Event-Name")),
        events,
    )
    switch.start()
    try:
        yield switch, heard
    finally:
        switch.stop()


def until(seen, seconds=20):
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end
        gevent.sleep(0.05)


@pytest.mark.parametrize("login", LOGINS)
def test_login(site, login):
    """It asks, is told of reloadxml, and its events are fired."""
    user, password = LOGINS[login]
    with linked(site.esl, user, password, EVENTS) as (switch, heard):
        until(lambda: heard)
        assert heard == ["login, -ERR no reply"]
        assert switch.api("user_data 100@lab.test var effective_caller_id_name") == "Cora Chefin"
        site.api("reloadxml")
        until(lambda: "RELOADXML" in heard)
        with linked(site.esl, "", "ClueCon", ["PHONE_FEATURE"]) as (_, others):
            until(lambda: others)
            switch.send_event("PHONE_FEATURE", {"profile": "internal", "user": "100", "host": "lab.test"})
            until(lambda: "PHONE_FEATURE" in others)
        refused = switch.api("status").startswith("-ERR permission denied")
        assert refused == (login == "userauth")
        assert switch.state == CONNECTED


@pytest.mark.parametrize(
    ("user", "password", "events", "why"),
    [
        (USER, "ClueCon", EVENTS, f"wrong password, or {USER} has no esl-password"),
        ("100@lab.test", "pw100", EVENTS, "has no esl-password"),
        ("", ESL_PASSWORD, EVENTS, "wrong password"),
        (USER, ESL_PASSWORD, ["RELOADXML", "HEARTBEAT"], "may not have the events RELOADXML,HEARTBEAT"),
    ],
)
def test_refused(site, user, password, events, why):
    with linked(site.esl, user, password, events) as (switch, heard):
        until(lambda: switch.state.startswith("refused: "))
        assert why in switch.why
        assert heard == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_freeswitch_restarts(site, number):
    page = f"127.0.0.1:{free_port()}"
    with Daemon(site, f'[metrics]\nlisten = "{page}"\n' + conf(site.esl, USER, ESL_PASSWORD)) as daemon:
        daemon.wait_line("connected to FreeSWITCH's event socket")
        site.process.send_signal(number)
        site.process.wait(20)
        daemon.wait_line(
            "event socket at .*: (the connection was closed|FreeSWITCH ended the connection|Connection reset by peer)"
        )
        site.start()
        site.reset()

        def again():
            told = json.loads(get(page, "/status"))["switch"]
            return told["state"] == CONNECTED and told["reconnects"] == 1

        until(again, 40)
        assert ESL_PASSWORD not in "\n".join(daemon.lines)


def test_a_hang_that_no_call_feels(site):
    """20 calls a second, before, while and after a hang of what is between: a verdict each, none late."""
    site.forwards(boss={"all": "4860"})
    callers = Callers(site.sip_out)

    def calls_until(seen, most=40):
        end = time.monotonic() + most
        while not seen():
            assert time.monotonic() < end
            callers.call("100")
            callers.turn(EVERY)

    def said(pattern):
        return sum(bool(re.search(pattern, line)) for line in daemon.lines)

    with Proxy(site.esl) as proxy, Daemon(site, conf(proxy.port, USER, ESL_PASSWORD)) as daemon:
        calls_until(lambda: said("connected to FreeSWITCH's event socket") == 1)
        proxy.hang()
        calls_until(lambda: said("event socket at .*: no answer within 15 s"))
        calls_until(lambda: said("event socket at .*: no greeting within 10 s"))
        proxy.go_on()
        calls_until(lambda: said("connected to FreeSWITCH's event socket") == 2)
        assert callers.all_ended(30)
        assert said(" forward 100 to 4860 for ") == len(callers.calls)
    callers.close()
    seconds = sorted(made.seconds for made in callers.calls.values())
    middle = seconds[len(seconds) // 2] * 1000
    print(f"{len(seconds)} calls, worst {seconds[-1] * 1000:.0f} ms, median {middle:.0f} ms")
    assert {made.code for made in callers.calls.values()} == {FOLLOWED}
    assert seconds[-1] < 1
