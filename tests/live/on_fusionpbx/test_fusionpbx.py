"""What only FusionPBX has: tenants, ring groups and follow-me of its own, mails, its mailbox, our installer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from tests.live.fusionpbx import INSTALLER
from tests.live.scenarios import labelled, nothing_of_ours, own_name_only
from tests.live.scenarios.leaks import answered


def test_who_is_exempt_from_one_of_two(site, daemon, no_answer_after_busy, lab):
    site.forwards(boss={"busy": "secretary", "no_answer": "vera"})
    boss, secretary, vera = lab.register("boss", "secretary", "vera")
    boss.policy = "busy"
    secretary.dial("boss")
    labelled(lab.rings(vera), "secretary", boss="no-answer")
    assert not secretary.rang
    lab.hangup_all()
    vera.dial("boss")
    labelled(lab.rings(secretary), "vera", boss="user-busy")
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards busy to {secretary}\)")
    assert daemon.says(r"ring {boss} for {vera}: target \({boss} forwards no_answer to {vera}\)")


def test_who_is_exempt_from_not_registered_only(site, daemon, lab):
    site.forwards(boss={"not_registered": "secretary", "all": "vera"})
    secretary, kai, vera = lab.register("secretary", "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unavailable")
    lab.hangup_all()
    secretary.dial("boss")
    labelled(lab.rings(vera), "secretary", boss="unconditional")
    assert len(secretary.incoming) == 1


def test_a_forward_that_was_followed_later_is_logged_with_the_next_hop(site, daemon, lab):
    site.forwards(boss={"busy": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy = "busy"
    kai.dial("boss")
    lab.rings(secretary)
    assert daemon.says(
        r"forward {boss} to {secretary} for {kai}: busy; ring {secretary} for {kai}: no_forward$"
    )


def test_an_outside_party_whom_a_user_called_and_transfers(site, daemon, lab):
    """FusionPBX follows no always-forward on an outbound call, and the log says so."""
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    call = kai.dial("outside")
    carrier = lab.at_carrier()
    carrier.pick_up()
    lab.talk(call, carrier)
    call.send_to("boss")
    lab.rings(boss)
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for \S+: no_forward$")


# --- nothing leaks ---


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_sent_on_without_media_in_freeswitch(site, daemon, lab, who):
    """With bypass-media nothing is executed at the bridge."""
    site.sql("update v_extensions set sip_bypass_media = 'bypass-media'")
    call, leg, vera = answered(site, lab, "vera")
    taken = f"uuid_getvar {site.channel_of(direction='outbound')} fsdaemon_taken"
    assert site.api(taken).strip() == "true"  # nothing was executed
    (call if who == "caller" else leg).send_to("vera")
    at_vera = lab.rings(vera)
    nothing_of_ours(at_vera)
    if who == "callee":
        own_name_only(at_vera)


@pytest.mark.parametrize(("who", "direction"), [("caller", "inbound"), ("callee", "outbound")])
def test_sent_on_by_keys(site, daemon, lab, who, direction):
    """att_xfer, which calls without a hook: what it calls gets no label and no Diversion of ours."""
    _, _, vera = answered(site, lab, "vera")
    uuid = site.channel_of(direction=direction)
    site.api(f"uuid_broadcast {uuid} att_xfer::user/103@lab.test aleg")
    nothing_of_ours(lab.rings(vera))


@pytest.mark.parametrize("time", range(5))
def test_a_consultation_by_keys(site, daemon, lab, time):
    """*4: the callee's forward has its exception and its label, and all are there after the hand-over."""
    site.forwards(boss={"all": "secretary"}, zoe={"all": "vera"})
    boss, secretary, kai, vera, zoe = lab.register("boss", "secretary", "kai", "vera", "zoe")
    bound = "update v_dialplans set dialplan_enabled = '{}' where dialplan_name = 'bind_digit_action'"
    site.sql(bound.format("true"))
    call, first = lab.connect(kai, "secretary", secretary)
    site.sql(bound.format("false"))
    number, reached = ("boss", boss) if time % 2 else ("zoe", vera)
    lab.turn(0.5)
    first.press("*4")
    lab.turn(1)
    first.press(site.number(number) + "#")
    leg = lab.rings(reached, 1, 12)
    assert leg.display == ("Sina Sekretariat" if reached is boss else site.label("zoe", "secretary"))
    assert not zoe.rang
    leg.pick_up()
    lab.wait(lambda: leg.up, "the consultation")
    lab.turn(1)
    first.end()
    lab.wait(lambda: first.gone, "handed over")
    lab.turn(1.5)
    assert (call.up, leg.up) == (True, True)


# --- strangers and their destinations ---

EVIL = "${global_setvar(fsdaemon_was_here=true)}'..x()..'"


@pytest.mark.parametrize("number", ["101", "+491701234567"])
def test_a_stranger(site, daemon, lab, number):
    """Who says that she is 101, in all the ways a stranger can, is labelled and breaks nothing.

    FusionPBX itself sends who calls herself 101 and ends at 101 to the mailbox of 101 (its order 310).
    """
    site.forwards(boss={"all": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    forged = [
        ("Diversion", f"<sip:101@lab.test>;reason={EVIL}"),
        ("Referred-By", "<sip:101@lab.test>"),
        ("X-fsdaemon_off", "always"),
        ("X-user_name", "101"),
        ("X-evil", EVIL),
    ]
    call = lab.stranger(number, EVIL, "lab.test").dial("boss", forged)
    if number == "101":
        lab.wait(lambda: call.up or call.gone, "at a mailbox")
    else:
        leg = lab.rings(secretary)
        assert leg.display.startswith("Uml. fuer Cora Chefin: %{global_setvar")
        assert leg.header("Diversion") == site.diversion(boss="unconditional")
    assert not boss.rang
    assert daemon.says(rf"forward {{boss}} to {{secretary}} for {re.escape(number)}: always$")
    assert site.api("global_getvar fsdaemon_was_here").strip() in ("", "-ERR no reply")


def test_a_destination_that_is_none(daemon, lab):
    """A REFER brings any text as a destination; what is no number is not asked about, and harms nothing."""
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    for text in ("101'..os.exit()..'", "101%20lab.test", "101%0a"):
        _, leg = lab.connect(kai, "boss", boss)
        leg.send_to(text)
        lab.turn(0.7)
        lab.hangup_all()
    assert not secretary.rang
    asked = [line for line in daemon.lines if " for 102: " in line]
    assert len(asked) == 3
    assert all("ring 100 for 102: no_forward" in line for line in asked)


def test_two_tenants_with_the_same_numbers(site, daemon, lab):
    """101@b.test is the target there and nobody here; neither is changed by a call from house to house."""
    site.sql(site.changed("100", {"all": "101"}, "b.test"))
    there = [lab.phone(number, domain="b.test") for number in ("100", "101", "102")]
    lab.wait(lambda: all(phone.reg == 200 for phone in there), "registered", 8)
    lab.turn(0.5)
    boss, secretary, kai = there
    kai.dial("100")
    assert lab.rings(secretary).display == "Uml. fuer B 100: B 102"
    lab.hangup_all()
    secretary.dial("100")
    assert lab.rings(boss).display == "B 101"
    lab.hangup_all()
    (sina,) = lab.register("secretary")
    call = sina.dial("4940100")  # 101 of lab.test calls 100 of b.test by her outside number
    lab.wait(lambda: call.up or call.gone or len(boss.incoming) > 1, "decided")
    assert len(boss.incoming) == 1
    assert daemon.wait_line(r"ring 100 for 101: target")
    # A verdict waits until it is logged; this is the last one.
    assert daemon.wait_line(r"ring 101 for 101: no_forward$")
    lines = [line for line in daemon.lines if "forward 100 to 101 for 101: always" in line]
    assert len(lines) == 1


@pytest.fixture
def menu(site):
    """5000 answers, lets the caller choose for five seconds, and calls what was chosen."""
    xml = """<extension name="menu" continue=""><condition field="destination_number" expression="^5000$">
      <action application="answer" data=""/><action application="sleep" data="5000"/>
      <action application="transfer" data="${chosen} XML lab.test"/></condition></extension>"""
    site.sql(site._dialplan("lab.test", "lab.test", 102, "menu", xml))
    yield "5000"
    site.sql("delete from v_dialplans where dialplan_name = 'menu'")


@pytest.mark.parametrize("chosen", ["vera", "boss"])
def test_sent_on_by_a_menu(site, daemon, menu, lab, chosen):
    """A menu took the call: where it leads is no forward, and not a loop either."""
    site.forwards(boss={"all": "secretary"}, secretary={"all": menu})
    boss, kai, vera = lab.register("boss", "kai", "vera")
    call = kai.dial("boss")
    lab.wait(lambda: call.up, "the menu")
    site.api(f"uuid_setvar {site.channel_of('kai')} chosen {site.number(chosen)}")
    if chosen == "vera":
        own_name_only(lab.rings(vera, 1, 10))
        return
    followed = [f"forward {site.number('boss')} to", f"forward {site.number('secretary')} to"] * 2
    lab.wait(lambda: len([line for line in daemon.lines if " forward " in line]) == 4, "again", 12)
    lines = [line for line in daemon.lines if " forward " in line]
    assert all(text in line for text, line in zip(followed, lines))
    assert not boss.rang


@pytest.mark.parametrize("kind", ["all", "no_answer"])
def test_a_forward_to_another_tenant(site, daemon, lab, kind):
    """By an outside number of that tenant: the label names who forwarded, not that tenant's user of this number."""
    site.forwards(vera={kind: "4940104"})
    there = lab.phone("104", domain="b.test")
    lab.wait(lambda: there.reg == 200, "registered", 8)
    lab.wait(lambda: "sip:" in site.api("sofia_contact */104@b.test"), "known to FreeSWITCH", 8)
    (kai,) = lab.register("kai")
    kai.dial("vera")
    labelled(lab.rings(there, 1, 12), "kai", vera="unconditional" if kind == "all" else "no-answer")


# --- what is FusionPBX's own ---


def test_do_not_disturb_is_not_broken_through(site, daemon, lab):
    site.forwards(boss={"busy": "secretary"})
    site.sql("update v_extensions set do_not_disturb = true where extension = '100'")
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    assert lab.rings(secretary).display == site.label("boss", "kai")
    lab.hangup_all()
    secretary.dial("boss")
    lab.turn(1.5)
    assert not boss.rang
    assert len(secretary.incoming) == 1


@pytest.mark.parametrize("strategy", ["simultaneous", "enterprise", "sequence"])
def test_a_ring_group_as_the_target(site, daemon, scene, strategy):
    """The label on each leg, and its missed-call mail is sent."""
    site.forwards(boss={"all": "group"})
    site.sql(f"update v_ring_groups set ring_group_strategy = '{strategy}'")

    def story(lab):
        kai, vera, zoe = lab.register("kai", "vera", "zoe")
        call = kai.dial("boss")
        for phone in (vera,) if strategy == "sequence" else (vera, zoe):
            labelled(lab.rings(phone), "kai", boss="unconditional")
        call.end()
        lab.turn(0.5)
        kai.dial("group")
        own_name_only(lab.rings(vera, 2))

    scene(story)
    wait_for_mail(site, "2000@lab.test: Kai Kollege|102|2000")


def test_ones_own_number_is_ones_mailbox(site, daemon, lab):
    site.forwards(boss={"all": "secretary", "busy": "secretary"})
    boss, secretary = lab.register("boss", "secretary")
    call = boss.dial("boss")
    lab.unanswered(call, "boss", 0)
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for {boss}: self \({boss} forwards always to {secretary}\)")


def test_an_alias_is_the_user(site, daemon, lab):
    """200 is another number of 100: it forwards as she does, and 101 breaks through it as through 100."""
    site.forwards(boss={"all": "secretary"})
    site.sql("update v_extensions set number_alias = '200' where extension = '100'")
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("200")
    assert lab.rings(secretary).display == site.label("boss", "kai")
    lab.hangup_all()
    secretary.dial("200")
    own_name_only(lab.rings(boss), "secretary")


@pytest.fixture
def sina(site):
    """The secretary's extension is a name, and 101 her number alias."""
    change = (
        "update v_extensions set extension = '{}', password = 'pw{}' "
        f"where domain_uuid = '{site.domains['lab.test']}' and extension = '{{}}'"
    )
    site.sql(change.format("sina", "sina", "101"))
    site.sql("update v_extensions set number_alias = '101' where extension = 'sina'")
    yield "sina"
    site.sql(change.format("101", "101", "sina"))


def test_an_extension_that_is_a_name(site, daemon, sina, lab):
    """The number alias is her number: she is the target of a forward to it, and it is her own number."""
    site.forwards(boss={"all": "101"}, sina={"all": "103"})
    boss, secretary, kai, vera = lab.register("boss", sina, "kai", "vera")
    kai.dial("boss")
    labelled(lab.rings(vera), "kai", secretary="unconditional", boss="unconditional")
    lab.hangup_all()
    secretary.dial("boss")
    own_name_only(lab.rings(boss), "secretary")
    assert daemon.says(r"ring {boss} for sina: target \({boss} forwards always to 101\)$")
    lab.hangup_all()
    secretary.dial("101")
    own_name_only(lab.rings(secretary), "secretary")
    assert daemon.says(r"ring 101 for sina: self \(101 forwards always to {vera}\)$")
    assert len(vera.incoming) == 1


def test_follow_me_as_the_target(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    site.follow_me("101", "103", "104")
    kai, vera, zoe = lab.register("kai", "vera", "zoe")
    kai.dial("boss")
    for phone in (vera, zoe):
        assert lab.rings(phone).display == site.label("boss", "kai")


def test_a_message_in_the_mailbox_has_the_callers_own_name(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    messages = site.directory / "storage" / "voicemail" / "101"
    kai, secretary = lab.register("kai", "secretary")
    call = kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")
    lab.wait(lambda: call.up, "her mailbox", 8)
    lab.wait(lambda: call.gone or list(messages.glob("msg_*")), "recording", 10)
    lab.turn(5)
    if not call.gone:
        call.end()
    lab.turn(0.5)
    query = (
        "select caller_id_name from v_voicemail_messages join v_voicemails using (voicemail_uuid) "
        "where voicemail_id = '101' order by created_epoch desc limit 1"
    )
    assert site.sql(query) == "Kai Kollege"


def wait_for_mail(site, line):
    """A missed-call mail in FusionPBX's queue."""
    found = []
    for _ in range(30):
        found += site.mails()
        if line in found:
            return
        time.sleep(0.2)
    raise AssertionError(f"no mail {line!r} in {found}")


@pytest.mark.parametrize("dialled", ["boss", "vera"])
def test_a_call_that_the_caller_cancels_is_mailed(site, daemon, scene, dialled):
    """With the caller's own name."""
    site.forwards(boss={"all": "secretary"}, vera={"busy": "secretary"})

    def story(lab):
        _, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
        vera.policy = "busy"
        call = kai.dial(dialled)
        assert lab.rings(secretary).display == site.label(dialled, "kai")
        call.end()
        lab.turn(0.5)

    scene(story)
    wait_for_mail(site, f"101@lab.test: Kai Kollege|102|{site.number(dialled)}")


def test_a_call_that_nobody_takes_is_mailed(site, daemon, scene):
    site.forwards(boss={"all": "secretary"})

    def story(lab):
        _, secretary, kai = lab.register("boss", "secretary", "kai")
        call = kai.dial("boss")
        lab.rings(secretary)
        lab.wait(lambda: call.up or call.gone, "her mailbox", 8)

    scene(story)
    wait_for_mail(site, "101@lab.test: 102|102|101")


# --- the daemon hangs, or is taken out ---


def test_a_daemon_that_hangs_until_it_is_ended(site, daemon, lab):
    """As with every sync socket: the call waits for its end, and goes on."""
    site.forwards(boss={"all": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    daemon.signal(signal.SIGSTOP)
    start = time.monotonic()
    kai.dial("boss")
    lab.turn(1.5)
    assert not secretary.rang
    daemon.signal(signal.SIGKILL)
    own_name_only(lab.rings(secretary))
    assert time.monotonic() - start < 2.5


def test_taken_out_again(site, daemon, scene):
    """`install.php --remove`, and in again, while FreeSWITCH runs: at once, for the cache is flushed."""
    site.forwards(boss={"all": "secretary"})

    def shown(lab):
        secretary, kai = lab.register("secretary", "kai")
        kai.dial("boss")
        display = lab.rings(secretary).display
        lab.hangup_all()
        return display

    ours = "select count(*) from v_dialplans where dialplan_name like 'fsdaemon%'"
    switched = "update v_dialplans set dialplan_enabled = '{}' where dialplan_name = 'fsdaemon_ask'"
    assert scene(shown) == site.label("boss", "kai")
    assert site.remove() == "removed\n"
    try:
        assert scene(shown) == "Kai Kollege"
        assert site.postgres.sql(ours) == "0"
    finally:
        assert site.install().startswith("installed")
    assert scene(shown) == site.label("boss", "kai")
    site.postgres.sql(switched.format("false"))
    assert "switched off, as before" in site.install()
    assert site.postgres.sql(ours + " and dialplan_enabled = 'true'") == "7"
    site.postgres.sql(switched.format("true"))
    assert "switched off" not in site.install()
    assert site.postgres.sql(ours) == "8"


@pytest.mark.parametrize("option", [[], ["--remove"]], ids=["install", "remove"])
def test_installed_by_a_user_who_may_not(site, option):
    """Nothing is changed: neither are the entries gone, nor is it called removed what the next upgrade imports."""
    entries = "select string_agg(dialplan_xml, '' order by app_uuid) from v_dialplans where dialplan_name like 'fsdaemon%'"
    before, place = site.sql(entries), site.root / "app" / "fsdaemon" / "resources" / "switch" / "scripts"
    # Root is not asked for permission, unless it has no right to go without.
    as_user = ["setpriv", "--bounding-set=-dac_override", "php", INSTALLER, *option, site.root]
    place.chmod(0o555)
    try:
        done = subprocess.run(
            as_user, env={**os.environ, **site.environment}, capture_output=True, text=True, check=False
        )
    finally:
        place.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"install.php: may not write to {place}; nothing was changed; run this as root\n"
    assert site.sql(entries) == before
    assert list(place.iterdir())
