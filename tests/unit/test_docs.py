"""What the documents say about code: commands are run, keys and variables exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsdaemon.cli import main as cli
from fsdaemon.config import reader as config
from fsdaemon.core.reasons import WORDS
from fsdaemon.daemon import metrics, switch
from fsdaemon.esl.fake_switch import Switch, channel_data
from fsdaemon.terms import variables as v
from tests import configuration
from tests.daemon import Daemon, free_port
from tests.recorded import DIRECTORY
from tests.unit.test_cli import run

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "README.de.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "freeswitch").glob("**/*.md"))]
PENDING: set[str] = {
    "docs/install.md",
    "docs/scaling.md",
}  # written elsewhere at the same time; empty it when they are there
DIALPLANS = "".join(
    f"{file.stem} {file.read_text('utf-8')}" for file in (ROOT / "freeswitch").glob("**/*.xml")
)

each = pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def without_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)


# --- links, keys, variables ------------------------------------------------------------------------


def anchors(file: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(file.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each
def test_links(file: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(file.read_text("utf-8"))):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        if linked.relative_to(ROOT).as_posix() in PENDING and not linked.exists():
            continue
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@each
def test_keys_exist(file: Path) -> None:
    text = file.read_text("utf-8")
    sections = "|".join(config.SCHEMA)
    for section, key in re.findall(rf"`(?:domains\.\"[\w.]+\"\.)?({sections})\.([a-z_]+)\b", text):
        assert key in (*config.SCHEMA[section], "py"), f"{section}.{key}"
    for block in blocks(text, "toml"):
        config.load(block)


@each
def test_variables_exist(file: Path) -> None:
    one = config.load('[switch]\naddress = "127.0.0.1:8021"\npassword = "x"')
    linked = switch.Switch(one, "x", lambda _: None, lambda _: None, ())
    registry = metrics.Metrics(lambda: 0, config.default, lambda: linked).registry
    known = {one.variable for one in v.ALL} | {family.name for family in registry.collect()}
    known |= set(re.findall(r"\bfsdaemon_[a-z_]+\b", DIALPLANS))
    for name in re.findall(r"\bfsdaemon_[a-z_]*[a-z]\b", file.read_text("utf-8")):
        assert name.removesuffix("_total") in known, name


def test_every_reason_is_explained() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    assert rows == set(WORDS)


def test_configuration_is_what_the_code_says() -> None:
    conf = (ROOT / "conf.toml").read_text("utf-8")
    assert configuration.FILE.read_text("utf-8") == configuration.page(conf), "python -m tests.configuration"


@each
def test_one_sentence_a_line(file: Path) -> None:
    if file.name == "CHANGELOG.md":
        return
    for line in without_blocks(file.read_text("utf-8")).splitlines():
        plain = re.sub(r"`[^`]*`", "x", line)
        if not plain.lstrip().startswith(("|", "#")):
            assert not re.search(r"[a-zäöü)]{2}[.!?] [A-ZÄÖÜ]", plain), line


# --- commands --------------------------------------------------------------------------------------

PLACES = {"UUID": "x", "FILE": "x", "PATH": "x", "HOST:PORT": "a:1", "USER": "1"}


def commands(text: str) -> Iterator[str]:
    """Every `fsdaemon …` that a document tells somebody to type."""
    for block in re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", text, re.M | re.S):
        for line in block.splitlines():
            match = re.match(r"\s*(?:\$ )?(?:sudo )?(?:/\S+/)?(fsdaemon(?: .*)?)$", line)
            if match:
                yield match[1]
    yield from re.findall(r"`(fsdaemon [^`]+)`", without_blocks(text))


def parses(command: str) -> bool:
    """Whether the command line knows it, or would with a value for its last option."""
    words = [PLACES.get(word, word) for word in shlex.split(re.sub(r" [|>#].*$", "", command))[1:]]
    for more in ([], ["a:1"]):
        try:
            cli._parser().parse_args(words + more)
        except SystemExit as end:
            if end.code == 0:
                return True
        else:
            return True
    return False


@each
def test_commands_exist(file: Path, capsys) -> None:
    for command in commands(file.read_text("utf-8")):
        if "…" not in command:
            assert parses(command), f"{command}: {capsys.readouterr().err}"


UUID = "1c1d2f50-6f0e-4ba4-9c1a-5d3c3f6e2f10"
CALLS = (  # of the daemon that `status` and `--uuid` ask in the documents
    ("internal_before_bridge", {"fsdaemon_forward_all": "101"}),
    ("external_before_bridge", {"fsdaemon_forward_all": "101", "Unique-ID": UUID}),
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch):
    """A machine as the documents have it: a daemon runs, with its page, and has decided two calls."""
    port, address = free_port(), f"127.0.0.1:{free_port()}"
    conf = tmp_path / "etc.toml"
    conf.write_text(f'[metrics]\nlisten = "{address}"\n')
    (tmp_path / "call.txt").write_bytes((DIRECTORY / "external_forged_identity.txt").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "DEFAULT_PATH", conf)
    with Daemon(port, config=conf) as daemon:
        for name, changes in CALLS:
            data = (DIRECTORY / f"{name}.txt").read_bytes()
            set_ = {"fsdaemon_domain": "lab.test", "fsdaemon_callee_name": "Cora Chefin", **changes}
            Switch(channel_data(data, set_)).call("127.0.0.1", daemon.port)
        daemon.wait_line(UUID)
        yield {
            "127.0.0.1:8084": f"127.0.0.1:{port}",
            "127.0.0.1:9484": address,
            "/etc/fsdaemon/conf.toml": str(conf),
        }


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each `$ command` of a console block, and what it prints."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *output = part.rstrip("\n").split("\n")
        yield command, output


def fits(said: str, expected: list[str]) -> bool:
    """Whether it printed what the document has; `…` stands for anything, alone for any lines."""
    pattern = ""
    for line in expected:
        if line == "…":
            pattern += r"(?:.*\n)*"
        else:
            pattern += r"[^\n]*".join(map(re.escape, line.rstrip().split("…"))) + r" *\n"
    return re.fullmatch(pattern, said) is not None


@pytest.mark.parametrize(
    "file",
    [file for file in DOCUMENTS if "```console" in file.read_text("utf-8")],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_what_a_command_prints(file: Path, machine: dict[str, str], capsys, tmp_path: Path) -> None:
    """`cat FILE` in a console block writes that file; what is no command of ours is not run."""
    for block in blocks(file.read_text("utf-8"), "console"):
        for command, expected in steps(block):
            words = shlex.split(command)
            if words[0] == "cat":
                (tmp_path / words[1]).write_text("\n".join(expected) + "\n")
            if words[0] != "fsdaemon" or words[1] == "serve":
                continue
            for documented, real in machine.items():
                words = [word.replace(documented, real) for word in words]
            _, out, err = run(capsys, *words[1:])
            said = out + err
            for documented, real in machine.items():
                said = said.replace(real, documented)
            assert fits(said, expected), f"$ {command}\n{said}"
