"""What a trunk gets of a forwarded call."""

from __future__ import annotations

import pytest

from fsdaemon.core import policy, trunk
from fsdaemon.core.diversion import Diverter
from fsdaemon.core.forwards import Public, public_number
from fsdaemon.terms import variables as v
from tests.facts import call, config, inside, outside

MOBILE = "+491709999999"
PUBLIC = Public("Firma", {"100": "+4930555100", "103": ""})
MAX = outside("+491701234567", "Max")
SECRET = outside("+491701234567", "Max", withheld=True)


def told(caller, text="", **facts):
    made, configuration = call(caller, **{"always": MOBILE, "public": PUBLIC, **facts}), config(text)
    verdict = policy.decide(made, configuration)
    return trunk.headers(made, verdict, configuration), trunk.identity(made, verdict, configuration)


def routing(identity, host="carrier.example"):
    return f'[routing]\ntrunk_identity = "{identity}"\ntrunk_host = "{host}"\n'


def test_a_diverter_without_a_public_number_is_left_out():
    path = (Diverter("103", "busy", "Vera"),)
    header = told(inside("102"), path=path)[0][v.DIVERSION]
    assert header == "<sip:+4930555100@invalid>;reason=unconditional;counter=1;privacy=off"
    assert told(inside("102"), public=Public())[0] == {}


def test_the_internal_domain_does_not_go_out():
    for identity in trunk.IDENTITIES:
        for host in ("", "carrier.example"):
            assert "lab.test" not in repr(told(inside("102"), routing(identity, host)))


def test_nothing_is_told_where_it_is_not_wanted():
    assert told(MAX, "[routing]\ntrunk_headers = []\n")[0] == {}


@pytest.mark.parametrize(
    ("identity", "leg"),
    [
        ("caller", {}),
        (
            "diverter-with-caller-asserted",
            {
                "sip_from_display": "Firma",
                "sip_cid_type": "pid",
                "sip_from_uri": "sip:+4930555100@carrier.example",
            },
        ),
        (
            "diverter-with-caller-preferred",
            {
                "sip_from_display": "Firma",
                "sip_cid_type": "pid",
                "sip_from_uri": "sip:+4930555100@carrier.example",
                "origination_privacy": "no",
            },
        ),
        (
            "caller-with-diverter-asserted",
            {"sip_cid_type": "none", "sip_h_P-Asserted-Identity": "<sip:+4930555100@carrier.example>"},
        ),
        (
            "caller-with-diverter-preferred",
            {"sip_cid_type": "none", "sip_h_P-Preferred-Identity": "<sip:+4930555100@carrier.example>"},
        ),
    ],
)
def test_who_stands_where(identity, leg):
    found = told(MAX, routing(identity))[1]
    assert (found.number, found.leg) == ("", leg)


def test_the_diverter_in_from_by_either_key():
    for text in (routing("diverter"), '[routing]\noutside_caller_id = "diverter"\n'):
        assert told(MAX, text)[1] == trunk.Identity("Firma", "+4930555100")


def test_without_a_public_number_the_caller_stays():
    for identity in trunk.IDENTITIES:
        assert told(MAX, routing(identity), public=Public())[1] == trunk.Identity()


@pytest.mark.parametrize("identity", trunk.IDENTITIES)
@pytest.mark.parametrize("host", ["", "carrier.example"])
@pytest.mark.parametrize("public", [Public(), PUBLIC])
def test_a_withheld_caller_is_in_no_header(identity, host, public):
    headers, found = told(SECRET, routing(identity, host), public=public)
    assert "1701234567" not in repr((headers, found))
    assert "Max" not in repr((headers, found))
    assert found.number or found.leg["sip_from_uri"] != ""


@pytest.mark.parametrize(
    ("found", "rule", "number"),
    [
        ("", "", ""),
        ("+49 30 555-100", "", "+4930555100"),
        ("", "+4930555{extension}", "+4930555100"),
        ("0000000000", "+4930555{extension}", "0000000000"),
        ("sip:100@lab.test", "", ""),
        ("100;x=y", "", ""),
    ],
)
def test_a_public_number(found, rule, number):
    assert public_number(found, "100", rule) == number


def test_forwards_before_it_came_here():
    """A believed gateway may be another PBX: its extensions and its host stay here."""
    before = (
        Diverter("+49302000", "busy", "Amt", "pbx.internal"),
        Diverter("200", "always", "Chef", "pbx.internal"),
    )
    header = told(MAX, before_us=before)[0][v.DIVERSION]
    assert "+49302000" in header
    assert not any(word in header for word in ("internal", ":200@", "Amt", "Chef"))


@pytest.mark.parametrize(("wanted", "sent"), [("true", 1), ("false", 0), ('"trunks"', 1), ('"phones"', 0)])
def test_the_switch_for_trunks(wanted, sent):
    assert len(told(MAX, f"[display]\ndiversion = {wanted}\n")[0]) == sent


def test_history_info():
    text = '[routing]\ntrunk_headers = ["history-info"]\ntrunk_host = "carrier.example"\n'
    path = (Diverter("104", "busy", "Zoe"),)
    public = Public("", {"104": "+4930555104", "100": "+4930555100"})
    headers = told(inside("102"), text, path=path, public=public)[0]
    assert headers == {
        v.HISTORY_INFO_OUT: "<sip:+4930555104@carrier.example>;index=1, "
        "<sip:+4930555100@carrier.example;cause=486>;index=1.1;mp=1, "
        f"<sip:{MOBILE}@carrier.example;cause=302>;index=1.1.1;mp=1.1"
    }
