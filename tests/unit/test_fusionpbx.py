"""The dialplan entries for FusionPBX: what its import, its editor and its rendering need, and that nothing acts."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from fsdaemon.terms.presets import PRESETS

PLACE = Path(__file__).parents[2] / "freeswitch" / "dialplan" / "fusionpbx"
ENTRIES = sorted((PLACE / "fsdaemon" / "resources" / "switch" / "conf" / "dialplan").glob("*.xml"))
EACH = pytest.mark.parametrize("file", ENTRIES, ids=lambda file: file.stem)


MEMBERS = ("100_fsdaemon_ring_group", "519_fsdaemon_follow_me")
STEMS = [
    "011_fsdaemon_ask",
    "012_fsdaemon_apply",
    "013_fsdaemon_mailbox",
    "100_fsdaemon_att_xfer",
    "100_fsdaemon_ring_group",
    "285_fsdaemon_intercept",
    "519_fsdaemon_follow_me",
    "899_fsdaemon_member",
]
SCRIPT = "/var/www/fusionpbx/app/fsdaemon/resources/switch/scripts/fsdaemon_members.lua"
GROUP = "${destination_number} ${domain_uuid}"


def test_all_are_there() -> None:
    assert [file.stem for file in ENTRIES] == STEMS


@EACH
def test_what_the_import_expects(file: Path) -> None:
    """dialplan.php: global entries have no domain; user_exists is order 10, the first that forwards 507."""
    root = ET.parse(file).getroot()
    assert root.tag == "extension"
    goes_on = str(file.stem in STEMS[:3]).lower()
    assert (root.get("context"), root.get("global"), root.get("continue")) == ("global", "true", goes_on)
    assert root.get("order") == str(int(file.stem.partition("_")[0]))
    assert root.get("name") == file.stem.partition("_")[2]
    assert uuid.UUID(root.get("app_uuid", ""))
    for condition in root:
        assert {child.tag for child in condition} <= {"action"}, "the import warns of an anti-action alone"
        assert set(condition.attrib) <= {"field", "expression", "break"}
        for action in condition:
            when = file.stem in STEMS[:2] or (
                action.get("application") in ("set", "set_profile_var")
                and file.stem in ("013_fsdaemon_mailbox", "285_fsdaemon_intercept")
            )
            inline = {"inline": "true"} if when else {}
            assert {**action.attrib, "application": "", "data": ""} == {
                "application": "",
                "data": "",
                **inline,
            }


@EACH
def test_what_the_rendering_and_the_editor_spoil(file: Path) -> None:
    """Fields are rendered unescaped, "$$" becomes "$", and the editor drops "system" and "spawn"."""
    for element in ET.parse(file).getroot().iter():
        if element.tag != "extension":
            for value in element.attrib.values():
                assert not re.search(r'[<>&"]|\$\$|system|spawn|\{v_', value, re.I), value


@EACH
def test_no_lua_is_made_of_anything(file: Path) -> None:
    """What stands in a variable would be code; as an argument of the script it was checked before."""
    for action in ET.parse(file).getroot().iter("action"):
        if action.get("application") == "lua" and file.stem not in MEMBERS:
            assert action.get("data") == "~session:execute('socket', '127.0.0.1:8084 full')"


@pytest.mark.parametrize(
    ("place", "app", "who"),
    [
        (
            4,
            "ring_groups",
            {"field": "${user_exists} ${call_direction}", "expression": "^false (?!outbound)"},
        ),
        (6, "follow_me", {"field": "${user_exists} ${follow_me_enabled}", "expression": "^true true$"}),
    ],
)
def test_the_script_gets_a_number_and_a_uuid(place: int, app: str, who: dict[str, str]) -> None:
    number, user, domain, found = ET.parse(ENTRIES[place]).getroot()
    assert number.attrib == {"field": "destination_number", "expression": r"^[\w.*#+-]+\z"}
    assert user.attrib == who
    assert domain.attrib == {"field": "${domain_uuid}", "expression": "^[0-9a-f-]{36}$"}
    assert found.attrib == {"field": f"${{lua({SCRIPT} {app} find {GROUP})}}", "expression": "^ours$"}
    (action,) = found
    assert action.attrib == {"application": "lua", "data": f"{SCRIPT} {app} ring {GROUP}"}
    assert (PLACE / SCRIPT.partition("/app/")[2]).is_file()


@EACH
def test_what_strangers_write_is_not_expanded(file: Path) -> None:
    # FreeSWITCH keeps no variable of a 302 with a "${" (switch_channel.c switch_channel_set_variable_var_check).
    ours = r"fsdaemon_(off|taken|verdict|shown|number|diversion|path|hop)|user_exists|call_direction"
    ours += "|sip_redirect_contact_host_0"
    ours += "|loopback_leg|confirm|cc_side|read_codec|follow_me_enabled"
    text = re.sub(r"\$\{\w+(\([^()]*\))\}", r"\1", file.read_text("utf-8"))  # what a function is given counts
    used = re.findall(r"\$\{([^}]*)\}", text)
    own = {
        "011_fsdaemon_ask": ours + "|destination_number",  # after it was found to be plain
        "012_fsdaemon_apply": ours + "|cc_export_vars|domain_name|uuid",  # the last is plain there
        "013_fsdaemon_mailbox": ours + "|originate_disposition|destination_number",  # the last is plain there
        "100_fsdaemon_att_xfer": "digits|domain_name",  # what the user pressed, and the user's own domain
        "285_fsdaemon_intercept": "domain_name|fsdaemon_ringing|fsdaemon_called",
        "899_fsdaemon_member": ours + "|originate_disposition",
        **dict.fromkeys(
            MEMBERS,
            rf"user_exists|call_direction|follow_me_enabled|domain_uuid|destination_number|lua\({SCRIPT} .*",
        ),
    }
    ours = own.get(file.stem, ours)
    assert all(re.fullmatch(ours, name) for name in used), used


def test_each_kind_can_be_switched_off() -> None:
    text = ENTRIES[1].read_text("utf-8")
    for kind in PRESETS["fusionpbx"].forwards:
        (enabled,) = PRESETS["fusionpbx"].forward(kind).enabled
        condition = rf'expression="\(\^\|,\){kind}\(,\|\$\)" break="never">\s*<action [^>]*data="(\w+)=false"'
        assert re.findall(condition, text) == [enabled.variable]


def test_what_is_carried_is_taken_away() -> None:
    """By the next hop, whatever has become of the daemon; and from the caller when somebody takes the call."""
    ask, apply = (file.read_text("utf-8") for file in ENTRIES[:2])
    carried = set(re.findall(r'"export" data="(nolocal:\w+)=', apply))
    assert len(carried) == 7
    (taken_back,) = re.findall(r'"multiunset" data="(fsdaemon_verdict [^"]*)"', ask)
    assert carried <= set(taken_back.split(" "))
    (at_bridge,) = re.findall(r'data="execute_on_pre_bridge_fsdaemon=multiunset ([^"]*)"', apply)
    assert set(at_bridge.split(" ")) == carried


def test_a_queue_passes_on_what_is_carried() -> None:
    """And no id of a channel, which may be a stranger's Call-ID, is expanded before it was found to be plain."""
    apply = ENTRIES[1].read_text("utf-8")
    (listed,) = re.findall(r'data="cc_export_vars=([^"]*),\$\{cc_export_vars\}"', apply)
    assert set(listed.split(",")) == set(re.findall(r'"export" data="(nolocal:\w+)=', apply))
    assert r'<condition field="uuid" expression="^[\w-]+\z"/>' in apply.partition("${uuid}")[0]


def test_a_call_that_is_not_forwarded_costs_two_applications() -> None:
    """And `socket` and the daemon's `multiset`; on a pass where nobody is asked, and no verdict stands, none."""
    always = [
        (condition.get("field"), len(condition))
        for file in ENTRIES[:2]
        for condition in ET.parse(file).getroot()
        if not re.match(
            r"\$\{(fsdaemon_\w+|call_direction|sip_redirect_contact_host_0|loopback_leg)\}|uuid$",
            condition.get("field", ""),
        )
    ]
    assert always == [("destination_number", 0), ("${user_exists}${fsdaemon_hop}", 2)]


def test_the_installer_asks_where_the_entries_do() -> None:
    installer = (PLACE / "install.php").read_text("utf-8")
    assert installer.count("'127.0.0.1:8084'") == 2


def test_no_destination_is_expanded_before_it_was_found_to_be_plain() -> None:
    before, check, _ = ENTRIES[0].read_text("utf-8").partition('<condition field="destination_number"')
    assert check
    assert "${destination_number}" not in before
