"""What is logged."""

from __future__ import annotations

from fsdaemon.log import Sparse, one_line


def test_strangers_cannot_break_or_disguise_a_line():
    assert one_line("a\r\nb\x1b[31mc\u202ed\u2028e") == "a??b?[31mc?d?e"


def test_what_repeats_is_counted():
    said, now = [], [0.0]
    sparse = Sparse(said.append, lambda: now[0])
    for _ in range(5):
        sparse("refused", "refused a call")
    sparse("timeout", "too late")
    now[0] = 1.5
    sparse("refused", "refused a call")
    assert said == ["refused a call", "too late", "refused a call (and 4 more like it)"]
