"""Variables are spelled in variables.py, and there only."""

from __future__ import annotations

import re
from pathlib import Path

from fsdaemon.terms import variables
from fsdaemon.terms.variables import Writer, header_of

ROOT = Path(__file__).parents[2]
KNOWN = set(variables.ALL)
NAMES = {header.variable for header in KNOWN} | {variables.LEG_NAME}
# Our dialplan's own memory, which the daemon never sees.
DIALPLAN_ONLY = {
    "fsdaemon_socket",
    "fsdaemon_taken",  # FusionPBX
    "fsdaemon_called",
    "fsdaemon_ringing",
    "fsdaemon_code",
    "fsdaemon_done",
    "fsdaemon_keys",
    "fsdaemon_kind",
    "fsdaemon_peer",
    "fsdaemon_forward_",  # with the kind behind it
    "call_forward_",
}


def test_no_python_module_spells_one() -> None:
    spelled = re.compile(
        r"""["'](?:variable_\w+|fsdaemon_\w+|sip_h_\w+|effective_caller\w+|Caller-[\w-]+)["']"""
    )
    for file in (ROOT / "fsdaemon").rglob("*.py"):
        if file.name != "variables.py":
            assert not spelled.findall(file.read_text("utf-8")), file.name


def test_the_dialplan_and_the_daemon_mean_the_same() -> None:
    extensions = re.compile(r'extension name="(\w+)"')
    for file in (ROOT / "freeswitch" / "dialplan").glob("**/*.xml"):
        text = file.read_text("utf-8")
        text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
        used = set(re.findall(r"\b(?:fsdaemon_\w+|call_forward_\w+)", text)) - set(extensions.findall(text))
        used -= {"fsdaemon_codes"}  # a file
        assert used <= NAMES | DIALPLAN_ONLY, file.name


def test_who_wrote_it() -> None:
    assert variables.USER_NAME.writer is Writer.SWITCH
    assert variables.CALLER_NUMBER.writer is Writer.STRANGER
    assert header_of("fsdaemon_forward_all") == "variable_fsdaemon_forward_all"
    assert header_of("Caller-Destination-Number") == "Caller-Destination-Number"


def test_no_destination_is_expanded_before_it_was_found_to_be_plain() -> None:
    """A REFER or a 302 brings any text as the destination, `${system …}` too, and a field is expanded."""
    plain = re.compile(r'<condition field="destination_number" expression="\^\(?\[[^]]*\]\+\)?(\\n)?\\z"')
    for file in (ROOT / "freeswitch" / "dialplan").glob("**/*.xml"):
        for extension in re.split(
            r"<extension ", re.sub(r"<!--.*?-->", "", file.read_text("utf-8"), flags=re.S)
        )[1:]:
            used = extension.find("${destination_number}")
            checked = plain.search(extension)
            assert used < 0 or (checked and checked.start() < used), extension[:60]
