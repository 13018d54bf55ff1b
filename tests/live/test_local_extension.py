"""What the example configuration's Local_Extension gives is there with our file, too: each test runs without and with."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pytest

from tests.live.conftest import EXAMPLE, needs_example
from tests.live.handset import Handset, share
from tests.live.switch import Vanilla

pytestmark = needs_example


@pytest.fixture(scope="module")
def vanilla(tmp_path_factory):
    switch = Vanilla(Path(EXAMPLE), tmp_path_factory.mktemp("vanilla"))
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture(params=["without", "with"])
def switch(vanilla, request):
    """The example configuration as it comes, and with our include line; no daemon."""
    file = vanilla.directory / "fsdaemon" / "fsdaemon.xml"
    away = file.with_suffix(".away")
    if request.param == "without":
        file.rename(away)
        vanilla.api("reloadxml")
    vanilla.api("sofia profile internal flush_inbound_reg")
    time.sleep(0.5)  # what is flushed late would take a new registration with it
    yield vanilla
    vanilla.api("hupall")
    if request.param == "without":
        away.rename(file)
        vanilla.api("reloadxml")


def logged(switch, text):
    """How often FreeSWITCH's log says so."""
    return (switch.directory / "log" / "freeswitch.log").read_bytes().count(text.encode())


@pytest.mark.parametrize(
    ("key", "does"),
    [
        ("1", "execute_extension::dx"),
        ("2", "record_session::"),
        ("3", "execute_extension::cf"),
        ("4", "execute_extension::att_xfer"),
    ],
)
def test_the_keys_of_a_bridged_call(switch, scene, key, does):
    """Transfer, record, conference, for the callee."""
    text = f"Processing meta digit {key} [{does}"
    before = logged(switch, text)

    def scenario(lab):
        boss, kai = lab.register("1000", "1008")
        _, leg = lab.connect(kai, "1000", boss)
        leg.press("*" + key)
        lab.turn(1)

    scene(scenario)
    assert logged(switch, text) == before + 1


def test_the_call_ends_with_the_bridge(switch, scene):
    def scenario(lab):
        boss, kai = lab.register("1000", "1008")
        call, leg = lab.connect(kai, "1000", boss)
        leg.end()
        lab.wait(lambda: call.gone, "ended", 2)

    scene(scenario)


def test_ring_back(switch, scene):
    """The caller hears the ringing of vars.xml (us-ring: 440 and 480 Hz)."""

    def scenario(lab):
        (boss,) = lab.register("1000")
        with Handset(switch.sip, "1008", switch.domain, switch.password("1008"), host=switch.host) as caller:

            def dial():
                with contextlib.suppress(AssertionError):
                    caller.dial("1000", seconds=4)

            thread = threading.Thread(target=dial)
            thread.start()
            lab.rings(boss)
            lab.turn(4)
            thread.join()
        sound = caller.answer.sound
        blocks = [sound[start : start + 800] for start in range(0, len(sound) - 800, 800)]
        return sum(share(block, 440) > 0.3 and share(block, 480) > 0.3 for block in blocks)

    assert scene(scenario) > 5  # tenths of a second


@pytest.mark.parametrize("code", ["**1000", "*8", "886"])
def test_picking_up(switch, scene, code):
    """**EXT, *8 for one's group, 886 for anybody."""

    def scenario(lab):
        boss, kai, vera = lab.register("1000", "1008", "1001")
        call = kai.dial("1000")
        lab.rings(boss)
        picked = vera.dial(code)
        lab.wait(lambda: call.up and picked.up, "picked up")

    scene(scenario)


def test_call_return_and_redial(switch, scene):
    def scenario(lab):
        boss, kai = lab.register("1000", "1008")
        kai.dial("1000")
        lab.rings(boss)
        lab.hangup_all()
        boss.dial("*69")
        lab.rings(kai)
        lab.hangup_all()
        kai.dial("870")
        lab.rings(boss, 2)

    scene(scenario)


def test_nobody_there_is_the_mailbox(switch, scene):
    text = f"voicemail(default {switch.domain} 1007)"
    before = logged(switch, text)

    def scenario(lab):
        (kai,) = lab.register("1008")
        call = kai.dial("1007")
        lab.wait(lambda: call.up, "answered", 8)
        lab.turn(2)

    scene(scenario)
    assert logged(switch, text) == before + 1
