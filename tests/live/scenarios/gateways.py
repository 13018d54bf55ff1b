"""What an INVITE says of forwards before it came here: shown where the gateway is believed, and never passed on."""

from __future__ import annotations

from tests.live.scenarios import labelled, nothing_of_ours, own_name_only, with_conf

BELIEVED = '[display]\ndiversion_from = ["127.0.0.1"]\n'
_TOLD = (
    ([("diversion", "<sip:+49302000@carrier.example>;reason=user-busy")], "+49302000"),
    ([("DIVERSION", "sip:%2B49302000@carrier.example;reason=no-answer;privacy=off")], "+49302000"),
    ([("Diversion", "<tel:+49(30)20-00>;reason=unconditional")], "+49302000"),
    ([("Diversion", '"Amt, \\"Mitte\\"" <sip:+49302000@[2001:db8::1]:5060>;screen=no')], "Amt, 'Mitte'"),
    ([("Diversion", "<sip:anonymous@anonymous.invalid>;reason=unknown")], "Anonym"),
    ([("Diversion", '"Amt" <sip:+49302000@carrier.example>;privacy=name')], "Anonym"),
    ([("History-Info", "<sip:+49302000@h>;index=1, <sip:x@h;cause=302>;index=1.1;mp=1")], "+49302000"),
    (
        [("History-Info", "<sip:+49302000@h?Reason=SIP%3Bcause%3D486>;index=1, <sip:x@h>;index=2")],
        "+49302000",
    ),
    ([("History-Info", "<sip:+49302000@h?Privacy=history>;index=1, <sip:x@h;cause=302>;index=2")], "Anonym"),
)


@with_conf(BELIEVED)
def test_what_a_gateway_tells_in_any_form(site, daemon, lab):
    (boss,) = lab.register("boss")
    stranger = lab.stranger("900")
    wrong = []
    for headers, expected in _TOLD:
        boss.incoming.clear()
        stranger.dial("boss from outside", headers)
        leg = lab.rings(boss)
        if leg.display != site.label(expected, "Max") or "49302000@" in leg.msg:
            wrong.append((headers, leg.msg))
        lab.hangup_all()
    assert not wrong, "\n".join(f"{headers}\n{msg}" for headers, msg in wrong)


@with_conf(BELIEVED)
def test_a_gateway_tells_it_twice(site, daemon, lab):
    """Two lines of History-Info, and a Diversion that says the newer half of it."""
    site.forwards(secretary={"all": "vera"})
    (vera,) = lab.register("vera")
    told = [
        ("Diversion", '"Amt" <sip:0302000@[2001:db8::1]>;reason=user-busy'),
        ("History-Info", "<sip:+4940111@h>;index=1"),
        (
            "History-Info",
            "<sip:+49302000@h;cause=302>;index=1.1;mp=1, <sip:x@h;cause=486>;index=1.1.1;mp=1.1",
        ),
    ]
    lab.stranger("900").dial("secretary from outside", told)
    leg = lab.rings(vera)
    assert leg.display == site.label("+4940111", "secretary", "Max")
    assert leg.header("Diversion") == (
        f"{site.diversion(secretary='unconditional')}, "
        "<sip:+49302000@h>;reason=user-busy;counter=1;privacy=off, "
        "<sip:+4940111@h>;reason=unconditional;counter=1;privacy=off"
    )
    assert leg.header("History-Info") is None


@with_conf(BELIEVED)
def test_an_address_in_brackets_goes_on_below_our_own(site, daemon, lab):
    """The host of an IPv6 address does not end the leg's variables."""
    site.forwards(secretary={"busy": "vera"}, vera={"all": "zoe"})
    secretary, zoe = lab.register("secretary", "zoe")
    secretary.policy = "busy"
    theirs = [("diversion", '"Ämter & Co" <sip:+49302000@[2001:db8::1]>;reason=no-answer')]
    lab.stranger("900").dial("secretary from outside", theirs)
    leg = lab.rings(zoe)
    assert leg.display == site.label("Ämter & Co", "vera", "Max")
    ours = site.diversion(vera="unconditional", secretary="user-busy")
    below = "<sip:+49302000@[2001:db8::1]>;reason=no-answer;counter=1;privacy=off"
    assert leg.header("Diversion") == f"{ours}, {below}"


_SPELLINGS = (
    [("Diversion", "<sip:+49302000@carrier.example>;reason=user-busy")],
    [("dIVERSION", "<sip:+49302000@carrier.example>;reason=user-busy")],
    [("Diversion", "<sip:+49302000@x>"), ("diversion", "<sip:+49302001@x>")],
    [("Diversion", "nonsense 49302000")],
)


@with_conf("[display]\ndiversion = false\n")
def test_an_incoming_diversion_is_not_passed_on(site, daemon, lab):
    """From outside and from a phone, to a user, by a forward, to a group, and out of a trunk."""
    site.forwards(boss={"all": "outside"}, vera={"all": "secretary"}, zoe={"all": "group"})
    secretary, kai = lab.register("secretary", "kai")
    stranger = lab.stranger("900")
    for headers in _SPELLINGS:
        for number, phone in (("secretary", secretary), ("vera", secretary), ("zoe", kai)):
            phone.incoming.clear()
            stranger.dial(f"{number} from outside", headers)
            leg = lab.rings(phone)
            assert leg.header("Diversion") is None, leg.msg
            assert "4930200" not in leg.msg
            lab.hangup_all()
        count = len(lab.carried()) + 1
        kai.dial("boss", headers)
        leg = lab.at_carrier(count)
        assert leg.header("Diversion") is None, leg.msg
        lab.hangup_all()


@with_conf(BELIEVED)
def test_what_was_taken_away_is_not_given_back(site, daemon, lab):
    """A forward to a group lends the channel a Diversion; when somebody answers, none is left."""
    site.forwards(boss={"all": "group"})
    _, kai, vera = lab.register("boss", "kai", "vera")
    call = lab.stranger("900").dial("boss from outside", _SPELLINGS[1])
    at_kai = lab.rings(kai)
    lab.rings(vera)
    assert at_kai.display == site.label("+49302000", "boss", "Max")
    at_kai.pick_up()
    lab.talk(call, at_kai)
    at_kai.send_to("vera")
    leg = lab.rings(vera, 2)
    nothing_of_ours(leg)
    assert "49302000" not in leg.msg


@with_conf("[routing]\npass_diversion = true\n")
def test_a_diversion_that_is_to_be_passed_on(site, daemon, lab):
    site.forwards(vera={"all": "secretary"})
    (secretary,) = lab.register("secretary")
    stranger = lab.stranger("900")
    stranger.dial("secretary from outside", _SPELLINGS[1])
    leg = lab.rings(secretary)
    assert leg.header("Diversion") == _SPELLINGS[1][0][1]
    assert leg.display == "Max"
    lab.hangup_all()
    stranger.dial("vera from outside", _SPELLINGS[0])
    labelled(lab.rings(secretary, 2), "Max", vera="unconditional")


def test_a_history_from_a_gateway_that_is_not_believed(site, daemon, lab):
    (boss,) = lab.register("boss")
    told = [("History-Info", "<sip:+49302000@h>;index=1, <sip:x@h;cause=302>;index=1.1;mp=1")]
    lab.stranger("900").dial("boss from outside", told)
    own_name_only(lab.rings(boss), "Max")
