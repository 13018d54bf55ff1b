"""Queues: a call that a forward brought to mod_callcenter or mod_fifo, and agents whose forwards apply.

7001 is the queue of mod_callcenter, 7002 that of mod_fifo; the agent of both is 1006.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.live.scenarios import labelled, nothing_of_ours, own_name_only

LOOPBACK = pytest.mark.parametrize("contact", ["loopback/1006/default"], ids=["loopback"])
QUEUES = {"callcenter": "7001", "fifo": "7002"}
DIALPLAN = """<extension name="call_center"><condition field="destination_number" expression="^7001$">
  <action application="callcenter" data="support@default"/></condition></extension>
<extension name="fifo"><condition field="destination_number" expression="^7002$">
  <action application="set" data="fifo_music=silence"/>
  <action application="fifo" data="first in"/></condition></extension>
"""
CALLCENTER = """<configuration name="callcenter.conf"><settings/><queues><queue name="support@default">
  <param name="strategy" value="ring-all"/><param name="moh-sound" value="silence_stream://-1"/>
  <param name="time-base-score" value="system"/><param name="max-wait-time" value="0"/>
  <param name="max-wait-time-with-no-agent" value="0"/></queue></queues>
 <agents><agent name="one" type="callback" contact="CONTACT" status="Available" max-no-answer="9"
  wrap-up-time="0" reject-delay-time="1" busy-delay-time="1"/></agents>
 <tiers><tier agent="one" queue="support@default" level="1" position="1"/></tiers></configuration>
"""
FIFO = """<configuration name="fifo.conf"><settings>
  <param name="delete-all-outbound-member-on-startup" value="true"/></settings><fifos>
 <fifo name="first" importance="0" outbound_strategy="ringall" retry_delay="1">
  <member timeout="20" simo="1" lag="1">CONTACT</member></fifo></fifos></configuration>
"""


@pytest.fixture(params=QUEUES)
def kind(request):
    return request.param


@pytest.fixture
def contact():
    """How the queues call their only agent."""
    return "user/1006@{domain}"


@pytest.fixture
def queue(site, kind, contact):
    """The number of a queue of this kind."""
    configuration = site.directory / "autoload_configs" / f"{kind}.conf.xml"
    before = {file: file.read_text("utf-8") for file in (configuration, site.context_file)}
    text = {"callcenter": CALLCENTER, "fifo": FIFO}[kind]
    configuration.write_text(text.replace("CONTACT", contact.format(domain=site.domain)), "utf-8")
    context = '<context name="default">'
    dialplan = before[site.context_file]
    assert dialplan.count(context) == 1
    site.context_file.write_text(dialplan.replace(context, f"{context}\n{DIALPLAN}"), "utf-8")
    site.api("reloadxml")
    site.api(f"unload mod_{kind}")
    if "+OK" not in site.api(f"load mod_{kind}"):
        pytest.skip(f"this FreeSWITCH has no mod_{kind}")
    yield QUEUES[kind]
    site.api("hupall")
    time.sleep(0.5)
    for file, text in before.items():
        file.write_text(text, "utf-8")
    site.api("reloadxml")
    site.api(f"unload mod_{kind}")


def acting(site, who):
    """What would show in a later leg of this one's channel, or do something later."""
    rows = json.loads(site.api("show channels as json"))["rows"]
    dumps = (site.api(f"uuid_dump {row['uuid']}") for row in rows)
    (dump,) = (text for text in dumps if f"variable_effective_caller_id_number: {site.number(who)}\n" in text)
    return re.findall(
        r"^variable_(?:sip_h_\w+|fsdaemon_undo|\w*export\w*: .*fsdaemon|execute_on_\w+: .*fsdaemon).*",
        dump,
        re.M,
    )


@pytest.mark.parametrize("then", ["zoe", "boss"])
def test_a_forward_leads_to_the_queue(site, daemon, lab, queue, then):
    """The agent sees for whom the call was; whoever gets the caller from the agent does not."""
    site.forwards(boss={"all": queue})
    agent, zoe, kai = lab.register("1006", "zoe", "kai")
    call = kai.dial("boss")
    leg = lab.rings(agent, 1, 8)
    labelled(leg, "kai", boss="unconditional")
    leg.pick_up()
    lab.talk(call, leg)
    lab.turn(0.5)
    assert acting(site, "kai") == []
    if then == "zoe":
        leg.send_to("zoe")
        own_name_only(lab.rings(zoe))
    else:  # who forwards it once more, to a queue whose agent is free again
        lab.hangup_all()
        lab.turn(1.5)
        kai.dial("boss")
        labelled(lab.rings(agent, 2, 10), "kai", boss="unconditional")


def test_the_caller_leaves_the_queue(site, daemon, lab, queue):
    """Before an agent takes the call: it is not a forwarded call any longer, in no queue either."""
    site.forwards(boss={"all": queue})
    agent, zoe, kai = lab.register("1006", "zoe", "kai")
    kai.dial("boss")
    lab.rings(agent, 1, 8)
    site.api(f"uuid_transfer {site.channel_of('kai')} {site.number('zoe')}")
    own_name_only(lab.rings(zoe))
    lab.turn(0.3)
    assert acting(site, "kai") == []


def test_who_calls_the_queue(site, daemon, lab, queue):
    (agent, kai) = lab.register("1006", "kai")
    kai.dial(queue)
    leg = lab.rings(agent, 1, 8)
    assert leg.display in ("Extension 1008", "1008")  # mod_fifo takes what the phone says
    nothing_of_ours(leg)


def test_a_withheld_number_and_a_queue(site, daemon, lab, queue):
    site.forwards(boss={"all": queue})
    agent, kai = lab.register("1006", "kai")
    kai.dial("boss", headers=[("Privacy", "id")])
    leg = lab.rings(agent, 1, 8)
    assert leg.display == site.label("boss", "Anonym")
    assert site.number("kai") not in leg.msg


def test_without_a_daemon(site, lab, queue):
    site.forwards(boss={"all": queue})
    agent, kai = lab.register("1006", "kai")
    call = kai.dial("boss")
    leg = lab.rings(agent, 1, 8)
    nothing_of_ours(leg)
    leg.pick_up()
    lab.talk(call, leg)


@LOOPBACK
def test_an_agent_forwards(site, daemon, lab, queue, contact):
    """Busy at first, and then to somebody else; no mailbox takes the call, and there is a codec."""
    site.forwards(**{"1006": {"busy": "1015"}})
    agent, target, kai = lab.register("1006", "1015", "kai")
    agent.policy = "busy"
    call = kai.dial(queue)
    leg = lab.rings(target, 1, 10)
    assert leg.display in ("Uml. fuer Extension 1006: Extension 1008", "Uml. fuer Extension 1006: 1008")
    leg.pick_up()
    lab.talk(call, leg)
    assert "voicemail" not in site.logged(call.since)


@LOOPBACK
@pytest.mark.parametrize("by", ["queue", "boss"])
def test_the_target_calls_the_queue(site, daemon, lab, queue, contact, by):
    """Or somebody who forwards to it; for that user the agent's phone shows the call then."""
    site.forwards(boss={"all": queue}, **{"1006": {"all": "1015"}})
    agent, target = lab.register("1006", "1015")
    call = target.dial(queue if by == "queue" else "boss")
    leg = lab.rings(agent, 1, 10)
    assert daemon.says(r"ring 1006 for 1015: target \(1006 forwards always to 1015\)")
    assert (leg.display == "Uml. fuer Extension 1000: Extension 1015") == (by == "boss")
    assert leg.msg.count("Uml.") <= 2  # From, and Remote-Party-ID
    leg.pick_up()
    lab.talk(call, leg)
    assert not target.rang


@LOOPBACK
def test_nobody_writes_who_waits_in_the_queue(site, daemon, lab, queue, contact):
    """A stranger who names the channel of the target. From outside a user is dialled, who forwards to the queue."""
    site.forwards(boss={"all": queue}, **{"1006": {"all": "1015"}})
    agent, target, kai = lab.register("1006", "1015", "kai")
    target.dial("kai")
    lab.rings(kai)
    channel = site.channel_of("1015")
    names = ("cc_member_session_uuid", "fifo_bridge_uuid", "other_loopback_from_uuid")
    headers = [(f"{before}{name}", channel) for name in names for before in ("", "X-", "P-")]
    lab.stranger().dial("boss", headers=headers)
    leg = lab.rings(target, 1, 10)
    assert leg.display.startswith("Uml. fuer Extension 1006: ")
    assert daemon.says(r"forward 1006 to 1015 for \+491701234567: always")
    assert not agent.rang


@LOOPBACK
def test_an_agent_forwards_to_the_queue(site, daemon, lab, queue, contact):
    site.forwards(**{"1006": {"all": queue}})
    agent, kai = lab.register("1006", "kai")
    kai.dial(queue)
    lab.rings(agent, 1, 10)
    assert daemon.says("ring 1006 for {kai}: loop")
