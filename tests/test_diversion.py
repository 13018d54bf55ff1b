"""The Diversion header (RFC 5806)."""

from fsdaemon.call import Diverter
from fsdaemon.diversion import write


def test_newest_first():
    path = (Diverter("100", "always"), Diverter("101", "no_answer"))
    assert write(path, "lab.test") == (
        "<sip:101@lab.test>;reason=no-answer;counter=1;privacy=off, <sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
    )


def test_every_kind_has_a_reason():
    reasons = [
        write((Diverter("1", kind),), "d")
        for kind in ("always", "busy", "no_answer", "not_registered", "redirect")
    ]
    assert [r.split("reason=")[1].split(";")[0] for r in reasons] == [
        "unconditional", "user-busy", "no-answer", "unavailable", "deflection"
    ]  # fmt: skip


def test_nothing_for_nobody_and_a_domain_that_is_unknown():
    assert write((), "lab.test") == ""
    assert write((Diverter("100", "busy"),), "") == "<sip:100@invalid>;reason=user-busy;counter=1;privacy=off"
