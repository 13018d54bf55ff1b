"""What the caller sees: the user whose phone rings, while it rings and after the answer."""

from __future__ import annotations

import pytest

from tests.live.scenarios import with_conf

YEALINK = [("User-Agent", "Yealink SIP-T46S 66.85.0.5")]


def reached(lab, call, leg, who, name=None):
    """The caller sees this user while the phone rings, and after it was picked up (200 and UPDATE)."""
    site = lab.site
    shown = (name or site.names[who], site.number(who))
    lab.wait(lambda: call.reached("SIP/2.0 18") == shown, f"{shown} while it rings: {call.heard}")
    leg.pick_up()
    lab.talk(call, leg)
    assert call.reached("SIP/2.0 200") == shown
    lab.wait(lambda: call.reached("UPDATE") == shown, f"{shown} after the answer: {call.heard}")


@pytest.mark.parametrize("kind", ["all", "busy", "not_registered"])
def test_the_caller_sees_whose_phone_rings(site, daemon, lab, kind):
    site.forwards(boss={kind: "secretary"})
    phones = lab.register("secretary", "kai", *([] if kind == "not_registered" else ["boss"]))
    secretary, kai = phones[:2]
    for boss in phones[2:]:
        boss.policy = "busy"
    call = kai.dial("boss", YEALINK)
    reached(lab, call, lab.rings(secretary), "secretary")


def test_the_caller_sees_who_took_it_after_no_answer(site, daemon, lab):
    """The 183 went out while the first phone rang; no second one follows (FreeSWITCH)."""
    site.forwards(boss={"no_answer": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss", YEALINK)
    leg = lab.rings(secretary, 1, 8)
    leg.pick_up()
    lab.talk(call, leg)
    shown = (site.names["secretary"], site.number("secretary"))
    assert call.reached("SIP/2.0 200") == shown
    lab.wait(lambda: call.reached("UPDATE") == shown, "the name after the answer")


def test_a_break_through_shows_the_boss(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    call = secretary.dial("boss", YEALINK)
    reached(lab, call, lab.rings(boss), "boss")


@with_conf('[display]\ncaller = "target_for_diverter"\n')
def test_whose_phone_rings_and_for_whom(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss", YEALINK)
    name = f"{site.names['secretary']} fuer {site.names['boss']}"
    reached(lab, call, lab.rings(secretary), "secretary", name)


def kept(lab, call, leg):
    """The caller sees the boss while the other phone rings, and goes on to."""
    shown = (lab.site.names["boss"], lab.site.number("boss"))
    lab.wait(lambda: call.reached("SIP/2.0 18") == shown, f"{shown} while it rings")
    leg.pick_up()
    lab.talk(call, leg)
    lab.turn(0.5)
    return shown


@with_conf('[display]\ncaller = "called"\n')
def test_the_caller_keeps_seeing_who_was_dialled(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss", YEALINK)
    shown = kept(lab, call, lab.rings(secretary))
    assert call.reached("SIP/2.0 200") == shown
    assert call.reached("UPDATE") in (None, shown)


def test_an_external_target_is_never_shown(site, daemon, lab):
    """Somebody's mobile: the caller keeps seeing the user who was dialled."""
    site.forwards(boss={"all": "outside"})
    _, kai = lab.register("boss", "kai")
    call = kai.dial("boss", YEALINK)
    shown = kept(lab, call, lab.at_carrier())
    assert call.reached("SIP/2.0 200") == shown
    said = "".join(line for message in call.heard for line in message.splitlines() if "To:" not in line)
    assert site.number("outside") not in said


def test_a_caller_from_outside_sees_what_was_dialled(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary = lab.register("boss", "secretary")
    max_ = lab.stranger()
    call = max_.dial("boss from outside", YEALINK)
    leg = lab.rings(secretary)
    leg.pick_up()
    lab.talk(call, leg)
    lab.turn(0.5)
    assert [call.reached(one) for one in ("SIP/2.0 18", "SIP/2.0 200", "UPDATE")] == [None, None, None]
    assert site.names["secretary"] not in "".join(call.heard)


def test_a_plain_call_after_it_shows_nothing_of_it(site, daemon, lab):
    """What was set for a forwarded call is taken back at the next question."""
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call, leg = lab.connect(kai, "boss", secretary)
    leg.send_to("vera")
    lab.rings(vera).pick_up()
    lab.turn(0.5)
    dump = site.api(f"uuid_dump {site.api('show channels').splitlines()[1].split(',')[0]}")
    assert "variable_initial_callee_id_name" not in dump
    assert call.up
