"""The daemon at ::1: what FreeSWITCH's `socket` takes for an IPv6 address, and what it does not."""

from __future__ import annotations

import pytest

from tests.daemon import free_port
from tests.live.caller import Callers, Engaged
from tests.live.nodes import rewrite
from tests.live.stage import Daemon
from tests.live.switch import Switch
from tests.unit.test_cli import run

BUSY = 486  # said by the secretary's phone
LABEL = "Uml. fuer Cora Chefin: Max"
ADDRESSES = {"bare": "::1:{port}", "a list": "::1:{nobody}|::1:{port}", "in brackets": "[::1]:{port}"}


@pytest.fixture(scope="module", params=ADDRESSES)
def running(request, tmp_path_factory):
    """The dialplan as delivered; only its `fsdaemon_socket` is an IPv6 address."""
    switch = Switch(tmp_path_factory.mktemp("fs"))
    address = ADDRESSES[request.param].format(port=switch.daemon_port, nobody=free_port())
    rewrite(switch.directory / "context.xml", {f"=127.0.0.1:{switch.daemon_port}": f"={address}"})
    switch.spelling = request.param
    switch.start()
    yield switch
    switch.stop()


def test_a_forwarded_call(site, capsys):
    """In brackets FreeSWITCH finds no daemon: the forward is followed, without the label."""
    site.forwards(boss={"all": "secretary"})
    secretary = Engaged(site.host, site.sip, site.domain, "101", site.password("101"))
    with Daemon(site, host="[::1]") as daemon:
        callers = Callers(site.sip_out)
        callers.call("100")
        assert callers.all_ended(30)
        callers.close()
        secretary.close()
        asked = [line for line in daemon.lines if "forward 100 to 101" in line]
        via = ("explain", "--caller", "102", "--callee", "100", "--always", "101", "--via")
        assert run(capsys, *via, f"[::1]:{daemon.port}")[0] == 0
    assert [made.code for made in callers.calls.values()] == [BUSY]
    found = site.spelling != "in brackets"
    assert list(secretary.shown.values()) == [LABEL if found else "Max"]
    assert bool(asked) is found
