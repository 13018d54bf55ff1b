"""FusionPBX itself, with our two dialplan entries: its PHP import and rendering, its Lua, its PostgreSQL.

The rows of users, ring group and routes are written by the test, not by FusionPBX's pages, and the SIP profiles
are the test's own; the carrier is no gateway.
"""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.fusionpbx import FusionPBX, missing

SOURCE = os.environ.get("FUSIONPBX", "")
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")
LABEL = "Uml. fuer Cora Chefin: Kai Kollege"


@pytest.fixture(scope="module")
def fusionpbx(tmp_path_factory):
    switch = FusionPBX(Path(SOURCE), tmp_path_factory.mktemp("fusionpbx"))
    try:
        switch.start()
    except BaseException:
        switch.postgres.close()
        raise
    yield switch
    switch.stop()


@pytest.fixture
def switch(fusionpbx):
    fusionpbx.forwards()
    fusionpbx.api("sofia profile internal flush_inbound_reg")
    time.sleep(0.3)
    yield fusionpbx
    fusionpbx.api("hupall")
    fusionpbx.mails()


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "conf.toml"
    file.write_text('[variables]\npreset = "fusionpbx"\n')
    return file


@pytest.fixture
def daemon(switch, config):
    with Daemon(switch.daemon_port, config) as running:
        yield running


def test_a_forwarded_call_shows_for_whom_it_was(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert f'"{LABEL}"' in leg.header("Remote-Party-ID")
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        leg.pick_up()
        lab.talk(call, leg)
        assert not boss.rang

    scene(scenario)
    assert daemon.wait_line(r"forward 100 to 101 for 102: always$")
    assert daemon.wait_line(r"ring 101 for 102: no_forward$")


def test_the_secretary_reaches_the_boss(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

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


@pytest.fixture
def serve(switch, config):
    """Starts the daemon with a conf.toml."""
    running = []

    def start(text):
        config.write_text(f'[variables]\npreset = "fusionpbx"\n{text}')
        running.append(Daemon(switch.daemon_port, config))
        return running[-1]

    yield start
    for daemon in running:
        daemon.stop()


def own_name_only(leg, name="Kai Kollege"):
    assert leg.display == name
    assert leg.header("Diversion") is None
    assert "Uml." not in leg.msg


# --- rows 1, 2: busy, no answer, not registered; who is exempt from one of them only ---


def test_busy(switch, daemon, scene):
    """A busy boss without a forward that acts is her mailbox, as FusionPBX does it."""
    switch.forwards(u100={"busy": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "busy"
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=user-busy;counter=1;privacy=off"
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.up, "the boss's mailbox", 8)
        assert len(secretary.incoming) == 1

    scene(scenario)
    assert daemon.wait_line(r"forward 100 to 101 for 102: busy; ring 101 for 102: no_forward$")
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards busy to 101\)")


def needs_895(switch):
    if switch.sql("select count(*) from v_dialplans where dialplan_name = 'call-forward-no-answer'") == "0":
        pytest.skip("this FusionPBX follows no no-answer forward of somebody who is busy (order 895)")


def test_who_is_exempt_from_one_of_two(switch, daemon, scene):
    needs_895(switch)
    switch.forwards(u100={"busy": "101", "no_answer": "103"})

    def scenario(lab):
        boss, secretary, vera = lab.register("100", "101", "103")
        boss.policy = "busy"
        secretary.dial("100")
        assert lab.rings(vera).display == "Uml. fuer Cora Chefin: Sina Sekretariat"
        assert not secretary.rang
        lab.hangup_all()
        vera.dial("100")
        assert lab.rings(secretary).display == "Uml. fuer Cora Chefin: Vera Vertrieb"

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target \(100 forwards busy to 101\)")
    assert daemon.wait_line(r"ring 100 for 103: target \(100 forwards no_answer to 103\)")


def test_no_answer(switch, daemon, scene):
    switch.forwards(u100={"no_answer": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        lab.rings(boss)
        leg = lab.rings(secretary, 1, 8)
        assert leg.display == LABEL
        assert "reason=no-answer" in leg.header("Diversion")
        lab.hangup_all()
        own = secretary.dial("100")
        lab.wait(lambda: own.up, "the boss's mailbox", 10)
        assert len(boss.incoming) == 2
        assert len(secretary.incoming) == 1

    scene(scenario)
    log = (switch.directory / "freeswitch.log").read_text("utf-8", "replace")
    assert "voicemail_id=100" in log


def test_not_registered(switch, daemon, scene):
    switch.forwards(u100={"not_registered": "101", "all": "103"})

    def scenario(lab):
        secretary, kai, vera = lab.register("101", "102", "103")
        kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert "reason=unavailable" in leg.header("Diversion")
        lab.hangup_all()
        secretary.dial("100")  # exempt from the first, and not from the second
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin: Sina Sekretariat"
        assert "reason=unconditional" in leg.header("Diversion")
        assert len(secretary.incoming) == 1

    scene(scenario)


# --- row 3: the phone forwards by itself ---


def test_the_phone_forwards(switch, daemon, scene):
    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        boss.policy = "redirect:<sip:101@lab.test>"
        call = kai.dial("100")
        leg = lab.rings(secretary)
        assert leg.display == LABEL
        assert leg.header("Diversion") == "<sip:100@lab.test>;reason=deflection;counter=1;privacy=off"
        leg.pick_up()
        lab.talk(call, leg)
        leg.send_to("103")
        own_name_only(lab.rings(vera))

    scene(scenario)


def test_the_phone_forwards_along_a_chain(switch, daemon, scene):
    switch.forwards(u104={"all": "100"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        boss.policy = "redirect:<sip:101@lab.test>"
        kai.dial("104")
        assert lab.rings(secretary).display == "Uml. fuer Zoe Zentrale ueber Cora Chefin: Kai Kollege"

    scene(scenario)


# --- row 4: who may break through everything ---


@pytest.mark.parametrize(
    ("exceptions", "reason"), [('users = ["102"]', "user"), ('groups = ["office"]', "group")]
)
def test_who_may_break_everything(switch, serve, scene, exceptions, reason):
    switch.forwards(u100={"all": "101", "busy": "101", "not_registered": "101"})
    daemon = serve(f"[exceptions]\n{exceptions}\n")

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(boss).display == "Kai Kollege"
        assert not secretary.rang

    scene(scenario)
    daemon.wait_line(rf"ring 100 for 102: {reason} \(100 forwards always to 101\)")


# --- rows 8, 14: chains and loops ---


def test_a_chain(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "103"})

    def scenario(lab):
        boss, secretary, kai, vera = lab.register("100", "101", "102", "103")
        kai.dial("100")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"
        assert leg.header("Diversion").startswith("<sip:101@lab.test>;reason=unconditional;counter=1")
        lab.hangup_all()
        vera.dial("101")
        assert lab.rings(secretary).display == "Vera Vertrieb"
        lab.hangup_all()
        vera.dial("100")
        assert lab.rings(secretary, 2).display == "Uml. fuer Cora Chefin: Vera Vertrieb"
        lab.hangup_all()
        secretary.dial("100")
        assert lab.rings(boss).display == "Sina Sekretariat"

    scene(scenario)


def test_a_chain_of_kinds(switch, daemon, scene):
    """100 always to 101, who is busy and forwards that to 103, who does not answer and forwards that to 104."""
    needs_895(switch)
    switch.forwards(u100={"all": "101"}, u101={"busy": "103"}, u103={"no_answer": "104"})

    def scenario(lab):
        _, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        secretary.policy = "busy"
        kai.dial("100")
        leg = lab.rings(vera)
        assert leg.display == "Uml. fuer Cora Chefin ueber Sina Sekretariat: Kai Kollege"
        leg = lab.rings(zoe, 1, 8)
        assert leg.display == "Uml. fuer Cora Chefin ueber Vera Vertrieb: Kai Kollege"
        reasons = [part.split(";")[1] for part in leg.header("Diversion").split(", ")]
        assert reasons == ["reason=no-answer", "reason=user-busy", "reason=unconditional"]

    scene(scenario)


def test_loops_end(switch, daemon, scene):
    switch.forwards(u100={"all": "101"}, u101={"all": "100"}, u103={"busy": "104"}, u104={"busy": "103"})

    def scenario(lab):
        boss, secretary, kai, vera, zoe = lab.register("100", "101", "102", "103", "104")
        kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        assert not boss.rang
        lab.hangup_all()
        vera.policy = zoe.policy = "busy"
        kai.dial("103")
        lab.rings(zoe)
        lab.turn(1)
        assert (len(vera.incoming), len(zoe.incoming)) == (1, 1)

    scene(scenario)


# --- rows 10, 11: transfers ---


def test_attended_once_the_boss_answered(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

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


def test_attended_before_anybody_was_reached(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        _, first = lab.connect(kai, "101", secretary)
        consultation = secretary.dial("100", [("X-Wait", "yes")])
        lab.wait(lambda: consultation.ringing, "waiting")
        first.join(consultation)
        lab.rings(boss)

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 102: referrer")


def test_blind_by_the_callee(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        _, first = lab.connect(kai, "101", secretary)
        first.send_to("100")
        assert lab.rings(secretary, 2).display == LABEL
        assert not boss.rang

    scene(scenario)


def test_blind_by_the_caller(switch, daemon, scene):
    """101 called 102 and sends her to 100; then she calls the target 101's boss by way of 102, whose right it is."""
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call, _ = lab.connect(secretary, "102", kai)
        call.send_to("100")
        assert lab.rings(secretary).display == LABEL
        assert not boss.rang
        lab.hangup_all()
        call, _ = lab.connect(kai, "101", secretary)
        call.send_to("100")
        assert lab.rings(boss).display == "Sina Sekretariat"

    scene(scenario)


def test_an_outside_party_whom_a_user_called_and_transfers(switch, daemon, scene):
    """FusionPBX follows no always-forward on an outbound call, and the log says so."""
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("0555")
        carrier = lab.at_carrier()
        carrier.pick_up()
        lab.talk(call, carrier)
        call.send_to("100")
        lab.rings(boss)
        assert not secretary.rang

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for \S+: no_forward$")


# --- row 12: nothing leaks ---


def labelled_and_answered(lab):
    _, secretary, kai, vera = lab.register("100", "101", "102", "103")
    call = kai.dial("100")
    leg = lab.rings(secretary)
    assert leg.display == LABEL
    leg.pick_up()
    lab.talk(call, leg)
    return call, leg, vera


def test_sent_on_to_a_colleague_and_out_of_a_trunk(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def colleague(lab):
        _, leg, vera = labelled_and_answered(lab)
        leg.send_to("103")
        own_name_only(lab.rings(vera))

    def trunk(lab):
        _, leg, _ = labelled_and_answered(lab)
        leg.send_to("0555")
        own_name_only(lab.at_carrier(), "Firma")

    def by_the_caller(lab):
        call, _, vera = labelled_and_answered(lab)
        call.send_to("103")
        leg = lab.rings(vera)
        assert leg.header("Diversion") is None
        assert "Uml." not in leg.msg

    scene(colleague)
    scene(trunk)
    scene(by_the_caller)


def test_sent_on_without_media_in_freeswitch(switch, daemon, scene):
    """With bypass-media nothing is executed at the bridge."""
    switch.forwards(u100={"all": "101"})
    switch.sql("update v_extensions set sip_bypass_media = 'bypass-media'")

    def by_the_caller(lab):
        call, _, vera = labelled_and_answered(lab)
        lab.wait(lambda: "outbound" in switch.api("show channels"), "listed")
        rows = [line.split(",") for line in switch.api("show channels").splitlines()]
        (uuid,) = [row[0] for row in rows if row[1:2] == ["outbound"]]
        assert switch.api(f"uuid_getvar {uuid} fsdaemon_taken").strip() == "true"  # nothing was executed
        call.send_to("103")
        leg = lab.rings(vera)
        assert leg.header("Diversion") is None
        assert "Uml." not in leg.msg

    def by_the_callee(lab):
        _, leg, vera = labelled_and_answered(lab)
        leg.send_to("103")
        own_name_only(lab.rings(vera))

    try:
        scene(by_the_caller)
        scene(by_the_callee)
    finally:
        switch.sql("update v_extensions set sip_bypass_media = null")


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_sent_on_by_keys(switch, daemon, scene, who):
    """att_xfer, which calls without a hook: what it calls gets no label and no Diversion of ours."""
    switch.forwards(u100={"all": "101"})
    legs = {"caller": "inbound", "callee": "outbound"}

    def scenario(lab):
        _, _, vera = labelled_and_answered(lab)

        def found():
            rows = [line.split(",") for line in switch.api("show channels").splitlines()]
            return [row[0] for row in rows if row[1:2] == [legs[who]]]

        lab.wait(found, "listed")
        (uuid,) = found()
        switch.api(f"uuid_broadcast {uuid} att_xfer::user/103@lab.test aleg")
        leg = lab.rings(vera)
        assert leg.header("Diversion") is None
        assert "Uml." not in leg.msg

    scene(scenario)


def test_the_daemon_dies_between_two_hops(switch, daemon, scene):
    """No label stays behind: what is not said again is taken away."""
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        _, leg, vera = labelled_and_answered(lab)
        daemon.signal(signal.SIGKILL)
        lab.turn(0.5)
        leg.send_to("103")
        own_name_only(lab.rings(vera))

    scene(scenario)


# --- row 13, 15, 16: withheld, outside ---


def test_a_withheld_number(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        (secretary,) = lab.register("101")
        caller = lab.phone(
            "+491701234567", register=False, uri='"Max Muster" <sip:+491701234567@carrier.example>'
        )
        caller.dial("100", [("Privacy", "id")])
        leg = lab.rings(secretary)
        assert leg.display == "Uml. fuer Cora Chefin: Anonym"
        for name in ("From", "Remote-Party-ID", "P-Asserted-Identity"):
            assert "Max" not in (leg.header(name) or "")
            assert "1701234567" not in (leg.header(name) or "")

    scene(scenario)


@pytest.mark.parametrize("kind", ["all", "busy"])
def test_a_forward_outside(switch, daemon, scene, kind):
    """FusionPBX's outbound route has its own name and number; the Diversion goes out, the label does not."""
    switch.forwards(u100={kind: "05551234567"})

    def scenario(lab):
        boss, kai = lab.register("100", "102")
        boss.policy = "busy"
        kai.dial("100")
        leg = lab.at_carrier()
        assert leg.display == "Firma"
        assert "4930100" in leg.header("From")
        reason = {"all": "unconditional", "busy": "user-busy"}[kind]
        assert leg.header("Diversion") == f"<sip:100@lab.test>;reason={reason};counter=1;privacy=off"
        assert "Uml." not in leg.msg
        lab.hangup_all()
        kai.dial("0555")
        own_name_only(lab.at_carrier(2), "Firma")

    scene(scenario)


def test_a_label_outside_where_it_is_wanted(switch, serve, scene):
    switch.forwards(u100={"all": "05551234567"})
    serve("[display]\noutside = true\n")

    def scenario(lab):
        (kai,) = lab.register("102")
        kai.dial("100")
        assert lab.at_carrier().display == LABEL

    scene(scenario)


EVIL = "${global_setvar(fsdaemon_was_here=true)}'..x()..'"


@pytest.mark.parametrize("number", ["101", "+491701234567"])
def test_a_stranger(switch, daemon, scene, number):
    """Who says that she is 101, in all the ways a stranger can, is labelled and breaks nothing.

    FusionPBX itself sends who calls herself 101 and ends at 101 to the mailbox of 101 (its order 310).
    """
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        boss, secretary = lab.register("100", "101")
        stranger = lab.phone(number, register=False, uri=f'"{EVIL}" <sip:{number}@lab.test>')
        forged = [
            ("Diversion", f"<sip:101@lab.test>;reason={EVIL}"),
            ("Referred-By", "<sip:101@lab.test>"),
            ("X-fsdaemon_off", "always"),
            ("X-user_name", "101"),
            ("X-evil", EVIL),
        ]
        call = stranger.dial("100", forged)
        if number == "101":
            lab.wait(lambda: call.up or call.gone, "at a mailbox")
        else:
            leg = lab.rings(secretary)
            assert leg.display.startswith("Uml. fuer Cora Chefin: %{global_setvar")
            assert leg.header("Diversion") == "<sip:100@lab.test>;reason=unconditional;counter=1;privacy=off"
        assert not boss.rang

    scene(scenario)
    assert daemon.wait_line(rf"forward 100 to 101 for {re.escape(number)}: always$")
    assert switch.api("global_getvar fsdaemon_was_here").strip() in ("", "-ERR no reply")


def test_a_destination_that_is_none(switch, daemon, scene):
    """A REFER brings any text as a destination; what is no number is not asked about, and harms nothing."""

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        for text in ("101'..os.exit()..'", "101%20lab.test", "101%0a"):
            _, leg = lab.connect(kai, "100", boss)
            leg.send_to(text)
            lab.turn(0.7)
            lab.hangup_all()
        assert not secretary.rang

    scene(scenario)
    asked = [line for line in daemon.lines if " for 102: " in line]
    assert len(asked) == 3
    assert all("ring 100 for 102: no_forward" in line for line in asked)


# --- row 17: two tenants ---


def test_two_tenants_with_the_same_numbers(switch, daemon, scene):
    """101@b.test is the target there and nobody here; neither is changed by a call from house to house."""
    switch.forwards()
    switch.sql(switch.changed("100", {"all": "101"}, "b.test"))

    def scenario(lab):
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
        (sina,) = lab.register("101")
        call = sina.dial("4940100")  # 101 of lab.test calls 100 of b.test by her outside number
        lab.wait(lambda: call.up or call.gone or len(boss.incoming) > 1, "decided")
        assert len(boss.incoming) == 1

    scene(scenario)
    assert daemon.wait_line(r"ring 100 for 101: target")
    # A verdict waits until it is logged; this is the last one.
    assert daemon.wait_line(r"ring 101 for 101: no_forward$")
    lines = [line for line in daemon.lines if "forward 100 to 101 for 101: always" in line]
    assert len(lines) == 1


# --- what is FusionPBX's own ---


def test_do_not_disturb_is_not_broken_through(switch, daemon, scene):
    switch.forwards(u100={"busy": "101"})
    switch.sql("update v_extensions set do_not_disturb = true where extension = '100'")

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        lab.hangup_all()
        secretary.dial("100")
        lab.turn(1.5)
        assert not boss.rang
        assert len(secretary.incoming) == 1

    scene(scenario)


@pytest.mark.parametrize("strategy", ["simultaneous", "enterprise", "sequence"])
def test_a_ring_group_as_the_target(switch, daemon, scene, strategy):
    """The label on each leg, and its missed-call mail is sent."""
    switch.forwards(u100={"all": "2000"})
    switch.sql(f"update v_ring_groups set ring_group_strategy = '{strategy}'")

    def scenario(lab):
        kai, vera, zoe = lab.register("102", "103", "104")
        call = kai.dial("100")
        assert lab.rings(vera).display == LABEL
        if strategy != "sequence":
            assert lab.rings(zoe).display == LABEL
            assert zoe.last.header("Diversion").startswith("<sip:100@lab.test>")
        call.end()
        lab.turn(0.5)
        kai.dial("2000")
        own_name_only(lab.rings(vera, 2))

    scene(scenario)
    wait_for_mail(switch, "2000@lab.test: Kai Kollege|102|2000")


def test_an_alias_is_the_user(switch, daemon, scene):
    """200 is another number of 100: it forwards as she does, and 101 breaks through it as through 100."""
    switch.forwards(u100={"all": "101"})
    switch.sql("update v_extensions set number_alias = '200' where extension = '100'")

    def scenario(lab):
        boss, secretary, kai = lab.register("100", "101", "102")
        kai.dial("200")
        assert lab.rings(secretary).display == LABEL
        lab.hangup_all()
        secretary.dial("200")
        assert lab.rings(boss).display == "Sina Sekretariat"

    try:
        scene(scenario)
    finally:
        switch.sql("update v_extensions set number_alias = '' where extension = '100'")


def test_follow_me_as_the_target(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})
    switch.follow_me("101", "103", "104")

    def scenario(lab):
        kai, vera, zoe = lab.register("102", "103", "104")
        kai.dial("100")
        assert lab.rings(vera).display == LABEL
        assert lab.rings(zoe).display == LABEL

    scene(scenario)


def test_a_message_in_the_mailbox_has_the_callers_own_name(switch, daemon, scene):
    switch.forwards(u100={"all": "101"})
    messages = switch.directory / "storage" / "voicemail" / "101"

    def scenario(lab):
        kai, secretary = lab.register("102", "101")
        call = kai.dial("100")
        assert lab.rings(secretary).display == LABEL
        lab.wait(lambda: call.up, "her mailbox", 8)
        lab.wait(lambda: call.gone or list(messages.glob("msg_*")), "recording", 10)
        lab.turn(5)
        if not call.gone:
            call.end()
        lab.turn(0.5)

    scene(scenario)
    query = (
        "select caller_id_name from v_voicemail_messages join v_voicemails using (voicemail_uuid) "
        "where voicemail_id = '101' order by created_epoch desc limit 1"
    )
    assert switch.sql(query) == "Kai Kollege"


def wait_for_mail(switch, line):
    """A missed-call mail in FusionPBX's queue."""
    found = []
    for _ in range(30):
        found += switch.mails()
        if line in found:
            return
        time.sleep(0.2)
    raise AssertionError(f"no mail {line!r} in {found}")


def test_missed_calls_are_mailed(switch, daemon, scene):
    """A labelled call that the caller cancels, and one that nobody takes: with the caller's own name."""
    switch.forwards(u100={"all": "101"}, u103={"busy": "101"})

    def cancelled(number):
        def scenario(lab):
            _, secretary, kai, vera = lab.register("100", "101", "102", "103")
            vera.policy = "busy"
            call = kai.dial(number)
            assert lab.rings(secretary).display.startswith("Uml. fuer")
            call.end()
            lab.turn(0.5)

        return scenario

    scene(cancelled("100"))
    wait_for_mail(switch, "101@lab.test: Kai Kollege|102|100")
    scene(cancelled("103"))
    wait_for_mail(switch, "101@lab.test: Kai Kollege|102|103")

    def nobody(lab):
        _, secretary, kai = lab.register("100", "101", "102")
        call = kai.dial("100")
        lab.rings(secretary)
        lab.wait(lambda: call.up or call.gone, "her mailbox", 8)

    scene(nobody)
    wait_for_mail(switch, "101@lab.test: 102|102|101")


# --- the daemon is not there ---


@pytest.mark.parametrize("kind", ["all", "busy", "no_answer", "not_registered"])
def test_without_the_daemon(switch, scene, kind):
    """As without us: each forward is followed, and the phone shows the caller."""
    switch.forwards(u100={kind: "101"})

    def scenario(lab):
        if kind == "not_registered":
            secretary, kai = lab.register("101", "102")
        else:
            secretary, kai, boss = lab.register("101", "102", "100")
            boss.policy = "busy" if kind == "busy" else "ring"
        kai.dial("100")
        own_name_only(lab.rings(secretary, 1, 8))

    scene(scenario)


def test_a_daemon_that_hangs_until_it_is_ended(switch, daemon, scene):
    """As with every sync socket: the call waits for its end, and goes on."""
    switch.forwards(u100={"all": "101"})

    def scenario(lab):
        secretary, kai = lab.register("101", "102")
        daemon.signal(signal.SIGSTOP)
        start = time.monotonic()
        kai.dial("100")
        lab.turn(1.5)
        assert not secretary.rang
        daemon.signal(signal.SIGKILL)
        own_name_only(lab.rings(secretary))
        return time.monotonic() - start

    assert scene(scenario) < 2.5


def test_taken_out_again(switch, daemon, scene):
    """`install.php --remove`, and in again, while FreeSWITCH runs: at once, for the cache is flushed."""
    switch.forwards(u100={"all": "101"})

    def scenario(label):
        def played(lab):
            secretary, kai = lab.register("101", "102")
            kai.dial("100")
            leg = lab.rings(secretary)
            assert leg.display == label
            lab.hangup_all()

        return played

    ours = "select count(*) from v_dialplans where dialplan_name like 'fsdaemon%'"
    scene(scenario(LABEL))
    assert switch.remove() == "removed\n"
    try:
        scene(scenario("Kai Kollege"))
        assert switch.postgres.sql(ours) == "0"
    finally:
        assert switch.install().startswith("installed")
    scene(scenario(LABEL))
    switch.postgres.sql(
        "update v_dialplans set dialplan_enabled = 'false' where dialplan_name = 'fsdaemon_ask'"
    )
    assert "switched off, as before" in switch.install()
    assert switch.postgres.sql(ours + " and dialplan_enabled = 'true'") == "1"
    switch.postgres.sql(
        "update v_dialplans set dialplan_enabled = 'true' where dialplan_name = 'fsdaemon_ask'"
    )
    assert "switched off" not in switch.install()
    assert switch.postgres.sql(ours) == "2"
