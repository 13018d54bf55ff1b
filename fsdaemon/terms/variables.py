"""Every header and channel variable that fsdaemon reads or writes, once: its name and who writes it.

Rule: no other module spells one. What a STRANGER writes may be shown, and compared with outside
numbers; it never says who somebody is.
"""

from __future__ import annotations

from enum import Enum

from fsdaemon.terms.kinds import KINDS, SET


class Writer(Enum):
    """Who decides what stands in a variable."""

    SWITCH = "FreeSWITCH itself, from what it established"
    DIRECTORY = "FreeSWITCH, from the administrator's user directory"
    DIALPLAN = "our dialplan files"
    DAEMON = "fsdaemon"
    STRANGER = "the caller, their provider or their phone"


class Header(str):
    """A header of the channel data (`variable_…` for a channel variable), and who writes it."""

    writer: Writer
    variable: str  #: the name as `set` and `${…}` know it: without `variable_`; as conf.toml writes it
    directory: str  #: the variable of the callee's directory entry that is meant; empty: it is on the channel

    def __new__(cls, name: str, writer: Writer) -> Header:
        """Make the header `name`; it is a plain `str` wherever one is wanted."""
        self = super().__new__(cls, name)
        self.writer = writer
        self.variable = name[len(PREFIX) :] if name.startswith(PREFIX) else name
        self.directory = name[len(_IN_DIRECTORY) :] if name.startswith(_IN_DIRECTORY) else ""
        return self


PREFIX = "variable_"
SIP_HEADER = "sip_h_"  # sofia_glue.c: before the name of a header of the INVITE
NOLOCAL = "nolocal:"  # switch_channel.c: before a name in EXPORTS and of its variable: for the legs only
_IN_DIRECTORY = "directory:"  # in conf.toml, before a variable of the callee's directory entry


def header_of(name: str, writer: Writer = Writer.DIALPLAN) -> Header:
    """The header under which the channel data carries `name`.

    A name with a capital letter first (`Caller-Destination-Number`) is a header already, as
    `switch_channel_event_set_data` writes them; `directory:NAME` is in no channel data, FreeSWITCH is
    asked for it (`user_data`); any other is a channel variable.
    """
    plain = name[:1].isupper() or name.startswith(_IN_DIRECTORY)
    return Header(name if plain else PREFIX + name, writer)


def _v(name: str, writer: Writer) -> Header:
    return Header(PREFIX + name, writer)


# What FreeSWITCH establishes (switch_channel.c, sofia_reg.c: sip_authorized after a good digest or ACL).
UUID = Header("Unique-ID", Writer.SWITCH)
PROFILE_OF = Header("Caller-Unique-ID", Writer.SWITCH)  # whose the Caller-… fields are (switch_caller.c)
VARIABLES_OF = _v("uuid", Writer.SWITCH)  # which channel the variables are of (switch_core_session.c)
CALL_DIRECTION = Header("Call-Direction", Writer.SWITCH)
DESTINATION = Header("Caller-Destination-Number", Writer.STRANGER)
DIALLED = _v("destination_number", Writer.STRANGER)  # the same of another channel (switch_caller.c)
SOURCE = Header("Caller-Source", Writer.SWITCH)
RDNIS = Header("Caller-RDNIS", Writer.SWITCH)
HIDE_NAME = Header("Caller-Privacy-Hide-Name", Writer.STRANGER)
HIDE_NUMBER = Header("Caller-Privacy-Hide-Number", Writer.STRANGER)
AUTHORIZED = _v("sip_authorized", Writer.SWITCH)
USER_NAME = _v("user_name", Writer.SWITCH)
DOMAIN_NAME = _v("domain_name", Writer.SWITCH)
AUTH_DOMAIN = _v("requested_domain_name", Writer.SWITCH)  # sofia.c: where the password was looked up
DIALED_USER = _v("dialed_user", Writer.SWITCH)
DIALED_DOMAIN = _v("dialed_domain", Writer.SWITCH)
PRESENCE_ID = _v("presence_id", Writer.SWITCH)  # the user whom the directory's dial-string dialled here
DISPOSITION = _v("originate_disposition", Writer.SWITCH)
LAST_CAUSE = _v("last_bridge_hangup_cause", Writer.SWITCH)
LAST_CODE = _v("last_bridge_proto_specific_hangup_cause", Writer.SWITCH)  # "sip:486"
LAST_BRIDGE_TO = _v("last_bridge_to", Writer.SWITCH)
BRIDGE_UUID = _v("bridge_uuid", Writer.SWITCH)
ORIGINATED_LEGS = _v("originated_legs", Writer.SWITCH)
CAUSES = _v("originate_causes", Writer.SWITCH)
GATEWAY = _v("sip_gateway_name", Writer.SWITCH)  # mod_sofia.c: the leg goes out through it
NETWORK_IP = _v("sip_network_ip", Writer.SWITCH)
LOOPBACK_FROM = _v("other_loopback_from_uuid", Writer.SWITCH)
ENTERPRISE_FROM = _v("ent_originate_aleg_uuid", Writer.SWITCH)  # the same where several are dialled by ":_:"
LOOPBACK_LEG = _v("loopback_leg", Writer.SWITCH)
# Whose call an agent's leg is for; a queue originates it without a channel (mod_callcenter.c, mod_fifo.c).
QUEUE_CALLER = _v("cc_member_session_uuid", Writer.SWITCH)
QUEUE_MEMBER = _v("cc_member_uuid", Writer.SWITCH)  # on the caller's channel, too
FIFO_CALLER = _v("fifo_bridge_uuid", Writer.SWITCH)
DIRECTION = _v("direction", Writer.SWITCH)
NOW = Header("Event-Date-Timestamp", Writer.SWITCH)  # microseconds since 1970
ANSWERED = Header("Caller-Channel-Answered-Time", Writer.SWITCH)  # the same; 0: not yet
# When a phone rang, or sent early media (switch_channel.c); microseconds, 0: not yet.
PROGRESS = Header("Caller-Channel-Progress-Time", Writer.SWITCH)
PROGRESS_MEDIA = Header("Caller-Channel-Progress-Media-Time", Writer.SWITCH)
TRANSFER_SOURCE = _v("transfer_source", Writer.SWITCH)  # switch_ivr.c: some transfer brought the call here
# From the directory of the user on this leg.
EFFECTIVE_NAME = _v("effective_caller_id_name", Writer.DIRECTORY)
EFFECTIVE_NUMBER = _v("effective_caller_id_number", Writer.DIRECTORY)
OUTBOUND_NAME = _v("outbound_caller_id_name", Writer.DIRECTORY)
OUTBOUND_NUMBER = _v("outbound_caller_id_number", Writer.DIRECTORY)
TOLL_ALLOW = _v("toll_allow", Writer.DIRECTORY)
DEFAULT_GATEWAY = _v("default_gateway", Writer.DIRECTORY)
CALL_TIMEOUT = _v("call_timeout", Writer.DIRECTORY)
CALLGROUP = _v("callgroup", Writer.DIRECTORY)
CALL_GROUP = _v("call_group", Writer.DIRECTORY)
# What strangers write.
CALLER_NAME = Header("Caller-Caller-ID-Name", Writer.STRANGER)
CALLER_NUMBER = Header("Caller-Caller-ID-Number", Writer.STRANGER)
DIVERSION = _v("sip_h_Diversion", Writer.STRANGER)  # sofia.c: as the header was spelled, the last of several
ALL_DIVERSIONS = _v("sip_i_diversion", Writer.STRANGER)  # all, if the profile has parse-all-invite-headers
HISTORY_INFO = _v("sip_history_info", Writer.STRANGER)  # all; sofia.c joins them
PRIVACY = _v("sip_Privacy", Writer.STRANGER)  # RFC 3323; FreeSWITCH itself acts on "id" only
REFER_TO = _v("sip_refer_to", Writer.STRANGER)  # sofia.c: the REFER that made this channel come here
REDIRECTED_TO = _v("sip_redirected_to", Writer.STRANGER)  # sofia.c: the Contact of a 302
REDIRECT_USER = _v("sip_redirect_contact_user_0", Writer.STRANGER)
# Set by every 302 that is followed; REDIRECTED_TO is not if the Contact has a "${" (switch_channel.c).
REDIRECT_HOST = _v("sip_redirect_contact_host_0", Writer.STRANGER)
# Between our dialplan files and the daemon.
STAGE = _v("fsdaemon_stage", Writer.DIALPLAN)
CONTEXT = _v(
    "fsdaemon_context", Writer.DIALPLAN
)  # where a forward goes on; only dialplan/fsdaemon.xml sets it
CARRY = _v("fsdaemon_carry", Writer.DIALPLAN)  # "leg": the dialplan carries label and Diversion with the leg
CALLEE = _v("fsdaemon_callee", Writer.DIALPLAN)
VISITED = _v(
    "fsdaemon_visited", Writer.DIALPLAN
)  # ",BRIDGE:USER" for each that forwarded, and after which bridge
CALLEE_NAME = _v("fsdaemon_callee_name", Writer.DIALPLAN)
DOMAIN = _v("fsdaemon_domain", Writer.DIALPLAN)
#: Kind → where a dialplan may put the callee's forward, before the directory is asked.
FORWARDS = {name: _v(f"fsdaemon_forward_{KINDS[name].variable}", Writer.DIALPLAN) for name in SET}
FORWARD_EXCEPT = _v("fsdaemon_forward_except", Writer.DIALPLAN)  # who may get through all the same
MEMBERS = _v("fsdaemon_members", Writer.DIALPLAN)  # stage "members": who rings there, and what they forward
CALLED_TIMEOUT = _v("fsdaemon_call_timeout", Writer.DIALPLAN)  # wanted: CALL_TIMEOUT of the callee, and
CALLED_GROUP = _v("called_party_callgroup", Writer.DAEMON)  # CALLGROUP, as the example configuration has it
# What the daemon sets. The first five are the contract; the others are its memory on the channel.
VERDICT = _v("fsdaemon_verdict", Writer.DAEMON)
REASON = _v("fsdaemon_reason", Writer.DAEMON)
PATH = _v("fsdaemon_path", Writer.DAEMON)
PATH_KINDS = _v("fsdaemon_kinds", Writer.DAEMON)  # the kind of each forward in PATH
TARGET = _v("fsdaemon_target", Writer.DAEMON)  # where a verdict `forward` sends the call
HOP = _v("fsdaemon_hop", Writer.DAEMON)  # the callee at the end of PATH
BRIDGED = _v("fsdaemon_bridged", Writer.DAEMON)  # the last bridge when PATH was written
LABEL = _v("fsdaemon_label", Writer.DAEMON)  # the label we put into effective_caller_id_name
OWN_NAME = _v("fsdaemon_own_name", Writer.DAEMON)  # what stood there before
OWN_NUMBER = _v("fsdaemon_own_number", Writer.DAEMON)  # the same for effective_caller_id_number
NUMBER = _v("fsdaemon_number", Writer.DAEMON)  # the number we put there
CID_TYPE = _v("sip_cid_type", Writer.DAEMON)  # "none": neither Remote-Party-ID nor P-Asserted-Identity
OFF = _v("fsdaemon_off", Writer.DAEMON)  # stage "once": the kinds that are not to be followed
PENDING = _v("fsdaemon_pending", Writer.DAEMON)  # stage "once": KIND=TARGET,… of HOP if nobody answers there
MEMBER_FORWARDS = _v("fsdaemon_member_forwards", Writer.DAEMON)  # stage "members": which of them are followed
RANG = _v("fsdaemon_rang", Writer.DAEMON)  # the daemon executed the bridge itself
HISTORY_INFO_OUT = _v("sip_h_History-Info", Writer.DAEMON)  # RFC 7044
OUR_DIVERSION = _v("fsdaemon_diversion", Writer.DAEMON)  # the Diversion for PATH
INCOMING_DIVERSION = _v("fsdaemon_incoming_diversion", Writer.DAEMON)  # what DIVERSION said when it came in
UNDO = _v(
    "fsdaemon_undo", Writer.DAEMON
)  # a multiset: what stood on the channel before label and Diversion did
SINCE = _v("fsdaemon_since", Writer.DAEMON)  # when a forward went to what is not a user (NOW)
TIMEOUT = _v("fsdaemon_timeout", Writer.DAEMON)  # seconds the phone rings, where the user dialled that
TRIED = _v("fsdaemon_tried", Writer.DAEMON)  # how many legs CAUSES had before the next bridge
RUNG = _v("fsdaemon_rung", Writer.DAEMON)  # whether a phone rings in the next bridge; unset: see PROGRESS
MAILBOX = _v("fsdaemon_mailbox", Writer.DAEMON)  # "DOMAIN USER", as `voicemail` takes it
CONTINUE = _v("continue_on_fail", Writer.DIALPLAN)
CONFIRM = _v("confirm", Writer.DIALPLAN)  # FusionPBX: on each leg of its ring groups and of follow-me
RING_GROUP = _v("ring_group_uuid", Writer.DIALPLAN)  # FusionPBX: the last group that was called
SILENT = _v("loopback_no_pre_answer", Writer.DAEMON)  # mod_loopback.c: who dials a loopback sends no sound
RINGBACK = _v("ringback", Writer.DIALPLAN)  # switch_ivr_originate.c: what the caller hears
PLAY = _v("fsdaemon_play", Writer.DAEMON)  # what the user who dialled a code hears, for the dialplan "inline"
CALLEE_SHOWN = _v("initial_callee_id_name", Writer.DAEMON)  # what that user's phone shows
CALLEE_NUMBER_SHOWN = _v("initial_callee_id_number", Writer.DAEMON)
CALLEE_IN_1XX = _v("sip_cid_in_1xx", Writer.DAEMON)  # "false": 18x and 200 do not say who
IGNORE_UPDATES = _v("ignore_display_updates", Writer.DAEMON)  # switch_ivr.c: nor do UPDATE and INFO
CONNECTED = _v("fsdaemon_connected", Writer.DAEMON)  # which of these four we set
EXPORTS = _v("export_vars", Writer.DIALPLAN)  # switch_channel.c: what goes from this channel to every leg
# The same for a queue's legs (mod_callcenter.c; mod_fifo.c, which knows no "nolocal:").
QUEUE_EXPORTS = _v("cc_export_vars", Writer.DIALPLAN)
FIFO_EXPORTS = _v("fifo_export", Writer.DIALPLAN)
# On the caller's channel, for the agents' legs. FreeSWITCH executes it when a leg is made: here never.
QUEUE_SHOWN = _v("execute_on_originate_fsdaemon", Writer.DAEMON)
QUEUE_NUMBER = _v("execute_on_originate_fsdaemon_number", Writer.DAEMON)
QUEUE_LEG = _v("execute_on_originate_fsdaemon_queue", Writer.DAEMON)
ON_AGENT = _v("execute_on_pre_bridge_fsdaemon_queue", Writer.DAEMON)  # takes them back
HIDE_TARGET = _v("fsdaemon_hide_target", Writer.DIRECTORY)  # "true": callers do not see the target
ON_BRIDGE = _v(
    "bridge_pre_execute_aleg_app", Writer.DAEMON
)  # switch_ivr_bridge.c: when somebody takes the call
ON_ANSWER = _v("execute_on_answer_fsdaemon", Writer.DAEMON)  # switch_channel.c: when the channel is answered
ON_BRIDGED = _v(
    "bridge_pre_execute_app", Writer.SWITCH
)  # switch_ivr_bridge.c: what it remembers of the last two
ON_BRIDGE_DATA = _v("bridge_pre_execute_aleg_data", Writer.DAEMON)
REFERRER = _v("fsdaemon_referrer", Writer.DAEMON)  # who transferred the call here, attended, by which REFER
WHO = _v("fsdaemon_who", Writer.DAEMON)  # who is on an outbound leg, or "-"; it stays
LEG = _v("fsdaemon_leg", Writer.DAEMON)  # leg variables that carry label and Diversion
SHOWN = _v("fsdaemon_shown", Writer.DAEMON)  # LABEL as it may stand on a leg that mod_sofia made already
# For call records (docs/records.md), on both legs. They are only written, and stay when the call goes on.
RECORD_CALLED = _v("fsdaemon_cdr_called", Writer.DAEMON)  # the first diverter
RECORD_DIVERTER = _v("fsdaemon_cdr_diverter", Writer.DAEMON)  # the last one
RECORD_KINDS = _v("fsdaemon_cdr_kinds", Writer.DAEMON)  # the kind of each forward that was followed
RECORD_VERDICT = _v("fsdaemon_cdr_verdict", Writer.DAEMON)
RECORD_REASON = _v("fsdaemon_cdr_reason", Writer.DAEMON)

CONNECTED_ALL = (CALLEE_SHOWN, CALLEE_NUMBER_SHOWN, CALLEE_IN_1XX, IGNORE_UPDATES)

MEMORY = (
    TARGET,
    PATH,
    PATH_KINDS,
    HOP,
    BRIDGED,
    LABEL,
    SHOWN,
    OWN_NAME,
    NUMBER,
    OWN_NUMBER,
    OUR_DIVERSION,
    HISTORY_INFO_OUT,
    INCOMING_DIVERSION,
    LEG,
    RANG,
    OFF,
    PENDING,
    MEMBER_FORWARDS,
    SINCE,
    TIMEOUT,
    CONNECTED,
    TRIED,
    RUNG,
)

# Leg variables that are only written, inside LEG (switch_ivr_originate.c).
LEG_NAME = "origination_caller_id_name"
LEG_NUMBER = "origination_caller_id_number"
LEG_CALLEE_NAME = "origination_callee_id_name"
LEG_CALLEE_NUMBER = "origination_callee_id_number"
LEG_FROM_URI = "sip_from_uri"
LEG_FROM_DISPLAY = "sip_from_display"
LEG_PRIVACY = "origination_privacy"  # "no": P-Preferred-Identity where sip_cid_type is "pid"
LEG_PRIVACY_HEADER = "sip_h_Privacy"
LEG_ASSERTED = "sip_h_P-Asserted-Identity"
LEG_PREFERRED = "sip_h_P-Preferred-Identity"
LEG_SHOWN = QUEUE_SHOWN.variable  # sets the name again, after mod_sofia cut it
LEG_SHOWN_NUMBER = QUEUE_NUMBER.variable  # the same for the number
LEG_MISSED = "execute_on_originate_fsdaemon_missed"  # dialplan/fsdaemon.xml: what the CANCEL says
LEG_ALERT = "alert_info"  # sofia_glue.c: the Alert-Info of the INVITE
LEG_COUNT = "execute_on_originate_fsdaemon_busy"  # `limit`: the leg is one of the user's calls
LEG_KEEPS_COUNT = "limit_ignore_transfer"  # "true": it is still, after a transfer (switch_limit.c)
LEG_REDIRECT_FATAL = "outbound_redirect_fatal"
# When the phone rings, or sends early media (switch_channel.c switch_channel_api_on).
LEG_ON_RING, LEG_ON_MEDIA = "api_on_ring_fsdaemon", "api_on_pre_answer_fsdaemon"
LEG_TAKEN = "fsdaemon_taken"  # "true": sip_h_Diversion is of a call that was forwarded to this phone
LEG_PRE_BRIDGE = (
    "execute_on_pre_bridge_fsdaemon"  # when the phone took the call, its Diversion is not its next one's
)


ALL = tuple(
    one for one in [*globals().values(), *FORWARDS.values()] if isinstance(one, Header)
)  #: every one above
