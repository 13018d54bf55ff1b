"""`make soak`, very short: that it runs, and that it sees a lost call."""

from __future__ import annotations

import random
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench.stories import TRUNK, Call, Cast, Stories
from tests.live.switch import ROOT


def test_it_runs():
    options = {"calls": 40, "sessions": 2000, "peers": 50, "kills": 1, "every": 6, "rate": 8, "seed": 1}
    command = [sys.executable, "-m", "bench.soak"]
    command += [text for name, value in options.items() for text in (f"--{name}", str(value))]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "soak: all is well" in run.stdout


ENDS = [
    ("always", "120", 200, ["110"], True, ""),
    ("always", "120", 200, ["120"], True, "lost"),
    ("always", "120", 200, [], False, "lost"),
    ("always", "120", 480, [], False, "lost"),
    ("plain", "111", 200, ["111"], False, ""),
    ("plain", "111", 200, ["111"], True, "showed a label"),
    ("exception", "120", 200, ["120"], False, ""),
    ("exception", "120", 200, ["120"], True, "showed a label"),
    ("chain", "129", 200, ["110"], True, ""),
    ("to outside", "140", 200, [TRUNK], False, ""),
    ("nobody", "141", 480, [], False, ""),
    ("code", "*21*110#", 200, ["110"], False, "lost"),
    ("attended", "111", 200, ["111"], False, "lost in the transfer"),
]


@pytest.mark.parametrize(("kind", "number", "status", "answered", "labelled", "problem"), ENDS)
def test_it_sees_a_lost_call(kind, number, status, answered, labelled, problem):
    cast = Cast(random.Random(1))
    for user, (forward, target) in cast.tables[0].items():
        cast.tables[0][user] = (forward, "110" if target in cast.roles["target"] else target)
    stories = Stories(SimpleNamespace(later=lambda *_: None), cast, random.Random(1))
    caller = "110" if kind == "exception" else "100"
    call = Call("0", kind, caller, number, "answers", 0, to="120", status=status, answered=answered)
    call.labelled = labelled
    call.legs = [SimpleNamespace(ended=True, call_id="x")]
    stories._finish(call)
    assert [text.startswith(problem) for text in stories.failures] == [True] * bool(problem)
