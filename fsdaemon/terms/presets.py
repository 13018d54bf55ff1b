"""Where the dialplans that people run put things: a preset for each (`variables.preset` of conf.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from fsdaemon.terms import variables as v
from fsdaemon.terms.kinds import KINDS, SET
from fsdaemon.terms.variables import Header, Writer, header_of

EXCEPT = header_of("directory:call_forward_except", Writer.DIRECTORY)


class Place(NamedTuple):
    """Where one kind of forward stands."""

    target: tuple[Header, ...]
    enabled: tuple[Header, ...] = ()  #: "true" if the forward counts; empty: it always does


@dataclass(frozen=True)
class Preset:
    """Where a dialplan puts things; each list is tried in order."""

    callee: tuple[Header, ...]
    callee_name: tuple[Header, ...]
    domain: tuple[Header, ...]
    groups: tuple[Header, ...]
    #: who may get through to a callee who forwards
    forward_except: tuple[Header, ...] = (v.FORWARD_EXCEPT, EXCEPT)
    is_user: tuple[Header, ...] = ()  #: "true" if the forwards are the callee's; empty: they always are
    #: the domain of a user who gave the password; a dialplan may overwrite domain_name
    caller_domain: tuple[Header, ...] = (v.AUTH_DOMAIN, v.DOMAIN_NAME)
    forwards: Mapping[str, Place] = field(default_factory=dict)

    def forward(self, kind: str) -> Place:
        """Where a kind of forward stands."""
        return self.forwards.get(kind, Place(()))

    def lists(self) -> dict[str, tuple[Header, ...]]:
        """All of it by the keys of conf.toml: `callee`, …, `busy`, …, `busy_enabled`, …."""
        plain = {name: getattr(self, name) for name in PLAIN}
        targets = {kind: self.forward(kind).target for kind in SET}
        return {**plain, **targets, **{f"{kind}_enabled": self.forward(kind).enabled for kind in SET}}

    def changed(self, lists: Mapping[str, tuple[Header, ...]]) -> Preset:
        """The same with some lists, by their keys, replaced."""
        everything = {**self.lists(), **lists}
        forwards = {kind: Place(everything[kind], everything[f"{kind}_enabled"]) for kind in SET}
        return Preset(**{name: everything[name] for name in PLAIN}, forwards=forwards)


PLAIN = tuple(one.name for one in fields(Preset) if one.name != "forwards")
KEYS = (*PLAIN, *SET, *(f"{kind}_enabled" for kind in SET))


def _in_directory(kind: str) -> Header:
    return header_of(f"directory:call_forward_{KINDS[kind].variable}", Writer.DIRECTORY)


def _fusionpbx(name: str) -> Place:
    return Place((header_of(f"forward_{name}_destination"),), (header_of(f"forward_{name}_enabled"),))


PRESETS = {
    "default": Preset(
        callee=(v.CALLEE, v.DESTINATION),
        callee_name=(v.CALLEE_NAME,),
        domain=(v.DOMAIN, v.DOMAIN_NAME),
        groups=(v.CALLGROUP, v.CALL_GROUP),
        forwards={kind: Place((v.FORWARDS[kind], _in_directory(kind))) for kind in SET},
    ),
    # app/dialplans/resources/switch/conf/dialplan/*.xml of FusionPBX sets them from its directory.
    "fusionpbx": Preset(
        callee=(v.DESTINATION,),
        callee_name=(header_of("extension_caller_id_name"),),
        domain=(v.DOMAIN_NAME,),
        groups=(v.CALL_GROUP, v.CALLGROUP),
        forward_except=(EXCEPT,),  # of app/extension_settings
        is_user=(header_of("user_exists"),),
        forwards={
            "always": _fusionpbx("all"),
            "busy": _fusionpbx("busy"),
            "no_answer": _fusionpbx("no_answer"),
            "not_registered": _fusionpbx("user_not_registered"),
        },
    ),
}
