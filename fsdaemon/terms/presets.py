"""Where the dialplans that people run put things: a preset for each (`variables.preset` of conf.toml)."""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.terms import variables as v
from fsdaemon.terms.variables import Header, Writer, header_of


class Preset(NamedTuple):
    """Where a dialplan puts things; each list is tried in order."""

    callee: tuple[Header, ...]
    callee_name: tuple[Header, ...]
    domain: tuple[Header, ...]
    always: tuple[Header, ...]
    busy: tuple[Header, ...]
    no_answer: tuple[Header, ...]
    not_registered: tuple[Header, ...]
    groups: tuple[Header, ...]
    is_user: tuple[Header, ...] = ()  #: "true" if the forwards are the callee's; empty: they always are
    always_enabled: tuple[Header, ...] = ()  #: "true" if the forward counts; empty: it always does
    busy_enabled: tuple[Header, ...] = ()
    no_answer_enabled: tuple[Header, ...] = ()
    not_registered_enabled: tuple[Header, ...] = ()
    #: the domain of a user who gave the password; a dialplan may overwrite domain_name
    caller_domain: tuple[Header, ...] = (v.AUTH_DOMAIN, v.DOMAIN_NAME)

    def forward(self, kind: str) -> tuple[tuple[Header, ...], tuple[Header, ...]]:
        """Where a kind of forward stands: its target, and the flag that makes it count."""
        return getattr(self, kind), getattr(self, f"{kind}_enabled")


PRESETS = {
    "default": Preset(
        callee=(v.CALLEE, v.DESTINATION),
        callee_name=(v.CALLEE_NAME,),
        domain=(v.DOMAIN, v.DOMAIN_NAME),
        always=(v.FORWARD_ALL, header_of("directory:call_forward_all", Writer.DIRECTORY)),
        busy=(v.FORWARD_BUSY, header_of("directory:call_forward_busy", Writer.DIRECTORY)),
        no_answer=(v.FORWARD_NO_ANSWER, header_of("directory:call_forward_no_answer", Writer.DIRECTORY)),
        not_registered=(
            v.FORWARD_NOT_REGISTERED,
            header_of("directory:call_forward_not_registered", Writer.DIRECTORY),
        ),
        groups=(v.CALLGROUP, v.CALL_GROUP),
    ),
    # app/dialplans/resources/switch/conf/dialplan/*.xml of FusionPBX sets them from its directory.
    "fusionpbx": Preset(
        callee=(v.DESTINATION,),
        callee_name=(header_of("extension_caller_id_name"),),
        domain=(v.DOMAIN_NAME,),
        always=(header_of("forward_all_destination"),),
        busy=(header_of("forward_busy_destination"),),
        no_answer=(header_of("forward_no_answer_destination"),),
        not_registered=(header_of("forward_user_not_registered_destination"),),
        groups=(v.CALL_GROUP, v.CALLGROUP),
        is_user=(header_of("user_exists"),),
        always_enabled=(header_of("forward_all_enabled"),),
        busy_enabled=(header_of("forward_busy_enabled"),),
        no_answer_enabled=(header_of("forward_no_answer_enabled"),),
        not_registered_enabled=(header_of("forward_user_not_registered_enabled"),),
    ),
}
