"""Two FreeSWITCHes on one PostgreSQL, each with its own daemon beside it: docs/scaling.md."""

from __future__ import annotations

import signal

import pytest

from tests.live.caller import Callers, Engaged
from tests.live.handset import both_at_once, confirmed_is_in_effect
from tests.live.nodes import Node, missing
from tests.live.on_nodes.conftest import started
from tests.live.scenarios import labelled, own_name_only

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")

CALLS, EVERY = 80, 0.05
BUSY = 486  # said by the secretary's phone; the boss has none: 480


@pytest.fixture(scope="module")
def nodes(tmp_path_factory, database):
    """A on 127.0.0.1 and B on 127.0.0.2."""
    places = (("127.0.0.1", "node-a"), ("127.0.0.2", "node-b"))
    with started(
        *(Node(tmp_path_factory.mktemp(name), host, name, database.dsn) for host, name in places)
    ) as nodes:
        yield nodes


def test_each_at_a_node(site, node_b, daemons, lab):
    """The forward is of the directory; caller and target are at B, the boss is at A."""
    for node in (site, node_b):
        node.forwards(boss={"all": "secretary"})
    (boss,) = lab.register("boss")
    secretary, kai = lab.register("secretary", "kai", site=node_b)
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    lab.hangup_all()
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")
    assert len(secretary.incoming) == 1
    lab.hangup_all()
    assert not [line for line in daemons[0].lines if " for " in line]
    boss.dial("secretary")
    own_name_only(lab.rings(secretary, 2), "boss")
    assert daemons[1].says("forward {boss} to {secretary} for {kai}: always")
    assert daemons[1].says("ring {boss} for {secretary}: target")


def test_a_forward_dialled_at_one_node_counts_at_the_other(site, node_b, daemons, lab):
    """The boss dials *21*101# and #21# at A; all others are at B."""
    (boss,) = lab.register("boss")
    secretary, kai = lab.register("secretary", "kai", site=node_b)

    def code(digits):
        call = boss.dial(digits.replace("#", "%23"))
        lab.wait(lambda: call.gone, "confirmed")
        assert call.code == 200

    code(site.filled("*21*<secretary>#"))
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    lab.hangup_all()
    assert not boss.rang
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")
    lab.hangup_all()
    code("#21#")
    kai.dial("boss")
    own_name_only(lab.rings(boss, 2))
    assert len(secretary.incoming) == 1
    assert daemons[1].says("forward {boss} to {secretary} for {kai}: always")
    assert daemons[1].says("ring {boss} for {secretary}: target")
    assert daemons[1].says("ring {boss} for {kai}: no_forward")


def test_two_codes_at_the_same_moment(site, node_b, daemons):
    """At A and at B, each with a daemon of its own: PostgreSQL is all that they share."""
    confirmed_is_in_effect(both_at_once([site, node_b], ("*21*101#", "*67*105#"), 100))


def test_who_transfers_by_keys_at_the_other_node(site, node_b, daemons, lab):
    """*4 100#: all of it happens at the node that has the call, wherever the secretary is registered."""
    for node in (site, node_b):
        node.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    (kai,) = lab.register("kai", site=node_b)
    _, first = lab.connect(kai, "secretary", secretary)
    lab.turn(0.5)
    first.press("*4")
    lab.turn(0.7)
    first.press("100#")
    lab.rings(boss, 1, 10)
    assert len(secretary.incoming) == 1


def test_the_daemon_of_one_node_is_killed_under_calls(site, node_b, daemons):
    """20 calls a second at each node for four seconds; A's daemon is killed after one."""
    for node in (site, node_b):
        node.forwards(boss={"all": "secretary"})
    secretary = Engaged(site.host, site.sip, site.domain, "101", site.password("101"))
    at_a = Callers(site.sip_out, "Anna", host=site.host)
    at_b = Callers(node_b.sip_out, "Bert", host=node_b.host)
    for count in range(CALLS):
        if count == 20:
            daemons[0].signal(signal.SIGKILL)
        for callers in (at_a, at_b):
            callers.call("100")
            callers.turn(EVERY / 2)
    for callers in (at_a, at_b):
        assert callers.all_ended(30)
        callers.close()
        assert [made.code for made in callers.calls.values()] == [BUSY] * CALLS
        seconds = sorted(made.seconds for made in callers.calls.values())
        print(
            f"{callers.name}: worst {seconds[-1] * 1000:.0f} ms, median {seconds[CALLS // 2] * 1000:.0f} ms"
        )
    secretary.close()
    anna, bert = ([name for name in secretary.shown.values() if who in name] for who in ("Anna", "Bert"))
    assert len(anna) == len(bert) == CALLS
    assert set(bert) == {"Uml. fuer Cora Chefin: Bert"}
    assert anna[0] == "Uml. fuer Cora Chefin: Anna"
    assert set(anna[-40:]) == {"Anna"}


def test_a_call_while_the_database_is_away_waits_for_it(site, node_b, database, daemons):
    """It is not lost, and nothing bounds its waiting: FreeSWITCH asks the database where the phones are."""
    node_b.forwards(boss={"all": "4860"})
    callers = Callers(node_b.sip_out, host=node_b.host)
    database.stop()
    try:
        made = callers.call("100")
        callers.turn(3)
        assert made.code == 0
    finally:
        database.start()
    assert callers.all_ended(30)
    callers.close()
    assert made.code == BUSY
