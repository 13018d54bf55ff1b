"""Names and numbers as long as a SIP message: cheap to decide about, and no log line to match.

SIP over TCP knows no limit of a line; what a stranger writes at length must not cost others their time.
"""

import pytest

from fsdaemon.esl.fake_switch import channel_data
from tests.attacks.target import Target, call_data, recording

LENGTH = 60_000
CALLS = 10
FIELDS = (
    "Caller-Caller-ID-Name",
    "Caller-Caller-ID-Number",
    "Caller-Destination-Number",
    "effective_caller_id_name",
    "fsdaemon_forward_all",
    "sip_h_Diversion",
)


@pytest.mark.parametrize("letter", ["#", "1", "ü", "Uml. fuer A ueber B: "], ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_it_is_cheap(daemon: Target, field: str, letter: str) -> None:
    mark, cpu = daemon.mark, daemon.cpu()
    value = (letter * LENGTH)[: LENGTH // len(letter.encode())]
    data = channel_data(recording("external_before_bridge"), {"fsdaemon_forward_all": "101", field: value})
    for _ in range(CALLS):
        assert daemon.call(data).variables["fsdaemon_verdict"] in ("ring", "forward")
    assert daemon.cpu() - cpu < CALLS * 0.1
    assert len(daemon.verdicts(mark)) == CALLS, "a line that does not end with the reason"
    assert max(map(len, daemon.since(mark))) < 2000
    daemon.unharmed(mark)


def test_the_answer_to_a_question(daemon: Target) -> None:
    mark, cpu = daemon.mark, daemon.cpu()
    for _ in range(CALLS):
        played = daemon.call(
            call_data(), {"user_data 100@lab.test var effective_caller_id_name": "#" * LENGTH}
        )
        assert len(played.variables["effective_caller_id_name"]) < 4000
    assert daemon.cpu() - cpu < CALLS * 0.1
    daemon.unharmed(mark)
