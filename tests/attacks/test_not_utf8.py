"""Channel data that is no UTF-8, raw or percent-encoded: the call is decided, the rest is shown as U+FFFD."""

import pytest

from tests.attacks.target import Target, call_data

BAD = {
    "raw": b"\xff\xfe\x80 \xc3",
    "encoded": b"%FF%FE%80%20%C3",
    "overlong": b"%C0%AF%E0%80%AF",
    "surrogate": b"%ED%A0%80",
    "half an escape": b"%F%%G1%",
    "nul": b"a\x00b%00c",
}


def with_name(value: bytes) -> bytes:
    data = call_data()
    name = b"variable_effective_caller_id_name: "
    assert data.count(name) == 1
    return data.replace(name + b"Sina%20Sekretariat", name + value)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_the_callers_name(daemon: Target, value: bytes) -> None:
    mark = daemon.mark
    played = daemon.call(with_name(value))
    assert played.variables["fsdaemon_target"] == "102"
    assert played.variables["effective_caller_id_name"].startswith("Uml. fuer Cora Chefin%3A ")
    daemon.unharmed(mark)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_the_target(daemon: Target, value: bytes) -> None:
    """It is no number, so it is no forward."""
    mark = daemon.mark
    data = call_data().replace(
        b"variable_fsdaemon_forward_all: 102", b"variable_fsdaemon_forward_all: " + value
    )
    played = daemon.call(data)
    assert played.variables["fsdaemon_verdict"] == "ring"
    assert played.variables["fsdaemon_reason"] == "no_forward"
    daemon.unharmed(mark)


def test_every_value(daemon: Target) -> None:
    """Everything but the two lines that make it a message."""
    mark = daemon.mark
    lines = [
        line
        if line.startswith((b"Content-Type", b"Reply-Text"))
        else line.partition(b":")[0] + b": \xff\xfe%FF"
        for line in call_data().rstrip(b"\n").split(b"\n")
    ]
    assert daemon.call(b"\n".join(lines) + b"\n\n").variables["fsdaemon_verdict"] == "ring"
    daemon.unharmed(mark)
