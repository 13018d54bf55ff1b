"""conf.toml: what it may say, and what is said about mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli

from fsdaemon.config.reader import SCHEMA, ConfigError, default, load

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parents[1] / "conf"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("file", sorted(CASES.glob("bad-*.toml")), ids=lambda f: f.stem)
def test_bad(file: Path) -> None:
    """The lines that begin with `#!` are what is to be said, word by word."""
    text = file.read_text("utf-8")
    expected = [line[2:].strip() for line in text.splitlines() if line.startswith("#!")]
    assert problems(text) == expected


@pytest.mark.parametrize("file", sorted(CASES.glob("good-*.toml")), ids=lambda f: f.stem)
def test_good(file: Path) -> None:
    load(file.read_text("utf-8"))


SHIPPED = (ROOT / "conf.toml").read_text("utf-8")


def undocumented(text: str) -> set[str]:
    """The keys that this conf.toml lacks, has too many, gives another default, or says nothing about."""
    whole = re.sub(r"^# (?=[a-z_]+ = \[)", "", text, flags=re.M)  # what "default" stands for is commented out
    document = tomli.loads(whole)
    there = {f"{section}.{key}" for section, table in document.items() for key in table}
    known = {f"{section}.{key}" for section, keys in SCHEMA.items() for key in keys}
    wrong = there ^ known
    lines, section = whole.split("\n"), ""
    for before, line in zip(["", *lines], lines):
        section = line.strip("[]") if line.startswith("[") else section
        key = re.match(r"([a-z_]+) = ", line)
        if key and not re.match(r"# .*\w", before):
            wrong.add(f"{section}.{key[1]}")
    if not wrong:
        ours, defaults = load(whole), default()
        wrong |= {
            key for key in known if key.startswith("variables.") and ours.variables != defaults.variables
        }
        wrong |= {
            key
            for key in known - wrong
            if not key.startswith("variables.") and ours.value(key) != defaults.value(key)
        }
    return wrong


def test_the_file_that_comes_with_it_documents_every_key_with_its_default() -> None:
    assert undocumented(SHIPPED) == set()
    assert load(SHIPPED) == default()


@pytest.mark.parametrize(
    ("was", "becomes", "missed"),
    [
        ("max_hops = 5\n", "", "routing.max_hops"),
        ("max_hops = 5\n", "max_hops = 6\n", "routing.max_hops"),
        ("# How many forwards one call may follow; the next one is not followed, the phone rings. 1 to 50.\n", "", "routing.max_hops"),
        ("max_hops = 5\n", "max_hops = 5\n# More.\nmore = 1\n", "routing.more"),
        ('# busy = ["fsdaemon_forward_busy", "directory:call_forward_busy"]\n', "", "variables.busy"),
        ('# busy = ["fsdaemon_forward_busy", "directory:call_forward_busy"]\n', '# busy = ["x"]\n', "variables.busy"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_documented_is_found(was: str, becomes: str, missed: str) -> None:
    assert was in SHIPPED
    assert missed in undocumented(SHIPPED.replace(was, becomes))


def test_another_preset_is_not_hidden_by_what_stands_there() -> None:
    """Who copies the file and changes the preset gets the preset."""
    changed = load(SHIPPED.replace('preset = "default"', 'preset = "fusionpbx"'))
    assert changed.variables == load('[variables]\npreset = "fusionpbx"').variables


def test_a_section_written_twice() -> None:
    text = 'metrics.listen = "127.0.0.1:1"\n[server]\n[metrics]\nkeep = 1\n'
    said = "[metrics] is there already, perhaps as metrics.… = …; all of it goes under one header"
    assert problems(text) == [f"line 3: invalid TOML: {said}"]
    assert 'invalid TOML: [domains."b.example".log] is' in problems('[domains."b.example".log]\n' * 2)[0]


def test_a_dotted_key_has_its_line() -> None:
    assert (
        load('[domains]\n"b.example".display.label = "{caller}"\n', "c")
        .for_domain("b.example")
        .origin["display.label"]
        == "c:2"
    )
    assert load('\nlog.level = "DEBUG"\n', "c").origin["log.level"] == "c:2"


def test_where_a_value_comes_from() -> None:
    config = load("\n[server]\ntimeout = 3\n", "my.toml")
    assert config.server.timeout == 3.0
    assert config.origin["server.timeout"] == "my.toml:3"
    assert config.origin["server.listen"] == "default"


def test_listen_takes_one_or_several() -> None:
    assert load('[server]\nlisten = "[::1]:1"').server.listen == ("[::1]:1",)
    assert load('[server]\nlisten = ["a:1", "b:2"]').server.listen == ("a:1", "b:2")
