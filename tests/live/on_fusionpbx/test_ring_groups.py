"""Ring groups of FusionPBX: the forwards of their members, Vera (103) and Zoe (104) in 2000."""

from __future__ import annotations

import re
import signal

import pytest

from tests.live.on_fusionpbx.test_fusionpbx import wait_for_mail
from tests.live.scenarios import labelled, nothing_of_ours, own_name_only, with_conf

STRATEGIES = ("simultaneous", "enterprise", "sequence", "random", "rollover")
AT_ONCE = STRATEGIES[:2]


@pytest.fixture(params=STRATEGIES)
def strategy(request, site):
    site.sql(f"update v_ring_groups set ring_group_strategy = '{request.param}'")
    return request.param


@pytest.fixture(params=AT_ONCE)
def at_once(request, site):
    site.sql(f"update v_ring_groups set ring_group_strategy = '{request.param}'")
    return request.param


# --- label ---


def test_a_member_forwards(site, daemon, lab, strategy):
    """Vera's calls go to the secretary, whose phone shows for whom; Zoe's shows the caller."""
    site.forwards(vera={"all": "secretary"})
    secretary, kai, vera, zoe = lab.register("secretary", "kai", "vera", "zoe")
    zoe.policy = "ring" if strategy in AT_ONCE else "busy"
    call = kai.dial("group")
    leg = lab.rings(secretary)
    labelled(leg, "kai", vera="unconditional")
    if zoe.incoming:
        own_name_only(zoe.incoming[0])
    assert not vera.rang
    assert daemon.says(r"forward {vera} to {secretary} for {kai}: always$")
    leg.pick_up()
    lab.talk(call, leg)


def test_a_member_without_a_phone_forwards_for_that(site, daemon, lab, strategy):
    site.members("absent", "zoe")
    site.forwards(absent={"not_registered": "secretary"})
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    zoe.policy = "ring" if strategy in AT_ONCE else "busy"
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", absent="unavailable")
    if zoe.incoming:
        own_name_only(zoe.incoming[0])


def test_a_forward_led_to_the_group(site, daemon, lab, strategy):
    """One label, never two: the last diverter at the target, the first one at the others."""
    site.forwards(boss={"all": "group"}, zoe={"all": "secretary"})
    secretary, kai, vera = lab.register("secretary", "kai", "vera")
    if strategy == "random":
        site.members("zoe")
    kai.dial("boss")
    if strategy != "random":
        labelled(lab.rings(vera), "kai", boss="unconditional")
    if strategy in ("sequence", "rollover"):
        vera.last.end()
    leg = lab.rings(secretary, 1, 8)
    labelled(leg, "kai", zoe="unconditional", boss="unconditional")
    assert leg.msg.count("Uml.") <= 2  # From, and Remote-Party-ID


def test_a_chain(site, daemon, lab):
    site.forwards(vera={"all": "boss"}, boss={"all": "secretary"})
    secretary, kai, boss, zoe = lab.register("secretary", "kai", "boss", "zoe")
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", boss="unconditional", vera="unconditional")
    own_name_only(lab.rings(zoe))
    assert not boss.rang


def test_always_and_then_no_phone(site, daemon, lab):
    site.forwards(vera={"all": "absent"}, absent={"not_registered": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", absent="unavailable", vera="unconditional")


def test_two_members_with_the_same_target(site, daemon, lab, at_once):
    """Each of the two calls that the phone gets names its own member."""
    site.forwards(vera={"all": "secretary"}, zoe={"all": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    kai.dial("group")
    lab.rings(secretary, 2)
    shown = {leg.display for leg in secretary.incoming}
    assert shown == {site.label("vera", "kai"), site.label("zoe", "kai")}


def test_a_member_forwards_to_another_member(site, daemon, lab, at_once):
    """Zoe's phone gets a call of her own, and one for Vera."""
    site.forwards(vera={"all": "zoe"})
    kai, zoe = lab.register("kai", "zoe")
    kai.dial("group")
    lab.rings(zoe, 2)
    assert {leg.display for leg in zoe.incoming} == {"Kai Kollege", site.label("vera", "kai")}


def test_the_target_has_two_phones(site, daemon, mobile_that_forwards, lab, strategy):
    """The second one sends the call to somebody else, and is not obeyed as long as the first one rings."""
    site.members("vera")
    site.forwards(vera={"all": "boss"})
    boss, kai = lab.register("boss", "kai")
    mobile_that_forwards(lab)
    call = kai.dial("group")
    leg = lab.rings(boss)
    labelled(leg, "kai", vera="unconditional")
    made = site.logged(call.since).count(
        "set_profile_var(caller_id_name=Uml. fuer Vera Vertrieb: Kai Kollege)"
    )
    assert made == 2
    leg.pick_up()
    lab.talk(call, leg)


def test_a_loop_of_forwards(site, daemon, lab):
    """Vera and the secretary forward to each other: the secretary rings, for Vera."""
    site.forwards(vera={"all": "secretary"}, secretary={"all": "vera"})
    secretary, kai, vera, zoe = lab.register("secretary", "kai", "vera", "zoe")
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", vera="unconditional")
    own_name_only(lab.rings(zoe))
    assert not vera.rang
    assert daemon.says("ring {secretary} for {kai}: loop")


@pytest.mark.parametrize(
    "name",
    ["A, B|C", "x=y;z", "Müller & 'Co'", "${x}[a]{b}<c>", "50% :_: A@B/C^^!", " "],
    ids=range(6),
)
def test_any_name(site, daemon, lab, at_once, name):
    """The target's phone shows exactly the caller's name, and the others ring."""
    site.forwards(vera={"all": "secretary"})
    secretary, zoe = lab.register("secretary", "zoe")
    lab.stranger("0301234567", name, "lab.test").dial("group")
    shown = name.replace("${", "%{").strip() or "0301234567"  # FreeSWITCH's own replacement
    assert lab.rings(secretary).display == f"Uml. fuer Vera Vertrieb: {shown}"
    lab.rings(zoe)


def test_a_member_forwards_to_an_outside_number(site, daemon, lab):
    """It shows the caller as FusionPBX's route has it, and no label; Zoe rings on."""
    site.forwards(vera={"all": "outside"})
    kai, zoe = lab.register("kai", "zoe")
    kai.dial("group")
    nothing_of_ours(lab.at_carrier())
    assert lab.rings(zoe).ringing


def test_forwards_of_members_are_off(site, daemon, lab):
    """`Call forward` of the group is off: nothing is followed."""
    site.sql("update v_ring_groups set ring_group_call_forward_enabled = false")
    site.forwards(vera={"all": "secretary"})
    secretary, kai, vera = lab.register("secretary", "kai", "vera")
    kai.dial("group")
    own_name_only(lab.rings(vera))
    assert not secretary.rang


def test_a_member_that_is_switched_off(site, daemon, lab, strategy):
    """Neither called nor in the log."""
    site.sql(
        "update v_ring_group_destinations set destination_enabled = false where destination_number = '104'"
    )
    site.forwards(vera={"all": "secretary"}, zoe={"all": "boss"})
    secretary, kai, boss = lab.register("secretary", "kai", "boss")
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", vera="unconditional")
    assert daemon.says("forward {vera} to {secretary} for {kai}: always")
    assert not any("104" in line.partition("INFO")[2].partition(" ")[2].split() for line in daemon.lines)
    assert not boss.rang


# --- exceptions ---


def test_the_target_calls_the_group(site, daemon, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    secretary, vera, zoe = lab.register("secretary", "vera", "zoe")
    zoe.policy = "ring" if strategy in AT_ONCE else "busy"
    secretary.dial("group")
    own_name_only(lab.rings(vera), "secretary")
    assert not secretary.rang
    assert daemon.says(r"ring {vera} for {secretary}: target \({vera} forwards always to {secretary}\)")


@with_conf('[exceptions]\nusers = ["<kai>"]\ngroups = ["reception"]\nexternal = ["+49 30 7654321"]\n')
@pytest.mark.parametrize(
    ("who", "reason"), [("kai", "user"), ("zoe", "group"), ("boss", "own"), ("+49307654321", "external")]
)
def test_who_else_gets_through(site, daemon, lab, who, reason):
    site.members("vera")
    site.lets_through("vera", "<boss>")
    site.forwards(vera={"all": "secretary"})
    secretary, vera = lab.register("secretary", "vera")
    caller = lab.stranger(who, "", "lab.test") if who[0] == "+" else lab.register(who)[0]
    caller.dial("group")
    nothing_of_ours(lab.rings(vera))
    assert not secretary.rang
    assert daemon.says(rf"ring {{vera}} for \S+: {reason} ")


def test_the_right_is_not_inherited(site, daemon, lab):
    """Vera forwards to the boss, and she to the secretary, who calls: the boss rings, for Vera."""
    site.forwards(vera={"all": "boss"}, boss={"all": "secretary"})
    secretary, boss, vera = lab.register("secretary", "boss", "vera")
    secretary.dial("group")
    labelled(lab.rings(boss), "secretary", vera="unconditional")
    assert not vera.rang


def test_a_stranger_gets_no_right(site, daemon, lab):
    site.forwards(vera={"all": "secretary"})
    secretary, vera = lab.register("secretary", "vera")
    forged = [
        ("X-fsdaemon_member_forwards", "always 103"),
        ("X-user_name", "101"),
        ("P-Asserted-Identity", "<sip:101@lab.test>"),
    ]
    lab.stranger("101", "Sina Sekretariat", "lab.test").dial("group", forged)
    assert lab.rings(secretary).display == "Uml. fuer Vera Vertrieb: Sina Sekretariat"
    assert not vera.rang


def test_do_not_disturb_is_not_broken_through(site, daemon, lab):
    site.forwards(vera={"all": "secretary"})
    site.sql("update v_extensions set do_not_disturb = true where extension = '103'")
    secretary, vera, zoe = lab.register("secretary", "vera", "zoe")
    secretary.dial("group")
    own_name_only(lab.rings(zoe), "secretary")
    assert not vera.rang
    assert not secretary.rang


# --- the phone answers 302 ---


def test_a_phone_of_a_member_forwards(site, daemon, lab, strategy):
    """The others ring on."""
    secretary, kai, vera, zoe = lab.register("secretary", "kai", "vera", "zoe")
    vera.policy = "redirect:secretary"
    call = kai.dial("group")
    leg = lab.rings(zoe)
    lab.turn(1)
    assert leg.ringing
    assert not secretary.rang
    leg.pick_up()
    lab.talk(call, leg)


def test_every_phone_forwards(site, daemon, lab):
    """Nobody else can take the call: it goes where a phone sends it, as without us."""
    site.members("vera")
    secretary, kai, vera = lab.register("secretary", "kai", "vera")
    vera.policy = "redirect:secretary"
    call = kai.dial("group")
    leg = lab.rings(secretary)
    leg.pick_up()
    lab.talk(call, leg)


# --- what is FusionPBX's own, and what remains ---


def test_nobody_takes_it(site, daemon, scene, at_once):
    """The group's missed-call mail has the caller's own name."""
    site.forwards(vera={"all": "secretary"})

    def story(lab):
        secretary, kai = lab.register("secretary", "kai")
        call = kai.dial("group")
        labelled(lab.rings(secretary), "kai", vera="unconditional")
        call.end()
        lab.turn(0.5)

    scene(story)
    wait_for_mail(site, "2000@lab.test: Kai Kollege|102|2000")


@pytest.mark.parametrize("who", ["caller", "target"])
def test_sent_on_afterwards(site, daemon, lab, who):
    site.forwards(vera={"all": "secretary"})
    secretary, kai, boss = lab.register("secretary", "kai", "boss")
    call = kai.dial("group")
    leg = lab.rings(secretary)
    leg.pick_up()
    lab.talk(call, leg)
    left = [
        line
        for line in site.api(f"uuid_dump {site.channel_of('kai')}").splitlines()
        if ("fsdaemon_member" in line or "Uml." in line)
        and not re.match("Other-Leg|variable_(last_arg|current_app)", line)
    ]
    assert not left
    (call if who == "caller" else leg).send_to("boss")
    nothing_of_ours(lab.rings(boss))


def test_a_confirmed_and_recorded_member(site, daemon, lab):
    """Confirmation by a key, and recording: the leg's variables have brackets and quotes."""
    site.sql("update v_ring_group_destinations set destination_prompt = 1")
    site.sql("update v_extensions set user_record = 'all'")
    site.forwards(vera={"all": "secretary"})
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    kai.dial("group")
    labelled(lab.rings(secretary), "kai", vera="unconditional")
    own_name_only(lab.rings(zoe))


# --- bad input ---


def test_two_hundred_members(site, daemon, lab):
    """Two of them are the same user."""
    columns = "domain_uuid, password, user_context, enabled"
    site.sql(
        f"insert into v_extensions (extension_uuid, extension, {columns}) select gen_random_uuid(), n, {columns} "
        "from v_extensions, generate_series(300, 496) n where extension = '105' and user_context = 'lab.test'"
    )
    site.members(*map(str, range(300, 497)), "vera", "zoe", "zoe")
    site.forwards(vera={"all": "secretary"})
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    kai.dial("group")
    labelled(lab.rings(secretary, 1, 15), "kai", vera="unconditional")
    own_name_only(lab.rings(zoe, 2))
    site.sql("delete from v_extensions where length(extension) = 3 and extension >= '300'")


@pytest.mark.parametrize(
    "target", ["", "a b", "'; drop table v_domains; --", "101|always 104", "${x}", "user/101"]
)
def test_a_forward_that_is_none(site, daemon, lab, at_once, target):
    """It rings."""
    site.sql(site.changed("103", {"all": target}))
    kai, zoe = lab.register("kai", "zoe")
    kai.dial("group")
    own_name_only(lab.rings(zoe))


@pytest.mark.parametrize("how", ["member", "forward"])
def test_the_group_leads_to_itself(site, daemon, lab, how, at_once):
    site.members("group" if how == "member" else "loopback/103/lab.test", "zoe")
    if how == "forward":
        site.forwards(vera={"all": "group"})
    kai, zoe = lab.register("kai", "zoe")
    call = kai.dial("group")
    leg = lab.rings(zoe)
    lab.turn(2)
    assert leg.ringing
    assert len(zoe.incoming) == 1
    if how == "member":
        assert "a member of 2000 leads to 2000 again" in site.logged(call.since)
    else:
        assert daemon.says("ring {vera} for {kai}: loop")


def test_an_entry_that_is_not_fusionpbxs(site, daemon, lab):
    """An administrator changed the dialplan entry of the group: it is called as without us."""
    change = "update v_dialplans set dialplan_xml = replace(dialplan_xml, '{}', '{}') where dialplan_name = 'group'"
    more = '<condition field="${x}" expression="^$" break="never"/><condition'
    site.sql(change.format("<condition", more))
    try:
        site.forwards(vera={"all": "secretary"})
        secretary, kai = lab.register("secretary", "kai")
        kai.dial("group")
        own_name_only(lab.rings(secretary))
    finally:
        site.sql(change.format(more, "<condition"))


# --- without us ---


def test_without_a_daemon(site, lab, strategy):
    site.forwards(vera={"all": "secretary"})
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    zoe.policy = "ring" if strategy in AT_ONCE else "busy"
    call = kai.dial("group")
    leg = lab.rings(secretary)
    own_name_only(leg)
    leg.pick_up()
    lab.talk(call, leg)


def test_killed_while_the_group_rings(site, daemon, lab, at_once):
    site.forwards(vera={"all": "secretary"})
    secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
    call = kai.dial("group")
    lab.rings(secretary)
    leg = lab.rings(zoe)
    daemon.signal(signal.SIGKILL)
    lab.turn(0.5)
    leg.pick_up()
    lab.talk(call, leg)
    lab.wait(lambda: secretary.last.gone, "the others are cancelled")


@pytest.mark.parametrize("breaks", ["error(1)", "syntax error"])
def test_the_script_is_another_one(site, daemon, lab, breaks):
    """Ours fails: FusionPBX's own calls the group, and FreeSWITCH's log says so."""
    (script,) = site.root.glob("app/fsdaemon/resources/switch/scripts/*.lua")
    before = script.read_text("utf-8")
    broken = before.replace("local found = verdicts(row)", "error('broken')", 1)
    script.write_text(broken if breaks == "error(1)" else f"{breaks}\n", "utf-8")
    try:
        site.forwards(vera={"all": "secretary"})
        secretary, kai, zoe = lab.register("secretary", "kai", "zoe")
        call = kai.dial("group")
        own_name_only(lab.rings(secretary))
        own_name_only(lab.rings(zoe))
        assert re.search("broken|syntax error", site.logged(call.since))
    finally:
        script.write_text(before, "utf-8")
