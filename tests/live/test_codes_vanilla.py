"""Forwards dialled on the phone, on FreeSWITCH's own example configuration with its one include line."""

from __future__ import annotations

import contextlib
import math
import struct
import wave
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.conftest import EXAMPLE, needs_example
from tests.live.handset import DONE, OFF, REFUSED, Handset, dial, line
from tests.live.switch import Vanilla

pytestmark = needs_example


DIGITS = {"0": 330, "1": 520, "2": 660}


@pytest.fixture(scope="module")
def vanilla(tmp_path_factory):
    """With sound files, in which each digit is a tone of its own."""
    switch = Vanilla(Path(EXAMPLE), tmp_path_factory.mktemp("vanilla"))
    sounds = switch.directory / "sounds"
    for digit, tone in DIGITS.items():
        file = sounds / "digits" / "8000" / f"{digit}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            samples = (int(9000 * math.sin(2 * math.pi * tone * n / 8000)) for n in range(2400))
            sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples) + bytes(1600))
    variables = switch.directory / "vars.xml"
    text = variables.read_text("utf-8")
    assert text.count("sound_prefix=$${sounds_dir}/en/us/callie") == 1
    variables.write_text(
        text.replace("sound_prefix=$${sounds_dir}/en/us/callie", f"sound_prefix={sounds}"), "utf-8"
    )
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def switch(vanilla):
    with Daemon(vanilla.daemon_port):
        yield vanilla
    vanilla.api("hupall")
    for number in range(1000, 1020):
        vanilla.api(f"db delete/fsdaemon-{vanilla.domain}/{number}")


def test_every_kind_on_the_example_configuration(switch):
    for code, shown in (
        ("*21*1001#", "Uml. immer an 1001"),
        ("*67*1002#", "Uml. besetzt an 1002"),
        ("*61*1003**20#", "Uml. keine Antwort an 1003"),
        ("*62*2000#", "Uml. nicht erreichbar an 2000"),
        ("*62*0#", "Uml. nicht erreichbar an 0"),
        ("*62*5551234#", "Uml. nicht erreichbar an 5551234"),
        ("*62*011491701234567#", "Uml. nicht erreichbar an 011491701234567"),
    ):
        assert dial(switch, code, "1000") == (200, shown, DONE)
    for refused in ("1000", "1055", "886", "779", "881001", "*98", "4000", "870", "08001234567890"):
        assert dial(switch, f"*62*{refused}#", "1000") == (200, "Uml. abgelehnt", REFUSED)
    switch.stop()
    switch.start()
    assert line(switch, "1000") == ";21=on:1001;67=on:1002;61=on:1003:20;62=on:011491701234567"
    assert dial(switch, "##002#", "1000")[1] == "Alle Uml. aus"
    assert line(switch, "1000") == ""


def test_asked_she_is_told_the_digits(switch):
    dial(switch, "*21*1002#", "1000")
    told = [DIGITS[digit] for digit in "1002"]
    heard = dial(switch, "*#21#", "1000")[2]
    assert heard[:2] == DONE
    assert heard[2:] == told
    dial(switch, "#21#", "1000")
    assert dial(switch, "*#21#", "1000") == (200, "Uml. immer aus", OFF)
    dial(switch, "##002#", "1000")


def test_the_example_configurations_own_codes_are_its_own(switch):
    """With the daemon or without: *8, **EXT, *0EXT, *69, *98 do what they did."""
    log = switch.directory / "log" / "freeswitch.log"

    def scenario(number):
        start = len(log.read_bytes())
        with contextlib.suppress(AssertionError):  # some go on until hung up
            dial(switch, number, "1000", seconds=1.5)
        switch.api("hupall")
        return log.read_bytes()[start:].decode("utf-8", "replace")

    for number, application in (
        ("*8", "intercept("),
        ("**1001", "intercept("),
        ("**21", "intercept("),
        ("*01001", "eavesdrop("),
        ("*98", "voicemail(check"),
        ("*69", "transfer("),
        ("9196", "echo("),
    ):
        assert f"{switch.host} {application}" in scenario(number), number
    assert line(switch, "1000") == ""
    dial(switch, "*21*1001#", "1000")
    assert dial(switch, "870", "1000")[0] == 603  # redial: a transfer to the code
    assert line(switch, "1000") == ";21=on:1001"


def test_forwards_of_the_example_configuration(switch, scene):
    """Dialled ones are followed, labelled and broken through; from outside nothing is dialled."""
    dial(switch, "*21*1001#", "1010")
    dial(switch, "*67*1001#", "1011")
    dial(switch, "*61*1001**5#", "1012")
    dial(switch, "*62*1001#", "1013")

    def scenario(lab):
        boss, secretary, kai, busy, slow = lab.register("1010", "1001", "1008", "1011", "1012")
        busy.policy = "busy"
        for count, number in enumerate(("1010", "1011", "1012", "1013"), 1):
            kai.dial(number)
            shown = lab.rings(secretary, count, 10).display
            assert shown == f"Uml. fuer Extension {number}: Extension 1008"
            lab.hangup_all()
        assert slow.rang
        assert not boss.rang
        secretary.dial("1010")
        assert lab.rings(boss).display == "Extension 1001"

    scene(scenario)
    with Handset(switch.sip_out, "1010", switch.domain, host=switch.host) as stranger:
        assert stranger.dial("##002#").code >= 400
    assert line(switch, "1010") == ";21=on:1001"
