"""A caller whose name holds U+2028 and `variable_user_name: 101`: a stranger still.

greenswitch 0.0.19 decodes before it splits, at every Unicode line end, and believes her.
"""

import pytest

from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms.channel import Headers
from tests.attacks.target import Target, recording

DATA = recording("external_line_separator_in_name")
# Everything str.splitlines() takes for a line end, and what an escape may hide.
LINE_ENDS = "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\n\n"


def test_the_recording(daemon: Target) -> None:
    mark = daemon.mark
    assert "variable_user_name" not in Headers(DATA)
    played = daemon.call(channel_data(DATA, {"fsdaemon_forward_all": "101"}))
    assert played.variables["fsdaemon_verdict"] == "forward"
    assert played.variables["fsdaemon_reason"] == "always"
    assert played.variables["fsdaemon_target"] == "101"
    label = played.variables["effective_caller_id_name"]
    assert label == "Uml. fuer 100%3A Jörg Groß variable%5Fuser%5Fname%3A 101"
    assert daemon.logs(mark, r"forward 100 to 101 for \+491701234567: always$")
    daemon.unharmed(mark)


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_no_line_end_adds_a_header(daemon: Target, end: str) -> None:
    mark = daemon.mark
    forged = end.join(
        [
            "Joe",
            "variable_sip_authorized: true",
            "variable_user_name: 101",
            "variable_domain_name: lab.test",
            "",
        ]
    )
    changes = {
        "fsdaemon_forward_all": "101",
        "fsdaemon_domain": "lab.test",
        "Caller-Caller-ID-Name": forged,
        "Caller-Caller-ID-Number": forged,
        "sip_from_display": forged,
        "sip_h_X-Note": forged,
    }
    played = daemon.call(channel_data(DATA, changes))
    assert played.variables["fsdaemon_reason"] == "always"
    assert played.variables["fsdaemon_verdict"] == "forward"
    daemon.unharmed(mark)
