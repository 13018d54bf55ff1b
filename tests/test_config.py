"""conf.toml: what it may say, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from fsdaemon.config import SCHEMA, ConfigError, default, load

ROOT = Path(__file__).parents[1]
CASES = Path(__file__).parent / "conf"


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


def test_the_file_that_comes_with_it_documents_every_key_with_its_default() -> None:
    text = (ROOT / "conf.toml").read_text("utf-8")
    document = tomli.loads(text)
    assert {s: set(t) for s, t in document.items()} == {s: set(k) for s, k in SCHEMA.items()}
    assert load(text) == default()
    for number, line in enumerate(text.split("\n")):
        if "=" in line and not line.startswith("#"):
            assert "#" in line or text.split("\n")[number - 1].startswith("#"), f"undocumented: {line}"


def test_where_a_value_comes_from() -> None:
    config = load("\n[server]\ntimeout = 3\n", "my.toml")
    assert config.server.timeout == 3.0
    assert config.origin["server.timeout"] == "my.toml:3"
    assert config.origin["server.listen"] == "default"


def test_listen_takes_one_or_several() -> None:
    assert load('[server]\nlisten = "[::1]:1"').server.listen == ("[::1]:1",)
    assert load('[server]\nlisten = ["a:1", "b:2"]').server.listen == ("a:1", "b:2")
