"""Lamps `forward+EXT` and `forward+EXT/NUMBER`: right at all times, also during calls and after restarts."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest

from tests.live.handset import dial
from tests.live.on_default.test_keys import keys, linked, site_with_codes, switch_conf  # noqa: F401
from tests.live.subscriber import Subscriber


@contextlib.contextmanager
def watching(site):
    """Vera watches the boss: calls to anybody, to the secretary, to Kai."""
    with Subscriber(site, "vera") as phone:
        phone.calls = []
        for lamp in ("forward+100", "forward+100/101", "forward+100/102"):
            assert phone.watch(lamp) == 202
            phone.calls.append(phone.call)
        yield phone


@pytest.fixture
def vera(keys):  # noqa: F811
    with watching(keys) as phone:
        yield phone


def lit(phone, *states, seconds=8):
    """Until the lamps are so, and they stay so."""
    now = lambda _: tuple(phone.lamp(call) for call in phone.calls) == states  # noqa: E731
    phone.wait(now, seconds)
    time.sleep(0.3)
    phone.wait(now, 0.1)


def test_on_and_off(vera):
    site = vera.site
    lit(vera, "off", "off", "off")
    dial(site, "*21*101#")
    lit(vera, "on", "on", "off")
    dial(site, "*21*102#")
    lit(vera, "on", "off", "on")
    dial(site, "*67*101#")  # not a kind of display.lamp_kinds
    dial(site, "#21#")
    lit(vera, "off", "off", "off")
    site.forwards(boss={"all": "secretary"})
    dial(site, "##21#")
    lit(vera, "on", "on", "off")
    vera.forget()
    for lamp, call in zip(("forward+100", "forward+100/101", "forward+100/102"), vera.calls):
        vera.watch(lamp, call=call)  # a refresh
    lit(vera, "on", "on", "off")


def test_while_the_boss_rings_and_talks(keys, lab):  # noqa: F811
    """mod_sofia would tell the state of the call instead."""
    with watching(keys) as vera:
        watched_in_calls(keys, vera, lab)


def watched_in_calls(site, vera, lab):
    site.extra = {"100": {"call_timeout": "60"}}
    site.forwards()
    boss, kai = lab.register("boss", "kai")
    call = kai.dial("boss")
    leg = lab.rings(boss)
    lit(vera, "off", "off", "off")
    dial(site, "*21*101#")
    lit(vera, "on", "on", "off")
    dial(site, "#21#")
    lit(vera, "off", "off", "off")
    assert leg.ringing
    leg.pick_up()
    lab.talk(call, leg)
    lit(vera, "off", "off", "off")
    dial(site, "*21#")
    lit(vera, "on", "on", "off")
    vera.watch("forward+100")  # a new lamp
    vera.calls.append(vera.call)
    lit(vera, "on", "on", "off", "on")
    dial(site, "#21#")
    lit(vera, "off", "off", "off", "off")
    assert call.up
    site.api("hupall")
    lit(vera, "off", "off", "off", "off")


@pytest.mark.parametrize("database", [True, False])
def test_a_restart_of_the_daemon(site_with_codes, database):  # noqa: F811
    site, conf = site_with_codes, switch_conf(site_with_codes, "show", database)
    with Subscriber(site, "vera") as phone:
        with linked(site, conf):
            phone.calls = []
            for lamp in ("forward+100", "forward+100/101"):
                phone.watch(lamp)
                phone.calls.append(phone.call)
            lit(phone, "off", "off")
        site.forwards(boss={"all": "secretary"})
        with linked(site, conf):
            lit(phone, "on", "on")
            dial(site, "#21#")
            lit(phone, "off", "off")


def test_freeswitch_is_killed(vera):
    site = vera.site
    dial(site, "*21*101#")
    lit(vera, "on", "on", "off")
    vera.forget()
    os.killpg(site.process.pid, signal.SIGKILL)
    site.process.wait()
    site.start()
    lit(vera, "on", "on", "off", seconds=40)


def watched(site, who, lamp="forward+100", **options):
    """What the lamp of `who` shows, a second after the subscription."""
    with Subscriber(site, who) as phone:
        phone.register()
        phone.watch(lamp, **options)
        time.sleep(1)
        return phone.lamp()


@pytest.mark.parametrize(
    ("watchers", "see"),
    [
        ('"domain"', {"boss", "vera", "zoe"}),
        ('"user"', {"boss"}),
        ('["103"]', {"boss", "vera"}),
        ('["group:reception"]', {"boss", "zoe"}),
        ('["103@b.test"]', {"boss"}),
        ('"nobody"', set()),
    ],
)
def test_who_may_watch(site_with_codes, watchers, see):  # noqa: F811
    site = site_with_codes
    site.forwards(boss={"all": "secretary"})
    with linked(site, f"{switch_conf(site)}[codes]\nlamp_watchers = {watchers}\n"):
        seen = {who: watched(site, who) for who in ("boss", "vera", "zoe")}
        assert seen == {who: "on" if who in see else None for who in seen}
        # From says that it is the boss.
        forged = watched(site, "kai", from_="sip:100@lab.test")
        assert forged == ("on" if watchers == '"domain"' else None)
        if watchers == '"domain"':
            assert watched(site, "kai", from_="sip:103@b.test", realm="lab.test") is None


def test_a_thousand_watchers(keys):  # noqa: F811
    with Subscriber(keys, "vera") as phone:
        phone.calls = []
        for _ in range(1000):
            phone.watch("forward+100")
            phone.calls.append(phone.call)
        phone.wait(lambda _: len({call for call, _ in phone.notified}) == 1000, 20)
        assert {phone.lamp(call) for call in phone.calls} == {"off"}
        phone.forget()
        dial(keys, "*21*101#")
        phone.wait(lambda _: sum(">confirmed<" in text for _, text in phone.notified) >= 1000, 20)
        assert {phone.lamp(call) for call in phone.calls} == {"on"}
