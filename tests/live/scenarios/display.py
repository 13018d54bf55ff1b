"""What the phone shows, and what a trunk gets, as conf.toml says."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, outside_only, with_conf


@with_conf("[display]\nmax_length = 25\n")
def test_max_length(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    assert lab.rings(secretary).display == site.label("boss", "kai")[:25]


@with_conf("[display]\nlabel = \"→ 100% {diverter}/{caller} @ {{x}} $ \\\\ <y>; 'z': ${{user_name}} ä\"\n")
def test_a_label_of_the_administrators_own(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    names = f"{site.names['boss']}/{site.names['kai']}"
    assert lab.rings(secretary).display == f"→ 100% {names} @ {{x}} $ \\ <y>; 'z': ${{user_name}} ä"


@pytest.mark.parametrize("how", ["inside", "outside", "nobody"])
def test_a_withheld_number(site, daemon, lab, how):
    """Neither the phone nor the log says who calls: by Privacy, or by a From that is nobody's."""
    site.forwards(boss={"all": "secretary"}, vera={"all": "2001"})
    _, secretary, _ = lab.register("boss", "secretary", "vera")
    if how == "inside":
        (caller,) = lab.register("kai")
    elif how == "outside":
        caller = lab.stranger(name="Max Muster")
    else:
        caller = lab.stranger("anonymous", "Max Muster", "anonymous.invalid")
    privacy = [] if how == "nobody" else [("Privacy", "id")]
    caller.dial("boss" if how == "inside" else "boss from outside", privacy)
    leg = lab.rings(secretary)
    labelled(leg, "Anonym", boss="unconditional")
    number = site.number("kai")
    for secret in ('"Max', "Muster", "Kai", site.names["kai"], "49170", f"sip:{number}", f'"{number}"'):
        assert secret not in leg.msg.partition("\r\n\r\n")[0], leg.msg
    leg.pick_up()
    lab.turn(0.5)
    leg.send_to("vera")
    lab.turn(0.5)
    assert not any("+49170" in line for line in daemon.lines)


@with_conf("[display]\noutside = true\ndiversion = false\n")
def test_a_label_outside_where_it_is_wanted(site, daemon, lab):
    site.forwards(boss={"all": "outside"})
    _, kai = lab.register("boss", "kai")
    kai.dial("boss")
    leg = lab.at_carrier()
    assert leg.display == site.label("boss", "kai")
    assert leg.header("Diversion") is None


def test_a_diversion_from_outside_is_not_believed(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    stranger = lab.stranger("900")
    theirs = f"<sip:{site.number('secretary')}@{site.domain}>;reason=unconditional"
    stranger.dial("boss from outside", [("Diversion", theirs)])
    labelled(lab.rings(secretary), "Max", boss="unconditional")
    assert not boss.rang


@with_conf('[display]\ndiversion_from = ["127.0.0.1"]\n')
def test_a_diversion_from_a_gateway_that_is_believed(site, daemon, lab):
    """Shown at whoever rings, sent on below our own, and gone once somebody took the call."""
    site.forwards(secretary={"all": "vera"})
    theirs = [("Diversion", '"Amt" <sip:+49302000@carrier.example>;reason=user-busy')]
    boss, vera, zoe = lab.register("boss", "vera", "zoe")
    stranger = lab.stranger("900")
    stranger.dial("secretary from outside", theirs)
    leg = lab.rings(vera)
    assert leg.display == site.label("Amt", "secretary", "Max")
    below = "<sip:+49302000@carrier.example>;reason=user-busy;counter=1;privacy=off"
    assert leg.header("Diversion") == f"{site.diversion(secretary='unconditional')}, {below}"
    lab.hangup_all()
    stranger.dial("boss from outside", theirs)
    leg = lab.rings(boss)
    assert leg.display == site.label("Amt", "Max")
    leg.pick_up()
    lab.talk(leg)
    leg.send_to("zoe")
    assert lab.rings(zoe).display == "Max"
    lab.hangup_all()
    # A user's own phone is no gateway, wherever it stands.
    zoe.dial("boss", theirs)
    assert lab.rings(boss, 2).display == site.names["zoe"]


@with_conf('[routing]\noutside_caller_id = "diverter"\n')
def test_the_diverters_number_for_carriers_that_want_it(site, daemon, lab):
    company = {"outbound_caller_id_name": "Firma Chefin", "outbound_caller_id_number": "+4930100"}
    site.extra = {site.number("boss"): company}
    site.forwards(boss={"all": "outside"})
    _, kai = lab.register("boss", "kai")
    kai.dial("boss")
    leg = lab.at_carrier()
    assert leg.display == "Firma Chefin"
    assert "sip:+4930100@" in leg.header("From")
    lab.hangup_all()
    kai.dial("outside")
    leg = lab.at_carrier(2)
    outside_only(leg)
    assert f"sip:{site.number('kai')}@" in leg.header("From")


@with_conf("[routing]\nmax_hops = 2\n")
def test_hops(site, daemon, lab):
    site.forwards(boss={"all": "zoe"}, zoe={"all": "vera"}, vera={"all": "secretary"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(vera), "kai", zoe="unconditional", boss="unconditional")
    assert not secretary.rang


@with_conf('[routing]\nring = "bridge"\n')
def test_the_daemon_bridges(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, vera={"busy": "secretary"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    _, leg = lab.connect(kai, "boss", secretary)
    labelled(leg, "kai", boss="unconditional")
    lab.connect(secretary, "boss", boss)
    lab.hangup_all()
    vera.policy = "busy"
    kai.dial("vera")
    labelled(lab.rings(secretary, 2), "kai", vera="user-busy")
    assert len(vera.incoming) == 1
    assert not any("not finished" in line for line in daemon.lines)
