"""Busy from so many calls on (`routing.busy`): the forward for busy is followed before the phone rings."""

from __future__ import annotations

import signal

import pytest

from tests.live.nodes import rewrite
from tests.live.scenarios import labelled, own_name_only, with_conf
from tests.live.scripted import Scripted

ONE, TWO = "[routing]\nbusy = 1\n", "[routing]\nbusy = 2\n"
TO_SECRETARY = {"busy": "secretary"}


@pytest.fixture
def counting(site):
    """The site with freeswitch/dialplan/default/fsdaemon_busy.xml first in the users' context."""
    file, mark = site.context_file, '<context name="default">'
    before = file.read_text("utf-8")
    line = f'{mark}\n<X-PRE-PROCESS cmd="include" data="{site.kit}/fsdaemon_busy.xml"/>\n'
    rewrite(file, {mark: line})
    site.api("reloadxml")
    yield site
    file.write_text(before, "utf-8")
    site.api("reloadxml")


def calls(site, who):
    return int(site.api(f"limit_usage hash {site.domain} user_{site.number(who)}"))


def have(lab, who, number):
    """Until as many calls of a user's are counted."""
    lab.wait(lambda: calls(lab.site, who) == number, f"{number} calls of {who}: {calls(lab.site, who)}")


def over(lab, call):
    """PJSIP makes four calls at a time, a phone's and its caller's are two."""
    call.end()
    lab.wait(lambda: call.gone, "hung up")
    lab.turn(0.3)


@with_conf(ONE)
def test_the_second_call_is_forwarded(site, daemon, lab):
    """While the first one rings and while they talk; after it the phone rings again."""
    site.forwards(boss=TO_SECRETARY)
    boss, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    call = kai.dial("boss")
    leg = lab.rings(boss)
    own_name_only(leg)
    assert calls(site, "boss") == 1
    second = vera.dial("boss")
    labelled(lab.rings(secretary), "vera", boss="user-busy")
    over(lab, second)
    leg.pick_up()
    lab.talk(call, leg)
    zoe.dial("boss")
    labelled(lab.rings(secretary, 2), "zoe", boss="user-busy")
    assert len(boss.incoming) == 1
    lab.hangup_all()
    have(lab, "boss", 0)
    have(lab, "secretary", 0)
    zoe.dial("boss")
    own_name_only(lab.rings(boss, 2), "zoe")
    assert daemon.says(r"forward {boss} to {secretary} for {vera}: busy$")


@with_conf(ONE)
def test_who_has_an_exception_waits(site, daemon, lab):
    """The target and the boss too; without a forward for busy everybody does."""
    site.forwards(boss=TO_SECRETARY)
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    lab.connect(kai, "boss", boss)
    second = secretary.dial("boss")
    own_name_only(lab.rings(boss, 2), "secretary")
    over(lab, second)
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards busy to {secretary}\)$")
    vera.dial("kai")
    own_name_only(lab.rings(kai), "vera")


@with_conf(ONE)
def test_a_forward_always_comes_first(site, daemon, lab):
    """The target of that one breaks through it, and is forwarded when the boss is busy."""
    site.forwards(boss={"all": "secretary", "busy": "vera"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    boss_calls = secretary.dial("boss")
    leg = lab.rings(boss)
    leg.pick_up()
    lab.talk(boss_calls, leg)
    second = kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    over(lab, second)
    secretary.dial("boss")
    labelled(lab.rings(vera), "secretary", boss="user-busy")


@with_conf(TWO)
def test_from_two_calls_on(site, daemon, lab):
    site.forwards(boss=TO_SECRETARY)
    secretary, kai, vera, zoe = lab.register("secretary", "kai", "vera", "zoe")
    with Scripted(site, (180,), "boss") as boss:
        for count, caller in enumerate((kai, vera), 1):
            caller.dial("boss")
            lab.wait(lambda count=count: boss.reasons == [None] * count, f"{count} calls")
        zoe.dial("boss")
        labelled(lab.rings(secretary), "zoe", boss="user-busy")


@with_conf(ONE)
def test_a_chain_of_those_who_have_calls(site, daemon, lab):
    site.forwards(boss=TO_SECRETARY, secretary={"busy": "vera"})
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    with Scripted(site, (180,), "boss") as boss, Scripted(site, (180,), "secretary") as secretary:
        kai.dial("boss")
        zoe.dial("secretary")
        lab.wait(lambda: boss.calls and secretary.calls, "both ring")
        lab.stranger().dial("boss from outside")
        labelled(lab.rings(vera), "Max", secretary="user-busy", boss="user-busy")
        assert (len(boss.calls), len(secretary.calls)) == (1, 1)


@with_conf(ONE)
def test_a_busy_forward_out_of_a_trunk(site, daemon, lab):
    """Beside one that leads to a user and is not followed."""
    site.forwards(boss={"all": "secretary", "busy": "outside"})
    boss, secretary, _ = lab.register("boss", "secretary", "kai")
    call = secretary.dial("boss")
    leg = lab.rings(boss)
    leg.pick_up()
    lab.talk(call, leg)
    secretary.dial("boss")
    lab.at_carrier()
    assert len([leg for leg in boss.incoming if site.for_carrier not in leg.msg]) == 1


@with_conf(ONE)
def test_calls_of_ones_own_count(counting, site, daemon, lab):
    """To a user and to what is none; after it the phone rings again."""
    site.forwards(boss=TO_SECRETARY)
    boss, secretary, kai, _ = lab.register("boss", "secretary", "kai", "vera")
    for count, number in enumerate(("vera", "conference"), 1):
        boss.dial(number)
        have(lab, "boss", 1)
        kai.dial("boss")
        labelled(lab.rings(secretary, count), "kai", boss="user-busy")
        lab.hangup_all()
        have(lab, "boss", 0)
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    have(lab, "kai", 1)


@with_conf(ONE)
def test_without_that_file_they_do_not(site, daemon, lab):
    site.forwards(boss=TO_SECRETARY)
    boss, kai, vera = lab.register("boss", "kai", "vera")
    boss.dial("vera")
    lab.rings(vera)
    kai.dial("boss")
    own_name_only(lab.rings(boss))


@with_conf(ONE)
@pytest.mark.parametrize("by", ["callee", "caller"])
def test_a_blind_transfer_gives_it_back(counting, site, daemon, lab, by):
    """The call is the one of who has it now."""
    boss, kai, vera = lab.register("boss", "kai", "vera")
    call, leg = lab.connect(*((kai, "boss", boss) if by == "callee" else (boss, "kai", kai)))
    have(lab, "boss", 1)
    have(lab, "kai", 1)
    (leg if by == "callee" else call).send_to("vera")
    lab.rings(vera).pick_up()
    have(lab, "boss", 0)
    have(lab, "kai", 1)
    have(lab, "vera", 1)
    lab.hangup_all()
    have(lab, "kai", 0)
    have(lab, "vera", 0)


@with_conf(ONE)
def test_an_attended_transfer_gives_it_back(counting, site, daemon, lab):
    boss, kai, vera = lab.register("boss", "kai", "vera")
    call, first = lab.connect(kai, "boss", boss)
    consultation, at_vera = lab.connect(boss, "vera", vera)
    have(lab, "boss", 2)
    first.join(consultation)
    have(lab, "boss", 0)
    assert (calls(site, "kai"), calls(site, "vera")) == (1, 1)
    assert call.up
    assert at_vera.up
    lab.hangup_all()
    have(lab, "kai", 0)
    have(lab, "vera", 0)


@with_conf(ONE)
def test_a_caller_who_gives_up_and_a_phone_that_refuses(site, daemon, lab):
    boss, kai = lab.register("boss", "kai")
    call = kai.dial("boss")
    lab.rings(boss)
    have(lab, "boss", 1)
    call.end()
    have(lab, "boss", 0)
    boss.policy = "busy"
    kai.dial("boss")
    lab.rings(boss, 2)
    have(lab, "boss", 0)


@with_conf(ONE)
def test_two_phones_of_one_user(site, daemon, lab):
    """Both ring for one call, and one talks; the next caller is forwarded."""
    site.forwards(boss=TO_SECRETARY)
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    with Scripted(site, (180,), "boss") as mobile:
        call = kai.dial("boss")
        leg = lab.rings(boss)
        lab.wait(lambda: mobile.calls, "the mobile rings")
        assert calls(site, "boss") == 2
        leg.pick_up()
        lab.talk(call, leg)
        have(lab, "boss", 1)
        vera.dial("boss")
        labelled(lab.rings(secretary), "vera", boss="user-busy")
        assert len(mobile.calls) == 1


@with_conf(ONE)
def test_it_is_dialled(codes, lab):
    """By code 67; with the daemon gone, nobody is busy by calls."""
    site = codes
    site.api(f"db insert/fsdaemon-{site.domain}/{site.number('boss')}/;67=on:{site.number('secretary')}")
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    lab.connect(kai, "boss", boss)
    vera.dial("boss")
    labelled(lab.rings(secretary), "vera", boss="user-busy")


@with_conf(ONE)
def test_without_a_daemon_nobody_is_busy_by_calls(site, daemon, lab):
    site.forwards(boss=TO_SECRETARY)
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    lab.connect(kai, "boss", boss)
    daemon.signal(signal.SIGKILL)
    vera.dial("boss")
    own_name_only(lab.rings(boss, 2), "vera")
    assert not secretary.rang
