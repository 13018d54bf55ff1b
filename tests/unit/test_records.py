"""What the call records of both legs say of a forward."""

from __future__ import annotations

from fsdaemon.config import reader
from fsdaemon.core import records
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.policy import decide
from fsdaemon.terms import variables as v
from tests.facts import call, config, inside
from tests.unit.test_actions import ARRIVED, FORWARD, decided, values

RECORD = (v.RECORD_CALLED, v.RECORD_DIVERTER, v.RECORD_KINDS, v.RECORD_VERDICT, v.RECORD_REASON)


def record(made, text="") -> list[str]:
    told = records.of(made, decide(made, config(text)))
    assert set(told) in (set(), set(RECORD))
    return [told[name] for name in RECORD if name in told]


KAI = inside("102", "Kai Kollege")
PATH = (Diverter("100", "always", "Cora"), Diverter("104", "busy", "Zoe"))


def test_each_case() -> None:
    assert record(call(KAI)) == []
    assert record(call(KAI, always="100")) == []  # a forward to oneself is none
    assert record(call(KAI, always="101")) == ["100", "100", "always", "forward", "always"]
    assert record(call(KAI, "103", path=PATH)) == ["100", "104", "always,busy", "forward", "busy"]
    assert record(call(KAI, "103", path=PATH, always="105")) == [
        "100", "103", "always,busy,always", "forward", "always",
    ]  # fmt: skip
    # who breaks through: the forward that was not followed is in the reason only
    assert record(call(KAI, always="102")) == ["100", "", "", "ring", "target"]
    assert record(call(KAI, "103", path=PATH, always="102")) == [
        "100",
        "104",
        "always,busy",
        "ring",
        "target",
    ]
    assert record(call(KAI, "103", path=PATH, always="100")) == ["100", "104", "always,busy", "ring", "loop"]
    hops = "[routing]\nmax_hops = 2"
    assert record(call(KAI, "103", path=PATH, always="105"), hops)[3:] == ["ring", "hops"]


def test_they_are_no_memory() -> None:
    """Of a leg that is transferred later, and of a call that is no forwarded one any more."""
    assert not {*RECORD} & {*v.MEMORY}
    left = {name.variable: "100" for name in RECORD}
    assert values(decided(**left)) == {"fsdaemon_verdict": "ring", "fsdaemon_reason": "no_forward"}


def test_both_legs_have_the_same() -> None:
    for given in (FORWARD, ARRIVED, {**FORWARD, "fsdaemon_forward_all": "101"}):
        told = values(decided(**given))
        leg = dict(pair.split("=", 1) for pair in told["fsdaemon_leg"][4:-1].split("!"))
        for name in RECORD:
            assert leg.get(name.variable, "") == told[name.variable]


def test_ring() -> None:
    def alert(text: str, **given: str) -> str:
        leg = values(decided(text, **given)).get("fsdaemon_leg", "")
        return next((pair[11:] for pair in leg[4:-1].split("!") if pair.startswith("alert_info=")), "")

    assert alert("", **ARRIVED) == ""
    one = '[display]\nring = "<http://127.0.0.1/forwarded>;info=forwarded"'
    assert alert(one, **ARRIVED) == "<http://127.0.0.1/forwarded>;info=forwarded"
    assert alert(one) == ""  # a call that nobody forwarded
    assert alert(one, **{**FORWARD, "fsdaemon_forward_all": "101"}) == ""  # who breaks through
    table = '[display]\nring = { busy = "Bellcore-dr2", always = "a;b=c" }'
    assert alert(table, **ARRIVED) == "Bellcore-dr2"
    assert alert(table, **{**ARRIVED, "fsdaemon_kinds": "redirect"}) == ""
    assert alert(one, **{**FORWARD, "fsdaemon_forward_all": "+49301234567"}) == ""  # a trunk
    section = '[display.ring]\nbusy = "Bellcore-dr3"'
    assert alert(section, **ARRIVED) == "Bellcore-dr3"
    domain = '[domains."lab.test".display]\nring = "Bellcore-dr4"'
    assert alert(domain, **ARRIVED) == "Bellcore-dr4"
    without_label = '[display]\nkinds = []\ndiversion = false\nring = "x"'
    assert alert(without_label, **ARRIVED) == "x"


def test_ring_is_printed_as_it_is_read() -> None:
    from fsdaemon.config.render import text

    written = '[display]\nring = { always = "Bellcore-dr2", busy = "<http://127.0.0.1/x>;info=y" }'
    assert 'ring = { always = "Bellcore-dr2", busy = "<http://127.0.0.1/x>;info=y" }' in text(
        reader.load(written)
    )
    assert reader.load(text(reader.load(written))) == reader.load(written)
