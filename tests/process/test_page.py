"""Metrics and the page of a running daemon, and `explain --uuid`."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from fsdaemon import __version__
from fsdaemon.esl.fake_switch import Switch, channel_data
from tests.daemon import Daemon, free_port
from tests.recorded import DIRECTORY
from tests.unit.test_cli import run

STRANGER = (DIRECTORY / "external_forged_identity.txt").read_bytes()
BOSS = {"fsdaemon_forward_all": "101", "fsdaemon_callee_name": "Cora Chefin", "fsdaemon_domain": "lab.test"}
UUID = "5e8855f6-d214-4100-a409-0dd83bda37b3"


@pytest.fixture
def page(tmp_path: Path):
    """A daemon with a page that has decided one call; its address and its conf.toml."""
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "conf.toml"
    config.write_text(f'[metrics]\nlisten = "{address}"\nkeep = 3\n')
    with Daemon(config=config) as daemon:
        name = "<img src=x onerror=alert(1)>"
        call(daemon, **{"Caller-Caller-ID-Name": name, "Unique-ID": UUID})
        yield daemon, address, config


def call(daemon: Daemon, **variables: str) -> None:
    """One call that is forwarded, unless the variables say otherwise; returns when it was counted."""
    before = len(daemon.lines)
    Switch(channel_data(STRANGER, {**BOSS, **variables})).call("127.0.0.1", daemon.port)
    end = time.monotonic() + 30
    while len(daemon.lines) == before and time.monotonic() < end:
        time.sleep(0.01)


def get(address: str, path: str, **headers: str) -> str:
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answered:
        return answered.read().decode()


def refused(address: str, path: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(address, path, **headers)
    with caught.value as error:
        return error.code, error.read().decode()


def test_metrics(page):
    daemon, address, config = page
    text = get(address, "/metrics")
    assert 'fsdaemon_verdicts_total{kind="always",reason="always",verdict="forward"} 1.0' in text
    assert "fsdaemon_session_seconds_count 1.0" in text
    assert 'fsdaemon_session_seconds_bucket{le="2.0"} 1.0' in text
    assert "fsdaemon_in_flight 0.0" in text
    assert "fsdaemon_refused_total 0.0" in text
    assert f'fsdaemon_build_info{{version="{__version__}"}} 1.0' in text
    assert 'fsdaemon_errors_total{what="protocol"} 0.0' in text
    with socket.create_connection(("127.0.0.1", daemon.port)) as sock:
        assert sock.recv(10)
        assert "fsdaemon_in_flight 1.0" in get(address, "/metrics")
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n\n\n")
        daemon.wait_line("protocol error from")
    daemon.signal(signal.SIGHUP)
    daemon.wait_line("configuration reloaded")
    config.write_text("nonsense")
    daemon.signal(signal.SIGHUP)
    daemon.wait_line("not reloaded")
    text = get(address, "/metrics")
    assert 'fsdaemon_errors_total{what="protocol"} 1.0' in text
    assert 'fsdaemon_reloads_total{result="done"} 1.0' in text
    assert 'fsdaemon_reloads_total{result="refused"} 1.0' in text


def test_too_many_and_too_late(tmp_path: Path):
    address, config = f"127.0.0.1:{free_port()}", tmp_path / "conf.toml"
    config.write_text(f'[server]\nmax_sessions = 1\ntimeout = 3\n[metrics]\nlisten = "{address}"\n')
    with Daemon(config=config) as daemon:
        assert json.loads(get(address, "/status"))["healthy"]
        with socket.create_connection(("127.0.0.1", daemon.port)) as sock:
            sock.recv(10)
            with socket.create_connection(("127.0.0.1", daemon.port)) as another:
                assert another.recv(10) == b""
            troubles = json.loads(get(address, "/status"))["troubles"]
            assert "1 calls at a time, of server.max_sessions = 1" in troubles
            daemon.wait_line("no verdict within 3 s")
        text = get(address, "/metrics")
        assert "fsdaemon_refused_total 1.0" in text
        assert 'fsdaemon_errors_total{what="timeout"} 1.0' in text
        status = json.loads(get(address, "/status"))
    assert not status["healthy"]
    assert status["troubles"] == [
        "1 calls refused: more than server.max_sessions at a time",
        "1 calls without a verdict within server.timeout = 3 s",
    ]
    assert (status["refused"], status["errors"]["timeout"]) == (1, 1)
    assert status["minutes"][-1]["undecided"] + status["minutes"][-2]["undecided"] == 2


def test_the_last_verdicts(page):
    daemon, address, _ = page
    for number in range(4):
        call(daemon, **{"Unique-ID": f"{number}{UUID[1:]}"})
    kept = json.loads(get(address, "/verdicts"))
    assert [one["uuid"][0] for one in kept] == ["1", "2", "3"]
    assert [one["number"] for one in json.loads(get(address, f"/verdicts?after={kept[1]['number']}"))] == [5]
    assert kept[-1]["label"] == "Uml. fuer Cora Chefin: Cora"
    status = json.loads(get(address, "/status"))
    assert (status["forwarded"], status["rang"], status["kept"], status["keep"]) == (5, 0, 3, 3)
    assert status["healthy"]


def test_a_call_that_happened(page, capsys):
    _, _, config = page
    code, out, _ = run(capsys, "explain", "--uuid", UUID, "--config", str(config))
    assert code == 0
    rows = dict(line.split(":", 1) for line in out.splitlines())
    assert rows["UUID"].strip() == UUID
    assert rows["what"].strip() == "the call is forwarded to 101 (always)"
    assert rows["who calls"].startswith("       101 <img src=x")
    assert rows["who calls"].endswith("external: FreeSWITCH did not authenticate a user on this leg")
    assert rows["forwards"].strip() == "always to '101'"
    assert rows["why"].strip().startswith("100 forwards always to 101; 101 is an external caller, ")
    code, out, _ = run(capsys, "explain", "--json", "--uuid", UUID, "--config", str(config))
    assert (code, json.loads(out)[0]["reason"]) == (0, "always")
    code, _, err = run(capsys, "explain", "--uuid", "another", "--config", str(config))
    said = "nothing is kept about another: not decided here, or too long ago (metrics.keep)"
    assert (code, err) == (1, f"fsdaemon: {said}\n")


def test_status_on_a_terminal(page, capsys):
    daemon, address, config = page
    call(daemon, **{"fsdaemon_forward_all": ""})
    code, out, err = run(capsys, "status", "--config", str(config))
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0].startswith(f"fsdaemon        healthy, version {__version__}, up for 0:00:0")
    assert f"configuration   {config}" in lines
    assert "in flight       0 of 1000" in lines
    assert "verdicts        1 rang, 1 forwarded" in lines
    assert any(re.search(rf"101 +100 +forward to 101 +always +Uml\. fuer .* {UUID}$", line) for line in lines)
    assert run(capsys, "status", "--listen", address)[1].count("forward to 101") == 1
    assert run(capsys, "status", "--url", f"http://{address}/", "--last", "0")[1].count("forward to 101") == 0
    told = json.loads(run(capsys, "status", "--json", "--listen", address)[1])
    assert [one["verdict"] for one in told["verdicts"]] == ["forward", "ring"]
    for wrong in ("9484", "http://"):
        assert run(capsys, "status", "--listen", wrong)[0] == 2
    config.write_text("nonsense")
    daemon.signal(signal.SIGHUP)
    daemon.wait_line("not reloaded")
    code, out, _ = run(capsys, "status", "--listen", address)
    assert code == 1
    assert "in trouble" in out
    assert "the last reload was refused" in out


def test_masked_as_in_the_log(tmp_path: Path, capsys):
    """The UUID stays whole although it has digits enough for a number: it is what one asks with."""
    address, config = f"127.0.0.1:{free_port()}", tmp_path / "conf.toml"
    config.write_text(f'[log]\nnumbers = "masked"\n[metrics]\nlisten = "{address}"\n')
    with Daemon(config=config) as daemon:
        name = "Kai 0170/7654321"
        numbers = {"Caller-Caller-ID-Number": "+491701234567", "fsdaemon_forward_all": "+49305550199"}
        call(daemon, **{"Caller-Caller-ID-Name": name, "Unique-ID": UUID, **numbers})
        told = get(address, "/verdicts") + get(address, f"/calls/{UUID}")
        told += run(capsys, "status", "--config", str(config))[1]
        told += run(capsys, "explain", "--uuid", UUID, "--config", str(config))[1]
        told += "\n".join(daemon.lines)
    assert told.count(UUID) >= 4
    assert "+49170*****67" in told
    assert "0170/7****21" in told
    for number in ("1234567", "7654321", "5550199"):
        assert number not in told


@pytest.mark.parametrize("channel", ["3c26-x/y@[2001:db8::1]", "a b?c#d%", "ü&=;", "it's\"\\\\"])
def test_a_call_id_is_an_id(tmp_path: Path, capsys, channel):
    """With `inbound-use-callid-as-uuid` the id of a channel is what a phone wrote."""
    address, config = f"127.0.0.1:{free_port()}", tmp_path / "conf.toml"
    config.write_text(f'[metrics]\nlisten = "{address}"\n')
    with Daemon(config=config) as daemon:
        call(daemon, **{"Unique-ID": channel})
        logged = daemon.wait_line(" (ring|forward) ").split("INFO")[1].split()[0]
        assert logged == channel.replace(" ", "?")
        (found,) = json.loads(get(address, f"/calls/{urllib.parse.quote(channel, safe='')}"))
        assert found["uuid"] == channel
        for asked in (channel, logged):
            assert channel in run(capsys, "explain", "--uuid", asked, "--config", str(config))[1]


def test_what_is_not_there(page):
    _, address, _ = page
    for path in ("/nothing", "/calls/../etc/passwd", "/calls/"):
        assert refused(address, path)[0] == 404
    request = urllib.request.Request(f"http://{address}/", method="POST", data=b"x")
    with pytest.raises(urllib.error.HTTPError, match="405") as caught:
        urllib.request.urlopen(request, timeout=30)
    caught.value.close()


def test_a_name_that_somebody_pointed_here(page):
    """DNS rebinding: a page from elsewhere, under whose name this address answers, reads nothing."""
    _, address, _ = page
    for path in ("/", "/verdicts", f"/calls/{UUID}", "/metrics", "/status"):
        code, said = refused(address, path, Host="evil.example:9484")
        assert code == 403
        assert said.startswith("Ask by address")
    for host in ("localhost:9484", "127.0.0.1", "[::1]:9484"):
        assert get(address, "/status", Host=host)


def test_others_may_see_it_is_said(tmp_path: Path):
    port, config = free_port(), tmp_path / "conf.toml"
    config.write_text(f'[metrics]\nlisten = "0.0.0.0:{port}"\n')
    with Daemon(config=config) as daemon:
        line = daemon.wait_line("anyone who connects can see call data")
        assert f"WARNING metrics.listen 0.0.0.0:{port} is reachable from other machines" in line
        assert get(f"127.0.0.1:{port}", "/status", Host="pbx.example:9484")  # a Prometheus elsewhere


def test_the_page_never_has_the_place_of_the_calls(tmp_path: Path):
    config, port = tmp_path / "conf.toml", free_port()
    config.write_text(f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
    with Daemon(port, config) as daemon:
        said = daemon.wait_line("no metrics and no page")
        assert f"no metrics and no page: 127.0.0.1:{port}: Address already in use" in said


def test_a_port_in_use_costs_no_call(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = tmp_path / "conf.toml"
        config.write_text(f'[metrics]\nlisten = "127.0.0.1:{taken.getsockname()[1]}"\n')
        with Daemon(config=config) as daemon:
            assert "Address already in use" in daemon.wait_line("no metrics and no page")
            played = Switch(channel_data(STRANGER, BOSS)).call("127.0.0.1", daemon.port)
            assert played.variables["fsdaemon_verdict"] == "forward"


CHROMIUM = shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture
def browser():
    """A real Chromium without a window; a new tab of it, with what it asked for and what it complained of."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt install chromium")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install -e '.[browser]'"
    )
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        tab = chromium.new_page(viewport={"width": 1280, "height": 800})
        tab.set_default_timeout(10_000)
        tab.asked, tab.complaints = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        yield tab
        chromium.close()


def test_in_a_browser(page, browser):
    """It shows the verdict with its facts, a caller's name is text, and nothing is asked for elsewhere."""
    daemon, address, _ = page
    browser.goto(f"http://{address}/")
    browser.wait_for_selector("tr.call")
    assert browser.text_content("#state") == "healthy"
    cells = browser.locator("tr.call td").all_text_contents()
    assert cells[1:] == [
        "101",
        "100",
        "forward to 101",
        "always",
        "Uml. fuer Cora Chefin: <img src=x onerror=alert(1)>",
    ]
    assert browser.locator("img").count() == 0
    assert browser.text_content("#shares") == "0 / 1"
    assert browser.text_content("#rate") == "1"
    assert browser.locator("#chart rect.forward").count() == 1

    browser.click("tr.call")
    facts = browser.locator("tr.facts")
    facts.wait_for()
    rows = dict(zip(facts.locator("dt").all_text_contents(), facts.locator("dd").all_text_contents()))
    assert rows["UUID"] == UUID
    assert rows["forwards"] == "always to '101'"
    assert rows["why"].startswith("100 forwards always to 101; 101 is an external caller")
    assert rows["the phone shows"] == "Uml. fuer Cora Chefin: <img src=x onerror=alert(1)> <101>"
    browser.keyboard.press("Enter")  # the row has the focus
    facts.wait_for(state="detached")

    call(daemon, fsdaemon_forward_all="", **{"Unique-ID": "other"})  # it comes by itself, on top
    browser.wait_for_selector("tr.call td.verdict.ring")
    assert browser.locator("tr.call td.verdict").all_text_contents() == ["ring", "forward to 101"]
    for text, found in (
        ("FORWARD to", 1),
        ("no_forward", 1),
        (UUID[:8], 1),
        ("101 cora", 1),
        ("xyz", 0),
        ("", 2),
    ):
        browser.fill("#search", text)
        assert browser.locator("tr.call:visible").count() == found, text
        assert browser.locator("#none").is_visible() == (found == 0)
    assert {url.partition("?")[0] for url in browser.asked} == {
        f"http://{address}/{path}" for path in ("", "status", "verdicts", f"calls/{UUID}")
    }
    assert browser.complaints == []


def test_light_and_dark(page, browser):
    _, address, _ = page
    browser.goto(f"http://{address}/")
    for scheme, background in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")):
        browser.emulate_media(color_scheme=scheme)
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == background


def test_a_daemon_that_is_gone_and_comes_back(browser, tmp_path: Path):
    """What the page shows is the new one's, which counts from 1 again."""
    address, config, port = f"127.0.0.1:{free_port()}", tmp_path / "conf.toml", free_port()
    config.write_text(f'[metrics]\nlisten = "{address}"\n')
    with Daemon(port, config=config) as daemon:
        for _ in range(3):
            call(daemon)
        browser.goto(f"http://{address}/")
        browser.wait_for_selector("tr.call")
        assert browser.locator("tr.call").count() == 3
    browser.wait_for_selector("#state.bad")
    assert browser.text_content("#state") == "does not answer"
    with Daemon(port, config=config) as daemon:
        call(daemon, **{"fsdaemon_forward_all": ""})
        browser.wait_for_selector("tr.call td.verdict.ring")
        assert browser.locator("tr.call").count() == 1
        assert browser.text_content("#state") == "healthy"
