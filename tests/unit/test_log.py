"""What is logged."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
from loguru import logger

from fsdaemon.config.reader import Config, load
from fsdaemon.core.decide import Decision
from fsdaemon.daemon import log
from fsdaemon.daemon.log import Sparse, one_line
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms.channel import Api, Headers
from tests import recorded
from tests.recorded import DIRECTORY

MASKED = '[log]\nnumbers = "masked"\n'
JSON = '[log]\nformat = "json"\n'
UUID = "5e8855f6-d214-4100-a409-0dd83bda37b3"  # masked as a number it would be another one
STRANGER = (DIRECTORY / "external_before_bridge.txt").read_bytes()


def test_strangers_cannot_break_or_disguise_a_line():
    assert one_line("a\r\nb\x1b[31mc\u202ed\u2028e") == "a??b?[31mc?d?e"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []

    def sparse(self, seconds: float = 1.0) -> Sparse:
        return Sparse(self.said.append, seconds, lambda: self.now)


def test_what_repeats_is_counted():
    clock = Clock()
    sparse = clock.sparse()
    for _ in range(5):
        sparse("refused", "refused a call")
    sparse("timeout", "too late")
    clock.now = 1.5
    sparse("refused", "refused a call")
    assert clock.said == ["refused a call", "too late", "refused a call (and 4 more like it)"]


def test_what_was_counted_is_said_when_nothing_follows():
    clock = Clock()
    sparse = clock.sparse(60)
    for number in range(4):
        sparse("refused", f"refused call {number}")
    sparse.flush()
    assert clock.said == ["refused call 0"]
    clock.now = 61
    sparse.flush()
    sparse.flush()
    assert clock.said == ["refused call 0", "refused call 3 (and 2 more like it)"]
    sparse("refused", "once more")
    sparse.flush(everything=True)
    assert clock.said[2:] == ["once more"]


def test_a_stranger_who_makes_up_new_things_to_be_warned_of():
    clock = Clock()
    sparse = clock.sparse(3600)
    for number in range(5000):
        sparse(f"forward {number}", f"forward {number}")
    assert len(clock.said) == 1001
    sparse.flush(everything=True)
    assert clock.said[1001:] == ["forward 4999 (and 3998 more like it)"]


# --- what comes out ----------------------------------------------------------------------------------


@pytest.fixture
def logged(capsys, monkeypatch):
    """Starts to log by a conf.toml; what is returned then gives the lines that came."""

    def start(text: str = ""):
        config = load(text)
        monkeypatch.setattr(log, "FORWARDS", Sparse(lambda line: logger.warning("{}", line), 3600))
        log.configure(config.log)
        return config, lambda: capsys.readouterr().err.splitlines()

    yield start
    logger.remove()


def decided(config: Config, **variables: str) -> Decision:
    headers = Headers(channel_data(STRANGER, {"Unique-ID": UUID, "fsdaemon_domain": "lab.test", **variables}))
    return recorded.decided(headers, config)


def test_a_broken_forward_is_warned_of_once(logged):
    config, lines = logged()
    for _ in range(100):
        log.verdict(decided(config, fsdaemon_forward_all="a b"), config.log)
    log.verdict(decided(config, fsdaemon_forward_all="c d"), config.log)
    log.FORWARDS.flush(everything=True)
    warnings = [line.partition("WARNING ")[2] for line in lines() if "WARNING" in line]
    assert warnings == [
        f"{UUID} 100 forwards always to 'a b', which is not a number",
        f"{UUID} 100 forwards always to 'c d', which is not a number",
        f"{UUID} 100 forwards always to 'a b', which is not a number (and 98 more like it)",
    ]


def test_masked_everywhere(logged):
    for format_ in ("text", "json"):
        config, lines = logged(f'[log]\nnumbers = "masked"\nlevel = "DEBUG"\nformat = "{format_}"\n')
        data = {
            "fsdaemon_forward_all": "+49 30 5550199 x",
            "Caller-Caller-ID-Name": "Kai, 0170/7654321",
            "effective_caller_id_name": "",
        }
        log.verdict(decided(config, **data), config.log)
        log.considered(
            Headers(channel_data(STRANGER, data)), {Api("user_exists id 03055501 x"): "5550199"}, config
        )
        text = "\n".join(lines())
        assert UUID in text
        assert "Kai, 0170/7****21" in text
        for number in ("5550199", "7654321", "1234567", "03055501"):
            assert number not in text


def test_json_has_the_facts_as_fields(logged):
    config, lines = logged(JSON + '[exceptions]\nexternal = ["+491701234567"]\n')
    log.verdict(decided(config, fsdaemon_forward_all="101"), config.log)
    log.verdict(decided(load(JSON), fsdaemon_forward_all="101"), config.log)
    ring, forward = map(json.loads, lines())
    assert ring["message"].startswith(f"{UUID} ring 100 for +491701234567: external")
    assert (ring["level"], ring["uuid"], ring["kind"]) == ("INFO", UUID, "always")
    assert ring["rule"] == 'exceptions.external "+491701234567"'
    assert (forward["verdict"], forward["target"], forward["path"]) == ("forward", "101", ["100"])
    assert re.match(r"\d{4}-\d\d-\d\dT", forward["time"])


def journal(monkeypatch) -> None:
    monkeypatch.setattr("fsdaemon.daemon.systemd.under_systemd", lambda: True)


@pytest.mark.parametrize("broken", [OSError("no space left"), BrokenPipeError()])
def test_nobody_reads_what_is_logged(logged, monkeypatch, broken):
    config, lines = logged()

    def fail(text: str) -> None:
        raise broken

    with monkeypatch.context() as patch:
        patch.setattr(sys.stderr, "write", fail)
        log.verdict(decided(config, fsdaemon_forward_all="101"), config.log)
    log.verdict(decided(config, fsdaemon_forward_all="102"), config.log)
    (line,) = lines()
    assert "to 102 for" in line


def test_in_the_journal(logged, monkeypatch):
    """Priorities (sd-daemon(3)), no time of ours, and every line of a traceback has its own."""
    journal(monkeypatch)
    _, lines = logged()
    logger.info("a")
    logger.warning("b <4>")
    try:
        raise ValueError("x\x1b[31m\n<0>panic")
    except ValueError as error:
        log.defect("c", error)
    found = lines()
    assert found[:3] == ["<6>a", "<4>b <4>", "<3>c"]
    assert found[3] == "<3>  Traceback (most recent call last):"
    assert found[-2:] == ["<3>  ValueError: x?[31m", "<3>  <0>panic"]
    assert all(line.startswith("<3>  ") for line in found[3:])


def test_json_in_the_journal(logged, monkeypatch):
    journal(monkeypatch)
    _, lines = logged(JSON)
    logger.warning("b")
    (line,) = lines()
    assert line == '<4>{"level": "WARNING", "message": "b"}'


def test_on_a_terminal(logged, monkeypatch):
    """Coloured, and what is said begins in the same column whatever the level."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    _, lines = logged()
    for level in ("INFO", "WARNING", "CRITICAL"):
        logger.log(level, "said {braces} <red>")
    found = lines()
    assert all("\x1b[" in line for line in found)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in found]
    assert {line.index("said {braces} <red>") for line in plain} == {22}
    monkeypatch.setenv("NO_COLOR", "1")
    _, lines = logged()
    logger.info("plain")
    assert "\x1b" not in lines()[0]


def test_a_defect_is_told_once_with_its_traceback(logged, monkeypatch):
    monkeypatch.setattr(log, "DEFECTS", Sparse(log.DEFECTS._say, 60))
    _, lines = logged(JSON)
    for _ in range(3):
        try:
            os.stat("/nowhere/+49 170 1234567")
        except OSError as error:
            log.defect("a defect", error)
    log.DEFECTS.flush(everything=True)
    first, more = map(json.loads, lines())
    assert first["traceback"][0] == "Traceback (most recent call last):"
    assert "FileNotFoundError" in first["traceback"][-1]
    assert more["message"] == "a defect (and 1 more like it)"


def test_every_variable_that_was_looked_at(logged):
    config, lines = logged('[log]\nlevel = "DEBUG"\n')
    evil = 'K\n"ai\x1b[31m\u202e'
    headers = Headers(
        channel_data(STRANGER, {"Unique-ID": UUID, "fsdaemon_forward_all": evil, "fsdaemon_stage": "after"})
    )
    log.considered(headers, {Api("user_data 100@lab.test var x"): "Cora\n"}, config)
    (line,) = lines()
    assert f"DEBUG   {UUID} saw " in line
    assert r'fsdaemon_forward_all="K?\"ai?[31m?"' in line
    assert "fsdaemon_stage=after" in line
    assert "Caller-Destination-Number=100" in line
    assert "; not there: fsdaemon_callee_name fsdaemon_forward_busy" not in line.partition("; not there")[0]
    assert "fsdaemon_callee_name" in line.partition("; not there: ")[2]
    assert line.endswith("; asked: user_data 100@lab.test var x: Cora")
