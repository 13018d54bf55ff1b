"""For all tests: no one of them depends on how busy the machine is, and what was skipped is said in three lines."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# What a busy machine takes longer for is not wrong.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_LINES = 3


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why tests were skipped, the commonest reasons first. `pytest -rs` lists each place, as ever."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped or "s" in terminalreporter.config.option.reportchars:
        return
    for line in summed_up([str(report.longrepr[2]) for report in skipped]):
        terminalreporter.write_line(line)


def summed_up(reasons: list[str]) -> list[str]:
    """Three lines at most: how often each reason was given."""
    counted = Counter(reason.removeprefix("Skipped: ") for reason in reasons).most_common()
    shown = counted if len(counted) <= _LINES else counted[: _LINES - 1]
    lines = [f"skipped {count}: {reason}" for reason, count in shown]
    rest = counted[len(shown) :]
    if rest:
        lines.append(f"skipped {sum(count for _, count in rest)} for {len(rest)} other reasons (pytest -rs)")
    return lines
