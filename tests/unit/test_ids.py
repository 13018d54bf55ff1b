"""Ids of channels that are not UUIDs: a Call-ID that any phone writes, or what a dialplan says."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core import history, ids
from fsdaemon.core.users import User
from fsdaemon.daemon.log import word
from fsdaemon.esl.fake_switch import Switch, channel_data, url_encode, words
from fsdaemon.esl.protocol import to_bytes
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Headers
from tests.recorded import DIRECTORY, decided
from tests.unit.test_call import headers

UUID = "ebea3eff-4e4f-4a4a-b9d7-b189a9629733"
CALL_IDS = (
    UUID,
    "3c267011d3c7-h2k9@192.168.1.5",
    "a84b4c76e66710@pc33.atlanta.example",
    "1-2345@[2001:db8::1]",
    "ODQ3NWVjOTk0==",
    "0_1234567@10.0.0.1",
    "-x~y*z!w+(1)<2>?",
)
HOSTILE = (
    "a|b", "a,b", "a;b", "a b", " a ", "a\tb", "it's", "'", "''", '"', "a\\", "\\", "\\E.*\\Q", "a\\sb", "\\'", "{}", "$",
    "${x}", "%40", "a%40b", "%", "#", "^^:a", "a~b=c", "ü", "😀", "\u2028", "-ERR no", "_undef_", "x" * 257, "../../x",
    "a\x1fb", "a\x7f", ".*", "(", "[", "a:100@lab.test", ",a:100@lab.test",
)  # fmt: skip
ANY = st.one_of(
    st.sampled_from(CALL_IDS + HOSTILE),
    st.lists(st.sampled_from([*"'\"\\ ^,;|:@%~#sn", *HOSTILE]), max_size=6).map("".join),
    st.text(max_size=30),
)


@given(ANY)
@example("a^^b")
def test_an_argument_is_that_id_and_nothing_else(channel):
    argument = ids.argument(channel)
    if argument:
        assert words(f"{argument} user_name") == [channel, "user_name"]
        assert not set(argument) & set("\r\n\0")


@pytest.mark.parametrize("channel", CALL_IDS)
def test_a_call_id_can_be_asked_about(channel):
    assert ids.argument(channel) == channel == ids.token(channel)


@given(ANY, ANY)
def test_a_token_is_one_ids(one, other):
    assume(one != other)
    assert ids.token(one) != ids.token(other)
    assert not set(ids.token(one)) & set(" ,;|'\"\\${}%\n\r\x1f")


@given(ANY)
def test_a_token_is_the_same_after_a_way_over_the_channel(channel):
    """Set by the daemon, told by FreeSWITCH, which encodes values, and read."""
    token = ids.token(channel)
    data = (
        b"variable_a: "
        + url_encode(token.encode())
        + b"\nvariable_b: "
        + url_encode(ids.encoded(token).encode())
    )
    assert Headers(data).get("variable_a") == Headers(data).get("variable_b") == token


@pytest.mark.parametrize("channel", CALL_IDS)
def test_it_is_encoded_as_the_dialplan_does(channel):
    assert ids.encoded(ids.token(channel)) == url_encode(channel.encode()).decode()


@given(ANY)
def test_the_log_begins_with_it(channel):
    assert len(word(channel).split()) == bool(word(channel))
    assert "\n" not in word(channel)


# --- who is behind a loopback, and what *4 made ---------------------------------------------------------

RIGHT = config.load('[exceptions]\nusers = ["1002"]\n')
LOOP = (DIRECTORY / "loopback_internal_loop.txt").read_bytes()
OWN = headers(LOOP).get(v.UUID)


def behind_a_loopback(from_, channels, config_=RIGHT, **more):
    """Kai's call through a loopback: `channels` are those that FreeSWITCH knows, by their ids."""
    lines = {
        "fsdaemon_domain": "lab.test",
        "fsdaemon_forward_all": "1001",
        "other_loopback_from_uuid": from_,
        **more,
    }

    def answer(command):
        name, _, rest = command.partition(" ")
        asked = words(rest) if name == "uuid_getvar" else []
        if asked and asked[0] == OWN:
            return {"other_loopback_from_uuid": from_}[asked[1]]
        found = channels.get(asked[0]) if asked else None
        return "-ERR No such channel!" if found is None else found.get(asked[1], "_undef_")

    return decided(headers(channel_data(LOOP, lines)), config_, answer)


KAI = {"direction": "inbound", "sip_authorized": "true", "user_name": "1002", "domain_name": "lab.test"}
STRANGER = {"direction": "inbound"}


@pytest.mark.parametrize(
    "channel", [*CALL_IDS, "a b", "it's", 'a"b', "a\\sb", "a|b,c;d", "a%40b", "%61", "{x}", "\\E"]
)
def test_who_is_behind_a_loopback(channel):
    decision = behind_a_loopback(channel, {channel: KAI})
    assert decision.verdict.reason == "user"
    assert decision.call.caller.user == User("1002", "lab.test")


@pytest.mark.parametrize(
    ("stranger", "users"),
    [
        ("a%40b", "a@b"),
        ("%61bc", "abc"),
        ("a%2540b", "a%40b"),
        ("a%40b", "a%40b@"),
        ("a%E2%80%A8b", "a\u2028b"),
    ],
)
def test_a_stranger_whose_id_reads_like_a_users(stranger, users):
    """FreeSWITCH encodes `@` in the channel data, and leaves a %40 as it is: both look the same there."""
    assert behind_a_loopback(stranger, {stranger: STRANGER, users: KAI}).verdict.reason == "always"
    assert behind_a_loopback(users, {stranger: STRANGER, users: KAI}).verdict.reason == "user"


@given(ANY, ANY)
def test_nobody_is_another(stranger, users):
    assume(stranger != users)
    assume(stranger and users and "${" not in stranger)
    assume(users != OWN != stranger)
    found = behind_a_loopback(stranger, {stranger: STRANGER, users: KAI})
    assert found.verdict.reason == "always"


def test_a_uuid_costs_no_question_more():
    asked = []

    def answer(command):
        asked.append(command)
        return "_undef_"

    lines = {"fsdaemon_domain": "lab.test", "fsdaemon_forward_all": "1001"}
    decided(headers(channel_data(LOOP, lines)), RIGHT, answer)
    assert not [one for one in asked if OWN in one]


@pytest.mark.parametrize(
    ("group", "before", "target", "follows"),
    [
        ("2002", "", "2002", False),
        ("2002", "", "2001", True),
        ("2001", ",:2002@lab.test,:1006@lab.test", "2002", False),
        ("2001", ",old:2002@lab.test", "2002", True),
        ("2002,1=1", "", "2001", True),
        ("2002\x1ffsdaemon_verdict=ring", "", "2001", True),
    ],
)
def test_a_member_of_a_group_forwards_to_a_group(group, before, target, follows):
    """Each group is dialled once, and what a caller dialled sets nothing."""
    channel = {**KAI, "user_name": "1003", "destination_number": group, "fsdaemon_visited": before}
    context = {"loopback_leg": "B", "fsdaemon_stage": "before", "fsdaemon_context": "default"}
    found = behind_a_loopback("a-b", {"a-b": channel}, fsdaemon_forward_all=target, **context)
    assert found.verdict.reason == ("always" if follows else "loop")
    visited = found.values.get(v.VISITED, "")
    assert (f":{group}@" in visited) is (follows and group.isdigit())


# --- was answered since ---------------------------------------------------------------------------------

HOP = (DIRECTORY / "internal_second_hop_after_transfer.txt").read_bytes()


def forwarded(channel):
    """The channel after a verdict `forward` at 100, whose caller was bridged to `channel` before."""
    lines = {"last_bridge_to": channel, "fsdaemon_domain": "lab.test", "fsdaemon_context": "default",
             "fsdaemon_forward_all": "101", "fsdaemon_callee": "100", "fsdaemon_stage": "before"}  # fmt: skip
    data = channel_data(HOP, lines)
    switch = Switch(data)
    for command in decided(headers(data), config.default()).commands:
        switch.answer(to_bytes(command).rstrip(b"\n"))
    assert not switch.played.expanded
    return switch.played.variables


@given(ANY.filter(lambda text: text.strip() == text and "${" not in text))
def test_what_was_answered_since(channel):
    after = forwarded(channel)
    there = {name: value for name, value in after.items() if name.startswith("fsdaemon_")}
    there.update({"fsdaemon_callee": "101", "fsdaemon_forward_all": "100"})
    again = headers(channel_data(HOP, {**there, "last_bridge_to": channel}))
    decision = decided(again, config.default())
    assert [step.number for step in decision.call.path] == ["100"]
    assert decision.call.visited == ("100@lab.test",)
    assert decision.verdict.reason == "loop"
    for other in (UUID, channel + "x", f"{channel}:100@lab.test", ""):
        if other != channel:
            since = headers(channel_data(HOP, {**there, "last_bridge_to": other}))
            assert decided(since, config.default()).call.path == ()
            assert history.visited(since) == ()


@pytest.mark.parametrize("channel", CALL_IDS)
def test_the_dialplan_wrote_it(channel):
    """Without a daemon: `,ID:USER@DOMAIN` with the id by url_encode."""
    visited = f",{url_encode(channel.encode()).decode()}:100@[::1]"
    found = headers(channel_data(HOP, {"fsdaemon_visited": visited, "last_bridge_to": channel}))
    assert history.visited(found) == ("100@[::1]",)


@pytest.mark.parametrize("channel", [*CALL_IDS, *HOSTILE])
def test_a_referrer_is_remembered(channel):
    """`fsdaemon_referrer` names the user, the REFER and the last bridge."""
    rerouted = (DIRECTORY / "attended_transfer_rerouted.txt").read_bytes()
    lines = {"fsdaemon_domain": "lab.test", "fsdaemon_forward_all": "101", "last_bridge_to": channel}
    if "${" in channel or channel.strip() != channel:
        return
    data = channel_data(rerouted, lines)
    first = decided(headers(data), config.default())
    assert first.verdict.reason == "referrer"
    kept = {"fsdaemon_referrer": first.values[v.REFERRER], "bridge_uuid": "gone", "originated_legs": ""}
    again = decided(headers(channel_data(rerouted, {**lines, **kept})), config.default())
    assert again.verdict.reason == "referrer"
    moved = decided(
        headers(channel_data(rerouted, {**lines, **kept, "last_bridge_to": channel + "x"})), config.default()
    )
    assert moved.verdict.reason != "referrer" or moved.call.referrer is None
