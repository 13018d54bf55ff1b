"""Each fuzz target for a moment: that it runs, and that nothing is found at once (see fuzz/)."""

import pytest

from fuzz import decide, headers, parser, session
from fuzz.run import Target, run

TARGETS = (parser.TARGET, decide.TARGET, session.TARGET, headers.TARGET)


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_nothing_is_found_at_once(target: Target) -> None:
    result = run(target, 60, seed=0, shrink=False, most=50)
    assert not result.failure, f"{result.failure}\ncheck(*{result.arguments!r})"
    assert result.runs == 50
