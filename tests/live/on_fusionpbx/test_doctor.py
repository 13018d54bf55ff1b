"""`fsdaemon doctor` beside a real FusionPBX: what can be seen of it, and what it says that it cannot see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fsdaemon.config.reader import load
from fsdaemon.doctor import gather, rules
from fsdaemon.doctor.gather import Options
from tests.live.switch import binary

PRESET = '[variables]\npreset = "fusionpbx"\n'


@pytest.fixture
def look(site, monkeypatch):
    """What is wrong, by conf.toml."""
    program = Path(binary() or "").resolve().parent / "fs_cli"
    if not program.exists():
        pytest.skip("no fs_cli beside freeswitch")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(program.parents[1] / "lib"))
    (conf,) = [file for file in site.directory.rglob("config.conf") if "cache.location" in file.read_text()]
    monkeypatch.setattr(gather, "_FUSIONPBX_CONF", (str(conf),))
    options = Options(str(site.directory), f"{program} -P {site.esl}", "", str(site.root))

    def found(conf: str = PRESET) -> tuple[list[str], tuple[str, ...]]:
        config = load(f'{conf}[server]\nlisten = ["127.0.0.1:{site.daemon_port}"]\n')
        facts = gather.gather(options, config)
        assert facts.running, facts.unseen
        return [one.code for one in rules.findings(facts, config) if one.wrong], facts.unseen

    return found


def test_what_can_be_seen(site, daemon, lab, look):
    wrong, unseen = look()
    assert wrong == []
    assert [line.split(":")[0] for line in unseen] == ["the dialplan", "users and their forwards"]
    assert "cache was looked at" not in unseen[0]
    lab.register("boss")
    (kai,) = lab.register("kai")
    kai.dial("boss")  # FusionPBX has handed out the dialplan, and keeps it
    lab.turn(2)
    wrong, unseen = look()
    assert wrong == []
    assert "cache was looked at" in unseen[0]
    assert look("")[0] == ["preset"]


def test_nobody_listens(site, lab, look):
    (kai,) = lab.register("kai")
    kai.dial("boss")
    lab.turn(2)
    assert look()[0] == ["nobody"]


def test_our_entries_are_not_installed(site, daemon, look):
    app, away = site.root / "app" / "fsdaemon", site.root / "app" / "away"
    os.rename(app, away)
    try:
        assert look()[0] == ["fusionpbx"]
    finally:
        os.rename(away, app)
