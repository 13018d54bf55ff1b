"""What others read of a forwarded call: call records, the list of channels, a busy lamp; and the ring tone."""

from __future__ import annotations

import json

import pytest

from tests.live.records import Lamp, of_forward, records
from tests.live.scenarios import labelled

RING = '[display]\nring = { always = "<http://127.0.0.1/forwarded>;info=forwarded", busy = "Bellcore-dr2" }\n'


def written(lab, before, count):
    """The records since `before`, when there are `count` of them."""
    site = lab.site
    lab.wait(lambda: len(records(site)) >= before + count, f"{count} records")
    return records(site)[before:]


def test_both_records_say_who_forwarded(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"busy": "vera"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    secretary.policy = "busy"
    before = len(records(site))
    call, _ = lab.connect(kai, "boss", vera)
    call.end()
    rows = written(lab, before, 3)
    hundred, one = site.number("boss"), site.number("secretary")
    by_boss = (hundred, hundred, "always", "forward", "always")
    by_both = (hundred, one, "always,busy", "forward", "busy")
    assert sorted((row["direction"], *of_forward(row)) for row in rows) == [
        ("inbound", *by_both), ("outbound", *by_boss), ("outbound", *by_both),
    ]  # fmt: skip
    names = {row["caller_id_name"] for row in rows if row["direction"] == "outbound"}
    assert names == {site.label("boss", "kai"), site.label("boss", "secretary", "kai")}


def test_both_records_say_who_broke_through(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    before = len(records(site))
    call, _ = lab.connect(secretary, "boss", boss)
    call.end()
    for row in written(lab, before, 2):
        assert of_forward(row) == (site.number("boss"), "", "", "ring", "target")


def test_no_record_of_a_plain_call_says_more(site, daemon, lab):
    boss, kai = lab.register("boss", "kai")
    before = len(records(site))
    call, _ = lab.connect(kai, "boss", boss)
    call.end()
    assert {of_forward(row) for row in written(lab, before, 2)} == {("", "", "", "", "")}


def test_a_transfer_after_the_forward_keeps_the_record(site, daemon, lab):
    """The call is not a forwarded one any more, its record still says that it was."""
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    before = len(records(site))
    call, leg = lab.connect(kai, "boss", secretary)
    leg.send_to("vera")
    other = lab.rings(vera)
    assert other.header("Diversion") is None
    other.pick_up()
    lab.talk(call, other)
    call.end()
    by_boss = (site.number("boss"), site.number("boss"), "always", "forward", "always")
    rows = [(row["direction"], of_forward(row)) for row in written(lab, before, 3)]
    assert sorted(rows) == [("inbound", by_boss), ("outbound", ("",) * 5), ("outbound", by_boss)]


def test_a_lamp_and_the_list_of_channels_are_readable(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    lamp = Lamp(site, "vera", "secretary")
    call = kai.dial("boss")
    leg = lab.rings(secretary)
    labelled(leg, "kai", boss="unconditional")
    label = site.label("boss", "kai")
    assert lamp.caller() == label
    site.channel_of(direction="outbound")
    rows = json.loads(site.api("show channels as json"))["rows"]
    assert [row["cid_name"] for row in rows if row["direction"] == "outbound"] == [label]
    leg.pick_up()
    lab.talk(call, leg)
    assert lamp.caller() == label


def test_a_lamp_stays_xml(site, daemon, lab):
    """FreeSWITCH does not escape the name for XML."""
    site.forwards(boss={"all": "secretary"})
    _, secretary = lab.register("boss", "secretary")
    lamp = Lamp(site, "vera", "secretary")
    lab.stranger(name="Müller & Söhne, <GmbH>: 100%").dial("boss from outside")
    shown = lab.rings(secretary).display
    assert shown == site.label("boss", "Müller & Söhne, <GmbH>: 100%")
    assert lamp.caller() == site.label("boss", "Müller %26 Söhne, %3CGmbH%3E: 100%25")


@pytest.mark.parametrize("conf", [RING])
def test_the_ring_tone_of_a_forwarded_call(site, conf, daemon, lab):
    """By kind; a call that nobody forwarded, and one that goes off-net, have none."""
    site.forwards(boss={"all": "secretary"}, vera={"busy": "secretary"}, zoe={"all": "outside"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    vera.policy = "busy"
    kai.dial("boss")
    assert lab.rings(secretary).header("Alert-Info") == "<http://127.0.0.1/forwarded>;info=forwarded"
    lab.hangup_all()
    kai.dial("vera")
    assert lab.rings(secretary, 2).header("Alert-Info") == "<Bellcore-dr2>"
    lab.hangup_all()
    kai.dial("secretary")
    assert lab.rings(secretary, 3).header("Alert-Info") is None
    lab.hangup_all()
    kai.dial("zoe")
    assert lab.at_carrier().header("Alert-Info") is None
