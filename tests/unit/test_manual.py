"""fsdaemon.conf(5) says of every key what conf.toml says; fsdaemon(1) and the completions know every option."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fsdaemon import __version__
from fsdaemon.config.reader import OVERRIDABLE, SCHEMA
from manual.pages import conf_page, escape

ROOT = Path(__file__).parents[2]
CONF = (ROOT / "conf.toml").read_text("utf-8")
PAGE = conf_page(CONF, __version__)


def unescaped(text: str) -> str:
    return text.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")


def test_every_key_with_its_default_and_what_it_means() -> None:
    found: dict[str, dict[str, str]] = {}
    for section, text in re.findall(r"^\.SH \[(\w+)\]\n(.*?)(?=^\.SH)", PAGE, re.M | re.S):
        entries = re.findall(r"^\.TP\n\\fB(\w+)\\fR(?: = (.*))?\n(.+)$", text, re.M)
        found[section] = {unescaped(key): unescaped(value) for key, value, meaning in entries if meaning}
    domains = found.pop("domains")
    assert domains == {}
    assert {section: set(keys) for section, keys in found.items()} == {
        section: set(keys) for section, keys in SCHEMA.items()
    }
    for section in found.values():
        for key, value in section.items():
            assert (f"{key} = {value}\n" if value else f".{key}]\n") in CONF  # or a table


def test_what_every_key_allows() -> None:
    text = unescaped(PAGE)
    for section, keys in SCHEMA.items():
        for name, key in keys.items():
            assert re.search(
                rf"^\.TP\n\\fB{name}\\fR(?: = .*)?\n.*\n\.br\nAllowed: {re.escape(key.check.text)}\.$",
                text,
                re.M,
            ), f"{section}.{name}"


def test_domains() -> None:
    text = PAGE[PAGE.index(".SH [domains]") :]
    assert '[domains."b.example".display]' in text
    assert all(section in text for section in OVERRIDABLE)


def test_nothing_written_is_a_command() -> None:
    assert escape(".SH x\n'y\\n-") == "\\&.SH x\n\\&'y\\en\\-"


@pytest.mark.skipif(not shutil.which("man"), reason="no man: apt install man-db")
def test_man_has_nothing_to_complain_about(tmp_path: Path) -> None:
    file = tmp_path / "fsdaemon.conf.5"
    file.write_text(PAGE, "utf-8")
    command = ["man", "--warnings", "--encoding=UTF-8", "--local-file", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.stderr == ""
    assert 'Uml. fuer {diverter}: {caller}"' in result.stdout


def test_command_page_and_completions(tmp_path: Path) -> None:
    for module in ("shtab", "argparse_manpage"):
        pytest.importorskip(module, reason=f"no {module}: pip install -e '.[manual]'")
    subprocess.run([sys.executable, "-m", "manual", str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    for name in ("fsdaemon.bash", "_fsdaemon", "fsdaemon.fish"):
        text = (tmp_path / name).read_text("utf-8")
        assert all(
            word in text for word in ("serve", "check", "explain", "not-registered", "not_registered")
        ), name
    page = unescaped((tmp_path / "fsdaemon.1").read_text("utf-8"))
    for text in ("fsdaemon serve", "--not-registered", "EXIT STATUS", "SIGHUP", "fsdaemon.conf"):
        assert text in page
