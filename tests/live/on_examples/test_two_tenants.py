"""Two tenants with the same numbers. Alpha's people play the usual parts; behind 8 is beta, with people of its own."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, nothing_of_ours, outside_only, own_name_only

pytestmark = pytest.mark.parametrize("running", ["two_tenants"], indirect=True)
# 7: the dialplan sets domain_name=beta.test.
either_route = pytest.mark.parametrize("route", ["8", "7"])


def beta(lab, *numbers):
    return lab.register(*numbers, domain="beta.test")


def at(domain, leg):
    """The call, which came to a phone of this tenant: PJSIP hands it to the first phone with that number."""
    assert leg.header("X-Tenant") == domain
    return leg


def labelled_at_beta(leg, label, reason="unconditional"):
    """For beta's 100."""
    assert at("beta.test", leg).display == f"Uml. fuer {label}"
    assert leg.header("Diversion") == f"<sip:100@beta.test>;reason={reason};counter=1;privacy=off"


@either_route
def test_the_same_number_of_the_other_tenant_breaks_nothing(site, daemon, lab, route):
    """Alpha's 101 calls beta's 100, who forwards to beta's 101."""
    site.store(beta={"100": {"all": "101"}})
    boss, secretary = beta(lab, "100", "101")
    _, sina = lab.register("boss", "secretary")
    sina.dial(f"{route}100")
    leg = lab.rings(secretary)
    labelled_at_beta(leg, "Bea Boss: Sina Sekretariat")
    assert "Cora" not in leg.msg
    assert not boss.rang
    lab.hangup_all()
    _, leg = lab.connect(secretary, "100", boss)  # beta's own 101 does
    own_name_only(at("beta.test", leg), "Bodo Buero")


@either_route
def test_other_kinds_at_the_other_tenant(site, daemon, lab, route):
    """Alpha's 102 has forwards of its own, and a chain at beta has beta's names."""
    site.store(
        alpha={"100": {"all": "103"}, "101": {"all": "103"}, "102": {"all": "103"}},
        beta={"100": {"busy": "101"}, "101": {"no_answer": "103"}},
    )
    boss, secretary, brief = beta(lab, "100", "101", "103")
    kai, _ = lab.register("kai", "vera")
    boss.policy = "busy"
    kai.dial(f"{route}100")
    labelled_at_beta(lab.rings(secretary), "Bea Boss: Kai Kollege", "user-busy")
    leg = at("beta.test", lab.rings(brief, 1, 8))
    assert leg.display == "Uml. fuer Bea Boss ueber Bodo Buero: Kai Kollege"


def test_a_forward_to_the_other_tenant(site, daemon, lab):
    """Alpha's 100 forwards to 8101, beta's 101; who is called there shows alpha's diverter, once."""
    site.store(alpha={"100": {"all": "8101"}})
    (bodo,) = beta(lab, "101")
    (kai,) = lab.register("kai")
    kai.dial("boss")
    leg = at("beta.test", lab.rings(bodo))
    labelled(leg, "kai", boss="unconditional")
    leg.pick_up()
    lab.turn(0.5)
    leg.send_to("outside")
    outside_only(lab.at_carrier())


def test_the_same_number_forwards_at_both_tenants(site, alive, lab):
    """Alpha's 100 forwards to beta's 100, who forwards to beta's 101: that is not a loop."""
    site.store(alpha={"100": {"all": "8100"}}, beta={"100": {"all": "101"}})
    boss, secretary = beta(lab, "100", "101")
    (kai,) = lab.register("kai")
    kai.dial("boss")
    leg = lab.rings(secretary)
    assert not boss.rang
    if alive:
        assert leg.display == "Uml. fuer Cora Chefin ueber Bea Boss: Kai Kollege"
    else:
        own_name_only(leg)


def test_transfers_by_the_other_tenant(site, daemon, lab):
    """Beta's 101, target of 100, took alpha's call: blind to the boss comes back, attended gets through."""
    site.store(beta={"100": {"all": "101"}})
    boss, secretary = beta(lab, "100", "101")
    kai, _ = lab.register("kai", "secretary")
    call, first = lab.connect(kai, "8101", secretary)
    first.send_to("100")
    leg = lab.rings(secretary, 2)
    labelled_at_beta(leg, "Bea Boss: Kai Kollege")
    leg.pick_up()
    lab.turn(0.5)
    consultation, at_boss = lab.connect(secretary, "100", boss)
    at("beta.test", at_boss)
    leg.join(consultation)
    lab.wait(lambda: leg.gone and consultation.gone, "the secretary out of it")
    lab.turn(0.5)
    assert call.up
    assert at_boss.up


def test_the_same_number_is_sent_to_the_other_tenant(site, daemon, lab):
    """Alpha's 102 called alpha's 101 and sends that leg to beta's 100: alpha's 101 is not beta's there, either."""
    site.store(beta={"100": {"all": "101"}})
    boss, secretary = beta(lab, "100", "101")
    kai, _ = lab.register("kai", "secretary")
    call, leg = lab.connect(kai, "secretary", secretary)
    nothing_of_ours(at("alpha.test", leg))
    call.send_to("8100")
    labelled_at_beta(lab.rings(secretary, 2), "Bea Boss: Sina Sekretariat")
    assert not boss.rang


@either_route
def test_a_phone_of_the_other_tenant_forwards(site, daemon, lab, route):
    boss, secretary = beta(lab, "100", "101")
    kai, _ = lab.register("kai", "secretary")
    boss.policy = "redirect:101"
    kai.dial(f"{route}100")
    labelled_at_beta(lab.rings(secretary), "Bea Boss: Kai Kollege", "deflection")
