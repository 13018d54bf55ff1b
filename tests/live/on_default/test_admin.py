"""What an administrator asks about calls of a real FreeSWITCH: explain, status, the log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.daemon import free_port
from tests.unit.test_cli import run


@pytest.fixture
def conf():
    """With a page, and it says what it considered."""
    return f'[metrics]\nlisten = "127.0.0.1:{free_port()}"\n[log]\nlevel = "DEBUG"\nnumbers = "masked"\n'


def rows(out: str) -> dict[str, str]:
    return {name: text.strip() for name, _, text in (line.partition(":") for line in out.splitlines())}


def test_a_call_that_happened(site, daemon, scene, capsys):
    site.forwards(boss={"all": "secretary"})

    def story(lab):
        _, secretary, kai = lab.register("boss", "secretary", "kai")
        kai.dial("boss")
        return lab.rings(secretary).display

    shown, config = scene(story), str(daemon.conf)
    uuid = re.search(r"(\S+) forward 100 to 101 for 102: always$", daemon.wait_line("forward 100 to 101"))[1]
    code, out, _ = run(capsys, "explain", "--uuid", uuid, "--config", config)
    assert code == 0
    first, second, *_ = (rows(part) for part in out.split("\n\n"))
    assert first["who calls"] == "102 Kai Kollege, a user of lab.test"
    assert first["who is called"] == "100 Cora Chefin, in the domain lab.test"
    assert first["forwards"] == "always to '101'"
    assert first["why"] == "100 forwards always to 101; 102 is calling and has no exception"
    assert second["what"] == "101 rings (no_forward)"
    assert second["forwarded by"] == "100 Cora Chefin (always)"
    assert first["the phone shows"] == f"{shown} <102>" == second["the phone shows"]
    code, out, _ = run(capsys, "status", "--json", "--config", config)
    assert (code, json.loads(out)["forwarded"]) == (0, 1)
    considered = daemon.wait_line(f"DEBUG .*{uuid} saw .*asked: .*var call_forward_all: 101")
    assert "sip_authorized=true user_name=102 " in considered


def test_the_channel_data_of_a_call_that_is_up(site, daemon, scene, capsys, tmp_path: Path):
    """`fs_cli -x 'uuid_dump UUID'` is what `explain --recording` takes."""

    def story(lab):
        kai, vera = lab.register("kai", "vera")
        lab.connect(kai, "vera", vera)
        return site.api(f"uuid_dump {site.channel_of('kai')}")

    file = tmp_path / "call.txt"
    file.write_text(scene(story), "utf-8")
    code, out, err = run(capsys, "explain", "--recording", str(file), "--callee", "100", "--always", "101")
    assert (code, err) == (0, "")
    assert rows(out)["who calls"] == "102 Kai Kollege, a user of lab.test"
    assert rows(out)["what"] == "the call is forwarded to 101 (always)"


def test_without_full_the_log_says_what_is_missing(site, daemon):
    variables = "fsdaemon_callee=100,fsdaemon_domain=lab.test,fsdaemon_forward_all=101"
    site.api(f"originate {{{variables}}}loopback/9000/default '&socket(127.0.0.1:{site.daemon_port})'")
    line = daemon.wait_line("FreeSWITCH refused api find_user_xml id 100 lab.test")
    assert line.endswith("-ERR command not found; is `full` missing behind the address in the dialplan?")
    assert daemon.wait_line("forward 100 to 101 for ")
