"""Whatever stands in a Diversion or a History-Info, it is read in one pass, and what is written is plain.

Never raises; at most ten diverters; each can be dialled or is anonymous; who is hidden stays hidden on every
way; the longest value takes no time to speak of; what we write is read as it was meant.
"""

from __future__ import annotations

import sys
import time

from hypothesis import strategies as st

from fsdaemon.core import addresses, diversion, history_info, incoming
from fsdaemon.core.diversion import MOST, Diverter
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.kinds import KINDS
from fsdaemon.terms.numbers import dialable
from fuzz import corpus
from fuzz.run import Target, main

TOKENS = (
    *("<", ">", '"', "\\", '\\"', ",", ";", ", ", "@", "?", "&", "=", ":", "[", "]", "(", ")", " ", "\t"),
    *("sip:", "SIPS:", "tel:", "<sip:", "<tel:+49-30-1>", "mailto:", "%2B", "%23", "%40", "%00", "%3E", "%"),
    *("+4930555", "100", "(0)", "a.b", "anonymous", "anonymous.invalid", "unknown.invalid", "h", "[::1]"),
    *(";reason=", "unconditional", "user-busy", '"no-answer"', ";privacy=", "full", "off", ";counter=1"),
    *(";index=", "1", "1.1", "1.1.1", "1." * 60, "9" * 400, ";mp=", ";rc=", ";np", ";cause=", "302", "486"),
    *("?Reason=", "SIP%3Bcause%3D302", "Q.850;cause=17", "&Privacy=history", "?Privacy=none", "ARRAY::"),
    *("<sip:1@h>;index=1", ", <sip:2@h;cause=486>;index=1.1;mp=1", "<sip:1@h?Privacy=history>;index=1"),
    *("|:", "\r\n ", "${x}", "^^!", "!", "'", "ü", "\u2028", "\x00", "\x1f", "٣", ":5060", "%zz", "380"),
)
_header = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=40).map("".join),
    corpus.text,
    st.builds(lambda token, count: token * count, st.sampled_from(TOKENS), st.integers(1, 3000)),
    st.builds(
        lambda one, other, count: (one + other) * count,
        st.sampled_from(TOKENS),
        st.sampled_from(TOKENS),
        st.integers(1, 2000),
    ),
)
_SLOWEST = 1.0  # seconds for the longest value that a session reads; it takes some milliseconds
_PLAIN = set("!${}\"'\\|\r\n\x1f\x00^~")


def check(one: str, other: str) -> None:
    """Read both as either header, put them together, write what was found, and read that again."""
    started = time.process_time()
    for text in (one, other):
        check_read(diversion.read(text))
        check_read(history_info.read(text))
        assert sum(1 for _ in addresses.read(text)) <= text.count(",") + text.count("|:") + 1
    told = incoming.merged(diversion.read(one), history_info.read(other))
    assert told == incoming.merged(diversion.read(one), history_info.read(other))
    check_read(told)
    shown = tuple(step.withheld() for step in told)
    assert not any(step.hidden and step.number != addresses.ANONYMOUS for step in shown)
    check_written(told)
    assert time.process_time() - started < _SLOWEST, "slow"


def check_read(found: tuple[Diverter, ...]) -> None:
    assert len(found) <= MOST
    for step in found:
        assert dialable(step.number)
        assert step.kind in KINDS
        assert step.hidden or step.number.lower() != addresses.ANONYMOUS
        assert len(step.name) <= 200
        assert not any(ch < " " or ch == "\x7f" for ch in step.name)


def check_written(path: tuple[Diverter, ...]) -> None:
    text = diversion.write(path, "lab.test")
    assert not set(text) & _PLAIN
    assert [step.number for step in diversion.read(text)] == [step.number for step in path]
    kept = diversion.keep(path)
    assert len(kept) <= 1500
    assert not set(kept) & _PLAIN
    again = diversion.read(Headers(f"x: {kept}".encode()).get("x"))
    assert [step.hidden for step in again] == [step.hidden for step in path] or len(again) < len(path)
    steps = [(step.number, step.host or "h", step.kind, step.hidden) for step in path]
    history = history_info.write(steps, "+49301", "carrier.example")
    assert bool(history) == bool(path)
    assert not set(history) & _PLAIN
    read = history_info.read(history)
    assert [(step.number, step.host, step.kind, step.hidden) for step in read] == steps


def from_bytes(data: bytes) -> tuple[str, str]:
    """For libFuzzer: the two headers are the two halves."""
    text = data.decode("utf-8", "replace")
    return text[: len(text) // 2], text[len(text) // 2 :]


TARGET = Target("headers", check, st.tuples(_header, _header), from_bytes)

if __name__ == "__main__":
    sys.exit(main(TARGET))
