"""The units of systemd/: hardened, without mistakes, and the two kinds of them the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(not ANALYZE, reason="no systemd-analyze: apt install systemd")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("unit", ["fsdaemon.service", "fsdaemon@.service"])
def test_exposure(unit: str) -> None:
    if "--offline" not in analyze("--help").stdout:
        pytest.skip("this systemd-analyze has no --offline (it came with systemd 250)")
    result = analyze("security", "--offline=true", "--no-pager", str(UNITS / unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= 1.5


@needs_systemd
@pytest.mark.parametrize("name", ["fsdaemon", "fsdaemon@8085"])
def test_no_mistake_in_them(tmp_path: Path, name: str) -> None:
    """As installed, but for the program, which need not be there."""
    for source in UNITS.iterdir():
        text = source.read_text("utf-8")
        assert "/usr/bin/fsdaemon" in text or source.suffix == ".socket"
        (tmp_path / source.name.replace("@.", "@8085.")).write_text(
            text.replace("/usr/bin/fsdaemon", "/bin/true")
        )
    result = analyze("verify", "--man=no", str(tmp_path / f"{name}.service"))
    ours = [line for line in result.stderr.splitlines() if "fsdaemon" in line]
    assert ours == []


@pytest.mark.parametrize("kind", ["service", "socket"])
def test_an_instance_is_like_the_one(kind: str) -> None:
    """fsdaemon@PORT differs in its name, its socket and its port, and in nothing else."""

    def settings(name: str) -> list[str]:
        lines = (UNITS / name).read_text("utf-8").splitlines()
        return [line for line in lines if line and not line.startswith(("#", "Description="))]

    one = [line.replace("fsdaemon.socket", "fsdaemon@%i.socket") for line in settings(f"fsdaemon.{kind}")]
    assert settings(f"fsdaemon@.{kind}") == [line.replace(":8084", ":%i") for line in one]


@pytest.mark.parametrize("unit", ["fsdaemon.service", "fsdaemon.socket"])
def test_nothing_but_this_machine(unit: str) -> None:
    """The service's rules are for what it opens itself, the socket's for what comes in."""
    lines = (UNITS / unit).read_text("utf-8").splitlines()
    rules = [line for line in lines if line.startswith("IPAddress")]
    assert rules == ["IPAddressDeny=any", "IPAddressAllow=localhost"]


def test_what_the_score_does_not_hold() -> None:
    lines = (UNITS / "fsdaemon.service").read_text("utf-8").splitlines()
    for wanted in ("DynamicUser=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "MemoryMax=256M"):
        assert wanted in lines
