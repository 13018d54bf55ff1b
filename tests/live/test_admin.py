"""What an administrator asks about calls of a real FreeSWITCH: explain, status, the log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.daemon import Daemon, free_port
from tests.unit.test_cli import run


@pytest.fixture
def watched(switch, tmp_path: Path):
    """A daemon with a page, that says what it considered; and its conf.toml."""
    config = tmp_path / "conf.toml"
    config.write_text(
        f'[metrics]\nlisten = "127.0.0.1:{free_port()}"\n[log]\nlevel = "DEBUG"\nnumbers = "masked"\n'
    )
    with Daemon(switch.daemon_port, config) as running:
        yield running, str(config)


def rows(out: str) -> dict[str, str]:
    return {name: text.strip() for name, _, text in (line.partition(":") for line in out.splitlines())}


def test_a_call_that_happened(switch, watched, scene, capsys):
    daemon, config = watched
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        return lab.rings(secretary).display

    shown = scene(scenario)
    uuid = re.search(r"(\S+) forward 100 to 101 for 102: always$", daemon.wait_line("forward 100 to 101"))[1]
    code, out, _ = run(capsys, "explain", "--uuid", uuid, "--config", config)
    assert code == 0
    first, second, *_ = (rows(part) for part in out.split("\n\n"))
    assert first["who calls"] == "102 Kai Kollege, a user of lab.test"
    assert first["who is called"] == "100 Cora Chefin, in the domain lab.test"
    assert first["forwards"] == "always to '101'"
    assert first["why"] == "100 forwards always to 101, and 102 is calling, who has no exception from it"
    assert second["what"] == "101 rings (no_forward)"
    assert second["forwarded by"] == "100 Cora Chefin (always)"
    assert first["the phone shows"] == f"{shown} <102>" == second["the phone shows"]
    code, out, _ = run(capsys, "status", "--json", "--config", config)
    assert (code, json.loads(out)["forwarded"]) == (0, 1)
    considered = daemon.wait_line(f"DEBUG .*{uuid} saw .*asked: .*var call_forward_all: 101")
    assert "sip_authorized=true user_name=102 " in considered


def test_the_channel_data_of_a_call_that_is_up(switch, daemon, scene, capsys, tmp_path: Path):
    """`fs_cli -x 'uuid_dump UUID'` is what `explain --recording` takes."""

    def scenario(lab):
        kai, vera = lab.register("102", "103")
        lab.connect(kai, "103", vera)
        channels = lab.switch.api("show channels as json")
        legs = json.loads(channels)["rows"]
        uuid = next(leg["uuid"] for leg in legs if leg["direction"] == "inbound")
        return lab.switch.api(f"uuid_dump {uuid}")

    file = tmp_path / "call.txt"
    file.write_text(scene(scenario), "utf-8")
    code, out, err = run(capsys, "explain", "--recording", str(file), "--callee", "100", "--always", "101")
    assert (code, err) == (0, "")
    assert rows(out)["who calls"] == "102 Kai Kollege, a user of lab.test"
    assert rows(out)["what"] == "the call is forwarded to 101 (always)"


def test_without_full_the_log_says_what_is_missing(switch, daemon):
    variables = "fsdaemon_callee=100,fsdaemon_domain=lab.test,fsdaemon_forward_all=101"
    switch.api(f"originate {{{variables}}}loopback/9000/default '&socket(127.0.0.1:{switch.daemon_port})'")
    line = daemon.wait_line("FreeSWITCH refused api user_data 100@lab.test")
    assert line.endswith("-ERR command not found; is `full` missing behind the address in the dialplan?")
    assert daemon.wait_line("forward 100 to 101 for ")
