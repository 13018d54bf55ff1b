"""A user's own exceptions: how a list is read, what the codes do to it, who gets through."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsdaemon.config import reader as config
from fsdaemon.core import codes, own
from fsdaemon.core.decide import Decision, decide
from fsdaemon.core.own import Entry, Own, changed, dialled, listed
from fsdaemon.core.policy import decide as rule
from fsdaemon.core.sentences import facts_of, line, warning
from fsdaemon.core.users import Person, User
from fsdaemon.esl.fake_switch import channel_data
from fsdaemon.terms import variables as v
from fsdaemon.terms.numbers import dialable
from tests.facts import call, inside, outside
from tests.recorded import DIRECTORY, decided
from tests.unit.test_call import headers
from tests.unit.test_codes import Database, finish, meaning, way

HERE = "call_forward_except"


# --- the list of an administrator ------------------------------------------------------------------


def read(text: str) -> list[str]:
    """The numbers of a list, and its groups with a colon in front."""
    return [entry.number or f":{entry.group}" for entry in listed(text, HERE).entries]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("104", ["104"]),
        ("104,105", ["104", "105"]),
        (" 104 , 105 ,", ["104", "105"]),
        ("104 105", ["104", "105"]),
        ("104\t105\n106", ["104", "105", "106"]),
        ("104@b.example", ["104@b.example"]),
        ("alice.b,bob", ["alice.b", "bob"]),
        ("104,104", ["104"]),
        ("+49 170 1234567", ["+491701234567"]),
        ("+49 170 1234567, 104", ["+491701234567", "104"]),
        ("104, 0170 / 123-45 67", ["104", "01701234567"]),
        ("104 +49 170 12 34 567 +43 1 234567", ["104", "+491701234567", "+431234567"]),
        ("+491701234567 104", ["+491701234567", "104"]),
        ("+49 170 1234567 alice", ["+491701234567", "alice"]),
        ("group:reception", [":reception"]),
        ("104 group:reception 105", ["104", ":reception", "105"]),
        ("group:Sales Team,", [":Sales Team"]),
        ("group: Sales Team , 104", [":Sales Team", "104"]),
        ("^^:104:+49 170 1234567", ["104", "+491701234567"]),
        ("^^;104;group:Sales Team;105", ["104", ":Sales Team", "105"]),
        ("^^!104", ["104"]),
        ("", []),
        (" , ,, ", []),
        ("^^", []),
        ("^^:", []),
    ],
)
def test_a_list_is_read(text: str, entries: list[str]) -> None:
    assert read(text) == entries
    assert not listed(text, HERE).unread or text == "^^"


@pytest.mark.parametrize(
    "bad",
    [
        "${system rm}",
        "$1",
        "'104'",
        '"104"',
        "a/b",
        "sip:104",
        "104@b@c",
        "group:",
        "group:a'b",
        "group:${x}",
        "group:a|b",
        "104;105",
        "^^",
        "ü",
        "١٠٤",
        "+",
        "#",
        "1" * 129,
        "10\x0004",
    ],
)
def test_what_is_none_of_it_lets_nobody_through_and_is_told(bad: str) -> None:
    """And the others in the list count all the same."""
    found = listed(f"104,{bad},105", HERE)
    assert [entry.number for entry in found.entries] == ["104", "105"]
    assert found.unread == f"{bad.strip()[:60]!r} is neither a user, nor a number, nor a group (group:NAME)"


def test_a_number_that_took_what_follows_it_is_told() -> None:
    """Without a comma the digits behind a number with a plus are part of it; no public number is that long."""
    found = listed("104 +49 170 12345678 105 106", HERE)
    assert [entry.number for entry in found.entries] == ["104"]
    assert found.unread.startswith("'+49 170 12345678 105 106' is neither a user")


@pytest.mark.parametrize(
    "text", ["1 " * 10_000, "+1 " * 6_700, "104," * 5_000, "9" * 20_000, "+49" + " 1" * 9_999]
)
def test_an_endless_list_is_cut_and_that_is_told(text: str) -> None:
    found = listed(text, HERE)
    assert len(found.entries) <= 100
    assert found.unread


def test_a_list_that_is_too_long_is_read_as_far_as_it_goes() -> None:
    found = listed(",".join(str(number) for number in range(1000, 1150)), HERE)
    assert [entry.text for entry in found.entries] == [str(number) for number in range(1000, 1100)]
    assert "only 100 entries" in found.unread
    cut = listed("1000," + "2" * 3999, HERE)
    assert [entry.text for entry in cut.entries] == ["1000"]


@given(st.text(max_size=300) | st.text("+0123456789 ,^:group.@$'\n", max_size=300))
def test_whatever_stands_there_nothing_comes_out_that_ends_an_argument(text: str) -> None:
    for entry in listed(text, HERE).entries:
        assert bool(entry.group) != bool(entry.number)
        assert not entry.number or dialable(entry.number)
        assert not set(entry.group) & set(",'\"\\$|\n")


# --- the codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("*64*104#", "add(104)"),
        ("*64*104", "add(104)"),
        ("**64*104#", "add(104)"),
        ("*64*+491701234567#", "add(+491701234567)"),
        ("*64*104*11#", "add(104)"),
        ("#64*104#", "remove(104)"),
        ("#64*104", "remove(104)"),
        ("#64*104*10#", "remove(104)"),
        ("#64*11#", "remove(11)"),
        ("*64*104**0", "remove(104)"),
        ("*#64#", "query"),
        ("*#64", "query"),
        ("*#64*11#", "query"),
        ("*64**2", "query"),
        ("##64#", "clear"),
        ("##64", "clear"),
        ("*64**9", "clear"),
        ("*64#", ""),
        ("*64", ""),
        ("#64#", ""),
        ("*64*#", ""),
        ("*64**0", ""),
        ("*64**1", ""),
        ("*64*104**9", ""),
        ("*64*104**20#", ""),
        ("*64*104*12#", ""),
        ("**64*104**0", ""),
        ("##64*104#", ""),
        ("*#64*104#", ""),
        ("*64*104##", ""),
        ("*64*104\n", ""),
        ("*64*${x}#", ""),
        ("*64*104,105#", ""),
        ("*64*104/105#", ""),
        ("*64*" + "1" * 33 + "#", ""),
        ("**64", None),
        ("*641", None),
        ("64", None),
    ],
)
def test_every_code(code: str, means: str | None) -> None:
    assert meaning(code) == means


GERMAN = config.load('[numbers]\nregion = "DE"\n').numbers.ways
PLAIN = config.default().numbers.ways
FULL = tuple(str(number) for number in range(200, 220))


@pytest.mark.parametrize(
    ("do", "number", "before", "after"),
    [
        ("add", "104", (), ("104",)),
        ("add", "105", ("104",), ("105", "104")),
        ("add", "104", ("105", "104"), ("104", "105")),
        ("add", "0170 1234567", ("+491701234567",), ("0170 1234567",)),
        ("add", "alice", ("Alice",), ("alice",)),
        ("add", "199", FULL[1:], ("199", *FULL[1:])),
        ("add", "199", FULL, None),
        ("add", "200", FULL, FULL),
        (
            "add",
            "1" * 31,
            tuple(f"{n}" * 31 for n in range(2, 9)),
            ("1" * 31, *(f"{n}" * 31 for n in range(2, 9))),
        ),
        ("add", "1" * 32, tuple(f"{n}" * 31 for n in range(2, 9)), None),
        ("remove", "104", ("105", "104"), ("105",)),
        ("remove", "+491701234567", ("104", "01701234567"), ("104",)),
        ("remove", "106", ("105", "104"), None),
        ("remove", "106", (), None),
        ("clear", "", ("105", "104"), ()),
        ("clear", "", (), ()),
        ("query", "", ("105", "104"), ("105", "104")),
    ],
)
def test_every_transition(do, number, before, after):
    result = changed(do, number, before, GERMAN)
    assert (None if result.why else result.numbers) == after


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "clear"]), st.sampled_from(["1", "22", "+4930123456"]))
    )
)
def test_a_row_is_read_as_it_was_written(steps):
    """Against a model: the last thing that was done with a number counts."""
    numbers: tuple[str, ...] = ()
    model: set[str] = set()
    for do, number in steps:
        result = changed(do, number, numbers, PLAIN)
        numbers = numbers if result.why else result.numbers
        model = {"add": model | {number}, "remove": model - {number}, "clear": set()}[do]
        assert {entry.text for entry in dialled(",".join(numbers))} == model == set(numbers)


@pytest.mark.parametrize("row", ["104,${x},,'1',a b,105", "104,105" + ",x" * 4000, "," * 300 + "104"])
def test_a_row_that_somebody_spoilt(row):
    entries = dialled(row)
    assert len(entries) <= own.MOST
    assert {entry.text for entry in entries} <= {"104", "105", "x"}


class Known(Database):
    """4711 is an alias of 103."""

    def __call__(self, command: str) -> str:
        return "103" if command == "user_data 4711@lab.test attr id" else super().__call__(command)


ROW = ("fsdaemon.except-lab.test", "100")


@pytest.mark.parametrize(
    ("code", "before", "shown", "after"),
    [
        ("*64*101#", "", "Ausnahmen 101", "101"),
        ("*64*102#", "101", "Ausnahmen 102, 101", "102,101"),
        ("*64*4711#", "101", "Ausnahmen 103, 101", "103,101"),
        ("#64*4711#", "103,101", "Ausnahmen 101", "101"),
        ("#64*4711#", "4711,101", "Ausnahmen 101", "101"),
        ("*64*5551234#", "", "Ausnahmen 5551234", "5551234"),
        ("*64*+491701234567", "", "Ausnahmen +491701234567", "+491701234567"),
        ("#64*101#", "101", "Keine Ausnahmen", None),
        ("##64#", "102,101", "Keine Ausnahmen", None),
        ("##64#", "", "Keine Ausnahmen", None),
        ("*#64#", "102,101", "Ausnahmen 102, 101", "102,101"),
        ("*#64#", "", "Keine Ausnahmen", None),
        ("#64*999#", "999", "Keine Ausnahmen", None),
        ("*64*100#", "101", "Uml. abgelehnt", "101"),
        ("*64*999#", "101", "Uml. abgelehnt", "101"),
        ("*64*886#", "", "Uml. abgelehnt", None),
        ("*64*abcdefg#", "", "Uml. abgelehnt", None),
        ("*64*...#", "", "Uml. abgelehnt", None),
        ("#64*102#", "101", "Uml. abgelehnt", "101"),
        ("*64*101#", ",".join(FULL), "Uml. abgelehnt", ",".join(FULL)),
        ("*64#", "101", "Uml. abgelehnt", "101"),
    ],
)
def test_the_way_of_a_code(code, before, shown, after):
    database = Known()
    if before:
        database(f"db insert/{ROW[0]}/100/{before}")
    database("db insert/fsdaemon-lab.test/100/;21=on:101")
    outcome = finish(way(code), database)
    assert outcome.values[v.CALLEE_SHOWN] == shown
    assert outcome.values[v.CALLEE_NUMBER_SHOWN] == "*64"
    assert database.rows.pop(("fsdaemon-lab.test", "100")) == ";21=on:101"
    assert database.rows == ({ROW: after} if after else {})


def test_why_a_code_is_refused_is_in_the_log():
    database = Database()
    for code, why in (
        ("*64*100#", "100 is the user's own number"),
        ("*64*999#", "999 is neither a user of lab.test nor an outside number"),
        ("#64*101#", "101 is not in the list"),
        ("*64#", "not a code"),
    ):
        assert finish(way(code), database).sentence == f"code {code} of 100@lab.test: refused, {why}"
    database(f"db insert/{ROW[0]}/100/{','.join(FULL)}")
    assert "refused, the list is full (at most 20 entries" in finish(way("*64*101#"), database).sentence


@pytest.mark.parametrize("code", ["*64*101#", "#64*102#", "##64#", "*#64#"])
def test_the_administrator_forbids_it(code):
    database = Database()
    database(f"db insert/{ROW[0]}/100/102")
    dial = codes.dial(way_headers(code), config.load("[codes]\nexceptions = false\n"))
    outcome = finish(dial, database)
    assert outcome.sentence == f"code {code} of 100@lab.test: refused, codes.exceptions is false"
    assert database.rows == {ROW: "102"}


def way_headers(code: str):
    return headers(
        b"Unique-ID: 1\nEvent-Date-Timestamp: 1795755111000000\nvariable_sip_authorized: true\n"
        b"variable_user_name: 100\nvariable_domain_name: lab.test\n"
        b"Caller-Destination-Number: " + code.encode().replace(b"#", b"%23") + b"\n\n"
    )


@pytest.mark.parametrize("code", ["*64*101#", "##64#", "*#64#"])
def test_a_database_that_is_away_confirms_nothing(code):
    database = Database()
    database.works = False
    assert finish(way(code), database).sentence.endswith("refused, FreeSWITCH's db does not answer")


@pytest.mark.parametrize("second", ["*64*102#", "*21*102#"])
def test_a_user_has_one_lock(second):
    """While a code is on its way, the same user's next one waits, whatever it is about."""
    database = Database()
    first = way("*64*101#")
    for question in first.send([database(one.command) for one in next(first)]):
        database(question.command)
    assert finish(way(second, uuid="another"), database).busy


@pytest.mark.parametrize("turns", list(combinations(range(12), 4)))
def test_two_codes_at_the_same_moment(turns):
    """However their steps follow each other: what was confirmed is in the list."""
    database = Database()
    ways = [way("*64*101#"), way("*64*102#", uuid="another")]
    waiting = [next(one) for one in ways]
    done = set()
    for step in range(24):
        turn = int(step not in turns) if step < 12 else step % 2
        if waiting[turn] is None:
            continue
        try:
            waiting[turn] = ways[turn].send([database(one.command) for one in waiting[turn]])
        except StopIteration as end:
            waiting[turn] = None
            if not end.value.busy:
                done.add(("101", "102")[turn])
    assert waiting == [None, None]
    assert set(filter(None, database.lines.get(ROW, "").split(","))) == done


# --- who gets through -------------------------------------------------------------------------------

ZOE = Entry("104")
LIST = Own((Entry("104", HERE, own.DIRECTORY), Entry("103@b.example", HERE, own.DIRECTORY)))


def verdict(made, text=""):
    result = rule(made, config.load(text))
    return result.action, result.reason


def test_those_in_the_list_and_nobody_else():
    assert verdict(call(inside("104"), always="101", own=LIST)) == ("ring", "own")
    assert verdict(call(inside("102"), always="101", own=LIST)) == ("forward", "always")
    assert verdict(call(inside("104"), always="101")) == ("forward", "always")


def test_a_number_is_a_user_of_the_callees_own_domain():
    other = inside("103")._replace(user=User("103", "B.example"))
    assert verdict(call(other, always="101", own=LIST)) == ("ring", "own")
    assert verdict(call(inside("103"), always="101", own=LIST)) == ("forward", "always")
    stranger = inside("104")._replace(user=User("104", "b.example"))
    assert verdict(call(stranger, always="101", own=LIST)) == ("forward", "always")


def test_somebody_from_outside_who_says_104_is_not_104():
    assert verdict(call(outside("104"), always="101", own=LIST)) == ("forward", "always")


@pytest.mark.parametrize("kind", ["busy", "no_answer", "not_registered"])
def test_every_kind(kind):
    made = call(inside("104"), stage="after", failure=kind, own=LIST, **{kind: "101"})
    assert verdict(made) == ("ring", "own")


def test_groups_are_those_of_the_callees_own_domain():
    made = call(inside("104"), always="101", own=listed("group:sales", HERE))
    member = Person(User("104", "lab.test"), ("sales",))
    assert verdict(made) == ("forward", "always")
    assert verdict(made._replace(person=member)) == ("ring", "own")
    foreign = member._replace(user=User("104", "b.example"))
    assert verdict(made._replace(person=foreign)) == ("forward", "always")
    assert verdict(made._replace(own=listed("sales", HERE), person=member)) == ("forward", "always")
    user = Person(User("group:sales", "lab.test"))
    assert verdict(made._replace(person=user)) == ("forward", "always")


def test_a_group_of_the_list_is_none_of_exceptions_groups():
    """Who is in it gets through to this callee only."""
    member = Person(User("104", "lab.test"), ("sales",))
    made = call(inside("104"), always="101", person=member)
    assert verdict(made, '[exceptions]\ngroups = ["office"]') == ("forward", "always")


def test_after_the_exceptions_of_everybody():
    made = call(inside("104"), always="104", own=LIST)
    assert verdict(made) == ("ring", "target")
    made = call(inside("104"), always="101", own=LIST)
    assert verdict(made, '[exceptions]\nusers = ["104"]') == ("ring", "user")


def test_the_one_who_transferred():
    zoe = Person(User("104", "lab.test"))
    made = call(inside("102"), always="101", own=LIST, referrer=zoe)
    assert verdict(made) == ("ring", "referrer")


@pytest.mark.parametrize(
    ("entry", "number", "exists", "reason"),
    [
        ("+49 170 1234567", "01701234567", "false", "own"),
        ("+49 170 1234567", "01701234567", "true", "always"),
        ("+49 170 1234567", "01701234567", "-ERR no reply", "always"),
        ("+49 170 1234567", "01701234568", "false", "always"),
        ("104", "104", "false", "always"),
        ("123456", "123456", "false", "always"),
        ("+49 170 1234567", "", "false", "always"),
        ("01701234567@lab.test", "01701234567", "false", "always"),
    ],
)
@pytest.mark.parametrize("place", ["directory", "code"])
def test_an_outside_number(entry, number, exists, reason, place):
    lines = {"fsdaemon_context": "default", "fsdaemon_stage": "before", "fsdaemon_domain": "lab.test",
             "fsdaemon_callee": "100", "Caller-Caller-ID-Number": number}  # fmt: skip
    data = headers(channel_data((DIRECTORY / "external_before_bridge.txt").read_bytes(), lines))
    row = own.as_dialled(entry)
    known = {
        "user_data 100@lab.test var call_forward_all": "101",
        "directory": ("user_data 100@lab.test var call_forward_except", f"{entry},"),
        "code": ("db select/fsdaemon.except-lab.test/100", row),
        f"user_exists id {row} lab.test": exists,
    }
    known.update([known[place]])
    decision = decided(data, config.load('[numbers]\nregion = "DE"\n'), lambda one: known.get(one, ""))
    assert decision.verdict.reason == reason


# --- what it costs, and what is said -----------------------------------------------------------------


def asked(**variables: str) -> list[str]:
    """What FreeSWITCH is asked about a call of 102 to 100."""
    data = headers(channel_data((DIRECTORY / "context_before.txt").read_bytes(), variables))
    commands: list[str] = []
    decided(data, config.default(), lambda one: commands.append(one) or "")
    return commands


def test_nothing_is_asked_where_no_forward_acts():
    assert not [one for one in asked() if "except" in one]
    assert [one for one in asked(fsdaemon_forward_all="101") if "except" in one] == [
        "user_data 100@lab.test var call_forward_except",
        "db select/fsdaemon.except-lab.test/100",
    ]


def test_it_costs_no_round_of_its_own():
    """The list is asked for together with the callee's name."""
    data = headers(
        channel_data((DIRECTORY / "context_before.txt").read_bytes(), {"fsdaemon_forward_all": "101"})
    )
    rounds, answers = [], {}
    outcome = decide(data, answers, config.default())
    while not isinstance(outcome, Decision):
        rounds.append([one.command for one in outcome])
        answers.update(dict.fromkeys(outcome, ""))
        outcome = decide(data, answers, config.default())
    (with_list,) = [each for each in rounds if any("except" in one for one in each)]
    assert any("effective_caller_id_name" in one for one in with_list)


def test_what_the_dialplan_said_of_one_callee_is_not_said_of_the_next():
    data = headers(
        channel_data(
            (DIRECTORY / "context_before.txt").read_bytes(),
            {"fsdaemon_forward_all": "101", "fsdaemon_forward_except": "104"},
        )
    )
    assert decided(data, config.default()).values[v.FORWARD_EXCEPT] == ""


def decision_of(api: dict[str, str], **variables: str) -> Decision:
    data = headers(channel_data((DIRECTORY / "context_before.txt").read_bytes(), variables))
    return decided(data, config.default(), lambda one: api.get(one, "-ERR no reply"))


FORWARDS = {"user_data 100@lab.test var call_forward_all": "101", "user_exists id 101 lab.test": "true"}


@pytest.mark.parametrize(
    ("api", "rule_", "from_"),
    [
        (
            {"user_data 100@lab.test var call_forward_except": "102"},
            'call_forward_except "102"',
            "directory entry of 100",
        ),
        ({"db select/fsdaemon.except-lab.test/100": "102"}, '*64* "102"', "code of 100"),
    ],
)
def test_explain_names_the_entry_and_where_it_comes_from(api, rule_, from_):
    decision = decision_of({**FORWARDS, **api})
    facts = facts_of(decision, config.default())
    assert (facts["rule"], facts["from"]) == (rule_, from_)
    assert facts["why"] == "100 forwards always to 101, but 102 may get through to 100"
    assert facts["otherwise"] == f"without {rule_} the forward would be followed"
    assert line(decision.call, decision.verdict) == "ring 100 for 102: own (100 forwards always to 101)"


def test_what_was_looked_at_when_nobody_matched():
    api = {
        "user_data 100@lab.test var call_forward_except": "104, a/b",
        "db select/fsdaemon.except-lab.test/100": "103",
    }
    decision = decision_of({**FORWARDS, **api})
    facts = facts_of(decision, config.default())
    assert facts["verdict"] == "forward"
    assert "exceptions.external, call_forward_except of 100, *64* of 100" in facts["rule"]
    assert facts["saw"]["lets through"] == "104 (directory entry), 103 (code)"
    told = "the exceptions of 100: 'a/b' is neither a user, nor a number, nor a group (group:NAME)"
    assert facts["warning"] == warning(decision.call, decision.verdict) == told
