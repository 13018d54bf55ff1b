"""The dialplan files: short and plain, and what they repeat for the day when the daemon is gone is what the daemon says."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fsdaemon.config.reader import default
from fsdaemon.core.causes import outcomes
from fsdaemon.esl.fake_switch import url_encode
from fsdaemon.terms.causes import CAUSE_OF, CAUSES, DEFAULTS, STRONGEST
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.numbers import dialable, is_domain
from tests.recorded import decided

ROOT = Path(__file__).parents[2] / "freeswitch" / "dialplan"
CONTEXT, KIT, CODES = (
    ROOT / "fsdaemon.xml",
    ROOT / "default" / "fsdaemon.xml",
    ROOT / "default" / "fsdaemon_codes.xml",
)
OWN_CALLS = ROOT / "default" / "fsdaemon_busy.xml"
OURS = (CONTEXT, KIT, CODES, OWN_CALLS)


def lines(*files: Path) -> list[str]:
    """What is not blank and not a comment."""
    text = "\n".join(re.sub(r"<!--.*?-->", "", file.read_text("utf-8"), flags=re.S) for file in files)
    return [line for line in text.splitlines() if line.strip()]


def expressions(file: Path) -> list[str]:
    return [one.get("expression", "") for one in ElementTree.parse(file).iter() if one.get("expression")]


def extension(file: Path, name: str) -> ElementTree.Element:
    return next(one for one in ElementTree.parse(file).iter("extension") if one.get("name") == name)


def test_it_is_short():
    # 129: two for queues (a codec for an agent's loopback, and the label's end), six for look-ups that the daemon does
    assert len(lines(CONTEXT, KIT)) <= 129
    assert len(lines(CODES)) <= 20
    assert len(lines(OWN_CALLS)) <= 10


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_it_is_plain(file):
    assert [line for line in file.read_text("utf-8").splitlines() if len(line) > 120] == []
    for expression in expressions(file):
        assert len(expression) <= 60
        assert not re.match(r"/|\$\{\w+\}/", expression), "FreeSWITCH reads /…/ as an expression with flags"
        assert not re.search(r"\(\?[=!<]|\\[1-9]", expression), "a look-ahead or a back reference"


def test_at_most_thirty_variables():
    used: set[str] = set()
    for file in ROOT.glob("**/*.xml"):
        if "examples" not in file.parts:
            text = re.sub(r"<!--.*?-->", "", file.read_text("utf-8"), flags=re.S)
            names = set(re.findall(r'extension name="(\w+)"', text)) | {"fsdaemon_codes"}
            used |= set(re.findall(r"(?<![\w])fsdaemon_\w*[a-z]\b(?!\.lua)", text)) - names
    assert 15 < len(used) <= 30, sorted(used)


def test_no_stranger_writes_into_a_list_of_assignments():
    """A caller's number with the separator in it would be an assignment, were it expanded before the list is taken apart."""
    strangers = r"caller_id_name|caller_id_number|effective_caller_id_name|sip_\w+|destination_number"
    for file in OURS:
        for action in ElementTree.parse(file).iter():
            data, application = action.get("data", ""), action.get("application")
            if application not in ("multiset", "bridge"):
                continue
            # What a function returns counts, not what it is given: hash says +OK, url_encode leaves no separator.
            bare = re.sub(r"\$\{(?:hash|url_encode)\((?:[^()]|\([^()]*\))*\)", "", data)
            found = set(re.findall(rf"(?<!\\)\$\{{({strangers})\}}", bare))
            assert found <= {"destination_number"}  # which a condition before found to be plain
            if application == "multiset":  # the directory may come from a portal where users write
                assert not re.search(r"(?<!\\)\$\{user_data\(", data), data


# What the cause alone does not tell, and the daemon knows: whether a phone rang. The context takes the commoner one.
RANG = {"NO_ANSWER", "ALLOTTED_TIMEOUT"}  # nobody took it; that the phone never rang is rare
UNLIKE = {  # with a phone that rang the daemon follows a forward, the context none or another one
    "CALL_REJECTED": "busy",
    "NO_USER_RESPONSE": "no_answer",
    "RECOVERY_ON_TIMER_EXPIRE": "no_answer",
}


def kind_by_daemon(cause: str, rang: bool) -> str | None:
    headers = f"variable_originate_disposition: {cause}\nCaller-Channel-Progress-Media-Time: 0\n"
    headers += f"Caller-Channel-Progress-Time: {int(rang)}\n"
    (outcome,) = outcomes(Headers(headers.encode()), DEFAULTS)
    return outcome.kind or None


def test_the_causes_are_the_daemons():
    """Without a daemon each cause leads to the forward to which the daemon would have led it, as far as it tells."""
    kinds = {}
    for kind in STRONGEST:
        (condition,) = extension(CONTEXT, kind).iter("condition")
        kinds[kind] = re.compile(condition.get("expression", ""))
    for cause in CAUSES:
        if cause == "SUCCESS":
            continue
        expected = kind_by_daemon(cause, cause in RANG)
        for said in (f"do/after//{cause}/", f"do/after//{cause}/{cause}", f"do/after//SUCCESS/{cause}"):
            found = [kind for kind, expression in kinds.items() if expression.search(said)]
            assert found == ([expected] if expected else []), said
        if cause in RANG:
            assert kind_by_daemon(cause, False) == "not_registered"
        else:
            assert kind_by_daemon(cause, True) == UNLIKE.get(cause, expected), cause
        assert not any(expression.search(f"do/after/ring/{cause}/") for expression in kinds.values())


def test_the_causes_are_those_of_freeswitch():
    """switch_types.h, where its source is at hand."""
    source = os.environ.get("FREESWITCH_VANILLA", "")
    if not source:
        pytest.skip("no source of FreeSWITCH: set FREESWITCH_VANILLA to its conf/vanilla")
    src = Path(source).parents[1] / "src"
    text = (src / "include" / "switch_types.h").read_text("utf-8")
    enumeration = re.search(r"SWITCH_CAUSE_NONE = 0,.*?} switch_call_cause_t", text, re.S)
    assert enumeration
    assert set(re.findall(r"SWITCH_CAUSE_(\w+) = ", enumeration[0])) <= set(CAUSES)
    text = (src / "mod" / "endpoints" / "mod_sofia" / "sofia_glue.c").read_text("utf-8")
    body = text[text.index("switch_call_cause_t sofia_glue_sip_cause_to_freeswitch(int status)") :]
    codes: list[str] = []
    for line in body[: body.index("\n}")].split("\n"):
        if case := re.search(r"case (\d+):", line):
            codes.append(case[1])
        elif cause := re.search(r"return SWITCH_CAUSE_(\w+);", line):
            for code in codes:
                assert code == "200" or CAUSE_OF[code] == cause[1]
            codes = []


@pytest.mark.parametrize(
    ("target", "plain"),
    [
        *[(target, True) for target in ("101", "alice.b", "*21*1#", "+49170", "a-b", "0")],
        *[
            (target, False)
            for target in ("-ERR", "a b", "101,102", "${x}", "user/101", "", "1\n", "101@b", "a~b", "x;y")
        ],
    ],
)
def test_what_can_be_dialled_is_what_the_daemon_dials(target, plain):
    """Without a daemon nothing is dialled that could end an argument; blanks and domains only the daemon takes."""
    conditions = [one.get("expression", "") for one in extension(CONTEXT, "follow").iter("condition")]
    (expression,) = [one for one in conditions if one.startswith("^[")]
    assert bool(re.search(expression.replace(r"\z", r"\Z"), target)) is plain
    if plain:
        assert dialable(target)


@pytest.mark.parametrize(
    "domain",
    ["b.example", "10.0.0.1", "[fd00::2]", "b_1-x.example:5060", "", "b example", "b/x", "b~x", "${x}"],
)
def test_a_domain_that_the_daemon_takes_is_one_that_the_context_takes(domain):
    (ask, *_) = [one.get("expression", "") for one in extension(CONTEXT, "ask").iter("condition")]
    found = re.search(ask.replace(r"\z", r"\Z"), f"before/100@{domain}/default")
    assert bool(found and found[3] == domain) is is_domain(domain)


@pytest.mark.parametrize(
    ("before", "bridge", "callee", "target"),
    [
        ("", "", "100", "101"),
        (",:100@lab.test", "", "100", "101"),
        (",:101@lab.test", "", "100", "101"),
        (",:103@lab.test", "", "100", "101"),
        (",:100@b.example", "", "100", "101"),
        (",1a:100@lab.test", "2b", "100", "101"),
        (",1a:100@lab.test", "1a", "100", "101"),
        (",:1.0@lab.test", "", "100", "1.0"),
        (",:110@lab.test", "", "100", "1.0"),
        ("", "", "100", "100"),
        # The id of a channel may be a Call-ID that a stranger's phone wrote.
        (",1a%40[%3A%3A1]:100@lab.test", ".*", "100", "101"),
        (",a:100@lab.test", "\\E.*\\Q", "100", "101"),
        (",a:100@lab.test", "(", "100", "101"),
        (",a:100@lab.test", "x|a", "100", "101"),
        (",a%5C:100@lab.test", "a", "100", "101"),
        (",3c26-x%401.2.3.4:100@lab.test", "3c26-x@1.2.3.4", "100", "101"),
        (",a%40%5B%3A%3A1%5D:101@lab.test", "a@[::1]", "100", "101"),
        (",a%3A100%40lab.test:103@lab.test", "a:100@lab.test", "100", "101"),
        (",a%3A100%40lab.test:103@lab.test", "a", "100", "101"),
    ],
)
def test_nobody_is_asked_twice_with_or_without_the_daemon(before, bridge, callee, target):
    """fsdaemon_visited is read by both: the forward that would close a loop is not followed."""
    values = {
        "fsdaemon_visited": before,
        "last_bridge_to": bridge,
        "fsdaemon_peer": url_encode(bridge.encode()).decode(),
        "fsdaemon_callee": callee,
        "fsdaemon_domain": "lab.test",
        "fsdaemon_target": target,
    }
    assert_same_without_the_daemon(values)


@pytest.mark.parametrize(
    ("authorized", "user", "domain"),
    [
        ("true", "100", "lab.test"),
        ("true", "100", "b.example"),
        ("true", "102", "lab.test"),
        ("true", "1.0", "lab.test"),
        ("true", "100", "LAB.test"),
        ("true", "Alice", "lab.test"),
        ("false", "100", "lab.test"),
        ("", "100", "lab.test"),
    ],
)
@pytest.mark.parametrize("callee", ["100", "1.0", "110", "alice"])
def test_ones_own_number_with_or_without_the_daemon(authorized, user, domain, callee):
    assert_same_without_the_daemon(
        {
            "fsdaemon_callee": callee,
            "fsdaemon_domain": "lab.test",
            "fsdaemon_target": "101",
            "sip_authorized": authorized,
            "user_name": user,
            "requested_domain_name": domain,
        }
    )


def test_a_member_of_a_group_forwards_to_a_user_only_without_the_daemon():
    """The last of the conditions that keep the phone ringing: "B", not answered, and the id of no user."""
    *_, one = extension(CONTEXT, "follow").iter("regex")
    assert one.get("field", "").startswith("${loopback_leg}${answered_time}${user_data(${fsdaemon_target}@")
    expression = one.get("expression", "").replace(r"\z", r"\Z")
    fields = ("B0", "0", "01001", "B01001", "A0", "B1795755111000000")
    assert [bool(re.search(expression, field)) for field in fields] == [True, *[False] * 5]


def test_a_member_of_a_group_has_no_mailbox_before_somebody_took_the_call():
    *_, one = extension(CONTEXT, "mailbox").iter("condition")
    assert one.get("field") == "${module_exists(mod_voicemail)}${loopback_leg}${answered_time}"
    takes = {"true0", "true1795755111000000", "trueA1795755111000000", "trueB1795755111000000"}
    for field in (*takes, "trueB0", "false0", "falseB1795755111000000"):
        assert bool(re.search(one.get("expression", ""), field)) == (field in takes), field


def assert_same_without_the_daemon(values):
    """Whether the forward to fsdaemon_target is followed, by the daemon and by the context."""
    data = {**values, "fsdaemon_forward_all": values["fsdaemon_target"]}
    lines = ["Call-Direction: inbound", *(f"variable_{name}: {value}" for name, value in data.items())]
    headers = Headers("".join(f"{line}\n" for line in lines).encode())
    verdict = decided(headers, default()).verdict

    def filled(text):
        return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), text)

    stays = False
    for one in extension(CONTEXT, "follow").iter("regex"):
        expression = one.get("expression", "").replace(r"\z", r"\Z")
        quoted = re.sub(r"\\Q(.*?)\\E", lambda match: re.escape(filled(match[1])), expression)
        stays |= bool(re.search(filled(quoted), filled(one.get("field", ""))))
    assert stays is (verdict.action == "ring")


def test_one_ring_time():
    text = KIT.read_text("utf-8")
    assert set(re.findall(r"(?:call_timeout|originate_timeout)=(\d+)", text)) == {"30"}
