"""What each dialled string means, and what becomes of a user's line (TS 22.030)."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core import codes
from fsdaemon.core.codes import Code, Entry, changed, in_effect, parse, read, text_of, write
from fsdaemon.terms import variables as v
from fsdaemon.terms.channel import Api, Headers
from fsdaemon.terms.kinds import SERVICES

FILE = Path(__file__).parents[2] / "freeswitch" / "dialplan" / "default" / "fsdaemon_codes.xml"
WORDS = config.default().codes


def meaning(dialled: str) -> str | None:
    """What is done: "" is refused, None leaves the call to others. The target in brackets."""
    code = parse(dialled)
    if code is None or not code.do:
        return code if code is None else ""
    service = {"002": "all_", "004": "conditional_"}.get(code.service, "")
    return service + code.do + (f"({code.number})" if code.number else "")


@pytest.mark.parametrize("kind", ["21", "67", "61", "62"])
@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("*KK*1001#", "set(1001)"),
        ("**KK*1001#", "set(1001)"),
        ("*KK*1001", "set(1001)"),
        ("*KK*+491701234567#", "set(+491701234567)"),
        ("*KK*alice.b#", "set(alice.b)"),
        ("*KK#", "on"),
        ("*KK", "on"),
        ("*KK**1", "on"),
        ("#KK#", "off"),
        ("#KK", "off"),
        ("*KK**0", "off"),
        ("##KK#", "erase"),
        ("##KK", "erase"),
        ("*KK**9", "erase"),
        ("*#KK#", "ask"),
        ("*#KK", "ask"),
        ("*KK**2", "ask"),
        ("*KK*#", ""),
        ("*KK**", ""),
        ("*KK**3", ""),
        ("*KK**0#", ""),
        ("*KK*1001##", ""),
        ("*KK*1001*11#", "set(1001)"),
        ("*KK*1001*10#", "set(1001)"),
        ("*KK*1001*12#", ""),
        ("#KK*11#", "off"),
        ("#KK**11#", "off"),
        ("*#KK*11#", "ask"),
        ("##KK**10#", "erase"),
        ("*KK**11#", "on"),
        ("*KK*1001#\n", ""),
        ("*KK\n", None),
        ("*KK*1001\n", ""),
        ("*KK*10 01#", ""),
        ("*KK*${x}#", ""),
        ("*KK*10;KK=on:1#", ""),
        ("*KK*" + "1" * 33 + "#", ""),
        ("#KK*1001#", ""),
        ("**KK", None),  # the example configuration's pick-up
        ("**KK#", ""),
        ("*KK1", None),
        ("KK", None),
        ("#*KK#", None),
        ("***KK*1#", None),
    ],
)
def test_every_kind(kind: str, code: str, means: str | None) -> None:
    assert meaning(code.replace("KK", kind)) == means


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("*61*1001**20#", "set(1001)"),
        ("forward+1000", "toggle"),
        ("forward+1000/1001", "toggle(1001)"),
        ("forward+1000/+4930123456", "toggle(+4930123456)"),
        ("forward+1000/", ""),
        ("forward+", ""),
        ("forward", None),
        ("*61*1001**5", "set(1001)"),
        ("*61*1001**30", "set(1001)"),
        ("*61*1001**4#", ""),
        ("*61*1001**31#", ""),
        ("*61*1001**200#", ""),
        ("*21*1001**20#", ""),
        ("##002#", "all_erase"),
        ("##002", "all_erase"),
        ("*21**99", "all_erase"),
        ("#002#", "all_off"),
        ("*21**00", "all_off"),
        ("*67**99", ""),
        ("*61*1001*11*20#", "set(1001)"),
        ("**61*1001*10*5#", "set(1001)"),
        ("*61*1001*11*31#", ""),
        ("*21*1001*11*20#", ""),
        ("*#002#", "all_ask"),
        ("##002*11#", "all_erase"),
        ("**004*1001#", "conditional_set(1001)"),
        ("*004*1001**15#", "conditional_set(1001)"),
        ("*004#", "conditional_on"),
        ("#004#", "conditional_off"),
        ("##004#", "conditional_erase"),
        ("*#004#", "conditional_ask"),
        ("**004#", ""),
        ("**002*1001#", None),
        ("*002*1001#", None),
        ("*8", None),
        ("*69", None),
        ("*98", None),
        ("*97", None),
        ("*01001", None),
        ("**1001", None),
        ("1001", None),
        ("2100", None),
        ("+491701234567", None),
    ],
)
def test_others(code: str, means: str | None) -> None:
    assert meaning(code) == means


# --- the dialplan and the daemon -------------------------------------------------------------------

LOOKS = [
    re.compile(regex.get("expression", "").replace(r"\z", r"\Z"))
    for regex in ElementTree.fromstring(FILE.read_text("utf-8")).iter("regex")
]
DIALLED = st.one_of(
    st.text("*#0123456789+\n ;", max_size=14),
    st.builds("".join, st.tuples(st.sampled_from(["forward+", "forward", "+"]), st.text("*#019+/\n", max_size=8))),
    st.builds("".join, st.tuples(st.sampled_from(["*", "**", "#", "##", "*#", "#*", ""]),
              st.sampled_from(["21", "67", "61", "62", "002", "004", "63"]), st.text("*#019+\n", max_size=8))),
)  # fmt: skip


@given(DIALLED)
def test_the_dialplan_brings_the_codes_and_nothing_else(dialled: str) -> None:
    assert any(look.search(dialled) for look in LOOKS) == (parse(dialled) is not None)


# --- the line ----------------------------------------------------------------------------------------


def after(dialled: str, line: str = "", **directory: str) -> tuple[str | None, str]:
    """The new line and what is shown; `all_="101"` is the directory's forward."""
    services = {"all_": "21", "busy": "67", "no_answer": "61", "not_registered": "62"}
    by_service = {services[name]: target for name, target in directory.items()}
    code = parse(dialled)
    assert code is not None
    assert code.do
    code = codes.toggled(code, codes._entries(line), by_service)
    entries = {service: read(line)[kind] for service, kind in SERVICES.items() if kind in read(line)}
    order = [part[:2] for part in line.split(";") if part[:2] in entries]
    new = changed(code, {service: entries[service] for service in order}, by_service)
    if new is None:
        return None, ""
    return write(new), text_of(code, in_effect(codes._SERVICES[code.service], new, by_service), WORDS)


@pytest.mark.parametrize(
    ("dialled", "line", "directory", "new", "shown"),
    [
        ("*21*101#", "", {}, ";21=on:101", "Uml. immer an 101"),
        ("*21*102#", ";21=on:101", {}, ";21=on:102", "Uml. immer an 102"),
        ("*21*102#", ";21=on:101;67=on:103", {}, ";67=on:103;21=on:102", "Uml. immer an 102"),
        ("*61*102**20#", "", {}, ";61=on:102:20", "Uml. keine Antwort an 102"),
        ("**61*102*11*20#", "", {}, ";61=on:102:20", "Uml. keine Antwort an 102"),
        ("#21#", ";21=on:101", {}, ";21=off:101", "Uml. immer aus"),
        ("#61#", ";61=on:101:20", {}, ";61=off:101:20", "Uml. keine Antwort aus"),
        ("#21#", "", {}, "", "Uml. immer aus"),
        ("#21#", "", {"all_": "104"}, ";21=off", "Uml. immer aus"),
        ("*21#", ";21=off:101", {}, ";21=on:101", "Uml. immer an 101"),
        ("*21#", ";21=off", {"all_": "104"}, "", "Uml. immer an 104"),
        ("*21#", "", {}, None, ""),
        ("forward+100/101", "", {}, ";21=on:101", "Uml. immer an 101"),
        ("forward+100/101", ";21=on:102", {}, ";21=on:101", "Uml. immer an 101"),
        ("forward+100/101", ";21=on:101", {}, ";21=off:101", "Uml. immer aus"),
        ("forward+100/101", ";21=off:102", {"all_": "101"}, ";21=on:101", "Uml. immer an 101"),
        ("forward+100/101", "", {"all_": "101"}, ";21=off", "Uml. immer aus"),
        ("forward+100", ";21=off:101", {}, ";21=on:101", "Uml. immer an 101"),
        ("forward+100", ";21=on:101", {}, ";21=off:101", "Uml. immer aus"),
        ("forward+100", ";21=off", {"all_": "104"}, "", "Uml. immer an 104"),
        ("forward+100", "", {}, None, ""),
        ("*21#", ";21=off", {}, None, ""),
        ("##21#", ";21=on:101", {}, "", "Uml. immer aus"),
        ("##21#", ";21=on:101", {"all_": "104"}, "", "Uml. immer an 104"),
        ("*#21#", ";21=on:101", {"all_": "104"}, ";21=on:101", "Uml. immer an 101"),
        ("*#21#", "", {"all_": "104"}, "", "Uml. immer an 104"),
        ("*#21#", ";21=off", {"all_": "104"}, ";21=off", "Uml. immer aus"),
        ("#002#", ";67=on:102;62=on:103", {}, ";67=off:102;62=off:103", "Alle Uml. aus"),
        ("#002#", ";62=on:104", {"all_": "1", "busy": "2"}, ";62=off:104;21=off;67=off", "Alle Uml. aus"),
        ("##002#", ";62=on:104", {"all_": "1"}, ";21=off", "Alle Uml. aus"),
        ("*#002#", ";67=on:102", {}, ";67=on:102", "Uml. besetzt an 102"),
        ("*#002#", ";67=on:102", {"all_": "104"}, ";67=on:102", "Uml. immer an 104, Uml. besetzt an 102"),
        ("*#002#", ";67=off:102", {}, ";67=off:102", "Alle Uml. aus"),
        ("**004*101#", ";21=on:102", {}, ";21=on:102;67=on:101;61=on:101;62=on:101", "Uml. bedingt an 101"),
        ("**004*101*11*20#", "", {}, ";67=on:101;61=on:101:20;62=on:101", "Uml. bedingt an 101"),
        ("#004#", ";21=on:9;67=on:1;62=on:2", {}, ";21=on:9;67=off:1;62=off:2", "Uml. bedingt aus"),
        ("##004#", ";21=on:9;67=on:1", {"no_answer": "3"}, ";21=on:9;61=off", "Uml. bedingt aus"),
        (
            "*004#",
            ";67=off:1;62=off",
            {"not_registered": "2"},
            ";67=on:1",
            "Uml. besetzt an 1, Uml. nicht erreichbar an 2",
        ),
        ("*004#", ";21=off:1", {}, None, ""),
        ("*#004#", ";61=on:7", {}, ";61=on:7", "Uml. keine Antwort an 7"),
        ("*#004#", "", {}, "", "Uml. bedingt aus"),
        ("*21*101#", ";nonsense;21=x;;=;67=on:102", {}, ";67=on:102;21=on:101", "Uml. immer an 101"),
    ],
)
def test_every_transition(dialled, line, directory, new, shown):
    assert after(dialled, line, **directory) == (new, shown)


ONE = st.sampled_from(list(SERVICES))
NUMBERS = st.sampled_from(["101", "102", "+49170", "alice.b"])
ENTRIES = st.one_of(
    st.just(Entry(False)),
    st.builds(Entry, st.booleans(), st.sampled_from(["101", "102"]), st.sampled_from(["", "5", "30"])),
)


@given(st.dictionaries(ONE, ENTRIES))
def test_a_line_is_read_as_it_was_written(entries):
    assert read(write(entries)) == {SERVICES[service]: entry for service, entry in entries.items()}


@given(
    st.dictionaries(ONE, ENTRIES),
    st.dictionaries(ONE, NUMBERS),
    st.sampled_from([*SERVICES, "002", "004"]),
    st.sampled_from(["set", "on", "off", "erase", "ask"]),
    NUMBERS,
)
def test_what_is_in_effect_is_what_was_dialled(entries, directory, service, do, number):
    """Against a model that knows of each kind only where it leads."""
    chosen = {"002": list(SERVICES), "004": ["67", "61", "62"]}.get(service, [service])
    before = in_effect(tuple(SERVICES), entries, directory)
    new = changed(Code(do, service, number if do == "set" else ""), entries, directory)
    if new is None:
        assert do == "on"
        assert not any(directory.get(one) or entries.get(one, Entry(False)).number for one in chosen)
        return
    now = in_effect(tuple(SERVICES), new, directory)
    for one in SERVICES:
        stored = entries.get(one, Entry(False)).number
        several = len(chosen) > 1
        expected = {
            "set": number,
            "on": stored or directory.get(one, "") or before.get(one, ""),
            "off": "",
            "erase": "" if several else directory.get(one, ""),
            "ask": before.get(one, ""),
        }[do]
        assert now.get(one, "") == (expected if one in chosen else before.get(one, ""))


@pytest.mark.parametrize(
    ("number", "is_user", "toll", "may"),
    [
        ("101", True, "", True),
        ("0", False, "", True),
        ("2001", False, "", True),
        ("2003", False, "", False),
        ("886", False, "", False),
        ("5551234", False, "", False),
        ("5551234", False, "domestic,local", True),
        ("5551234", False, "localised", False),
        ("15551234567", False, "local", False),
        ("15551234567", False, "local domestic", True),
        ("011491701234567", False, "international", True),
        ("5551234\n", False, "local", False),
    ],
)
def test_who_may_be_forwarded_to(number, is_user, toll, may):
    assert codes.may_lead_to(number, is_user, toll, WORDS.targets) is may


# --- the way of a code ----------------------------------------------------------------------------

UUID = "d807da79-3542-4914-b35a-82bb7615f605"
WHO = {"variable_sip_authorized": "true", "variable_user_name": "100", "variable_domain_name": "lab.test"}


class Database:
    """FreeSWITCH's answers to one daemon's commands: its db, and users 100 to 103."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}
        self.works = True

    def __call__(self, command: str) -> str:
        word, _, rest = command.partition(" ")
        if word == "user_data":
            user = rest.partition("@")[0]
            return user if rest.endswith(" attr id") and user in ("100", "101", "102", "103") else ""
        if word != "db" or not self.works:
            return ""
        verb, realm, key, value = [*rest.split("/", 3), "", "", ""][:4]
        if verb == "insert":
            self.rows[realm, key] = value
        elif verb == "delete":
            self.rows.pop((realm, key), None)
        elif verb == "count":
            return str(sum(of == realm for of, _ in self.rows))
        elif verb == "list":
            return ",".join(one for of, one in self.rows if of == realm)
        return self.rows.get((realm, key), "") if verb == "select" else "+OK"

    @property
    def lines(self) -> dict[tuple[str, str], str]:
        return {row: value for row, value in self.rows.items() if "lock" not in row[0]}


def way(dialled: str, uuid: str = UUID, now: int = 1_795_755_111, **headers: str) -> codes.Dial:
    lines = {
        "Unique-ID": uuid,
        "Event-Date-Timestamp": f"{now}000000",
        "Caller-Destination-Number": dialled,
        **WHO,
        **headers,
    }
    block = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    return codes.dial(Headers(block.encode()), config.default())


def finish(way_: codes.Dial, database: Database, asked: list[Api] | None = None) -> codes.Outcome:
    try:
        questions = next(way_) if asked is None else asked
        while True:
            questions = way_.send([database(question.command) for question in questions])
    except StopIteration as end:
        return end.value


def test_done_stored_and_shown():
    database = Database()
    outcome = finish(way("*21*101#"), database)
    assert database.rows == {("fsdaemon-lab.test", "100"): ";21=on:101"}
    assert outcome.values[v.CALLEE_SHOWN] == "Uml. immer an 101"
    assert "gentones:%(150,50,660);%(300,100,880)" in outcome.values[v.PLAY]
    assert outcome.sentence == "code *21*101# of 100@lab.test: Uml. immer an 101"


@pytest.mark.parametrize(
    "headers",
    [
        {"variable_sip_authorized": ""},
        {"variable_sip_authorized": "false"},
        {"variable_user_name": ""},
        {"variable_domain_name": ""},
        {"variable_user_name": "100 101"},
        {"variable_domain_name": "lab.test var"},
        {"Caller-RDNIS": "103"},
        {"variable_transfer_source": "1795:uuid:bl_xfer"},
    ],
)
def test_only_the_authenticated_user_personally(headers):
    database = Database()
    outcome = finish(way("*21*101#", **headers), database)
    assert outcome.values == {v.PLAY: "m:!:hangup:CALL_REJECTED"}
    assert database.rows == {}


def test_the_domain_is_that_of_the_password_whatever_the_dialplan_set():
    database = Database()
    finish(way("*21*101#", variable_requested_domain_name="a.test", variable_domain_name="b.test"), database)
    assert database.rows == {("fsdaemon-a.test", "100"): ";21=on:101"}


@pytest.mark.parametrize(
    "dialled",
    [
        "*21*100#",
        "*21*999#",
        "*21*886#",
        "*21#",
        "*21*1;21=on:1#",
        "**21#",
        "*21*+#",
        "forward+101",
        "forward+101/102",
        "forward+100/100",
        "forward+100/999",
        "forward+100",
        "forward+",
        "forward+100/${x}",
        "forward+100/1;67=on:1",
    ],
)
def test_refused_and_nothing_changed(dialled):
    database = Database()
    database("db insert/fsdaemon-lab.test/100/;67=on:102")
    before = dict(database.rows)
    outcome = finish(way(dialled), database)
    assert outcome.values[v.CALLEE_SHOWN] == "Uml. abgelehnt"
    assert "refused" in outcome.sentence
    assert database.rows == before


def test_a_database_that_is_away_confirms_nothing():
    database = Database()
    database.works = False
    outcome = finish(way("*21*101#"), database)
    assert outcome.values[v.CALLEE_SHOWN] == "Uml. abgelehnt"
    assert not outcome.busy


@given(st.lists(st.integers(0, 1), max_size=12), st.sampled_from(["*67*102#", "*21*102#"]))
def test_two_codes_at_the_same_moment(turns, second):
    """However their steps follow each other: what was confirmed is in effect, unless the other came after it."""
    database = Database()
    ways = [way("*21*101#"), way(second, uuid=UUID.replace("d", "e"))]
    waiting: list[list[Api] | None] = [next(one) for one in ways]
    outcomes: list[codes.Outcome | None] = [None, None]
    order: list[int] = []
    for turn in [*turns, *[0] * 12, *[1] * 12]:
        questions = waiting[turn]
        if questions is None:
            continue
        try:
            waiting[turn] = ways[turn].send([database(question.command) for question in questions])
        except StopIteration as end:
            outcomes[turn], waiting[turn] = end.value, None
            order.append(turn)
    done = [
        one
        for one in order
        if not outcomes[one].busy and outcomes[one].values[v.CALLEE_SHOWN] != "Uml. abgelehnt"
    ]
    stored = read(database.lines.get(("fsdaemon-lab.test", "100"), ""))
    wanted = [("always", "101"), ("busy" if "67" in second else "always", "102")]
    if done:
        kind, number = wanted[done[-1]]
        assert stored[kind].target == number
    if len(done) == 2 and wanted[0][0] != wanted[1][0]:
        assert all(stored[kind].target == number for kind, number in wanted)
    if not done:
        assert stored == {}
    assert not [row for row in database.rows if "lock" in row[0]]


def test_switched_off_no_code_is_taken():
    database = Database()
    off = config.load("[codes]\nenabled = false\n")
    lines = {"Unique-ID": UUID, "Caller-Destination-Number": "*21*101#", **WHO}
    block = "\n".join(f"{name}: {value}" for name, value in lines.items())
    outcome = finish(codes.dial(Headers(block.encode()), off), database)
    assert outcome.values[v.CALLEE_SHOWN] == "Uml. abgelehnt"
    assert "codes.enabled" in outcome.sentence
    assert database.rows == {}


def test_those_who_are_gone_are_cleared_away():
    database = Database()
    for count in range(120):
        database(f"db insert/fsdaemon-lock-lab.test-100/gone{count}.1795755000/1")
    for _ in range(3):
        outcome = finish(way("*21*101#"), database)
    assert outcome.values[v.CALLEE_SHOWN] == "Uml. immer an 101"
    assert list(database.rows) == [("fsdaemon-lab.test", "100")]


def test_a_call_id_as_uuid_ends_no_command():
    database = Database()
    finish(way("*21*101#", uuid="a/b,c@192.0.2.1 d"), database)
    assert database.rows == {("fsdaemon-lab.test", "100"): ";21=on:101"}


def test_the_lock_of_somebody_who_is_gone_holds_nobody_up():
    database = Database()
    database("db insert/fsdaemon-lock-lab.test-100/gone.1795755000/1")
    assert finish(way("*21*101#"), database).values[v.CALLEE_SHOWN] == "Uml. immer an 101"
    database("db insert/fsdaemon-lock-lab.test-100/now.1795755110/1")
    assert finish(way("*21*102#"), database).busy
