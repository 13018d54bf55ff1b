"""Sites with a dialplan of their own (freeswitch/dialplan/examples): what a user sees there, with real phones.

A test plays on both sites, unless it says which. The daemon has no configuration.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.daemon import Daemon, free_port
from tests.live.sites import Mortal, OneTenant, Site, TwoTenants

SITES = {"one_tenant": OneTenant, "two_tenants": TwoTenants}
in_one = pytest.mark.parametrize("freeswitch", ["one_tenant"], indirect=True)
in_two = pytest.mark.parametrize("freeswitch", ["two_tenants"], indirect=True)

KAI = "Uml. fuer Cora Chefin: Kai Kollege"
BOSS_TO_SECRETARY = {"all": "101"}


@pytest.fixture(scope="module", params=list(SITES))
def freeswitch(request, tmp_path_factory) -> Iterator[Site]:
    site = SITES[request.param](tmp_path_factory.mktemp(request.param))
    site.start()
    yield site
    site.stop()


def diversion(site: Site, user: str, reason: str) -> str:
    return f"<sip:{user}@{site.domain}>;reason={reason};counter=1;privacy=off"


def own_name_only(leg, name="Kai Kollege"):
    assert leg.display == name
    assert leg.header("Diversion") is None
    assert "Uml." not in leg.msg


def conference_members(site: Site) -> str:
    return "".join(site.api(f"conference {name} list") for name in ("office", "alpha"))


# --- the forwards ----------------------------------------------------------------------------------


def test_a_plain_call(switch, daemon, scene):
    def scenario(lab):
        boss, kai = lab.register("100", "102")
        call, leg = lab.connect(kai, "100", boss)
        own_name_only(leg)
        leg.end()
        lab.wait(lambda: call.gone, "hung up")

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 102: no_forward$")


def test_always_and_the_target_breaks_through(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call, leg = lab.connect(kai, "100", secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == diversion(switch, "100", "unconditional")
        assert not boss.rang
        call.end()
        lab.turn(0.3)
        _, leg = lab.connect(secretary, "100", boss)
        own_name_only(leg, "Sina Sekretariat")
        assert len(secretary.incoming) == 1

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards always to 101\)$")


def test_busy(switch, daemon, scene):
    switch.forwards(u100={"busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == diversion(switch, "100", "user-busy")

    scene(scenario)


def test_no_answer(switch, daemon, scene):
    switch.forwards(u100={"no_answer": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        own_name_only(lab.rings(boss))
        leg = lab.rings(secretary, 1, 8)
        assert leg.display == KAI
        assert leg.header("Diversion") == diversion(switch, "100", "no-answer")

    scene(scenario)


def test_not_registered(switch, daemon, scene):
    switch.forwards(u105={"not_registered": "101"})

    def scenario(lab):
        secretary, kai = lab.register("101", "102")
        kai.dial("105")
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Nie Da: Kai Kollege"
        assert leg.header("Diversion") == diversion(switch, "105", "unavailable")

    scene(scenario)


def test_a_chain(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"busy": "103"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        secretary.policy = "busy"
        kai.dial("100")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"
        both = (diversion(switch, "101", "user-busy"), diversion(switch, "100", "unconditional"))
        assert leg.header("Diversion") == ", ".join(both)
        assert secretary.last.display == KAI

    scene(scenario)


def test_a_loop_ends(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "100"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == KAI
        assert not boss.rang

    scene(scenario)


def test_the_phone_forwards(switch, daemon, scene):
    """A 302: to a user, to the group, and out of the trunk, where nothing of fsdaemon is."""

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        boss.policy = f"redirect:<sip:101@{switch.domain}>"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == KAI
        assert leg.header("Diversion") == diversion(switch, "100", "deflection")
        lab.hangup_all()
        boss.policy = f"redirect:<sip:2000@{switch.domain}>"
        secretary.dial("100")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin: Sina Sekretariat"
        assert leg.header("Diversion") == diversion(switch, "100", "deflection")
        lab.hangup_all()
        boss.policy = f"redirect:<sip:05551234567@{switch.domain}>"
        kai.dial("100")
        own_name_only(lab.at_carrier())

    scene(scenario)


def test_a_boss_who_forwards_calls_a_colleague(switch, daemon, scene):
    """Directory variables on the caller's channel are the caller's own."""
    switch.extra = {"100": {"call_forward_all": "101", "call_forward_busy": "101"}}
    switch.forwards(u100={"all": "101", "busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.dial("102")
        own_name_only(lab.rings(kai), "Cora Chefin")
        lab.hangup_all()
        kai.policy = "busy"
        boss.dial("102")
        lab.rings(kai, 2)
        lab.turn(1.5)
        assert not secretary.rang
        lab.hangup_all()
        kai.dial("100")
        assert lab.rings(secretary).display == KAI

    scene(scenario)


def test_a_call_from_outside(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)
    number = "100" if isinstance(switch, OneTenant) else "30100"

    def scenario(lab):
        _, secretary = lab.register("100", "101")
        stranger = lab.phone("101", register=False, uri=f'"Max" <sip:101@{switch.domain}>')
        stranger.dial(number)
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Cora Chefin: Max"
        assert leg.header("Diversion") == diversion(switch, "100", "unconditional")

    scene(scenario)


def test_nobody_takes_it(switch, daemon, scene):
    """No forward, or one that ends nowhere: the mailbox of the user."""
    switch.forwards(u100={"no_answer": "105"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("100")
        lab.rings(boss)
        lab.wait(lambda: call.up, "the mailbox", 12)
        call.end()
        lab.turn(0.3)
        secretary.policy = "busy"
        call = kai.dial("101")
        lab.wait(lambda: call.up, "the mailbox")

    scene(scenario)


# --- transfers -------------------------------------------------------------------------------------


def test_a_blind_transfer_to_the_boss_comes_back(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        _, first = lab.connect(kai, "101", secretary)
        own_name_only(first)
        first.send_to("100")
        assert lab.rings(secretary, 2).display == KAI
        assert not boss.rang

    scene(scenario)


def test_an_attended_transfer_to_the_boss(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call, first = lab.connect(kai, "100", secretary)
        consultation, at_boss = lab.connect(secretary, "100", boss)
        first.join(consultation)
        lab.wait(lambda: first.gone and consultation.gone, "the secretary out of it")
        lab.turn(0.5)
        assert call.up
        assert at_boss.up

    scene(scenario)


@pytest.mark.parametrize("who", ["secretary", "caller"])
def test_answered_and_sent_to_a_colleague(switch, daemon, scene, who):
    """By the secretary: the colleague sees the caller. By the caller: the secretary, and not by a label."""
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call, leg = lab.connect(kai, "100", secretary)
        if who == "secretary":
            leg.send_to("103")
            own_name_only(lab.rings(vera))
        else:
            call.send_to("103")
            at_vera = lab.rings(vera)
            assert at_vera.header("Diversion") is None
            assert "Uml." not in at_vera.msg

    scene(scenario)


@pytest.mark.parametrize("who", ["secretary", "caller"])
def test_answered_and_sent_out_of_the_trunk(switch, daemon, scene, who):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        call, leg = lab.connect(kai, "100", secretary)
        (leg if who == "secretary" else call).send_to("05551234567")
        there = lab.at_carrier()
        assert there.header("Diversion") is None
        assert "Uml." not in there.msg
        if who == "secretary":
            assert there.display == "Kai Kollege"

    scene(scenario)


def test_answered_and_sent_into_a_conference(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        _, leg = lab.connect(kai, "100", secretary)
        leg.send_to("3000")
        lab.turn(1.5)
        members = conference_members(switch)
        assert "102" in members
        assert "Uml" not in members
        lab.hangup_all()

    scene(scenario)


# --- the ring group and the trunk ------------------------------------------------------------------


def test_a_call_to_the_group(switch, daemon, scene):
    """Nobody forwarded it: no label, though each user in it may forward."""
    switch.forwards(u100={"all": "101"}, u102={"all": "101"})

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        boss.dial("2000")
        for phone in (kai, vera):
            own_name_only(lab.rings(phone), "Cora Chefin")
        assert not secretary.rang

    scene(scenario)


@pytest.mark.parametrize("then", ["103", "05551234567", "3000", "2000", "101"])
def test_a_forward_to_the_group_and_what_comes_after(switch, daemon, scene, then):
    """The label once on each phone, and nothing of it after somebody took the call."""
    switch.forwards(u100={"all": "2000"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call = secretary.dial("100")
        at_kai, at_vera = lab.rings(kai), lab.rings(vera)
        for leg in (at_kai, at_vera):
            assert leg.display == "Uml. fuer Cora Chefin: Sina Sekretariat"
            assert leg.msg.count("Uml.") <= 2  # From, and Remote-Party-ID
            assert leg.header("Diversion") == diversion(switch, "100", "unconditional")
        at_kai.pick_up()
        lab.talk(call, at_kai)
        at_kai.send_to(then)
        if then in ("103", "2000"):
            own_name_only(lab.rings(vera, 2), "Sina Sekretariat")
        elif then == "101":
            own_name_only(lab.rings(secretary), "Sina Sekretariat")
        elif then == "3000":
            lab.turn(1.5)
            members = conference_members(switch)
            assert "101" in members
            assert "Uml" not in members
            lab.hangup_all()
        else:
            own_name_only(lab.at_carrier(), "Sina Sekretariat")

    scene(scenario)


def test_a_chain_to_the_group(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"no_answer": "2000"})

    def scenario(lab):
        _, secretary, zoe, kai, vera = lab.register("100", "101", "104", "102", "103")
        zoe.dial("100")
        assert lab.rings(secretary).display == "Uml. fuer Cora Chefin: Zoe Zentrale"
        for phone in (kai, vera):
            leg = lab.rings(phone, 1, 8)
            assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Zoe Zentrale"
            both = (diversion(switch, "101", "no-answer"), diversion(switch, "100", "unconditional"))
            assert leg.header("Diversion") == ", ".join(both)

    scene(scenario)


def test_a_forward_out_of_the_trunk(switch, daemon, scene):
    """Diversion, and no label; nothing of it at the next call, or when the other end sends the caller on."""
    switch.forwards(u100={"all": "05551234567"})

    def scenario(lab):
        _, kai, vera = lab.register("100", "102", "103")
        call = kai.dial("100")
        leg = lab.at_carrier()
        assert leg.display == "Kai Kollege"
        assert "Uml." not in leg.msg
        assert leg.header("Diversion") == diversion(switch, "100", "unconditional")
        leg.pick_up()
        lab.talk(call, leg)
        leg.send_to("103")
        own_name_only(lab.rings(vera))
        lab.hangup_all()
        kai.dial("05551234567")
        own_name_only(lab.at_carrier(2))

    scene(scenario)


# Behind 9 is a trunk with the line `beyond`: for what a group, a conference or a phone sends there.


@in_one
def test_a_group_passes_the_call_on_to_a_trunk(switch, daemon, scene):
    """Nobody took it: it is a forwarded call still, and outside there is no label."""
    switch.forwards(u100={"all": "2001"})
    switch.api("global_setvar night=95551234567")

    def scenario(lab):
        _, kai = lab.register("100", "102")
        kai.dial("100")
        leg = lab.at_carrier()
        assert leg.display == "Kai Kollege"
        assert "Uml." not in leg.msg
        assert leg.header("Diversion") == diversion(switch, "100", "unconditional")

    scene(scenario)


@in_one
@pytest.mark.parametrize("trunk", ["05551234567", "95551234567"])
def test_a_conference_passes_the_call_on_to_a_trunk(switch, daemon, scene, trunk):
    """The conference took it: it is not a forwarded call any more."""
    switch.forwards(u100={"all": "3000"})

    def scenario(lab):
        _, kai = lab.register("100", "102")
        call = kai.dial("100")
        lab.talk(call)
        lab.turn(4.5)
        uuid = switch.api("show channels").splitlines()[1].partition(",")[0]
        switch.api(f"uuid_transfer {uuid} {trunk} XML office")
        own_name_only(lab.at_carrier())

    scene(scenario)


@in_one
def test_the_phone_forwards_out_of_a_trunk(switch, daemon, scene):
    def scenario(lab):
        boss, kai = lab.register("100", "102")
        boss.policy = f"redirect:<sip:95551234567@{switch.domain}>"
        kai.dial("100")
        leg = lab.at_carrier()
        assert leg.display == "Kai Kollege"
        assert leg.header("Diversion") == diversion(switch, "100", "deflection")

    scene(scenario)


@in_one
def test_a_group_with_the_leg_before_each_phone(switch, daemon, scene):
    """Not needed, and harmless."""
    switch.forwards(u100={"all": "2002"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call = secretary.dial("100")
        at_kai, at_vera = lab.rings(kai), lab.rings(vera)
        for leg in (at_kai, at_vera):
            assert leg.display == "Uml. fuer Cora Chefin: Sina Sekretariat"
            assert leg.header("Diversion") == diversion(switch, "100", "unconditional")
        at_kai.pick_up()
        lab.talk(call, at_kai)
        at_kai.send_to("05551234567")
        own_name_only(lab.at_carrier(), "Sina Sekretariat")

    scene(scenario)


@in_one
def test_a_forward_that_the_user_dials(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        for code, shown in (("*21*101#", KAI), ("#21#", "Kai Kollege")):
            dialled = boss.dial(code)
            lab.wait(lambda: dialled.gone, "confirmed")  # noqa: B023
            kai.dial("100")
            count = len(secretary.incoming) + len(boss.incoming) + 1
            lab.wait(lambda: len(secretary.incoming) + len(boss.incoming) == count, "ringing")  # noqa: B023
            assert (boss if boss.rang else secretary).last.display == shown
            lab.hangup_all()
        assert (len(boss.incoming), len(secretary.incoming)) == (1, 1)

    try:
        scene(scenario)
    finally:
        switch.api("db delete/fsdaemon-lab.test/100")  # "off" would stay, and hide the directory's


# --- two tenants -----------------------------------------------------------------------------------

A_AT_B = "Uml. fuer Bea Boss: Sina Sekretariat"


def at(domain, leg):
    """The call, which came to a phone of this tenant: PJSIP hands it to the first phone with that number."""
    assert leg.header("X-Tenant") == domain
    return leg


@in_two
@pytest.mark.parametrize("route", ["8", "7"])
def test_the_same_number_of_the_other_tenant_breaks_nothing(switch, daemon, scene, route):
    """Alpha's 101 calls beta's 100, who forwards to beta's 101; 7: the dialplan sets domain_name=beta.test."""
    switch.store(beta={"100": {"all": "101"}})

    def scenario(lab):
        boss, secretary = lab.register("100", "101", domain="beta.test")
        _, sina = lab.register("100", "101")
        sina.dial(f"{route}100")
        leg = at("beta.test", lab.rings(secretary))
        assert leg.display == A_AT_B
        assert leg.header("Diversion") == "<sip:100@beta.test>;reason=unconditional;counter=1;privacy=off"
        assert "Cora" not in leg.msg
        assert not boss.rang
        lab.hangup_all()
        _, leg = lab.connect(secretary, "100", boss)  # beta's own 101 does
        at("beta.test", leg)
        own_name_only(leg, "Bodo Buero")

    scene(scenario)


@in_two
@pytest.mark.parametrize("route", ["8", "7"])
def test_other_kinds_at_the_other_tenant(switch, daemon, scene, route):
    """Alpha's 102 has forwards of its own, and a chain at beta has beta's names."""
    switch.store(
        alpha={"100": {"all": "103"}, "101": {"all": "103"}, "102": {"all": "103"}},
        beta={"100": {"busy": "101"}, "101": {"no_answer": "103"}},
    )

    def scenario(lab):
        boss, secretary, brief = lab.register("100", "101", "103", domain="beta.test")
        kai, _ = lab.register("102", "103")
        boss.policy = "busy"
        kai.dial(f"{route}100")
        assert at("beta.test", lab.rings(secretary)).display == "Uml. fuer Bea Boss: Kai Kollege"
        leg = at("beta.test", lab.rings(brief, 1, 8))
        assert leg.display == "Uml. fuer Bea Boss ueber Bodo Buero: Kai Kollege"

    scene(scenario)


@in_two
def test_a_forward_to_the_other_tenant(switch, daemon, scene):
    """Alpha's 100 forwards to 8101, beta's 101; who is called there shows alpha's diverter, once."""
    switch.store(alpha={"100": {"all": "8101"}})

    def scenario(lab):
        (bodo,) = lab.register("101", domain="beta.test")
        (kai,) = lab.register("102")
        kai.dial("100")
        leg = at("beta.test", lab.rings(bodo))
        assert leg.display == KAI
        assert leg.header("Diversion") == diversion(switch, "100", "unconditional")
        leg.pick_up()
        lab.turn(0.5)
        leg.send_to("05551234567")
        own_name_only(lab.at_carrier())

    scene(scenario)


@in_two
@pytest.mark.parametrize("alive", [True, False])
def test_the_same_number_forwards_at_both_tenants(switch, scene, alive):
    """Alpha's 100 forwards to beta's 100, who forwards to beta's 101: that is not a loop."""
    switch.store(alpha={"100": {"all": "8100"}}, beta={"100": {"all": "101"}})

    def scenario(lab):
        boss, secretary = lab.register("100", "101", domain="beta.test")
        (kai,) = lab.register("102")
        kai.dial("100")
        leg = lab.rings(secretary)
        assert not boss.rang
        if alive:
            assert leg.display == "Uml. fuer Cora Chefin ueber Bea Boss: Kai Kollege"
        else:
            own_name_only(leg)

    if alive:
        with Daemon(switch.daemon_port):
            scene(scenario)
    else:
        scene(scenario)


@in_two
def test_transfers_by_the_other_tenant(switch, daemon, scene):
    """Beta's 101, target of 100, took alpha's call: blind to the boss comes back, attended gets through."""
    switch.store(beta={"100": {"all": "101"}})

    def scenario(lab):
        boss, secretary = lab.register("100", "101", domain="beta.test")
        kai, _ = lab.register("102", "101")
        call, first = lab.connect(kai, "8101", secretary)
        first.send_to("100")
        leg = at("beta.test", lab.rings(secretary, 2))
        assert leg.display == "Uml. fuer Bea Boss: Kai Kollege"
        leg.pick_up()
        lab.turn(0.5)
        consultation, at_boss = lab.connect(secretary, "100", boss)
        at("beta.test", at_boss)
        leg.join(consultation)
        lab.wait(lambda: leg.gone and consultation.gone, "the secretary out of it")
        lab.turn(0.5)
        assert call.up
        assert at_boss.up

    scene(scenario)


@in_two
def test_the_same_number_is_sent_to_the_other_tenant(switch, daemon, scene):
    """Alpha's 102 called alpha's 101 and sends that leg to beta's 100: alpha's 101 is not beta's there, either."""
    switch.store(beta={"100": {"all": "101"}})

    def scenario(lab):
        boss, secretary = lab.register("100", "101", domain="beta.test")
        kai, _ = lab.register("102", "101")
        call, leg = lab.connect(kai, "101", secretary)
        at("alpha.test", leg)
        call.send_to("8100")
        leg = at("beta.test", lab.rings(secretary, 2))
        assert leg.display == A_AT_B
        assert not boss.rang

    scene(scenario)


@in_two
@pytest.mark.parametrize("route", ["8", "7"])
def test_a_phone_of_the_other_tenant_forwards(switch, daemon, scene, route):
    def scenario(lab):
        boss, secretary = lab.register("100", "101", domain="beta.test")
        kai, _ = lab.register("102", "101")
        boss.policy = "redirect:<sip:101@beta.test>"
        kai.dial(f"{route}100")
        leg = at("beta.test", lab.rings(secretary))
        assert leg.display == "Uml. fuer Bea Boss: Kai Kollege"
        assert leg.header("Diversion") == "<sip:100@beta.test>;reason=deflection;counter=1;privacy=off"

    scene(scenario)


@in_two
def test_nothing_of_an_earlier_callee_stays(switch, daemon, scene):
    """100 forwards always to 101, who forwards nothing; and a kind that 101 has is not 103's."""
    switch.forwards(u100={"all": "101", "busy": "104"}, u101={"no_answer": "103"})

    def scenario(lab):
        _, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        vera.policy = secretary.policy = "busy"
        kai.dial("100")
        lab.rings(secretary)
        lab.turn(1.5)
        assert not zoe.rang
        assert not vera.rang

    scene(scenario)


# --- the daemon is gone ----------------------------------------------------------------------------


def test_there_never_was_a_daemon(switch, scene):
    switch.forwards(
        u100={"all": "101"}, u103={"busy": "101"}, u104={"no_answer": "101"}, u105={"not_registered": "101"}
    )

    def scenario(lab):
        boss, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        vera.policy = "busy"
        for count, number in enumerate(("100", "103", "105", "104"), 1):
            kai.dial(number)
            own_name_only(lab.rings(secretary, count, 8))
            lab.hangup_all()
        assert len(zoe.incoming) == 1
        assert not boss.rang

    scene(scenario)


def test_no_daemon_and_a_loop(switch, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "100"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        own_name_only(lab.rings(secretary))
        lab.turn(0.5)
        assert not boss.rang

    scene(scenario)


def test_no_daemon_a_group_and_the_trunk(switch, scene):
    switch.forwards(u100={"all": "2000"}, u101={"all": "05551234567"})

    def scenario(lab):
        _, kai, vera, zoe = lab.register("100", "102", "103", "104")
        zoe.dial("100")
        for phone in (kai, vera):
            own_name_only(lab.rings(phone), "Zoe Zentrale")
        lab.hangup_all()
        zoe.dial("101")
        own_name_only(lab.at_carrier(), "Zoe Zentrale")

    scene(scenario)


def test_killed_while_the_phone_rings(switch, daemon, scene):
    """The forward for no answer is followed all the same, and without the label of the hop before."""
    switch.forwards(u100={"all": "101"}, u101={"no_answer": "103"})

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        assert lab.rings(secretary).display == KAI
        daemon.signal(signal.SIGKILL)
        own_name_only(lab.rings(vera, 1, 8))
        assert not boss.rang

    scene(scenario)


def test_killed_while_the_first_phone_rings(switch, daemon, scene):
    switch.forwards(u100={"no_answer": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        lab.rings(boss)
        daemon.signal(signal.SIGKILL)
        own_name_only(lab.rings(secretary, 1, 8))

    scene(scenario)


@pytest.mark.parametrize("onward", ["103", "100"])
def test_killed_between_hops(switch, scene, onward):
    """It said that 100 forwards to 101, and is gone when 101 is asked about; 101 forwards on, or back in a loop."""
    switch.forwards(u100={"all": "101"}, u101={"all": onward})

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        rings = vera if onward == "103" else secretary
        own_name_only(lab.rings(rings))
        lab.turn(0.5)
        assert sum(len(phone.incoming) for phone in (boss, secretary, vera)) == 1

    with Daemon(free_port()) as running, Mortal(switch.daemon_port, running.port, 1):
        scene(scenario)


@pytest.mark.parametrize("then", ["103", "05551234567"])
def test_killed_during_a_call_and_then_a_transfer(switch, daemon, scene, then):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call, leg = lab.connect(kai, "100", secretary)
        assert leg.display == KAI
        daemon.signal(signal.SIGKILL)
        lab.turn(0.5)
        assert call.up
        assert leg.up
        leg.send_to(then)
        own_name_only(lab.rings(vera) if then == "103" else lab.at_carrier())

    scene(scenario)


def test_killed_while_the_group_rings(switch, daemon, scene):
    """The label on the channel is taken back by FreeSWITCH when somebody answers, with nobody to ask."""
    switch.forwards(u100={"all": "2000"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call = secretary.dial("100")
        leg = lab.rings(kai)
        daemon.signal(signal.SIGKILL)
        lab.rings(vera)
        leg.pick_up()
        lab.talk(call, leg)
        leg.send_to("103")
        own_name_only(lab.rings(vera, 2), "Sina Sekretariat")

    scene(scenario)


def test_killed_before_the_group_is_asked_about(switch, scene):
    """It lent label and Diversion to the channel for the group, and is gone: they are taken back, not left."""
    switch.forwards(u100={"all": "2000"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        call = secretary.dial("100")
        leg = lab.rings(kai)
        for one in (leg, lab.rings(vera)):
            own_name_only(one, "Sina Sekretariat")
        leg.pick_up()
        lab.talk(call, leg)
        leg.send_to("05551234567")
        own_name_only(lab.at_carrier(), "Sina Sekretariat")

    with Daemon(free_port()) as running, Mortal(switch.daemon_port, running.port, 1):
        scene(scenario)


def test_back_again(switch, scene):
    """A daemon that is started in between is asked at the next call."""
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        leg = lab.rings(secretary)
        return leg.display

    assert scene(scenario) == "Kai Kollege"
    with Daemon(switch.daemon_port):
        assert scene(scenario) == KAI
