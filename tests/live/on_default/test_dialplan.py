"""What only the tests' own configuration has: a second domain, groups of the directory, a profile that asks nobody."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only, with_conf
from tests.live.scenarios.exceptions import test_who_may_break_everything as may_break_everything
from tests.live.switch import ROOT


@pytest.mark.parametrize(
    ("conf", "reason"), [('[exceptions]\ngroups = ["nobody", "board"]\n', "group")], ids=["board"]
)
def test_a_group_of_the_directory_may_break_everything(site, daemon, lab, reason):
    may_break_everything(site, daemon, lab, reason)


@with_conf('[domains."b.test".display]\nlabel = "For {diverter}: {caller}"\n')
def test_two_domains_with_the_same_numbers(site, daemon, scene):
    site.forwards(boss={"all": "secretary"})

    def ours(lab):
        secretary, kai = lab.register("secretary", "kai")
        kai.dial("boss")
        labelled(lab.rings(secretary), "kai", boss="unconditional")

    def theirs(lab):
        secretary, caller = lab.register("101", "102", domain="b.test")
        caller.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == "For B 100: B 102"
        assert leg.header("Diversion") == "<sip:100@b.test>;reason=unconditional;counter=1;privacy=off"
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.gone, "ended: nobody is registered there")
        assert own.code == 480

    scene(ours)
    scene(theirs)


def test_a_number_that_is_nobodys_is_not_ours(daemon, lab):
    (kai,) = lab.register("kai")
    call = kai.dial("199")
    lab.wait(lambda: call.gone, "refused")
    assert call.code == 404
    assert not any("199" in line for line in daemon.lines)


# --- what a stranger brings as a destination ---

HOSTILE = "<sip:${{global_setvar({}=yes)}}@lab.test>"


def test_a_refer_and_a_302_to_an_expansion(site, daemon, lab):
    import pjsua2 as pj

    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    secretary.policy = "redirect:" + HOSTILE.format("by_302")
    kai.dial("boss")
    lab.turn(1)
    lab.hangup_all()
    secretary.policy = "ring"
    _, leg = lab.connect(kai, "boss", secretary)
    leg.xfer(HOSTILE.format("by_callee"), pj.CallOpParam())
    lab.turn(1)
    lab.hangup_all()
    call = kai.dial("outside")
    carrier = lab.at_carrier()
    carrier.pick_up()
    lab.talk(call, carrier)
    carrier.xfer(HOSTILE.format("by_carrier"), pj.CallOpParam())
    lab.turn(1)
    names = ("by_302", "by_callee", "by_carrier")
    assert [name for name in names if "yes" in site.api(f"global_getvar {name}")] == []


# --- what is counted for routing.busy ---


@with_conf("[routing]\nbusy = 1\n")
def test_a_group_counts_by_the_dial_string(site, daemon, lab):
    """As docs/busy.md has it; a leg that is counted by both counts once."""
    line = "limit_ignore_transfer=true:execute_on_originate_fsdaemon_busy=limit hash ${dialed_domain} user_${dialed_user}"
    assert f'value="{{^^:{line}}}' in (ROOT / "docs" / "busy.md").read_text("utf-8")
    site.forwards(kai={"busy": "secretary"})
    file = site.directory / "directory.xml"
    file.write_text(file.read_text("utf-8").replace("{^^:", f"{{^^:{line}:"), "utf-8")
    site.api("reloadxml")
    kai, secretary, zoe = lab.register("kai", "secretary", "zoe")

    def calls():
        return site.api(f"limit_usage hash {site.domain} user_{kai.user}")

    zoe.dial("group")
    lab.rings(kai)
    assert calls() == "1"
    lab.stranger().dial("kai from outside")
    labelled(lab.rings(secretary), "Max", kai="user-busy")
    lab.hangup_all()
    lab.wait(lambda: calls() == "0", "no call")
    zoe.dial("kai")
    lab.rings(kai, 2)
    assert calls() == "1"


@pytest.fixture
def without_mod_hash(site):
    site.api("unload mod_hash")
    yield
    site.api("load mod_hash")


@with_conf("[routing]\nbusy = 1\n")
def test_without_mod_hash_calls_go_on_as_before(site, without_mod_hash, daemon, lab):
    site.forwards(boss={"busy": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    boss.policy = "busy"
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="user-busy")
    assert daemon.says("WARNING .*the calls of {boss} are not counted: routing.busy needs mod_hash")


@with_conf("[routing]\nbusy = 1\n")
def test_a_leg_behind_loopback_counts(site, daemon, lab):
    site.forwards(boss={"busy": "secretary"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    call = kai.dial("91" + boss.user)
    lab.rings(boss).pick_up()
    lab.wait(lambda: call.up, "connected")
    zoe.dial("boss")
    labelled(lab.rings(secretary), "zoe", boss="user-busy")
    lab.hangup_all()
    usage = f"limit_usage hash {site.domain} user_{boss.user}"
    lab.wait(lambda: site.api(usage) == "0", "no call")
