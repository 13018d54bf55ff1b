"""What the example configuration's Local_Extension gives is there with our file, too: each test runs without and with."""

from __future__ import annotations

import contextlib
import threading

import pytest

from tests.live.handset import Handset, share


@pytest.fixture(params=["without", "with"])
def site(running, request):
    """The example configuration as it comes, and with our include line; no daemon."""
    file = running.directory / "fsdaemon" / "fsdaemon.xml"
    away = file.with_suffix(".away")
    if request.param == "without":
        file.rename(away)
    running.as_delivered()
    running.forget_phones()
    yield running
    running.api("hupall")
    if request.param == "without":
        away.rename(file)
        running.api("reloadxml")


@pytest.mark.parametrize(
    ("key", "does"),
    [
        ("1", "execute_extension::dx"),
        ("2", "record_session::"),
        ("3", "execute_extension::cf"),
        ("4", "execute_extension::att_xfer"),
    ],
)
def test_the_keys_of_a_bridged_call(site, lab, key, does):
    """Transfer, record, conference, for the callee."""
    boss, kai = lab.register("boss", "kai")
    call, leg = lab.connect(kai, "boss", boss)
    leg.press("*" + key)
    lab.turn(1)
    assert site.logged(call.since).count(f"Processing meta digit {key} [{does}") == 1


def test_the_call_ends_with_the_bridge(lab):
    boss, kai = lab.register("boss", "kai")
    call, leg = lab.connect(kai, "boss", boss)
    leg.end()
    lab.wait(lambda: call.gone, "ended", 2)


def test_ring_back(site, lab):
    """The caller hears the ringing of vars.xml (us-ring: 440 and 480 Hz)."""
    (boss,) = lab.register("boss")
    number = site.number("kai")
    with Handset(site.sip, number, site.domain, site.password(number), host=site.host) as caller:

        def dial():
            with contextlib.suppress(AssertionError):
                caller.dial(boss.user, seconds=4)

        thread = threading.Thread(target=dial)
        thread.start()
        lab.rings(boss)
        lab.turn(4)
        thread.join()
    sound = caller.answer.sound
    blocks = [sound[start : start + 800] for start in range(0, len(sound) - 800, 800)]
    tenths = sum(share(block, 440) > 0.3 and share(block, 480) > 0.3 for block in blocks)
    assert tenths > 5


@pytest.mark.parametrize("code", ["**1000", "*8", "886"])
def test_picking_up(lab, code):
    """**EXT, *8 for one's group, 886 for anybody."""
    boss, kai, secretary = lab.register("boss", "kai", "secretary")
    call = kai.dial("boss")
    lab.rings(boss)
    picked = secretary.dial(code)
    lab.wait(lambda: call.up and picked.up, "picked up")


def test_call_return_and_redial(lab):
    boss, kai = lab.register("boss", "kai")
    kai.dial("boss")
    lab.rings(boss)
    lab.hangup_all()
    boss.dial("*69")
    lab.rings(kai)
    lab.hangup_all()
    kai.dial("870")
    lab.rings(boss, 2)


def test_nobody_there_is_the_mailbox(lab):
    (kai,) = lab.register("kai")
    call = kai.dial("absent")
    lab.unanswered(call, "absent", 0)
