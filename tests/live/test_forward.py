"""The boss, the secretary, and everybody else, on real phones."""

from __future__ import annotations

import signal

BOSS_TO_SECRETARY = {"all": "101"}
LABEL = "Uml. fuer Cora Chefin: Kai Kollege"


def test_a_forwarded_call_shows_for_whom_it_was(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        leg.pick_up()
        lab.talk(call, leg)
        assert not boss.rang

    scene(scenario)
    assert daemon.wait_line(r"forward 100 to 101 for 102: always$")
    assert daemon.wait_line(r"ring 101 for 102: no_forward$")


def test_the_secretary_reaches_the_boss(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        call = secretary.dial("100")
        leg = lab.rings(boss)
        assert leg.display == "Sina Sekretariat"
        assert leg.header("Diversion") is None
        leg.pick_up()
        lab.talk(call, leg)
        assert not secretary.rang

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards always to 101\)$")


def test_the_secretary_transfers_attended_to_the_boss(switch, daemon, scene):
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


def test_a_blind_transfer_comes_back_to_the_secretary(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("101")
        first = lab.rings(secretary)
        assert first.display == "Kai Kollege"
        first.pick_up()
        lab.talk(call, first)
        first.send_to("100")
        again = lab.rings(secretary, 2)
        assert again.display == LABEL
        assert not boss.rang

    scene(scenario)


def test_a_chain(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "103"})

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"
        assert leg.header("Diversion") == (
            "<sip:101@lab.test>;reason=unconditional;counter=1;privacy=off, "
            "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        )
        lab.hangup_all()
        # C breaks B's forward, and A's no further than to B.
        vera.dial("101")
        assert lab.rings(secretary).display == "Vera Vertrieb"
        lab.hangup_all()
        vera.dial("100")
        assert lab.rings(secretary, 2).display == "Uml. fuer Cora Chefin: Vera Vertrieb"
        lab.hangup_all()
        secretary.dial("100")
        assert lab.rings(boss).display == "Sina Sekretariat"

    scene(scenario)


def test_a_loop_ends(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "100"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        assert not boss.rang

    scene(scenario)


def test_the_same_call_again_and_the_next_one(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        for count in (1, 2):
            kai.dial("100")
            assert lab.rings(secretary, count).display == LABEL
            lab.hangup_all()
        kai.dial("103")
        leg = lab.rings(vera)
        assert leg.display == "Kai Kollege"
        assert leg.header("Diversion") is None

    scene(scenario)


def test_a_stranger_is_labelled_and_breaks_nothing(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        stranger = lab.phone("101", register=False, uri='"Sina Sekretariat" <sip:101@lab.test>')
        forged = [
            ("P-Asserted-Identity", '"Cora" <sip:101@lab.test>'),
            ("Referred-By", "<sip:101@lab.test>"),
            ("X-user_name", "101"),
        ]
        stranger.dial("100", forged)
        assert lab.rings(secretary).display == "Uml. fuer Cora Chefin: Cora"
        assert not boss.rang

    scene(scenario)
    assert daemon.wait_line(r"forward 100 to 101 for 101: always$")


def test_without_the_daemon_forwards_are_followed_at_once(switch, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        import time

        boss, secretary, kai = lab.register("100", "101", "102")
        start = time.monotonic()
        call = kai.dial("100")
        leg = lab.rings(secretary)
        delay = time.monotonic() - start
        assert leg.display == "Kai Kollege"
        leg.pick_up()
        lab.talk(call, leg)
        assert not boss.rang
        return delay

    assert scene(scenario) < 0.5


def test_without_the_daemon_other_kinds_and_loops(switch, scene):
    switch.forwards(
        u100={"busy": "101"}, u103={"no_answer": "102"}, u105={"not_registered": "101"},
        u101={"all": "104"}, u104={"all": "101"},
    )  # fmt: skip

    def scenario(lab):
        _, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        lab.phones[0].policy = "busy"
        kai.dial("100")
        lab.rings(zoe)  # 101 → 104 → 101 is not closed
        lab.hangup_all()
        kai.dial("105")
        lab.rings(zoe, 2)
        lab.hangup_all()
        secretary.dial("103")
        lab.rings(vera)
        lab.rings(kai, 1, 8)

    scene(scenario)


def test_the_daemon_killed_during_a_call(switch, daemon, scene):
    switch.forwards(u100=BOSS_TO_SECRETARY)

    def scenario(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        call, leg = lab.connect(kai, "100", secretary)
        daemon.signal(signal.SIGKILL)
        lab.turn(1.0)
        assert call.up
        assert leg.up
        leg.send_to("103")
        lab.turn(1.0)

    scene(scenario)


def test_nobody_takes_it(switch, daemon, scene):
    def scenario(lab):
        boss, _, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        call = kai.dial("100")
        lab.wait(lambda: call.gone, "refused")
        assert call.code == 486
        absent = kai.dial("105")
        lab.wait(lambda: absent.gone, "refused")
        assert absent.code == 480

    scene(scenario)
