"""Whatever strangers wrote, a call is decided, and FreeSWITCH is told nothing but our own variables.

Never raises; ends in a Decision within 8 rounds of questions; the commands are ones that FreeSWITCH
takes, expand nothing and set no other variable to no other value; nobody who is not authorized is the
target; the log stays one line.
"""

from __future__ import annotations

import hashlib
import re
import sys
from functools import cache

from hypothesis import strategies as st

from fsdaemon.config import reader as configuration
from fsdaemon.config.reader import Config
from fsdaemon.core.decide import Decision, decide
from fsdaemon.core.mod_sofia import shown_by_mod_sofia
from fsdaemon.daemon import log
from fsdaemon.esl.fake_switch import Played, Switch, channel_data, split, words
from fsdaemon.esl.protocol import DEFAULT_LIMITS, to_bytes
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.numbers import as_dialled, as_sent, as_written, looks_outside
from fuzz import corpus
from fuzz.headers import TOKENS
from fuzz.heard import broken, log_lines
from fuzz.run import Target, main

ROUNDS = 8
LONGEST_KEPT = 3000  # characters; what is to be remembered of a Diversion is bounded
# What may change on the channel: what variables.py says the daemon writes, and the two that show.
OURS = {header.variable for header in vars(v).values() if getattr(header, "writer", None) is v.Writer.DAEMON}
OURS |= {header.variable for header in (v.EFFECTIVE_NAME, v.EFFECTIVE_NUMBER, v.DIVERSION, v.REDIRECT_USER)}
OURS |= {header.variable for header in (v.REDIRECTED_TO, v.VISITED, v.TOLL_ALLOW, v.DEFAULT_GATEWAY)}
OURS |= {header.variable for header in (v.CONTINUE, v.LAST_CODE)}
OURS |= {header.variable for header in v.FORWARDS.values()}
OURS |= {v.EXPORTS.variable, v.FORWARD_EXCEPT.variable}
# Leg variables for a trunk's leg, which is not ours to dial.
OURS |= {
    v.NOLOCAL + value for name, value in vars(v).items() if name.startswith("LEG_") and isinstance(value, str)
}
OURS |= {v.NOLOCAL + header.variable for header in (v.IGNORE_UPDATES, v.CID_TYPE)}

CONFIGS = (
    "",
    "[exceptions]\ntarget = false\n[routing]\nmax_hops = 1\n",
    '[display]\nlabel = "{caller}"\nchain = "{called}>{diverter}>{caller}"\n[routing]\nring = "bridge"\n',
    '[display]\nlabel = "100% @ ${{x}}: {diverter}/{caller}"\nchain = "A\\"B {caller} C"\nanonymous = "?"\n',
    '[display]\nkinds = ["busy"]\nlabel = ""\nmax_length = 7\n[routing]\nmax_hops = 50\n',
    '[exceptions]\nusers = ["104", "105@b.example"]\ngroups = ["office"]\nexternal = ["+49 170 1234567"]\n'
    '[numbers]\nregion = "DE"\ntrunk_prefix = "0"\n[display]\noutside = true\n'
    '[routing]\noutside_caller_id = "diverter"\n',
    '[display]\ndiversion = false\n[log]\nformat = "json"\nnumbers = "masked"\n',
    '[variables]\npreset = "fusionpbx"\n',
    '[display]\ndiversion_from = ["127.0.0.0/8"]\n',
    '[display]\ndiversion_from = ["127.0.0.0/8"]\n[routing]\npass_diversion = true\n',
    '[display]\ndiversion_from = ["127.0.0.0/8"]\nring = "<http://127.0.0.1/x>;info=y"\n',
    *(
        '[exceptions]\nexternal = ["+49 170 1234567", "0170 1234568", "112", "2125550123"]\n'
        f'[numbers]\nregion = "{region}"\ntrunk_prefix = "{prefix}"\ninbound = "{inbound}"\n'
        for region, prefix, inbound in (
            ("DE", "9", "auto"),
            ("DE", "0", "e164-without-plus"),
            ("DE", "", "national"),
            ("US", "9", "auto"),
            ("IT", "0", "auto"),
            ("", "0", "e164"),
        )
    ),
    '[routing.causes]\n404 = "busy"\nNO_ANSWER = "busy"\nUSER_BUSY-ringing = "none"\n',
)


@cache
def config_of(number: int) -> Config:
    return configuration.load(CONFIGS[number % len(CONFIGS)])


def check(data: bytes, answers: list[str], config: int) -> None:
    """Decide on channel data (whole, with its empty line) and play the result into a switch."""
    block = data.partition(b"\n\n")[0]
    if block.count(b"\n") >= DEFAULT_LIMITS.headers:
        return
    headers = Headers(block)
    chosen = config_of(config)
    decision = settle(headers, answers, chosen)
    check_who(headers, decision, chosen)
    check_commands(data, decision, chosen)
    check_label(decision)
    check_log(decision, chosen)


def settle(headers: Headers, texts: list[str], chosen: Config) -> Decision:
    """Answer every question with some text until it is decided."""
    answers: dict[Api, str] = {}
    for number in range(ROUNDS):
        outcome = decide(headers, answers, chosen)
        if isinstance(outcome, Decision):
            again = decide(headers, answers, chosen)
            assert again == outcome, "the same call decided otherwise"
            return outcome
        assert outcome, "asks nothing, decides nothing"
        assert len(set(outcome)) == len(outcome), "asks the same twice"
        for question in outcome:
            assert question not in answers, "asks again what was answered"
            assert to_bytes(question).count(b"\n") == 2
            name, _, rest = question.command.partition(" ")
            assert name != "uuid_getvar" or len(words(rest)) == 2, "an id is more than one argument"
            answers[question] = texts[(len(answers) + number) % len(texts)] if texts else ""
    raise AssertionError(f"not decided after {ROUNDS} rounds of questions")


def check_who(headers: Headers, decision: Decision, chosen: Config) -> None:
    """Who gave no password on an inbound leg is not a user: an outside number, if anything.

    A loopback leg is not a user itself; who is calling was answered by FreeSWITCH, about another leg.
    """
    call, verdict = decision.call, decision.verdict
    assert verdict.action in ("ring", "forward")
    assert re.fullmatch("[a-z_]+", verdict.reason)
    loopback = headers.get(v.LOOPBACK_LEG) or headers.get(v.SOURCE) == "mod_loopback"
    outbound = headers.get(v.CALL_DIRECTION) == "outbound"
    if loopback or outbound or headers.get(v.AUTHORIZED) == "true":
        return
    assert call.caller.user is None
    assert verdict.reason not in ("user", "group")
    if verdict.reason == "target":
        assert looks_outside(verdict.target, chosen.numbers.trunk_prefix), "a stranger is an extension"
    if verdict.reason == "own":
        number = as_dialled(verdict.entry)
        assert looks_outside(number, chosen.numbers.trunk_prefix), "a stranger is on a list as an extension"
    if verdict.reason == "external":
        assert chosen.exceptions.external
    check_number(decision, chosen)


def check_number(decision: Decision, chosen: Config) -> None:
    """An outside number has the right of the one number that it was read as."""
    verdict, ways = decision.verdict, chosen.numbers.ways
    written = {"external": verdict.entry, "target": verdict.target, "own": verdict.entry}.get(verdict.reason)
    if written is None or not ways[0]:
        return
    read = as_sent(decision.call.caller.number, *ways)
    assert not read.choices, "an ambiguous number breaks through"
    assert as_written(written, *ways) == read


def check_commands(data: bytes, decision: Decision, chosen: Config) -> None:
    """Played into a switch that expands, splits and strips as FreeSWITCH does."""
    sent = b"".join(map(to_bytes, decision.commands))
    commands, rest = split(sent)
    assert rest == b""
    assert len(commands) == len(decision.commands), "one command became two"
    switch = Switch(data)
    before = dict(switch.played.variables)
    for command in commands:
        switch.answer(command)
    played = switch.played
    assert not played.expanded, f"expanded {played.expanded}"
    assert not played.refused, f"refused {played.refused}"
    changed = {
        name for name in before.keys() | played.variables if before.get(name) != played.variables.get(name)
    }
    other = {name for name in changed - OURS if name.lower() != v.DIVERSION.variable.lower()}
    assert not other, f"set {other}"
    check_diversion(Headers(data.partition(b"\n\n")[0]), played, decision, chosen)
    check_values(played, decision)


def check_values(played: Played, decision: Decision) -> None:
    """What was to be set is set, exactly."""
    for header, value in decision.values.items():
        found = played.variables.get(header.variable, "")
        assert found == value, f"{header.variable} is {found!r} instead of {value!r}"
    leg = decision.values.get(v.LEG, "")
    if leg:
        assert leg.startswith("[^^!")
        depths = list(depth(leg))
        assert depths[-1] == 0, f"does not end: {leg}"
        assert all(depths[:-1]), f"ends early: {leg}"
        for pair in leg[4:-1].split("!"):
            name, _, value = pair.partition("=")
            assert name.isidentifier(), f"leg variable {pair}"
            # freeswitch-facts: an apostrophe vanishes, and a quote cuts.
            assert not set(value) & set("'\"$\\"), f"leg variable {pair}"


def check_diversion(headers: Headers, played: Played, decision: Decision, chosen: Config) -> None:
    """No Diversion but ours stays on the channel, and nothing tells who does not want to be shown."""
    call = decision.call
    left = {name: value for name, value in played.variables.items() if name.lower() == "sip_h_diversion"}
    for step in call.before_us:
        assert not step.hidden or (step.number, step.name) == ("anonymous", "")
    kept = decision.values.get(v.INCOMING_DIVERSION, "")
    assert len(kept) <= LONGEST_KEPT
    ours = {headers.get(v.OUR_DIVERSION), played.variables.get(v.OUR_DIVERSION.variable)}
    if headers.spelled(v.DIVERSION) and not chosen.routing.pass_diversion:
        assert set(left.values()) <= ours, f"passed on {left}"


def depth(text: str) -> list[int]:
    """How deep in brackets each character leaves us (switch_utils.c switch_find_end_paren)."""
    depths: list[int] = []
    for ch in text:
        depths.append((depths[-1] if depths else 0) + {"[": 1, "]": -1}.get(ch, 0))
    return depths


def check_label(decision: Decision) -> None:
    """The phone shows exactly the label, as one line."""
    label = decision.shown.text
    if label is None:
        return
    assert not broken(label), f"label {label!r}"
    assert label == label.strip()
    assert '"' not in label
    assert shown_by_mod_sofia(decision.values[v.LABEL]) == label
    assert shown_by_mod_sofia(decision.values[v.SHOWN], cut=False) == label
    if decision.call.caller.withheld and decision.call.caller.number.isdigit():
        template = "".join(
            step.number + step.name for step in (*decision.call.before_us, *decision.verdict.path)
        )
        if decision.call.caller.number not in template and len(decision.call.caller.number) > 3:
            assert decision.call.caller.number not in label, "a withheld number is shown"


def check_log(decision: Decision, chosen: Config) -> None:
    """One line each, whatever is in it."""
    with log_lines() as lines:
        log.verdict(decision, chosen.log)
    assert 1 <= len(lines) <= 1 + bool(decision.verdict.notice)  # a warning is said once, then counted
    for line in lines:
        assert not broken(line), f"logged {line!r}"


def from_bytes(data: bytes) -> tuple[bytes, list[str], int]:
    """For libFuzzer: the bytes are the channel data, and the answers."""
    digest = hashlib.sha256(data[:256]).digest()
    answers = [data[at : at + 20].decode("utf-8", "replace") for at in digest[:3]]
    return data.rstrip(b"\n") + b"\n\n", answers, digest[3]


_forwards = tuple(v.FORWARDS.values())
_changes = st.dictionaries(st.sampled_from(corpus.READ), corpus.text, max_size=8)
# A call that forwards, at either stage, perhaps after another forward: most paths through the rules.
_forwarding = st.fixed_dictionaries(
    {v.CALLEE: st.just("100"), v.DOMAIN: st.sampled_from(["lab.test", "[::1]", "", "x]y"])},
    optional={
        **{
            header: st.sampled_from(
                ["101", "102", "+4930123", "103@b.example", "+491701234567", "0170 1234567", "12125550123"]
            )
            for header in _forwards
        },
        v.FORWARD_EXCEPT: st.one_of(
            corpus.text,
            st.sampled_from(["101,+49 170 1234567", "102 112", "^^:2125550123:100", "group:a,0170 1"]),
        ),
        v.CALLER_NUMBER: st.builds(
            "{}{}".format,
            st.sampled_from(["+", "", "00", "011", "0", "9", "90", "000"]),
            st.sampled_from(
                ["491701234567", "1701234567", "12125550123", "2125550123", "390612345", "4930123", "112"]
            ),
        ),
        v.STAGE: st.sampled_from(["before", "after", "once"]),
        v.DISPOSITION: st.sampled_from(["USER_BUSY", "NO_ANSWER", "USER_NOT_REGISTERED"]),
        v.PATH: st.sampled_from(["103", "103,104", "100", "103,104,105,106,107,108"]),
        v.HOP: st.just("100"),
        v.CARRY: st.just("leg"),
    },
)
# What a gateway tells of forwards before.
_told = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)
# What belongs together: the rules compare some headers, so chance alone would hardly get behind that.
_pairs = st.one_of(
    st.just({}),
    corpus.text.map(lambda text: {v.CALLEE: text, v.HOP: text, v.PATH: "103"}),
    corpus.text.map(lambda text: {v.LAST_BRIDGE_TO: text, v.BRIDGED: text}),
    corpus.text.map(
        lambda text: {v.LAST_BRIDGE_TO: text, v.VISITED: f",{text}:100@lab.test", v.CALLEE: "100"}
    ),
    corpus.text.map(lambda text: {v.LOOPBACK_LEG: "B", v.LOOPBACK_FROM: text, v.UUID: text}),
    corpus.text.map(
        lambda text: {
            v.CALL_DIRECTION: "outbound",
            v.CALLEE: "100",
            v.REFER_TO: "<sip:100@lab.test?Replaces=x>",
            v.BRIDGE_UUID: text,
        }
    ),
    corpus.text.map(lambda text: {v.CALLEE: "100", v.HOP: "100", v.PATH: "103", v.PATH_KINDS: text}),
    corpus.text.map(
        lambda text: {v.CALLEE: "100", v.FORWARDS["always"]: "109", v.EFFECTIVE_NAME: text, v.STAGE: "before"}
    ),
    corpus.text.map(
        lambda text: {v.CALLEE: "100", v.RDNIS: "103", v.HOP: "103", v.PENDING: f"busy=100,{text}"}
    ),
    corpus.text.map(lambda text: {v.CALLEE: text, v.RDNIS: text, v.HOP: text, v.PENDING: "*", v.PATH: "103"}),
    st.builds(
        lambda name, one, other: {
            f"variable_{name}": one,
            v.HISTORY_INFO: other,
            v.NETWORK_IP: "127.0.0.1",
            v.CALL_DIRECTION: "inbound",
        },
        st.sampled_from(["sip_h_Diversion", "sip_h_diversion", "sip_h_DIVERSION", "sip_i_diversion"]),
        _told,
        _told,
    ),
    st.builds(
        lambda label, own: {v.EFFECTIVE_NAME: label, v.LABEL: label, v.OWN_NAME: own},
        corpus.text,
        corpus.text,
    ),
)


def _changed(name: str, *changes: dict[str, str]) -> bytes:
    """A recording with headers set to other values; channel_data wants variables without their prefix."""
    merged = {key: text for change in changes for key, text in change.items()}
    return channel_data(
        corpus.RECORDINGS[name], {key.removeprefix(v.PREFIX): text for key, text in merged.items()}
    )


_structured = st.builds(_changed, corpus.recording, st.one_of(st.just({}), _forwarding), _changes, _pairs)
TARGET = Target(
    "decide",
    check,
    st.tuples(
        st.one_of(_structured, corpus.mutated(_structured).map(lambda data: data.rstrip(b"\n") + b"\n\n")),
        st.lists(corpus.text, max_size=4),
        st.integers(0, len(CONFIGS) - 1),
    ),
    from_bytes,
)

if __name__ == "__main__":
    sys.exit(main(TARGET))
