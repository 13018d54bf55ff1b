"""The command line: what it says, and its exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fsdaemon import __version__
from fsdaemon.cli.main import main, read_config
from fsdaemon.config.reader import load


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"fsdaemon {__version__}\n", "")


def test_usage(capsys):
    for arguments in ((), ("nonsense",), ("serve", "--listen", "8084"), ("check", "--nonsense")):
        code, _, err = run(capsys, *arguments)
        assert code == 2
        assert "usage: fsdaemon" in err


def test_check_prints_the_effective_configuration(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text("[server]\ntimeout = 3\n")
    code, out, err = run(capsys, "check", "--config", str(file))
    assert (code, err) == (0, "")
    assert re.search(rf"^timeout = 3.0 +# {file}:2$", out, re.M)
    assert re.search(r'^label = "Uml. fuer {diverter}: {caller}" +# default$', out, re.M)
    assert out.startswith(f"# {file}\n")


@pytest.mark.parametrize("name", ["released-0.1.0.toml", "released-0.2.0.toml"])
def test_every_key_of_a_version_that_was_released_is_valid(capsys, name: str):
    """If a key is renamed, `check` has to give the new name: then this test says so."""
    file = Path(__file__).parents[1] / "conf" / name
    code, out, err = run(capsys, "check", "--config", str(file))
    assert (code, err) == (0, "")
    assert len(re.findall(rf"^\w+ = .* # {re.escape(str(file))}:\d+$", out, re.M)) == len(
        re.findall(r"^\w+ = ", file.read_text("utf-8"), re.M)
    )


def test_what_check_prints_is_the_configuration_again(capsys, tmp_path: Path):
    for name in ("good-all.toml", "good-domains.toml"):
        text = (Path(__file__).parents[1] / "conf" / name).read_text("utf-8")
        file = tmp_path / name
        file.write_text(text, "utf-8")
        for options in ([], ["--print"]):
            code, out, _ = run(capsys, "check", *options, "--config", str(file))
            assert code == 0
            assert replace(load(out), overrides={}) == replace(load(text), overrides={})


def test_check_print_says_what_is_in_effect_in_each_domain(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text('[numbers]\nregion = "DE"\n[domains."b.example".display]\nlabel = "{caller}"\n')
    _, short, _ = run(capsys, "check", "--config", str(file))
    _, out, _ = run(capsys, "check", "--print", "--config", str(file))
    assert '[domains."b.example".numbers]' not in short
    domain = out[out.index("[domains") :]
    assert re.search(rf'^label = "{{caller}}" +# {file}:4$', domain, re.M)
    assert re.search(rf'^region = "DE" +# {file}:2$', domain, re.M)
    assert re.search(r"^max_hops = 5 +# default$", domain, re.M)


def test_check_without_a_file(capsys, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("fsdaemon.cli.main.DEFAULT_PATH", tmp_path / "conf.toml")
    code, out, _ = run(capsys, "check")
    assert (code, out.split("\n")[0]) == (0, "# no conf.toml: the defaults that are built in")


def test_check_says_every_problem(capsys, tmp_path: Path):
    file = tmp_path / "conf.toml"
    file.write_text("[server]\ntimeout = 0\nlisten = 5\n")
    code, out, err = run(capsys, "check", "--config", str(file))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        f"{file}: line 2: server.timeout: must be a number of seconds from 0.1 to 60, not 0",
        f'{file}: line 3: server.listen: must be "host:port", like "127.0.0.1:8084", or a list of them, not 5; did you mean "127.0.0.1:5"?',
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "line 1: not UTF-8; save the file as UTF-8"),
        ("[log]\n".encode("utf-16-le"), "line 1: a NUL character, as in UTF-16; save the file as UTF-8"),
        (b"[log]\n# \0\n", "line 2: a NUL character, as in UTF-16; save the file as UTF-8"),
        (b"#" * (10 << 20), "larger than 1048576 bytes; this is not a conf.toml"),
        (b"[server\n", "line 1, column 8: invalid TOML: "),
    ],
)
def test_a_file_that_is_none(capsys, tmp_path: Path, content: bytes | None, said: str):
    file = tmp_path / "conf.toml"
    if content is not None:
        file.write_bytes(content)
    for command in ("check", "serve"):
        code, out, err = run(capsys, command, "--config", str(file))
        assert (code, out) == (1, "")
        assert err.startswith(f"{file}: {said}")


def test_a_directory(capsys, tmp_path: Path):
    code, _, err = run(capsys, "check", "--config", str(tmp_path))
    assert (code, err) == (1, f"{tmp_path}: is a directory, not a file\n")


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    pipe = tmp_path / "conf.toml"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "fsdaemon", "check", "--config", str(pipe)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stderr) == (1, f"{pipe}: is a pipe or a device, not a file\n")
    assert read_config(Path(os.devnull)).exceptions.target  # "no configuration", as one says it on a Unix


def test_a_link_to_nowhere_is_not_no_configuration(capsys, tmp_path: Path, monkeypatch):
    link = tmp_path / "conf.toml"
    monkeypatch.setattr("fsdaemon.cli.main.DEFAULT_PATH", link)
    assert run(capsys, "check")[0] == 0
    link.symlink_to(tmp_path / "nowhere")
    code, _, err = run(capsys, "check")
    assert (code, err) == (1, f"{link}: cannot be read: No such file or directory\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("closed", ["conf.toml", "."])
def test_not_for_us(capsys, tmp_path: Path, monkeypatch, closed: str):
    file = tmp_path / "etc" / "conf.toml"
    file.parent.mkdir()
    file.write_text("")
    monkeypatch.setattr("fsdaemon.cli.main.DEFAULT_PATH", file)
    (file.parent / closed).chmod(0)
    try:
        code, _, err = run(capsys, "check")
    finally:
        file.parent.chmod(0o700)
    assert (code, err) == (1, f"{file}: cannot be read: Permission denied\n")
