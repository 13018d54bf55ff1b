"""Why a verdict and why a label: each reason is a row with the words that explain it.

Rule: policy.py and label.py name the row; whoever explains it (sentences.py) fills in the fields and decides
nothing. So a reason without a sentence cannot be written down, and no sentence can contradict the verdict.
"""

from __future__ import annotations

from typing import NamedTuple

from fsdaemon.terms.kinds import KINDS


class Reason(NamedTuple):
    """Why a callee rings or a forward is followed."""

    word: str  #: `fsdaemon_reason`; empty: the kind of the forward that is followed
    why: str  #: fields: sentences.Fields
    otherwise: str  #: what would have to change for the opposite


_FOLLOWED = "the forward would be followed"
_COULD_BE = "the number of another user in {place} would be followed"
_NO_USER = "only a user's forward could be followed"

NOTHING_SET = Reason("no_forward", "{callee} does not forward calls", _COULD_BE)
OTHER_KINDS = Reason(
    "no_forward",
    "{callee} forwards {others}, but the phone {tried}",
    "it would be followed {conditions}; so would the number of another user in {place_always}",
)
ITSELF = Reason("no_forward", "{callee} forwards {when} to itself; ignored", _COULD_BE)
NOT_A_NUMBER = Reason("no_forward", "{forward_quoted}, which is not a number; ignored", _COULD_BE)
CALLEE_NOT_A_NUMBER = Reason("no_forward", "{callee} is not a number, so it cannot be a user", _NO_USER)
CALLEE_NOT_A_USER = Reason("no_forward", "{callee} is not a user, so there is no forward to follow", _NO_USER)
SELF = Reason(
    "self",
    "{forward}, but {callee} itself is calling",
    f"for another caller without an exception {_FOLLOWED}",
)
TARGET = Reason(
    "target", "{forward}, and the target is calling", f"with {{exceptions_target}} = false {_FOLLOWED}"
)
USER = Reason(
    "user", "{forward}, but {caller} may break through every forward", f"without {{rule}} {_FOLLOWED}"
)
GROUP = Reason(
    "group", "{forward}, but {caller} is in a group that may break through", f"without {{rule}} {_FOLLOWED}"
)
EXTERNAL = Reason(
    "external", "{forward}, but the number {caller} may break through", f"without {{rule}} {_FOLLOWED}"
)
OWN = Reason("own", "{forward}, but {caller} may get through to {callee}", f"without {{rule}} {_FOLLOWED}")
REFERRER = Reason(
    "referrer",
    "{forward}, but the user who transferred the call here, attended, may break through",
    f"after a blind transfer {_FOLLOWED}",
)
LOOP = Reason(
    "loop",
    "{forward}, but this call has been at a user on that way already; to follow it would make a loop",
    "a forward of {callee} to a user who was not called yet would be followed",
)
HOPS = Reason(
    "hops",
    "{forward}, but the call followed as many forwards as it may",
    f"with a larger {{routing_max_hops}} {_FOLLOWED}",
)
EXEMPT = Reason(
    "exempt",
    "{exempt_from} forwards to {callee} when nobody answers, which was not to be followed for {caller}; "
    "FusionPBX's follow-me does not ask, and followed it",
    "without the exception, the call would go on to {callee}",
)
# A forward is followed because the caller has no exception from it: for each way of having none a row.
TARGET_OFF = Reason(
    "",
    "{forward}; the target {caller} is calling, but {exceptions_target} is false",
    "a call by {target} would {ring}{allowed}",
)
NO_EXCEPTION = Reason(
    "",
    "{forward}; {caller} is calling and has no exception",
    '"{caller_in_conf}" in {exceptions_users} would {ring}; so would a call by {target}{allowed}',
)
WITHHELD = Reason(
    "",
    "{forward}; the caller is external and withholds the number, so no exception can match",
    "a call by {target} would {ring}{allowed}; a withheld number cannot break through",
)
POSES = Reason(
    "",
    "{forward}; {caller} is an external caller, not the user {caller}",
    "a call by the user {target} would {ring}{allowed}; did FreeSWITCH authenticate the phone?",
)
NOT_NAMED = Reason(
    "",
    "{forward}; {caller} is an external caller whose number is not in {exceptions_external}",
    '"{number}" in {exceptions_external} would {ring}; so would a call by {target}{allowed}',
)
NO_CALLER_NUMBER = Reason(
    "",
    "{forward}; {caller} is an external caller without a number that could have an exception",
    "a call by {target} would {ring}{allowed}",
)

_ROWS = [row for row in list(globals().values()) if isinstance(row, Reason)]
#: What may stand in `fsdaemon_reason`.
WORDS = tuple(dict.fromkeys([*(row.word for row in _ROWS if row.word), *KINDS]))


class Notice(NamedTuple):
    """Something about a forward that an administrator should know, whatever the verdict."""

    text: str


TARGET_NOT_A_NUMBER = Notice("{forward_quoted}, which is not a number")
TARGET_NOT_A_USER = Notice(
    "{forward_plain}, which is not a user of {domain}; "
    "the rest of the dialplan decides who rings there, if anybody"
)
NOT_COUNTED = Notice(
    "the calls of {callee} are not counted: routing.busy needs mod_hash of FreeSWITCH, which is not loaded"
)
OWN_UNREAD = Notice("the exceptions of {callee}: {own_unread}")
SENT_AWAY = Notice("the phone of {callee} sent the call to {sent_away}, and nobody took it there")


class LabelReason(NamedTuple):
    """Why the phone shows a label, or none."""

    text: str


LABELLED = LabelReason("{template}")
NOT_FORWARDED = LabelReason("none: the call was not forwarded")
KIND_OFF = LabelReason('none: "{label_kind}" is not in {display_kinds}')
OFF_NET = LabelReason("none: the call goes off-net, and {display_outside} is false")
EMPTY = LabelReason("none: {template} is empty")
