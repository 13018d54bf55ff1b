"""fsdaemon.conf(5) says of every key what conf.toml says; fsdaemon(1) and the completions know every option;
fsdaemon-dialplan(7) has all that connects FreeSWITCH."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fsdaemon import __version__
from fsdaemon.config.reader import OVERRIDABLE, SCHEMA
from manual import dialplan
from manual.pages import conf_page, escape

ROOT = Path(__file__).parents[2]
CONF = (ROOT / "conf.toml").read_text("utf-8")
PAGE = conf_page(CONF, __version__)
DIALPLAN = dialplan.page(ROOT, __version__)


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
@pytest.mark.parametrize(
    ("name", "page", "says"),
    [
        ("fsdaemon.conf.5", PAGE, 'Uml. fuer {diverter}: {caller}"'),
        (
            "fsdaemon-dialplan.7",
            DIALPLAN,
            '<X-PRE-PROCESS cmd="include" data="/usr/share/fsdaemon/freeswitch/',
        ),
    ],
)
def test_man_has_nothing_to_complain_about(tmp_path: Path, name: str, page: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(page, "utf-8")
    command = ["man", "--warnings", "--encoding=UTF-8", "--local-file", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.stderr == ""
    assert says in result.stdout


@pytest.mark.parametrize("part", dialplan.PARTS, ids=lambda part: part.heading)
def test_the_dialplan_page_has_every_command_and_line_of_its_parts(part: dialplan.Part) -> None:
    """What an administrator copies, for each kind of dialplan."""
    source = dialplan.section((ROOT / part.file).read_text("utf-8"), part.section)
    copied = re.findall(r"^ *```\w+\n(.*?)^ *```$", source, re.M | re.S)
    lines = [line.strip() for block in copied for line in block.splitlines() if line.strip()]
    shown = {line.strip() for line in unescaped(DIALPLAN).splitlines()}
    assert [line for line in lines if line not in shown] == []
    assert f"\n.SH {part.heading.upper()}\n" in DIALPLAN


def test_a_link_says_where_its_end_is() -> None:
    """On this machine, or further down; a path of the repository helps nobody."""
    text = unescaped(DIALPLAN)
    assert re.findall(r"\]\(|\(\.\./|\(#", text) == []
    named = set(re.findall(r"\((/usr/share/[^)]*)\)", text))
    repository = {
        path.replace(dialplan.DELIVERED, "freeswitch/dialplan").replace("/usr/share/doc/fsdaemon/", "")
        for path in named
    }
    assert repository
    assert [path for path in sorted(repository) if not (ROOT / path).is_file()] == []
    assert "(FUSIONPBX, below)" in text


def test_a_section_that_is_gone_is_missed() -> None:
    assert dialplan.section("# a\nx\n## b\ny\n## c\nz\n", "b") == "y\n"
    with pytest.raises(ValueError, match="no section 'd'"):
        dialplan.section("# a\n", "d")


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
    for text in (
        "fsdaemon serve",
        "--not-registered",
        "EXIT STATUS",
        "SIGHUP",
        "fsdaemon.conf",
        "fsdaemon-dialplan (7)",
    ):
        assert text in page
