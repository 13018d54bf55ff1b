"""Metrics and the page of a running daemon, and `explain --uuid`."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fsdaemon.switchside import Switch, channel_data
from tests.daemon import Daemon, free_port
from tests.recorded import DIRECTORY
from tests.test_cli import run

STRANGER = (DIRECTORY / "external_forged_identity.txt").read_bytes()
BOSS = {"call_forward_all": "101", "fsdaemon_callee_name": "Cora Chefin", "fsdaemon_domain": "lab.test"}
UUID = "5e8855f6-d214-4100-a409-0dd83bda37b3"


@pytest.fixture
def page(tmp_path: Path):
    """A daemon with a page that has decided one call; its address and its conf.toml."""
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "conf.toml"
    config.write_text(f'[metrics]\nlisten = "{address}"\nkeep = 3\n')
    with Daemon(config=config) as daemon:
        name = "<img src=x onerror=alert(1)>"
        data = channel_data(STRANGER, {**BOSS, "Caller-Caller-ID-Name": name, "Unique-ID": UUID})
        Switch(data).call("127.0.0.1", daemon.port)
        daemon.wait_line("forward 100 to 101")
        yield daemon, address, config


def get(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answered:
        return answered.read().decode()


def test_metrics(page):
    daemon, address, _ = page
    text = get(address, "/metrics")
    assert 'fsdaemon_verdicts_total{reason="always",verdict="forward"} 1.0' in text
    assert "fsdaemon_session_seconds_count 1.0" in text
    assert "fsdaemon_in_flight 0.0" in text
    with socket.create_connection(("127.0.0.1", daemon.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n\n\n")
        sock.recv(100)
    time.sleep(0.2)
    assert "fsdaemon_errors_total" in get(address, "/metrics")


def test_the_last_verdicts(page):
    daemon, address, _ = page
    for number in range(4):
        data = channel_data(STRANGER, {**BOSS, "Unique-ID": f"{number}{UUID[1:]}"})
        Switch(data).call("127.0.0.1", daemon.port)
    time.sleep(0.1)
    kept = json.loads(get(address, "/verdicts"))
    assert [one["uuid"][0] for one in kept] == ["1", "2", "3"]
    assert [one["number"] for one in json.loads(get(address, f"/verdicts?after={kept[1]['number']}"))] == [5]
    assert kept[-1]["label"] == "Uml. fuer Cora Chefin: Cora"


def test_a_call_that_happened(page, capsys):
    _, _, config = page
    code, out, _ = run(capsys, "explain", "--uuid", UUID, "--config", str(config))
    assert code == 0
    assert "what:            forward to 101 (always)" in out
    assert "why:             100 forwards always to 101" in out
    code, _, err = run(capsys, "explain", "--uuid", "another", "--config", str(config))
    assert (code, err) == (1, "fsdaemon: nothing is kept about another: not decided here, or too long ago\n")


def test_what_is_not_there(page):
    _, address, _ = page
    for path in ("/nothing", "/calls/../etc/passwd", "/calls/"):
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            get(address, path)
        caught.value.close()
    request = urllib.request.Request(f"http://{address}/", method="POST", data=b"x")
    with pytest.raises(urllib.error.HTTPError, match="405") as caught:
        urllib.request.urlopen(request, timeout=5)
    caught.value.close()


def test_a_port_in_use_costs_no_call(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = tmp_path / "conf.toml"
        config.write_text(f'[metrics]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n')
        with Daemon(config=config) as daemon:
            assert "Address already in use" in daemon.wait_line("no metrics and no page")
            played = Switch(channel_data(STRANGER, BOSS)).call("127.0.0.1", daemon.port)
            assert played.variables["fsdaemon_verdict"] == "forward"


CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium")
def test_in_a_browser(page, tmp_path: Path):
    """It shows the verdict, and a caller's name is text."""
    _, address, _ = page
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    command = [CHROMIUM, *options, "--virtual-time-budget=4000", "--dump-dom", f"http://{address}/"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    assert "is answering" in dom
    assert "forward to 101" in dom
    assert "&lt;img src=x" in dom
    assert "<img" not in dom
