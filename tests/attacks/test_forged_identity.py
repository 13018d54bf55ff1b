"""An outside caller who calls herself 101, in every field she can write, is not the target 101."""

import pytest

from fsdaemon.esl.fake_switch import channel_data
from tests.attacks.target import Target, recording

# What an INVITE writes (freeswitch-facts: who is calling), and what looks like it.
WRITES = (
    "Caller-Caller-ID-Name",
    "Caller-Caller-ID-Number",
    "Caller-Username",
    "Caller-ANI",
    "Caller-Orig-Caller-ID-Number",
    "Caller-RDNIS",
    "Channel-Username",
    "sip_from_user",
    "sip_from_display",
    "sip_contact_user",
    "sip_referred_by_user",
    "sip_h_X-user_name",
    "sip_h_X-sip_authorized",
    "sip_h_Diversion",
    "sip_P-Asserted-Identity",
    "sip_Remote-Party-ID",
    "sip_auth_username",
    "sip_number_alias",
    "effective_caller_id_number",
    "dialed_user",
    "dialed_domain",
    "user_name",
    "domain_name",
)
OUTSIDE = ("external_forged_identity", "external_line_separator_in_name", "external_before_bridge")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("domain", ["", "lab.test"])
def test_a_recorded_stranger(daemon: Target, name: str, domain: str) -> None:
    mark = daemon.mark
    data = channel_data(recording(name), {"fsdaemon_forward_all": "101", "fsdaemon_domain": domain})
    played = daemon.call(data)
    assert played.variables["fsdaemon_verdict"] == "forward"
    assert played.variables["fsdaemon_reason"] == "always"
    daemon.unharmed(mark)


def test_all_fields_at_once_without_authorization(daemon: Target) -> None:
    mark = daemon.mark
    forged = {name: "lab.test" if "domain" in name else "101" for name in WRITES}
    forged |= {"fsdaemon_forward_all": "101", "fsdaemon_domain": "lab.test"}
    played = daemon.call(channel_data(recording("external_forged_identity"), forged))
    assert played.variables["fsdaemon_verdict"] == "forward"
    assert played.variables["fsdaemon_reason"] == "always"
    assert daemon.logs(mark, "forward 100 to 101 for 101: always$")
    daemon.unharmed(mark)


@pytest.mark.parametrize("value", ["false", "True", "TRUE", "1", "yes", "true,", "ARRAY::true|:true"])
def test_only_true_is_authorized(daemon: Target, value: str) -> None:
    mark = daemon.mark
    forged = {
        "fsdaemon_forward_all": "101",
        "fsdaemon_domain": "lab.test",
        "sip_authorized": value,
        "user_name": "101",
        "domain_name": "lab.test",
    }
    played = daemon.call(channel_data(recording("external_forged_identity"), forged))
    assert played.variables["fsdaemon_reason"] == "always"
    daemon.unharmed(mark)
