"""The Diversion header (RFC 5806), as the next switch or the carrier reads it.

Rule: written from our own path only. What a stranger's Diversion says is never read here.
"""

from __future__ import annotations

from fsdaemon.call import Diverter

# RFC 5806 section 4: diversion-reason.
REASONS = {
    "always": "unconditional",
    "busy": "user-busy",
    "no_answer": "no-answer",
    "not_registered": "unavailable",
    "redirect": "deflection",
}


def write(path: tuple[Diverter, ...], domain: str) -> str:
    """The value of a Diversion header for `path`: newest diverter first (RFC 5806 section 5).

    `domain` is the host part of the diverters' addresses. Empty for an empty path.
    """
    return ", ".join(_entry(step, domain or "invalid") for step in reversed(path))


def _entry(step: Diverter, domain: str) -> str:
    reason = REASONS.get(step.kind, "unknown")
    address = step.number if "@" in step.number else f"{step.number}@{domain}"
    return f"<sip:{address}>;reason={reason};counter=1;privacy=off"
