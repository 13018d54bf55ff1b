"""What only the example configuration has: an operator, redial, conferences that answer, toll_allow, aliases."""

from __future__ import annotations

import json

import pytest

from tests.live.caller import ForeignHost
from tests.live.scenarios import labelled, own_name_only, with_conf


def test_redial_is_for_whom_kai_dialled(site, daemon, lab):
    """870 of the example configuration, after a call that was forwarded."""
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    for count, number in enumerate(("boss", "870"), 1):
        kai.dial(number)
        labelled(lab.rings(secretary, count), "kai", boss="unconditional")
        lab.hangup_all()


@with_conf('[exceptions]\ngroups = ["sales"]\n')
def test_a_member_of_a_directory_group(site, daemon, lab):
    """1000 to 1004 are the group "sales"."""
    site.forwards(boss={"all": "secretary"})
    boss, seller = lab.register("boss", "1003")
    seller.dial("boss")
    own_name_only(lab.rings(boss), "Extension 1003")


def test_a_forward_to_the_ring_group_of_a_directory_group(site, daemon, lab):
    """2000. PJSIP makes four calls at a time, and this is one for each phone that is there."""
    site.forwards(absent={"all": "2000"})
    secretary, kai = lab.register("secretary", "kai")
    kai.dial("absent")
    labelled(lab.rings(secretary), "kai", absent="unconditional")


def test_a_forward_to_the_operator_and_loops_through_extensions_of_others(site, daemon, lab):
    """0 is 1000 there, and 870 is whom one dialled last."""
    site.set_variables("1015", call_forward_all="0")
    site.set_variables("1016", call_forward_all="870")
    site.set_variables("1017", call_forward_all="0")
    boss, redial, kai = lab.register("boss", "1016", "kai")
    kai.dial("1015")
    leg = lab.rings(boss, 1, 8)
    assert leg.display == site.label("Extension 1015", "kai")
    assert leg.header("Diversion").startswith("<sip:1015@")
    lab.hangup_all()
    kai.dial("1016")
    lab.rings(redial)
    lab.hangup_all()
    site.set_variables("1000", call_forward_all="1017")
    kai.dial("1017")
    lab.rings(boss, 2, 8)
    assert daemon.says(r"ring {boss} for {kai}: loop")


def test_a_loop_through_the_operator_ends_without_the_daemon_too(site, lab):
    """The boss forwards to 0, which is the boss: it is asked once, and then rings."""
    site.forwards(boss={"all": "0"})
    boss, kai = lab.register("boss", "kai")
    kai.dial("boss")
    leg = lab.rings(boss, 1, 10)
    lab.turn(3)
    assert leg.ringing
    assert len(boss.incoming) == 1


def test_a_dialled_line_end_does_not_pass_by(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("1000%0a")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    assert not boss.rang


def test_taken_by_a_conference_kai_is_no_forwarded_caller_any_more(site, daemon, lab):
    """3001 answers by itself; whoever gets him from there sees his own name, and his way begins anew."""
    site.forwards(boss={"all": "secretary"}, absent={"all": "3001"})
    boss, secretary, zoe, kai = lab.register("boss", "secretary", "zoe", "kai")
    for number, phone, seconds in (("zoe", zoe, 4.5), ("boss", secretary, 0.5)):
        call = kai.dial("absent")
        lab.wait(lambda call=call: call.up, "in the conference", 8)
        lab.turn(seconds)
        site.api(f"uuid_transfer {site.channel_of('kai')} {site.number(number)}")
        lab.rings(phone)
        lab.hangup_all()
    own_name_only(zoe.last)
    assert secretary.last.display == site.label("boss", "kai")
    assert not boss.rang


def test_out_of_the_house_with_the_right_of_who_forwards(site, alive, lab):
    """The example configuration lets out whose toll_allow says so; a caller from outside has none of her own."""
    site.extra = {"1009": {"toll_allow": ""}}
    site.forwards(boss={"all": "outside"}, vera={"all": "outside"})
    lab.register("kai")  # an INVITE for the carrier is handed to any phone
    stranger = lab.stranger()
    stranger.dial("boss")
    lab.at_carrier()
    lab.hangup_all()
    # The right was for that step: Vera may not dial out, and so may nobody by her forward.
    call = stranger.dial("vera")
    lab.wait(lambda: call.gone, "refused", 8)
    lab.turn(0.5)
    assert len(lab.carried()) == 1


def test_a_302_to_a_foreign_host_gives_the_caller_nothing(site, daemon, lab):
    """Nobody takes the call there; the mailbox does. Sent on from it she may dial no more than before, and
    breaks through nothing."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, diverter = lab.register("boss", "secretary", "vera")
    stranger = lab.stranger()
    with ForeignHost() as foreign:
        diverter.policy = f"redirect:<{foreign.address}>"

        def in_the_mailbox():
            call = stranger.dial("vera")
            lab.wait(lambda: foreign.asked() or call.up, "answered by the mailbox", 8)
            lab.wait(lambda: call.up, "answered by the mailbox", 8)
            return site.channel_of("+491701234567")

        site.api(f"uuid_transfer {in_the_mailbox()} {site.number('outside')}")
        lab.turn(1.5)
        assert not lab.carried()
        lab.hangup_all()
        site.api(f"uuid_transfer {in_the_mailbox()} {site.number('boss')}")
        assert lab.rings(secretary).display == site.label("boss", "Max")
        assert not boss.rang


def test_a_forward_to_an_alias_of_hers_is_none(site, daemon, lab):
    site.forwards(vera={"all": "4711"}, absent={"all": "4711"})
    site.set_alias("1009", "4711")
    vera, kai = lab.register("vera", "kai")
    kai.dial("vera")
    own_name_only(lab.rings(vera))
    lab.hangup_all()
    kai.dial("absent")
    labelled(lab.rings(vera, 2), "kai", absent="unconditional")


@pytest.mark.parametrize("contact", ["1001,1008", "$(x)&=", "1001%0a"])
def test_a_302_to_nonsense_is_the_mailbox_and_a_warning(daemon, lab, contact):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = f"redirect:{contact}"
    call = kai.dial("boss")
    lab.unanswered(call, "boss", 0)
    assert not secretary.rang
    daemon.says("WARNING .*the phone of {boss} sent the call to '<sip:")


@pytest.mark.parametrize(
    ("code", "forwards", "rings"),
    [
        ("486", {"busy": "secretary"}, True),
        ("480", {"no_answer": "secretary"}, False),  # do not disturb
        ("408", {"not_registered": "secretary"}, True),
        ("503", {"not_registered": "secretary"}, True),
        ("480", {"busy": "x/1001"}, False),
        ("486", {"busy": "x/1001", "no_answer": "secretary"}, False),
        ("486", {"no_answer": "secretary"}, False),
    ],
)
def test_what_the_phone_answers_and_which_forward_that_is(site, lab, code, forwards, rings, alive):
    site.forwards(boss=forwards)
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = code
    call = kai.dial("boss")
    if rings:
        assert lab.rings(secretary).display == (site.label("boss", "kai") if alive else site.names["kai"])
    else:
        lab.unanswered(call, "boss", 0)
        assert not secretary.rang


def test_a_callers_number_assigns_nothing(site, daemon, lab):
    """It stands in the arguments of functions, and in the name of a recording."""
    site.forwards(boss={"all": "secretary"})
    evil = "1~evil=a,evil=b|evil=c}{evil=d)}evil"  # at a ";" FreeSWITCH ends it
    number = "".join(ch if ch.isalnum() else f"%{ord(ch):02X}" for ch in evil)
    secretary, _ = lab.register("secretary", "boss")
    call = lab.stranger(number, "~evil=f;evil=g").dial("boss")
    leg = lab.rings(secretary)
    lab.turn(0.7)  # FreeSWITCH's table of channels comes a moment late
    rows = json.loads(site.api("show channels as json"))["rows"]
    assert any("evil=a" in row["cid_num"] for row in rows), rows  # it came through as it was meant
    leg.pick_up()
    lab.talk(call, leg)
    assert {site.api(f"uuid_getvar {row['uuid']} evil") for row in rows} == {"_undef_"}


@with_conf('[routing]\nmailbox = "called"\n')
def test_who_was_dialled_has_no_mailbox(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, vera={"all": "secretary"})
    site.set_parameter(site.number("boss"), "vm-enabled", "false")
    _, kai = lab.register("secretary", "kai")
    for number, takes in (("boss", "secretary"), ("vera", "vera")):
        call = kai.dial(number)
        lab.unanswered(call, takes, 0)
        lab.hangup_all()
