"""The units of systemd/, and those that are made of them for further daemons: hardened, and without mistakes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "systemd"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze: apt install systemd")


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, as somebody copies them by hand."""
    folder = tmp_path_factory.mktemp("units")
    for kind in ("service", "socket"):
        source = SOURCES / f"fsdaemon.{kind}"
        shutil.copy(source, folder)
        command = ["sed", "-f", str(SOURCES / "instance.sed"), str(source)]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        (folder / f"fsdaemon@.{kind}").write_text(made.stdout)
    return folder


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("unit", ["fsdaemon.service", "fsdaemon@.service"])
def test_exposure(units: Path, unit: str) -> None:
    if "--offline" not in analyze("--help").stdout:
        pytest.skip("this systemd-analyze has no --offline (it came with systemd 250)")
    result = analyze("security", "--offline=true", "--no-pager", str(units / unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= 1.5


@needs_systemd
@pytest.mark.parametrize("name", ["fsdaemon", "fsdaemon@8085"])
def test_no_mistake_in_them(units: Path, tmp_path: Path, name: str) -> None:
    """As installed, but for the program, which need not be there."""
    for source in units.iterdir():
        text = source.read_text("utf-8")
        assert "/usr/bin/fsdaemon" in text or source.suffix == ".socket"
        (tmp_path / source.name.replace("@.", "@8085.")).write_text(
            text.replace("/usr/bin/fsdaemon", "/bin/true")
        )
    result = analyze("verify", "--man=no", str(tmp_path / f"{name}.service"))
    ours = [line for line in result.stderr.splitlines() if "fsdaemon" in line]
    assert ours == []


def test_what_an_instance_has_of_its_own(units: Path) -> None:
    """fsdaemon@PORT differs in its name, its socket and its port, and in nothing else."""
    found = {}
    for kind in ("service", "socket"):
        one = (units / f"fsdaemon.{kind}").read_text("utf-8").splitlines()
        another = (units / f"fsdaemon@.{kind}").read_text("utf-8").splitlines()
        assert another[0].startswith("# ")
        assert len(another) == len(one) + 1
        found[kind] = [line for line, other in zip(another[1:], one) if line != other]
    assert found == {
        "service": [
            "Description=Call-forward exception and display for FreeSWITCH, port %i",
            "Requires=fsdaemon@%i.socket",
            "After=fsdaemon@%i.socket",
        ],
        "socket": [
            "Description=fsdaemon, event socket (outbound) for FreeSWITCH, port %i",
            "ListenStream=127.0.0.1:%i",
        ],
    }


@pytest.mark.parametrize(
    "unit", ["fsdaemon.service", "fsdaemon.socket", "fsdaemon@.service", "fsdaemon@.socket"]
)
def test_nothing_but_this_machine(units: Path, unit: str) -> None:
    """The service's rules are for what it opens itself, the socket's for what comes in."""
    lines = (units / unit).read_text("utf-8").splitlines()
    rules = [line for line in lines if line.startswith("IPAddress")]
    assert rules == ["IPAddressDeny=any", "IPAddressAllow=localhost"]


def test_what_the_score_does_not_hold() -> None:
    lines = (SOURCES / "fsdaemon.service").read_text("utf-8").splitlines()
    for wanted in ("DynamicUser=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "MemoryMax=256M"):
        assert wanted in lines
