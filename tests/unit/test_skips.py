"""What pytest says at its end of tests that were skipped: three lines, so that a failure above stays in sight."""

from __future__ import annotations

from tests.conftest import summed_up


def test_three_lines() -> None:
    assert summed_up([]) == []
    assert summed_up(["Skipped: no FreeSWITCH"] * 1300) == ["skipped 1300: no FreeSWITCH"]
    reasons = ["a", "b", "b", "c", "c", "c"]
    assert summed_up(reasons) == ["skipped 3: c", "skipped 2: b", "skipped 1: a"]
    assert summed_up([*reasons, "d"]) == [
        "skipped 3: c",
        "skipped 2: b",
        "skipped 2 for 2 other reasons (pytest -rs)",
    ]
