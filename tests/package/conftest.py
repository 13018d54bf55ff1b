"""Two versions of the packages, and clean roots of Debian 12 and 13 to build them in and put them in."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from fsdaemon import __version__
from tests.package.root import Root

ROOT = Path(__file__).parents[2]
TOOLS = {
    "debootstrap": "debootstrap",
    "dpkg-scanpackages": "dpkg-dev",
    "systemd-nspawn": "systemd-container",
}
NEWER = __version__ + ".1"
SUITES = {"bookworm": "12", "trixie": "13"}
BUILD = "build-essential debhelper dh-python lintian make python3-venv"
Debs = dict[str, tuple[Path, Path]]  # by version: the daemon, and the dialplan


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


def _newer(deb: Path, folder: Path) -> Path:
    """The same package with a higher version and another conf.toml, as the next release would have."""
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(folder)], check=True)
    control = folder / "DEBIAN" / "control"
    control.write_text(control.read_text("utf-8").replace(f"{__version__}-1~deb", f"{NEWER}-1~deb"), "utf-8")
    conf = folder / "etc" / "fsdaemon" / "conf.toml"
    if conf.exists():
        _replace(
            folder / "usr" / "lib" / "fsdaemon" / "fsdaemon" / "__init__.py", f'"{__version__}"', f'"{NEWER}"'
        )
        conf.write_text(conf.read_text("utf-8") + "# newer\n", "utf-8")
    built = deb.with_name(deb.name.replace(__version__, NEWER))
    command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(folder), str(built)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return built


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")


def offer(debs: Iterable[Path], repository: Path) -> None:
    """A folder that apt takes for a repository, with these packages."""
    repository.mkdir(parents=True)
    for deb in debs:
        shutil.copy(deb, repository / deb.name)
    index = subprocess.check_output(["dpkg-scanpackages", "."], cwd=repository, stderr=subprocess.DEVNULL)
    (repository / "Packages").write_bytes(index)


class Suite:
    """One release of Debian: a clean root that knows the packages there are, and ours as they are built there."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.number, self.folder = name, SUITES[name], folder
        (folder / "newer").mkdir(parents=True)
        kept = Path(os.environ.get("FSDAEMON_ROOTS", folder)) / name  # to try something again and again
        if not kept.exists():
            kept.mkdir(parents=True)
            base = Root.debootstrap(kept / "base", name)
            base.run("echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io; apt-get -q update")
            base.copy(kept / "builder").apt(f"install --no-install-recommends {BUILD}")
        self.base = Root(kept / "base")
        self.builder = Root(kept / "builder").with_pypi()

    @functools.cached_property
    def debs(self) -> Debs:
        """This version as `make deb` builds it, and a newer one."""
        ignored = shutil.ignore_patterns(".*", "build", "dist", "__pycache__")
        this = self.make_deb(lambda source: shutil.copytree(ROOT, source, ignore=ignored))
        assert [deb.name.partition("_")[0] for deb in this] == ["fsdaemon", "fsdaemon-dialplan"]
        newer = [_newer(deb, self.folder / "newer" / deb.name) for deb in this]
        return {__version__: (this[0], this[1]), NEWER: (newer[0], newer[1])}

    @functools.cached_property
    def stocked(self) -> Root:
        """A Debian that has the libraries we take from it, and nothing of ours."""
        root = self.base.copy(self.folder / "stocked")
        root.apt(f"install {root.put(*self.debs[__version__])}")
        root.run("dpkg --purge fsdaemon fsdaemon-dialplan; rm /root/*.deb")
        return root

    def make_deb(self, lay: Callable[[Path], object]) -> list[Path]:
        """What `make deb` makes of the source that `lay` puts into a folder: the packages, by name."""
        source = self.builder.path / "root" / "source"
        shutil.rmtree(source, ignore_errors=True)
        lay(source)
        quickly = "DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1"
        self.builder.run(f"{quickly} make -C /root/source deb")
        built = [deb.rename(self.folder / deb.name) for deb in (source / "dist").glob("*.deb")]
        return sorted(built, key=lambda deb: deb.name.replace("_", " "))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Suite]]:
    """Each release of Debian by its name, made when it is asked for."""
    folder = tmp_path_factory.mktemp("suites")
    yield functools.lru_cache(lambda name: Suite(name, folder / name))
    shutil.rmtree(folder)


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest, made: Callable[[str], Suite]) -> Suite:
    return made(request.param)


@pytest.fixture
def debs(suite: Suite) -> Debs:
    return suite.debs


@pytest.fixture
def root(suite: Suite, tmp_path: Path) -> Iterator[Root]:
    """A Debian of the test's own, with the libraries that ours takes from it."""
    copy = suite.stocked.copy(tmp_path / "root")
    yield copy
    shutil.rmtree(copy.path)


@pytest.fixture
def clean(suite: Suite, tmp_path: Path) -> Iterator[Root]:
    """A clean Debian of the test's own."""
    copy = suite.base.copy(tmp_path / "root")
    yield copy
    shutil.rmtree(copy.path)
