"""Channel variables that FreeSWITCH would expand or split: no command of ours carries them on raw."""

import pytest

from fsdaemon.esl.fake_switch import channel_data
from tests.attacks.target import Target, call_data, recording

EVIL = {
    "expansion": "${hash(insert/x/y/z)}",
    "separator": "x\x1ftransfer_ringback=evil",
    "line break": "x\nsendmsg",
    "two line breaks": "x\n\nexit\n\n",
    "return": "x\r\n\r\n",
}
# What comes back into a command, and stands on the channel before us.
CARRIED = (
    "effective_caller_id_name",
    "fsdaemon_own_name",
    "fsdaemon_path",
    "fsdaemon_kinds",
    "fsdaemon_hop",
    "fsdaemon_label",
    "last_bridge_to",
    "fsdaemon_callee_name",
    "fsdaemon_forward_all",
    "fsdaemon_forward_except",
    "domain_name",
)


@pytest.mark.parametrize("name", CARRIED)
@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_one_variable(daemon: Target, name: str, evil: str) -> None:
    mark = daemon.mark
    on_the_way = {"fsdaemon_path": "103", "fsdaemon_kinds": "busy", "fsdaemon_hop": "100"}
    check(daemon, call_data(**{**on_the_way, name: evil}))
    daemon.unharmed(mark)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_the_callee(daemon: Target, evil: str) -> None:
    """With a path that leads to it: the only way for a callee that is no number into a command."""
    mark = daemon.mark
    data = call_data(fsdaemon_path="103", fsdaemon_kinds="busy", fsdaemon_hop=evil, fsdaemon_callee=evil)
    check(daemon, data)
    daemon.unharmed(mark)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_where_a_302_sends_the_call(daemon: Target, evil: str) -> None:
    """The Contact of a 302 becomes the destination: any phone, and whoever answers as one, writes it."""
    mark = daemon.mark
    data = channel_data(recording("phone_302_second_hop"), {"Caller-Destination-Number": evil})
    check(daemon, data)
    daemon.unharmed(mark)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_the_last_bridge(daemon: Target, evil: str) -> None:
    mark = daemon.mark
    check(daemon, call_data(last_bridge_to=evil, fsdaemon_bridged=evil))
    daemon.unharmed(mark)


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
def test_the_answer_to_a_question(daemon: Target, evil: str) -> None:
    mark = daemon.mark
    for variable in ("effective_caller_id_name", "call_forward_except"):
        check(daemon, call_data(), {f"user_data 100@lab.test var {variable}": evil})
    daemon.unharmed(mark)


def check(daemon: Target, data: bytes, api: dict[str, str] | None = None) -> None:
    played = daemon.call(data, api)
    assert not played.expanded
    assert not played.refused
    assert len(played.executed) == 1
    assert "transfer_ringback" not in played.variables
    assert played.variables["fsdaemon_verdict"] in ("ring", "forward")
