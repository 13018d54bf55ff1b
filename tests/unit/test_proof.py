"""Who sent a SUBSCRIBE: the rows of the genuine phone, and those of everybody who would like to be it."""

from __future__ import annotations

from typing import Any

import pytest

from fsdaemon.core.proof import FEATURE, Asked, Registration, Subscription, key_pressed, watches
from fsdaemon.core.users import User

BOSS = User("1001", "lab.test")
NOW = 1_795_748_760
EVENT = Asked("1001", "lab.test", "abc", 300, f"{NOW}779547")
ROW = Subscription(
    "abc", FEATURE, "1001", "lab.test", "1001", "lab.test", "192.0.2.9", "5062", NOW + 300, "internal", "sip"
)
HERE = Registration("1001", "1001", "lab.test", "192.0.2.9", "5062")


def asked(**changes: Any) -> Asked:
    return EVENT._replace(**changes)


def test_the_genuine_phone() -> None:
    assert key_pressed(EVENT, BOSS, [ROW], [HERE]) == ("", "192.0.2.9")
    other = ROW._replace(call_id="other", network_port="5070")
    elsewhere = Registration("1002", "1002", "lab.test", "192.0.2.9", "5070")
    assert key_pressed(EVENT, BOSS, [other, ROW], [HERE, elsewhere, HERE]).why_not == ""
    assert key_pressed(asked(now=f"{NOW + 1}000001"), BOSS, [ROW], [HERE]).why_not == ""
    # A phone that has the address in From; and a domain in other letters.
    by_address = key_pressed(asked(host="192.0.2.1"), BOSS, [ROW._replace(sip_host="192.0.2.1")], [HERE])
    assert by_address.why_not == ""
    as_written = HERE._replace(sip_realm="192.0.2.1")
    by_address = key_pressed(
        asked(host="192.0.2.1"), BOSS, [ROW._replace(sip_host="192.0.2.1")], [as_written]
    )
    assert by_address.why_not == ""
    assert key_pressed(EVENT, BOSS, [ROW], [HERE._replace(sip_realm="LAB.test")]).why_not == ""


@pytest.mark.parametrize(
    ("row", "registered", "event"),
    [
        ({"event": "AS-Feature-Event"}, [HERE], {}),
        ({"event": "as-feature-event;id=1"}, [HERE], {}),
        ({"event": "dialog"}, [HERE], {}),
        ({"sub_to_user": "1002"}, [HERE], {}),
        ({"sip_user": "1002"}, [HERE], {}),
        ({"sip_user": "1002", "sub_to_user": "1002"}, [HERE], {}),
        ({"sip_host": "other.test"}, [HERE], {}),
        ({"call_id": "abd"}, [HERE], {}),
        ({"expires": NOW + 200}, [HERE], {}),  # refreshed before, by somebody else
        ({"expires": NOW + 310}, [HERE], {}),
        ({}, [HERE], {"now": ""}),
        ({}, [HERE], {"now": "-1"}),
        ({}, [], {}),
        ({"network_port": "5063"}, [HERE], {}),
        ({"network_ip": "192.0.2.8"}, [HERE], {}),
        ({}, [HERE._replace(sip_username="1002")], {}),
        ({}, [HERE._replace(sip_user="1002")], {}),
        ({}, [HERE._replace(sip_user="1002", sip_username="1002")], {}),
        ({}, [HERE._replace(sip_realm="b.test")], {}),
        ({}, [HERE, HERE._replace(sip_user="1002", sip_username="1002")], {}),
        ({}, [HERE, HERE._replace(sip_realm="b.test")], {}),
    ],
)
def test_no_proof(row: dict[str, Any], registered: list[Registration], event: dict[str, str]) -> None:
    found = key_pressed(asked(**event), BOSS, [ROW._replace(**row)], registered)
    assert found.why_not
    assert found.address in ("192.0.2.8", "192.0.2.9", "unknown")


def test_without_a_row_and_with_two() -> None:
    assert key_pressed(EVENT, BOSS, [], [HERE]) == ("FreeSWITCH has no such subscription", "unknown")
    # In an event both are a%40b.
    rows = [ROW._replace(call_id="a@b"), ROW._replace(call_id="a%40b", network_port="5070")]
    assert (
        key_pressed(asked(call_id="a@b"), BOSS, rows, [HERE]).why_not == "two subscriptions have this Call-ID"
    )
    assert key_pressed(asked(call_id="a@b"), BOSS, rows[:1], [HERE]).why_not == ""


def test_who_watches() -> None:
    row = ROW._replace(event="dialog", sub_to_user="1000", proto="forward", expires=NOW)
    assert watches(EVENT, BOSS, [row], [HERE])
    assert not watches(EVENT, BOSS, [], [HERE])
    assert not watches(EVENT, BOSS, [row], [])
    assert not watches(EVENT, BOSS, [row._replace(network_port="1")], [HERE])
