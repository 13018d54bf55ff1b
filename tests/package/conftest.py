"""Two versions of the package, and clean roots to put them in."""

from __future__ import annotations

import os
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items if _missing() else []:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.skip(reason=_missing()))


def _build(source: Path) -> Path:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made = subprocess.run(
        ["make", "deb"], cwd=source, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    (built,) = (source / "dist").glob("*.deb")
    return built


def _newer(deb: Path, folder: Path) -> Path:
    """The same package with a higher version and another conf.toml, as the next release would have."""
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(folder)], check=True)
    _replace(folder / "DEBIAN" / "control", f"Version: {__version__}-", f"Version: {NEWER}-")
    (init,) = folder.glob("usr/lib/fsdaemon/lib/*/site-packages/fsdaemon/__init__.py")
    _replace(init, f'"{__version__}"', f'"{NEWER}"')
    with (folder / "etc" / "fsdaemon" / "conf.toml").open("a") as conf:
        conf.write("# newer\n")
    built = deb.with_name(deb.name.replace(__version__, NEWER))
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(folder), str(built)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return built


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="session")
def debs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By version: this one as `make deb` builds it, and a newer one."""
    folder = tmp_path_factory.mktemp("debs")
    shutil.copytree(
        ROOT, folder / "source", ignore=shutil.ignore_patterns(".*", "build", "dist", "__pycache__")
    )
    this = _build(folder / "source")
    return {__version__: this, NEWER: _newer(this, folder / "newer")}


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
