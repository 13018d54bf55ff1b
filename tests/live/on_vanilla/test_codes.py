"""Forwards dialled on the phone, on the example configuration: beside its own codes and numbers."""

from __future__ import annotations

import contextlib

from tests.live.handset import DONE, OFF, REFUSED, dial, line
from tests.live.on_vanilla.conftest import DIGITS


def test_every_kind_on_the_example_configuration(codes):
    for code, shown in (
        ("*21*1001#", "Uml. immer an 1001"),
        ("*67*1002#", "Uml. besetzt an 1002"),
        ("*61*1003**20#", "Uml. keine Antwort an 1003"),
        ("*62*2000#", "Uml. nicht erreichbar an 2000"),
        ("*62*0#", "Uml. nicht erreichbar an 0"),
        ("*62*5551234#", "Uml. nicht erreichbar an 5551234"),
        ("*62*011491701234567#", "Uml. nicht erreichbar an 011491701234567"),
    ):
        assert dial(codes, code) == (200, shown, DONE)
    for refused in ("1000", "1055", "886", "779", "881001", "*98", "4000", "870", "08001234567890"):
        assert dial(codes, f"*62*{refused}#") == (200, "Uml. abgelehnt", REFUSED)
    codes.stop()
    codes.start()
    assert line(codes) == ";21=on:1001;67=on:1002;61=on:1003:20;62=on:011491701234567"
    assert dial(codes, "##002#")[1] == "Alle Uml. aus"
    assert line(codes) == ""


def test_asked_she_is_told_the_digits(codes):
    dial(codes, "*21*1002#")
    told = [DIGITS[digit] for digit in "1002"]
    heard = dial(codes, "*#21#")[2]
    assert heard[:2] == DONE
    assert heard[2:] == told
    dial(codes, "#21#")
    assert dial(codes, "*#21#") == (200, "Uml. immer aus", OFF)
    dial(codes, "##002#")


def test_the_example_configurations_own_codes_are_its_own(codes):
    """With the daemon or without: *8, **EXT, *0EXT, *69, *98 do what they did."""

    def played(number):
        start = codes.log_file.stat().st_size
        with contextlib.suppress(AssertionError):  # some go on until hung up
            dial(codes, number, seconds=1.5)
        codes.api("hupall")
        return codes.logged(start)

    for number, application in (
        ("*8", "intercept("),
        ("**1001", "intercept("),
        ("**21", "intercept("),
        ("*01001", "eavesdrop("),
        ("*98", "voicemail(check"),
        ("*69", "transfer("),
        ("9196", "echo("),
    ):
        assert f"{codes.host} {application}" in played(number), number
    assert line(codes) == ""
    dial(codes, "*21*1001#")
    assert dial(codes, "870")[0] == 603  # redial: a transfer to the code
    assert line(codes) == ";21=on:1001"
