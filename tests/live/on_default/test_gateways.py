"""With parse-all-invite-headers FreeSWITCH keeps every Diversion of an INVITE; without it, the last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.nodes import rewrite
from tests.live.scenarios import with_conf
from tests.live.switch import Switch

CONTEXT = '<param name="context" value="public"/>'
EVERY = '<param name="parse-all-invite-headers" value="true"/>'


@pytest.fixture(scope="module", params=["every", "last"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    """One that keeps every line, and one that keeps the last."""
    switch = Switch(tmp_path_factory.mktemp(request.param))
    switch.keeps_every_line = request.param == "every"
    if switch.keeps_every_line:
        rewrite(switch.directory / "freeswitch.xml", {CONTEXT: CONTEXT + EVERY})
    switch.start()
    yield switch
    switch.stop()


TOLD = [
    ("Diversion", '"Amt" <sip:+49302000@carrier.example>;reason=no-answer'),
    ("diversion", "sip:+4940111@carrier.example;reason=user-busy"),
]


@with_conf('[display]\ndiversion_from = ["127.0.0.1"]\n')
def test_several_lines(site, daemon, lab):
    site.forwards(secretary={"all": "vera"})
    boss, vera = lab.register("boss", "vera")
    stranger = lab.stranger("900")
    stranger.dial("boss from outside", TOLD)
    leg = lab.rings(boss)
    between = ("Amt",) if site.keeps_every_line else ()
    assert leg.display == site.label("+4940111", *between, "Max")
    assert leg.header("Diversion") is None
    lab.hangup_all()
    stranger.dial("secretary from outside", TOLD)
    leg = lab.rings(vera)
    assert leg.display == site.label("+4940111", "secretary", "Max")
    newer = "<sip:+49302000@carrier.example>;reason=no-answer;counter=1;privacy=off"
    older = "<sip:+4940111@carrier.example>;reason=user-busy;counter=1;privacy=off"
    ours = site.diversion(secretary="unconditional")
    assert leg.header("Diversion").split(", ") == [ours, *([newer] if between else []), older]
