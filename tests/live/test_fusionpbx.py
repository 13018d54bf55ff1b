"""FusionPBX itself, with our two dialplan entries: its PHP import and rendering, its Lua, its PostgreSQL.

The rows of users, ring group and routes are written by the test, not by FusionPBX's pages, and the SIP profiles
are the test's own; the carrier is no gateway.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.fusionpbx import FusionPBX, missing

SOURCE = os.environ.get("FUSIONPBX", "")
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")
LABEL = "Uml. fuer Cora Chefin: Kai Kollege"


@pytest.fixture(scope="module")
def fusionpbx(tmp_path_factory):
    switch = FusionPBX(Path(SOURCE), tmp_path_factory.mktemp("fusionpbx"))
    try:
        switch.start()
    except BaseException:
        switch.postgres.stop()
        raise
    yield switch
    switch.stop()


@pytest.fixture
def switch(fusionpbx):
    fusionpbx.forwards()
    fusionpbx.api("sofia profile internal flush_inbound_reg")
    time.sleep(0.3)
    yield fusionpbx
    fusionpbx.api("hupall")
    fusionpbx.mails()


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "conf.toml"
    file.write_text('[variables]\npreset = "fusionpbx"\n')
    return file


@pytest.fixture
def daemon(switch, config):
    with Daemon(switch.daemon_port, config) as running:
        yield running


def test_a_forwarded_call_shows_for_whom_it_was(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        leg.pick_up()
        lab.talk(call, leg)
        assert not boss.rang

    scene(scenario)
    assert daemon.wait_line(r"forward 100 to 101 for 102: always$")
    assert daemon.wait_line(r"ring 101 for 102: no_forward$")


def test_the_secretary_reaches_the_boss(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        call = secretary.dial("100")
        leg = lab.rings(boss)
        assert leg.display == "Sina Sekretariat"
        assert leg.header("Diversion") is None
        leg.pick_up()
        lab.talk(call, leg)
        assert not secretary.rang

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards always to 101\)$")
