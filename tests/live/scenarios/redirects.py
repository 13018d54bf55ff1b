"""The phone itself forwards: a 302."""

from __future__ import annotations

import pytest

from tests.live.caller import ForeignHost
from tests.live.scenarios import labelled, outside_only, own_name_only


def test_the_phone_forwards(daemon, lab):
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    boss.policy = "redirect:secretary"
    _, leg = lab.connect(kai, "boss", secretary)
    labelled(leg, "kai", boss="deflection")
    leg.send_to("vera")
    own_name_only(lab.rings(vera))


def test_the_phone_forwards_along_a_chain(site, daemon, lab):
    site.forwards(zoe={"all": "boss"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = "redirect:secretary"
    kai.dial("zoe")
    labelled(lab.rings(secretary), "kai", boss="deflection", zoe="unconditional")
    lab.hangup_all()
    boss.policy = "ring"
    kai.dial("boss")
    own_name_only(lab.rings(boss, 2))


def test_the_phone_forwards_to_the_group(daemon, lab):
    boss, secretary, vera = lab.register("boss", "secretary", "vera")
    boss.policy = "redirect:group"
    secretary.dial("boss")
    labelled(lab.rings(vera), "secretary", boss="deflection")


def test_the_phone_forwards_out_of_a_trunk(site, daemon, lab):
    """The call passes a line of ours: there is a Diversion, and no label."""
    boss, kai = lab.register("boss", "kai")
    boss.policy = "redirect:outside with us"
    kai.dial("boss")
    leg = lab.at_carrier()
    assert leg.display == site.outside_name("kai")
    assert leg.header("Diversion") == site.trunk_diversion(boss="deflection")
    lab.hangup_all()
    kai.dial("outside with us")
    assert lab.at_carrier(2).header("Diversion") is None


def test_the_phone_forwards_out_of_a_trunk_without_us(daemon, lab):
    """Nothing of ours is in the way, and so nothing is added."""
    boss, kai = lab.register("boss", "kai")
    boss.policy = "redirect:outside"
    kai.dial("boss")
    outside_only(lab.at_carrier())


def test_the_phone_forwards_out_of_a_trunk_and_the_call_goes_on(daemon, lab):
    """Kai's own name is still there, and no Diversion, when the carrier's end sends him to a colleague."""
    boss, kai, vera = lab.register("boss", "kai", "vera")
    boss.policy = "redirect:outside"
    call = kai.dial("boss")
    leg = lab.at_carrier()
    leg.pick_up()
    lab.talk(call, leg)
    leg.send_to("vera")
    own_name_only(lab.rings(vera))


def test_the_phone_forwards_to_a_tel_address(site, daemon, lab):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = f"redirect:<tel:{site.number('secretary')}>"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="deflection")


def test_the_phone_forwards_with_parameters(site, daemon, lab):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    address = f"sip:{site.number('secretary')}@{site.domain}"
    boss.policy = f'redirect:"Sina" <{address};user=phone;transport=udp>;q=0.7'
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="deflection")


def test_the_phone_forwards_to_a_foreign_host(site, daemon, lab):
    """FreeSWITCH follows it by itself; if nobody takes the call there, the boss's own forward counts, and it is said."""
    site.forwards(boss={"busy": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    with ForeignHost() as foreign:
        boss.policy = f"redirect:<{foreign.address}>"
        kai.dial("boss")
        lab.wait(foreign.asked, "asked at the foreign host")
        labelled(lab.rings(secretary), "kai", boss="user-busy")
        assert len(boss.incoming) == 1
    assert "WARNING" in daemon.says("the phone of {boss} sent the call to '<sip:777@127.0.0.9")


def test_the_phone_forwards_to_itself(daemon, lab):
    boss, kai = lab.register("boss", "kai")
    boss.policy = "redirect:boss"
    call = kai.dial("boss")
    lab.ends(call)
    assert len(boss.incoming) <= 3


@pytest.mark.parametrize("name", ["", '"${user_name}" '], ids=["", "expansion"])
def test_two_users_whose_phones_forward_to_each_other(site, daemon, lab, name):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy, secretary.policy = (f"redirect:{name}<{kai.address(who)}>" for who in ("secretary", "boss"))
    call = kai.dial("boss")
    lab.ends(call)
    assert max(len(boss.incoming), len(secretary.incoming)) <= 3
    assert boss.last.display == site.label("boss", "secretary", "kai")


# --- two phones of one user ---


def test_two_phones_of_which_one_forwards(daemon, mobile_that_forwards, lab):
    desk, secretary, kai = lab.register("boss", "secretary", "kai")
    mobile_that_forwards(lab)
    kai.dial("boss")
    leg = lab.rings(desk)
    lab.turn(1.5)
    assert leg.ringing
    assert not secretary.rang


def test_two_phones_of_which_one_forwards_and_the_other_is_busy(daemon, mobile_that_forwards, lab):
    desk, secretary, kai = lab.register("boss", "secretary", "kai")
    mobile_that_forwards(lab)
    desk.policy = "busy"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="deflection")


def test_two_phones_that_both_forward_at_once(daemon, mobile_that_forwards, lab):
    desk, secretary, kai = lab.register("boss", "secretary", "kai")
    mobile_that_forwards(lab)
    desk.policy = "redirect:secretary"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="deflection")


def test_what_a_phone_writes_around_the_address_is_not_executed(site, daemon, lab, tmp_path):
    """FreeSWITCH keeps no such Contact (switch_channel.c), and the call is a forwarded one all the same."""
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    marks = [tmp_path / name for name in ("name", "parameter")]
    evil = ["${system touch " + str(mark) + "}" for mark in marks]
    boss.policy = f'redirect:"{evil[0]}" <{boss.address("secretary")}>;x="{evil[1]}"'
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="deflection")
    assert not any(mark.exists() for mark in marks)
