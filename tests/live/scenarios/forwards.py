"""Who forwards, whom it rings, what the phone shows."""

from __future__ import annotations

from tests.live.scenarios import labelled, own_name_only


def test_a_plain_call(daemon, lab):
    boss, kai = lab.register("boss", "kai")
    call, leg = lab.connect(kai, "boss", boss)
    own_name_only(leg)
    leg.end()
    lab.wait(lambda: call.gone, "hung up")
    assert daemon.says(r"ring {boss} for {kai}: no_forward$")


def test_always_and_the_target_breaks_through(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call, leg = lab.connect(kai, "boss", secretary)
    labelled(leg, "kai", boss="unconditional")
    assert f'"{leg.display}"' in leg.header("Remote-Party-ID")
    assert not boss.rang
    call.end()
    lab.turn(0.3)
    _, leg = lab.connect(secretary, "boss", boss)
    own_name_only(leg, "secretary")
    assert len(secretary.incoming) == 1
    assert daemon.says(r"forward {boss} to {secretary} for {kai}: always$")
    assert daemon.says(r"ring {secretary} for {kai}: no_forward$")
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards always to {secretary}\)$")


def test_busy(site, daemon, lab):
    site.forwards(boss={"busy": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = "busy"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="user-busy")
    lab.hangup_all()
    own = secretary.dial("boss")
    lab.unanswered(own, "boss", 486)
    assert len(secretary.incoming) == 1
    assert daemon.says(r"forward {boss} to {secretary} for {kai}: busy")
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards busy to {secretary}\)")


def test_no_answer(site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer")
    lab.hangup_all()
    own = secretary.dial("boss")
    lab.unanswered(own, "boss", 480)
    assert len(boss.incoming) == 2
    assert len(secretary.incoming) == 1


def test_a_phone_that_sends_early_media_does_not_answer(site, daemon, lab):
    """183 with SDP does not stop the ring time."""
    site.forwards(boss={"no_answer": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = "183"
    kai.dial("boss")
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer")


def test_not_registered(site, daemon, lab):
    site.forwards(absent={"not_registered": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    kai.dial("absent")
    labelled(lab.rings(secretary), "kai", absent="unavailable")
    lab.hangup_all()
    own = secretary.dial("absent")
    lab.unanswered(own, "absent", 480)
    assert len(secretary.incoming) == 1


def test_nobody_takes_it(site, daemon, lab):
    """No forward, or one that ends nowhere."""
    site.forwards(boss={"no_answer": "absent"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    lab.unanswered(call, "absent", 480)
    lab.hangup_all()
    secretary.policy = "busy"
    call = kai.dial("secretary")
    lab.unanswered(call, "secretary", 486)
    lab.hangup_all()
    call = kai.dial("absent")
    lab.unanswered(call, "absent", 480)


def test_a_chain(site, daemon, lab):
    """Who is forwarded to breaks through one forward, and no further."""
    site.forwards(boss={"all": "secretary"}, secretary={"all": "vera"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(vera), "kai", secretary="unconditional", boss="unconditional")
    lab.hangup_all()
    vera.dial("secretary")
    own_name_only(lab.rings(secretary), "vera")
    lab.hangup_all()
    vera.dial("boss")
    labelled(lab.rings(secretary, 2), "vera", boss="unconditional")
    lab.hangup_all()
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")


def test_a_chain_of_kinds(site, daemon, no_answer_after_busy, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"busy": "vera"}, vera={"no_answer": "zoe"})
    _, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    secretary.policy = "busy"
    kai.dial("boss")
    labelled(lab.rings(vera), "kai", secretary="user-busy", boss="unconditional")
    labelled(secretary.last, "kai", boss="unconditional")
    labelled(lab.rings(zoe, 1, 8), "kai", vera="no-answer", secretary="user-busy", boss="unconditional")


def test_no_answer_along_a_chain(site, daemon, lab):
    """One label, for both."""
    site.forwards(boss={"all": "secretary"}, secretary={"no_answer": "vera"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    labelled(lab.rings(vera, 1, 8), "kai", secretary="no-answer", boss="unconditional")


def test_a_loop_ends(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"all": "boss"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    assert not boss.rang


def test_a_loop_of_those_who_are_busy_ends(site, daemon, lab):
    site.forwards(vera={"busy": "zoe"}, zoe={"busy": "vera"})
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    vera.policy = zoe.policy = "busy"
    kai.dial("vera")
    lab.rings(zoe)
    lab.turn(1)
    assert (len(vera.incoming), len(zoe.incoming)) == (1, 1)


def test_nothing_of_an_earlier_callee_stays(site, daemon, lab):
    """A kind that the boss has is not the secretary's, and one that she has is not Vera's."""
    site.forwards(boss={"all": "secretary", "busy": "zoe"}, secretary={"no_answer": "vera"})
    _, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    vera.policy = secretary.policy = "busy"
    kai.dial("boss")
    lab.rings(secretary)
    lab.turn(1.5)
    assert not zoe.rang
    assert not vera.rang


def test_the_same_call_again_and_the_next_one(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    for count in (1, 2):
        kai.dial("boss")
        labelled(lab.rings(secretary, count), "kai", boss="unconditional")
        lab.hangup_all()
    kai.dial("vera")
    own_name_only(lab.rings(vera))


def test_a_boss_who_forwards_calls_a_colleague(site, daemon, lab):
    """Directory variables on the caller's channel are the caller's own."""
    to = site.number("secretary")
    site.extra = {site.number("boss"): {"call_forward_all": to, "call_forward_busy": to}}
    site.forwards(boss={"all": "secretary", "busy": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.dial("kai")
    own_name_only(lab.rings(kai), "boss")
    lab.hangup_all()
    kai.policy = "busy"
    boss.dial("kai")
    lab.rings(kai, 2)
    lab.turn(1.5)
    assert not secretary.rang
    lab.hangup_all()
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")


def test_a_call_from_outside(site, daemon, lab):
    """Also of one whose number reads like the secretary's."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    lab.stranger("secretary", domain=site.domain).dial("boss from outside")
    labelled(lab.rings(secretary), "Max", boss="unconditional")
    lab.hangup_all()
    lab.stranger(name="Max Muster").dial("boss from outside")
    labelled(lab.rings(secretary, 2), "Max Muster", boss="unconditional")
    assert not boss.rang


def test_a_stranger_is_labelled_and_breaks_nothing(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    number = site.number("secretary")
    boss, secretary = lab.register("boss", "secretary")
    stranger = lab.stranger("secretary", site.names["secretary"], site.domain)
    forged = [
        ("P-Asserted-Identity", f'"Cora" <sip:{number}@{site.domain}>'),
        ("Referred-By", f"<sip:{number}@{site.domain}>"),
        ("X-user_name", number),
    ]
    stranger.dial("boss from outside", forged)
    labelled(lab.rings(secretary), "Cora", boss="unconditional")
    assert not boss.rang
    assert daemon.says(r"forward {boss} to {secretary} for {secretary}: always$")


def test_a_forward_to_what_is_no_user(site, daemon, lab):
    """A group, or a mistake: it is followed, and the log says so, once."""
    site.forwards(boss={"all": "777"})
    boss, kai = lab.register("boss", "kai")
    for _ in range(2):
        call = kai.dial("boss")
        lab.wait(lambda call=call: call.gone, "ended", 8)
    assert not boss.rang
    warning = daemon.says("WARNING .* {boss} forwards always to 777, which is not a user")
    lab.turn(0.3)  # the second call's line comes a moment later
    message = warning[warning.index(" forwards always to 777") :]
    assert len([line for line in daemon.lines if message in line]) == 1
