"""make install and make uninstall, into folders of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fsdaemon import __version__

ROOT = Path(__file__).parents[2]


def make(source: Path, *arguments: str) -> str:
    """As somebody whose umask is strict: the daemon, who is somebody else, has to read it all the same."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = ["sh", "-c", 'umask 077; exec make PYTHON=/usr/bin/python3 "$@"', "make", *arguments]
    made = subprocess.run(
        command, cwd=source, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    return made.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("source") / "fsdaemon"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "dist", "__pycache__"))
    return copy


def test_prefix(source: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    where = [f"PREFIX={tmp_path}/usr", f"SYSCONFDIR={tmp_path}/etc"]
    make(source, "install", *where)
    program = tmp_path / "usr" / "bin" / "fsdaemon"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout == f"fsdaemon {__version__}\n"
    unit = (tmp_path / "usr" / "lib" / "systemd" / "system" / "fsdaemon.service").read_text()
    assert f"ExecStart={program} serve --config {tmp_path}/etc/fsdaemon/conf.toml\n" in unit
    assert f"{program} check --config {tmp_path}/etc/fsdaemon/conf.toml >" in unit
    closed = [
        path for path in tmp_path.rglob("*") if not path.is_symlink() and not path.stat().st_mode & 0o004
    ]
    assert closed == []

    conf = tmp_path / "etc" / "fsdaemon" / "conf.toml"
    conf.write_text("# mine\n")
    make(source, "install", *where)
    assert conf.read_text() == "# mine\n"
    enabled = tmp_path / "enabled" / "fsdaemon@8085.socket"
    enabled.parent.mkdir()
    enabled.symlink_to(tmp_path / "usr" / "lib" / "systemd" / "system" / "fsdaemon@.socket")
    uninstall = ("uninstall", *where, f"ENABLED={enabled.parent}")
    refused = subprocess.run(
        ["make", *uninstall], cwd=source, capture_output=True, text=True, timeout=60, check=False
    )
    assert "first: systemctl disable --now fsdaemon@8085.socket\n" in refused.stderr
    assert (refused.returncode, program.exists()) == (2, True)
    enabled.unlink()
    assert "left: " in make(source, *uninstall)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [conf]


def test_the_link(source: Path, tmp_path: Path) -> None:
    """The context is linked where FreeSWITCH finds it, and what is the administrator's stays."""
    where = [f"PREFIX={tmp_path}/usr", f"SYSCONFDIR={tmp_path}/etc"]
    context = tmp_path / "usr" / "share" / "fsdaemon" / "freeswitch" / "dialplan" / "fsdaemon.xml"
    link = tmp_path / "etc" / "freeswitch" / "dialplan" / "fsdaemon.xml"
    assert f"now: ln -s {context} into FreeSWITCH's conf/dialplan/" in make(source, "_link", *where)
    assert not link.parent.exists()
    link.parent.mkdir(parents=True)
    assert f"linked: {link}\n" in make(source, "install", *where)
    assert context.is_file()
    assert link.readlink() == context
    assert make(source, "_link", *where) == ""
    make(source, "uninstall", *where)
    assert not link.is_symlink()

    link.write_text("<include/>\n")
    assert f"left: {link}, which is not ours; ours is {context}\n" in make(source, "_link", *where)
    make(source, "uninstall", *where)
    assert link.read_text() == "<include/>\n"

    elsewhere = tmp_path / "freeswitch" / "conf" / "dialplan"
    elsewhere.mkdir(parents=True)
    make(source, "_link", *where, f"DIALPLAN={elsewhere}")
    assert (elsewhere / "fsdaemon.xml").readlink() == context


def test_destdir(source: Path, tmp_path: Path) -> None:
    """Nothing that is installed knows DESTDIR, not even the .pyc."""
    make(source, "install", f"DESTDIR={tmp_path}/dest", "PREFIX=/usr")
    knows = [
        path
        for path in (tmp_path / "dest").rglob("*")
        if path.is_file() and not path.is_symlink() and str(tmp_path).encode() in path.read_bytes()
    ]
    assert knows == []
    assert (
        (tmp_path / "dest/usr/lib/fsdaemon/bin/fsdaemon")
        .read_text()
        .startswith("#!/usr/lib/fsdaemon/bin/python")
    )
    unit = (tmp_path / "dest/usr/lib/systemd/system/fsdaemon@.service").read_text()
    assert "ExecStart=/usr/bin/fsdaemon serve\n" in unit
    assert (tmp_path / "dest/etc/fsdaemon/conf.toml").read_text() == (ROOT / "conf.toml").read_text()
