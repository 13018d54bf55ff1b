"""Two versions of the package, and clean roots to put them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsdaemon import __version__
from tests.package.root import Root

ROOT = Path(__file__).parents[2]
TOOLS = {
    "debootstrap": "debootstrap",
    "dh": "debhelper",
    "dpkg-buildpackage": "dpkg-dev",
    "systemd-nspawn": "systemd-container",
}
NEWER = __version__ + ".1"


def _missing() -> str:
    if os.environ.get("FSDAEMON_PACKAGE") != "1":
        return "takes minutes and the network: set FSDAEMON_PACKAGE=1"
    if os.geteuid() != 0:
        return "needs root, for debootstrap and systemd-nspawn"
    absent = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    return f"apt install {' '.join(absent)}" if absent else ""


@pytest.fixture(scope="session", autouse=True)
def _wanted() -> None:
    if _missing():
        pytest.skip(_missing())


def _build(source: Path) -> Path:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made = subprocess.run(
        ["make", "deb"], cwd=source, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    (built,) = (source / "dist").glob("*.deb")
    return built


@pytest.fixture(scope="session")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By version: this one, and a newer one that comes with another conf.toml."""
    found = {}
    for version in (__version__, NEWER):
        source = tmp_path_factory.mktemp("source") / "fsdaemon"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "dist", "__pycache__"))
        init = source / "fsdaemon" / "__init__.py"
        init.write_text(re.sub('__version__ = ".*"', f'__version__ = "{version}"', init.read_text()))
        if version == NEWER:
            with (source / "conf.toml").open("a") as conf:
                conf.write("# newer\n")
        found[version] = _build(source)
    return found


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """A clean Debian 12 that knows the packages there are."""
    root = Root.debootstrap(tmp_path_factory.mktemp("base") / "root")
    root.run("apt-get -q update")
    yield root
    shutil.rmtree(root.path)


@pytest.fixture
def root(base: Root, tmp_path: Path) -> Iterator[Root]:
    """A clean Debian 12 of the test's own."""
    copy = base.copy(tmp_path / "root")
    yield copy
    shutil.rmtree(copy.path)
