"""Ring groups with the one line of freeswitch/dialplan/default/README.md: the forwards of members apply.

Group 2002 (billing) has the members 1005 to 1009; those who have no phone here have a mailbox.
"""

from __future__ import annotations

import re
import signal

import pytest

from tests.live.scenarios import own_name_only, with_conf

LINE = '<param name="group-dial-string" value="loopback/${dialed_user}/default"/>'


@pytest.fixture
def line(site):
    """The line, in the parameters of the domain."""
    file = site.directory / "directory" / "default.xml"
    before = file.read_text("utf-8")
    file.write_text(before.replace("<params>", f"<params>\n{LINE}", 1), "utf-8")
    site.api("reloadxml")
    yield
    site.api("hupall")
    file.write_text(before, "utf-8")
    site.api("reloadxml")


def test_a_member_forwards(line, site, daemon, lab):
    """One label, on that leg only; the mailboxes of the members without a phone do not take the call."""
    site.forwards(**{"1006": {"all": "secretary"}})
    forwarding, secretary, caller, other = lab.register("1006", "secretary", "1010", "1007")
    call = caller.dial("group")
    leg, plain = lab.rings(secretary), lab.rings(other)
    assert leg.display == "Uml. fuer Extension 1006: Extension 1010"
    own_name_only(plain, "Extension 1010")
    assert not forwarding.rang
    lab.turn(3)
    assert (leg.ringing, plain.ringing) == (True, True)
    leg.pick_up()
    lab.talk(call, leg)
    lab.wait(lambda: plain.gone, "the others are cancelled")


@pytest.mark.parametrize("kind", ["busy", "no_answer"])
def test_a_member_forwards_when_the_phone_did_not_take_the_call(line, site, daemon, lab, kind):
    site.forwards(**{"1006": {kind: "secretary"}})
    file = site.directory / "directory" / "default" / "1006.xml"  # here the group's call ends after 4 seconds
    file.write_text(re.sub('(name="call_timeout" value=)"4"', r'\1"2"', file.read_text("utf-8")), "utf-8")
    site.api("reloadxml")
    forwarding, secretary, caller = lab.register("1006", "secretary", "1010")
    forwarding.policy = "busy" if kind == "busy" else "ring"
    caller.dial("group")
    assert lab.rings(secretary, 1, 8).display == "Uml. fuer Extension 1006: Extension 1010"


def test_the_target_calls_the_group(line, site, daemon, lab):
    site.forwards(**{"1006": {"all": "secretary"}})
    forwarding, secretary = lab.register("1006", "secretary")
    secretary.dial("group")
    own_name_only(lab.rings(forwarding), "secretary")
    assert not secretary.rang
    assert daemon.says(r"ring 1006 for {secretary}: target \(1006 forwards always to {secretary}\)")


def test_nobody_is_there(line, site, daemon, lab):
    """No mailbox of a member takes the group's call."""
    (caller,) = lab.register("1010")
    call = caller.dial("group")
    lab.wait(lambda: call.gone, "ended")
    assert call.code != 200


def test_nobody_is_there_for_a_caller_whose_call_was_answered_before(line, site, daemon, lab):
    """Sent on to the group: that the caller's channel is answered does not make a member's leg an answered one."""
    caller, other = lab.register("1010", "1018")
    call, leg = lab.connect(caller, "1018", other)
    call.since = site.log_file.stat().st_size
    leg.send_to("group")
    lab.wait(lambda: call.gone, "ended", 12)
    assert "voicemail(default" not in site.logged(call.since)


def test_without_a_daemon(line, site, lab):
    """As without us, but for the forwards: they are followed without label and exception."""
    site.forwards(**{"1006": {"all": "secretary"}})
    _, secretary, caller, other = lab.register("1006", "secretary", "1010", "1007")
    caller.dial("group")
    own_name_only(lab.rings(secretary), "Extension 1010")
    own_name_only(lab.rings(other), "Extension 1010")


def test_without_the_line(site, daemon, lab):
    site.forwards(**{"1006": {"all": "secretary"}})
    forwarding, secretary, caller = lab.register("1006", "secretary", "1010")
    caller.dial("group")
    own_name_only(lab.rings(forwarding), "Extension 1010")
    assert not secretary.rang


LOOPS = {
    "to the group": {"1006": {"all": "group"}},
    "between two groups": {"1006": {"all": "2001"}, "1011": {"all": "group"}, "1012": {"all": "group"}},
    "by a user": {"1006": {"all": "1015"}, "1015": {"all": "group"}},
    "everybody": {str(number): {"all": "group"} for number in range(1005, 1010)},
}


@pytest.mark.parametrize("forwards", LOOPS.values(), ids=LOOPS)
def test_a_loop_through_the_group(line, site, daemon, lab, forwards):
    """Each group is dialled once, and whoever has a phone rings; before, FreeSWITCH ran out of sessions."""
    site.forwards(**forwards)
    forwarding, other, caller = lab.register("1006", "1007", "1018")
    call = caller.dial("group")
    lab.rings(other)
    if "1011" not in forwards and "1015" not in forwards:
        lab.rings(forwarding)
    assert daemon.says("ring 10.. for 1018: loop")
    lab.turn(2)
    assert other.last.ringing
    assert len(other.incoming) == 1
    assert "Throttle" not in site.logged(call.since)


def test_a_loop_through_the_group_without_a_daemon(line, site, lab):
    site.forwards(**LOOPS["everybody"])
    forwarding, other, caller = lab.register("1006", "1007", "1018")
    caller.dial("group")
    for phone in (forwarding, other):
        own_name_only(lab.rings(phone), "Extension 1018")
    lab.turn(2)
    assert (len(forwarding.incoming), len(other.incoming)) == (1, 1)


@pytest.mark.parametrize(("group", "member", "another"), [("2000", "1003", "1002"), ("2001", "1011", "1013")])
def test_the_other_groups(line, site, daemon, lab, group, member, another):
    """2000 is `group_call`, 2001 is `group/…`."""
    site.forwards(**{member: {"all": "1015"}})
    target, caller, other = lab.register("1015", "1018", another)
    caller.dial(group)
    assert lab.rings(target).display == f"Uml. fuer Extension {member}: Extension 1018"
    own_name_only(lab.rings(other), "Extension 1018")


@with_conf('[exceptions]\nusers = ["1018"]\ngroups = ["support"]\n')
@pytest.mark.parametrize("who", ["1018", "1012", "1016"])
def test_who_else_gets_through(line, site, daemon, lab, who):
    """A user and a group of conf.toml, and the member's own list."""
    site.extra = {"1006": {"call_forward_except": "1016"}}
    site.forwards(**{"1006": {"all": "1015"}})
    forwarding, target, caller = lab.register("1006", "1015", who)
    caller.dial("group")
    own_name_only(lab.rings(forwarding), f"Extension {who}")
    assert not target.rang


def test_a_forward_led_to_the_group(line, site, daemon, lab):
    """One label, never two: the last diverter at the target, the first at the others."""
    site.forwards(**{"boss": {"all": "group"}, "1006": {"all": "1015"}})
    target, caller, other = lab.register("1015", "1018", "1007")
    caller.dial("boss")
    leg, plain = lab.rings(target), lab.rings(other)
    assert leg.display == "Uml. fuer Extension 1006: Extension 1018"
    assert plain.display == "Uml. fuer Extension 1000: Extension 1018"
    for one in (leg, plain):
        assert one.msg.count("Uml.") <= 2  # From, and Remote-Party-ID


@pytest.mark.parametrize("to", ["2001", "outside"])
def test_a_member_forwards_to_what_is_no_user(line, site, daemon, lab, to):
    """The others ring on."""
    site.forwards(**{"1006": {"all": to}})
    other, caller, there = lab.register("1007", "1018", "1012")
    caller.dial("group")
    leg = lab.rings(other)
    if to == "2001":
        assert lab.rings(there).display == "Uml. fuer Extension 1006: Extension 1018"
    else:
        lab.at_carrier()
    lab.turn(1.5)
    assert leg.ringing
    own_name_only(leg, "Extension 1018")


def test_killed_while_the_group_rings(line, site, daemon, lab):
    """Between the question and the answer of a phone."""
    site.forwards(**{"1006": {"all": "secretary"}})
    secretary, caller, other = lab.register("secretary", "1018", "1007")
    call = caller.dial("group")
    lab.rings(secretary)
    leg = lab.rings(other)
    daemon.signal(signal.SIGKILL)
    lab.turn(1)
    leg.pick_up()
    lab.talk(call, leg)
    lab.wait(lambda: secretary.last.gone, "the others are cancelled")


def test_without_the_line_and_without_a_daemon(site, lab):
    site.forwards(**{"1006": {"all": "secretary"}})
    forwarding, secretary, caller = lab.register("1006", "secretary", "1018")
    call = caller.dial("group")
    leg = lab.rings(forwarding)
    own_name_only(leg, "Extension 1018")
    leg.pick_up()
    lab.talk(call, leg)
    assert not secretary.rang


@pytest.fixture
def dialled_by_hand(site, request):
    """A group of the administrator's own, 7777, whose members are written as loopback/EXT.

    It has a ring time of its own: else the caller's call_timeout ends all of it, here as soon as one phone's.
    """
    group = '<extension name="by_hand"><condition field="destination_number" expression="^7777$">'
    group += f'<action application="bridge" data="{{originate_timeout=20}}{request.param}"/></condition></extension>'
    before = site.context_file.read_text("utf-8")
    context = '<context name="default">'
    assert before.count(context) == 1
    site.context_file.write_text(before.replace(context, f"{context}\n{group}"), "utf-8")
    site.api("reloadxml")
    yield
    site.api("hupall")
    site.context_file.write_text(before, "utf-8")
    site.api("reloadxml")


@pytest.mark.parametrize(
    "dialled_by_hand", [f"loopback/1005{s}loopback/1006{s}loopback/1007" for s in ",|"], indirect=True
)
def test_members_that_are_written_as_a_loopback(dialled_by_hand, site, daemon, lab):
    """1005 has no phone, 1006 is busy and forwards then; no mailbox takes the call, and there is a codec."""
    site.forwards(**{"1006": {"busy": "1015"}})
    busy, other, target, caller = lab.register("1006", "1007", "1015", "1018")
    busy.policy = "busy"
    call = caller.dial("7777")
    leg = lab.rings(target)
    assert leg.display == "Uml. fuer Extension 1006: Extension 1018"
    lab.rings(other, 1, 10)  # one after the other: when the target has rung for its time
    assert not call.up
    other.last.pick_up()
    lab.talk(call, other.last)


def test_a_phone_of_a_member_forwards(line, site, daemon, lab):
    """A 302: the others ring on, and the target is called and sees whose phone it was."""
    forwarding, other, target, caller = lab.register("1006", "1007", "1015", "1018")
    forwarding.policy = "redirect:1015"
    call = caller.dial("group")
    leg = lab.rings(target)
    assert leg.display == "Uml. fuer Extension 1006: Extension 1018"
    plain = lab.rings(other)
    lab.turn(1.5)
    assert (leg.ringing, plain.ringing) == (True, True)
    own_name_only(plain, "Extension 1018")
    leg.pick_up()
    lab.talk(call, leg)
