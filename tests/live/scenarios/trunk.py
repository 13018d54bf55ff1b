"""What a trunk and a caller from outside get of a forwarded call: nothing internal, and who forwarded by public number."""

from __future__ import annotations

import re

import pytest

from tests.live.scenarios import with_conf
from tests.live.scenarios.connected import YEALINK
from tests.live.wire import Wire

PUBLIC = "+4930555{extension}"
RULE = f'[numbers]\npublic = "{PUBLIC}"\n'


def identity(wanted):
    return f'[routing]\ntrunk_host = "carrier.example"\ntrunk_identity = "{wanted}"\n' + RULE


@with_conf(RULE)
@pytest.mark.parametrize(("kind", "reason"), [("all", "unconditional"), ("busy", "user-busy")])
def test_a_diverter_has_a_public_number_at_the_trunk(site, daemon, lab, kind, reason):
    site.forwards(boss={kind: "outside"})
    boss, kai = lab.register("boss", "kai")
    boss.policy = "busy"
    kai.dial("boss")
    assert lab.at_carrier().header("Diversion") == site.trunk_diversion(PUBLIC, boss=reason)


@with_conf(RULE)
def test_a_chain_to_a_trunk(site, daemon, lab):
    site.forwards(boss={"all": "secretary"}, secretary={"all": "outside"})
    _, _, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    expected = site.trunk_diversion(PUBLIC, secretary="unconditional", boss="unconditional")
    assert lab.at_carrier().header("Diversion") == expected


@with_conf("[routing]\ntrunk_headers = []\n" + RULE)
def test_a_trunk_that_is_told_nothing(site, daemon, lab):
    site.forwards(boss={"all": "outside"})
    _, kai = lab.register("boss", "kai")
    kai.dial("boss")
    assert lab.at_carrier().header("Diversion") is None


def own(site, who="boss"):
    """The public number of a user: of the directory, else by the rule."""
    return site.public_number or PUBLIC.replace("{extension}", site.number(who))


IDENTITY_HEADERS = {"asserted": "P-Asserted-Identity", "preferred": "P-Preferred-Identity"}


def only_identity(leg, how):
    """That identity header; the other and Remote-Party-ID are not there."""
    for header in {*IDENTITY_HEADERS.values(), "Remote-Party-ID"} - {IDENTITY_HEADERS[how]}:
        assert leg.header(header) is None
    return leg.header(IDENTITY_HEADERS[how])


@pytest.mark.parametrize(
    ("how", "conf"),
    [(how, identity(f"diverter-with-caller-{how}")) for how in IDENTITY_HEADERS],
    ids=IDENTITY_HEADERS,
)
def test_own_number_in_from_and_the_caller_in_an_identity_header(site, daemon, lab, how, conf):
    site.forwards(boss={"all": "outside"})
    lab.register("boss")
    lab.stranger().dial("boss from outside")
    leg = lab.at_carrier()
    assert f"<sip:{own(site)}@carrier.example>" in leg.header("From")
    assert "+491701234567" in only_identity(leg, how)


@pytest.mark.parametrize(
    ("how", "conf"),
    [(how, identity(f"caller-with-diverter-{how}")) for how in IDENTITY_HEADERS],
    ids=IDENTITY_HEADERS,
)
def test_the_caller_in_from_and_the_own_number_in_an_identity_header(site, daemon, lab, how, conf):
    site.forwards(boss={"all": "outside"})
    lab.register("boss")
    lab.stranger().dial("boss from outside")
    leg = lab.at_carrier()
    assert only_identity(leg, how) == f"<sip:{own(site)}@carrier.example>"


@with_conf(identity("diverter"))
def test_the_own_number_in_from(site, daemon, lab):
    site.forwards(boss={"all": "outside"})
    lab.register("boss")
    lab.stranger().dial("boss from outside")
    assert own(site).lstrip("+") in lab.at_carrier().header("Remote-Party-ID")


IDENTITIES = (
    "caller", "diverter", "diverter-with-caller-asserted", "diverter-with-caller-preferred",
    "caller-with-diverter-asserted", "caller-with-diverter-preferred",
)  # fmt: skip


@pytest.mark.parametrize("conf", [identity(one) for one in IDENTITIES], ids=IDENTITIES)
def test_withheld_stays_withheld(site, daemon, lab, conf):
    site.forwards(boss={"all": "outside"})
    lab.register("boss")
    lab.stranger("+491709999999", "Geheim").dial("boss from outside", [("Privacy", "id")])
    msg = lab.at_carrier().msg
    assert "1709999999" not in msg
    assert "Geheim" not in msg


# --- nothing internal, in any message ---


def internal(site):
    """What nobody outside may see: names and extensions of those who forward and are reached, and their domain."""
    people = ("boss", "secretary")
    names = [site.names[who] for who in people]
    addresses = [rf"sip:{site.number(who)}[@;>]" for who in people]
    numbers = [rf'"{site.number(who)}"' for who in people]
    return re.compile("|".join([*map(re.escape, names), *addresses, *numbers, "Uml\\."]))


def leaks(site, wire, ids):
    """Lines sent in these calls with something internal in them, besides what the other side wrote itself.

    That is the URI of a request (its Contact), and in a response To, From, and the number that was dialled.
    """
    pattern, found = internal(site), []
    for message in wire.messages:
        if not message.sent or message.call_id not in ids:
            continue
        response = message.first.startswith("SIP/2.0")
        dialled = site.number("boss from outside")
        for line in message.text.split("\n")[1:]:
            own_words = response and re.match(rf"(To|From|t|f):|Contact: <sip:{dialled}@", line, re.I)
            if not own_words and (pattern.search(line) or _domain(site, line)):
                found.append(f"{message.first}: {line}")
    return found


def _domain(site, line):
    return site.domain != site.host and site.domain in line


@pytest.mark.parametrize(
    "conf", [RULE, identity("diverter-with-caller-asserted")], ids=["caller", "asserted"]
)
@pytest.mark.parametrize("kind", ["all", "busy", "no_answer"])
@pytest.mark.parametrize("privacy", [[], [("Privacy", "id")]], ids=["shown", "withheld"])
def test_nothing_internal_reaches_a_trunk(site, daemon, lab, conf, kind, privacy):
    """From a caller outside, over the boss or the secretary, to somebody's mobile; the answer, and the end."""
    site.forwards(boss={"all": "secretary"}, secretary={kind: "outside"})
    _, secretary = lab.register("boss", "secretary")
    secretary.policy = "busy" if kind == "busy" else "ring"
    with Wire(site) as wire:
        call = lab.stranger().dial("boss from outside", [*YEALINK, *privacy])
        lab.wait(lab.carried, "a call at the carrier", 9)
        leg = lab.at_carrier()
        leg.pick_up()
        lab.talk(call, leg)
        lab.turn(0.5)
        call.end()
        lab.turn(0.5)
    ids = {re.search(r"^Call-ID:\s*(\S+)", text, re.M)[1] for text in (call.heard[0], leg.msg)}
    sent = [message.first for message in wire.messages if message.sent and message.call_id in ids]
    assert any(first.startswith("INVITE") for first in sent)
    assert any("200" in first for first in sent)
    found = leaks(site, wire, ids)
    assert not found, "\n".join(found)
