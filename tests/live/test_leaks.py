"""Wherever a forwarded call goes next, no label and no Diversion of ours goes with it."""

from __future__ import annotations

LABEL = "Uml. fuer Cora Chefin: Kai Kollege"


def own_name_only(leg, name="Kai Kollege"):
    assert leg.display == name
    assert leg.header("Diversion") is None
    assert "Uml." not in leg.msg


def labelled_and_answered(lab, number="100"):
    _, secretary, kai, vera = lab.register("100", "101", "102", "103")
    call = kai.dial(number)
    leg = lab.rings(secretary)
    assert leg.display == LABEL
    leg.pick_up()
    lab.talk(call, leg)
    return call, leg, vera


def test_transferred_by_the_secretary_to_a_colleague(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, leg, vera = labelled_and_answered(lab)
        leg.send_to("103")
        own_name_only(lab.rings(vera))

    scene(scenario)


def test_transferred_by_the_secretary_out_of_a_trunk(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, leg, _ = labelled_and_answered(lab)
        leg.send_to("0555")
        own_name_only(lab.at_carrier())

    scene(scenario)


def test_the_same_after_an_announcement(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, leg, _ = labelled_and_answered(lab, "9001")
        leg.send_to("0555")
        own_name_only(lab.at_carrier())

    scene(scenario)


def test_the_secretary_is_transferred_by_the_caller(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        call, _, vera = labelled_and_answered(lab)
        call.send_to("103")
        leg = lab.rings(vera)
        assert leg.header("Diversion") is None
        assert "Uml." not in leg.msg
        lab.hangup_all()

    scene(scenario)


def test_the_secretary_is_transferred_by_the_caller_out_of_a_trunk(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        call, _, _ = labelled_and_answered(lab)
        call.send_to("0555")
        leg = lab.at_carrier()
        assert leg.header("Diversion") is None
        assert "Uml." not in leg.msg

    scene(scenario)


def test_into_a_conference(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, leg, _ = labelled_and_answered(lab)
        leg.send_to("3000")
        lab.turn(1.5)
        members = switch.api("conference lab list")
        assert "102" in members
        assert "Uml" not in members

    scene(scenario)


def test_a_forward_to_a_group_and_what_comes_after(switch, daemon, scene):
    switch.forwards(u100={"all": "2000"})

    def scenario(lab):
        _, sina, kai, vera = lab.register("100", "101", "102", "103")
        call = sina.dial("100")
        at_kai, at_vera = lab.rings(kai), lab.rings(vera)
        for leg in (at_kai, at_vera):
            assert leg.display == "Uml. fuer Cora Chefin: Sina Sekretariat"
            assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        at_kai.pick_up()
        lab.talk(call, at_kai)
        at_kai.send_to("0555")
        own_name_only(lab.at_carrier(), "Sina Sekretariat")

    scene(scenario)


def test_a_forward_outside_has_a_diversion_and_no_label(switch, daemon, scene):
    switch.forwards(u100={"all": "05551234567"})

    def scenario(lab):
        _, kai = lab.register("100", "102")
        call = kai.dial("100")
        leg = lab.at_carrier()
        assert leg.display == "Kai Kollege"
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        leg.pick_up()
        lab.talk(call)
        call.end()
        kai.dial("0555")
        own_name_only(lab.at_carrier(2))

    scene(scenario)


def test_no_answer_then_a_colleague(switch, daemon, scene):
    """A→B always, nobody answers at B, whose forward for that leads to C: one label, at C for both."""
    switch.forwards(u100={"all": "101"}, u101={"no_answer": "103"})

    def scenario(lab):
        _, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        leg = lab.rings(vera, 1, 8)
        assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"
        assert leg.header("Diversion").startswith("<sip:101@lab.test>;reason=no-answer")

    scene(scenario)
