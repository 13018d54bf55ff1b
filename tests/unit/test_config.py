"""conf.toml: what it may say, and what is said about mistakes."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import tomli

from fsdaemon.config.reader import SCHEMA, ConfigError, default, load
from fsdaemon.terms.kinds import KINDS

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parents[1] / "conf"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("file", sorted(CASES.glob("bad-*.toml")), ids=lambda f: f.stem)
def test_bad(file: Path) -> None:
    """The lines that begin with `#!` are what is to be said, word by word."""
    text = file.read_text("utf-8")
    kinds = ", ".join(KINDS)
    said = [line[2:].strip() for line in text.splitlines() if line.startswith("#!")]
    expected = [line.replace("{kinds}", kinds) for line in said]
    assert problems(text) == expected


@pytest.mark.parametrize("file", sorted(CASES.glob("good-*.toml")), ids=lambda f: f.stem)
def test_good(file: Path) -> None:
    load(file.read_text("utf-8"))


SLIPS = [
    ("exceptions.users", "[104]", '["104"]'),
    ("exceptions.users", "104", '["104"]'),
    ("exceptions.users", '"104"', '["104"]'),
    ("exceptions.users", '"104,105"', '["104", "105"]'),
    ("exceptions.users", '"104|105"', '["104", "105"]'),
    ("exceptions.users", '["104, 105"]', '["104", "105"]'),
    ("exceptions.users", "[007]", '["007"]'),
    ("exceptions.users", '["104" "105"]', '["104", "105"]'),
    ("exceptions.users", "[“104”, ‘105’, „106“] # curly", '["104", "105", "106"]'),
    ("exceptions.groups", '"office"', '["office"]'),
    ("exceptions.groups", '["a,b", " c "]', '["a", "b", "c"]'),
    ("exceptions.external", "[+491701234567]", '["+491701234567"]'),
    ("exceptions.external", "[\n  +491701234567,\n  1234567\n]", '["+491701234567", "1234567"]'),
    ("exceptions.external", "[+49 170 1234567, 00491701234567]", '["+49 170 1234567", "00491701234567"]'),
    ("exceptions.target", "True", "true"),
    ("exceptions.target", "False # never", "false"),
    ("exceptions.target", "yes", "true"),
    ("exceptions.target", "on", "true"),
    ("exceptions.target", "no", "false"),
    ("exceptions.target", "off", "false"),
    ("exceptions.target", "1", "true"),
    ("exceptions.target", '"true"', "true"),
    ("exceptions.target", '"No"', "false"),
    ("server.timeout", "2,5", "2.5"),
    ("server.timeout", '"2,5"', "2.5"),
    ("server.timeout", '"3"', "3"),
    ("server.max_sessions", '"500"', "500"),
    ("server.listen", "8084", '"127.0.0.1:8084"'),
    ("server.listen", "127.0.0.1:8084", '"127.0.0.1:8084"'),
    ("server.listen", '"::1:8084"', '"[::1]:8084"'),
    ("server.listen", '"127.0.0.1:1, 127.0.0.1:2"', '["127.0.0.1:1", "127.0.0.1:2"]'),
    ("metrics.listen", '":9484"', '"127.0.0.1:9484"'),
    ("numbers.trunk_prefix", "0", '"0"'),
    ("numbers.trunk_prefix", "00", '"00"'),
    ("numbers.region", '"de"', '"DE"'),
    ("numbers.region", '"UK"', '"GB"'),
    ("numbers.region", "DE", '"DE"'),
    ("display.kinds", '"busy"', '["busy"]'),
    ("display.kinds", '"busy|always"', '["busy", "always"]'),
    ("display.kinds", '["busy,always", "redirekt"]', '["busy", "always", "redirect"]'),
    ("display.anonymous", "“Anonym”", '"Anonym"'),
    ("display.anonymous", "‘Anonym’", '"Anonym"'),
    ("display.anonymous", '"Anonym', '"Anonym"'),
    ("display.anonymous", "7", '"7"'),
    ("display.label", "For {diverter}: {caller}", '"For {diverter}: {caller}"'),
    ("display.label", '"For diverter: caller"', '"For {diverter}: {caller}"'),
    ("display.label", '"For <diverter>: %caller%"', '"For {diverter}: {caller}"'),
    ("display.label", '"For ${diverter}"', '"For {diverter}"'),
    ("display.label", '"For {Diverter}"', '"For {diverter}"'),
    ("display.label", '"{{caller}}"', '"{caller}"'),
    ("display.label", '"For {diverter:10}"', '"For {diverter}"'),
    ("routing.bridge", '"user/${callee}@{domain}"', '"user/{callee}@{domain}"'),
    ("display.ring", '"http://x/y;info=z"', '"<http://x/y>;info=z"'),
    ("display.ring", '"urn:alert:x"', '"<urn:alert:x>"'),
    ("display.ring", "2", '"2"'),
    ("display.diversion_from", '"192.0.2.9/24"', '["192.0.2.0/24"]'),
    ("codes.targets", r'["\d{7} local"]', r'["\\d{7} local"]'),
    ("codes.language", '"de_DE"', '"de"'),
    ("variables.callee", '"${my_callee}"', '"my_callee"'),
    ("variables.busy", '["variable_x"]', '["x"]'),
    ("log.level", "debug", '"DEBUG"'),
]


@pytest.mark.parametrize(("key", "slip", "right"), SLIPS)
def test_a_slip_is_told_with_what_would_be_right(key: str, slip: str, right: str) -> None:
    section, _, name = key.partition(".")
    (said,) = problems(f"[{section}]\n{name} = {slip}\n")
    assert re.match(rf"line 2(, column \d+)?: {key}: ", said)
    assert "must be " in said
    assert said.endswith(f"; did you mean {right}?")
    load(f"[{section}]\n{name} = {right}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeout = 2\n", "line 1: timeout: a key outside of any section; it goes below [server]"),
        ("listen = 2\n", "line 1: listen: a key outside of any section; it goes below [server] or [metrics]"),
        (
            'numbers = "full"\n',
            "line 1: numbers: is a section and is written [numbers]; the key numbers goes below [log]",
        ),
        ('[server]\nlabel = "x"\n', "line 2: server.label: unknown key here; it goes below [display]"),
        (
            '[domains."b.example".numbers]\nlabel = "x"\n',
            'line 2: domains."b.example".numbers.label: unknown key here; '
            'it goes below [domains."b.example".display]',
        ),
        (
            "[exceptions]\nexternal = [\n  0049,\n]\n",
            "line 3, column 4: exceptions.external: invalid TOML: a comma or a ] is missing in the list that begins "
            'in line 2; must be a telephone number, like "+49 170 1234567"; did you mean "0049"?',
        ),
        (
            '[exceptions]\nusers = ["104"\n',
            "line 2: exceptions.users: invalid TOML: the ] of this list is missing",
        ),
        (
            '[log]\nlevel = "INFO"\nlevel = "DEBUG"',
            "line 3: log.level: is set twice; the first is in line 2",
        ),
    ],
)
def test_what_is_in_the_wrong_place(text: str, said: str) -> None:
    assert problems(text) == [said]


@pytest.mark.parametrize("group", ["Sales Team", "büro", "a.b-c_1/2", "x@y"])
def test_a_group_that_can_be_asked_for(group: str) -> None:
    assert load(f'[exceptions]\ngroups = ["{group}"]').exceptions.groups == (group,)


@pytest.mark.parametrize(
    "group", ["a,b", "a'b", 'a\\"b', "a$b", "a\\\\b", "a|b", "a\\u0007b", " a", "a\\u00a0", "a\\nb", ""]
)
def test_a_group_that_cannot(group: str) -> None:
    assert (
        "exceptions.groups: must be the name of a group" in problems(f'[exceptions]\ngroups = ["{group}"]')[0]
    )


@pytest.mark.parametrize(
    "label", ["", "{caller}", "Umgeleitet", "{diverter} = caller of the day", "US$ {caller}"]
)
def test_a_label_that_is_right(label: str) -> None:
    assert load(f'[display]\nlabel = "{label}"').display.label == label


@pytest.mark.parametrize("bridge", ["group/sales@domain", "sofia/gateway/callee/{callee}"])
def test_a_bridge_that_is_right(bridge: str) -> None:
    assert load(f'[routing]\nbridge = "{bridge}"').routing.bridge == bridge


@pytest.mark.parametrize(
    "text",
    [
        '[codes]\ntargets = ["x{' + "9" * 5000 + '}"]',
        "[server]\ntimeout = " + "9" * 5000,
        "[server]\ntimeout = " + "[" * 3000,
        '[display]\nlabel = "' + "{" * 200_001 + '"',
        '[exceptions]\nusers = "' + "|," * 100_000 + '"',
        "[exceptions]\nusers = " + "“" * 200_000,
    ],
    ids=["repeat", "number", "brackets", "braces", "separators", "quotes"],
)
def test_what_is_too_large_is_told_soon(text: str) -> None:
    start = time.thread_time()
    assert len(problems(text)[0]) < 500
    assert time.thread_time() - start < 3


def test_every_check_says_what_it_allows_and_takes_the_default() -> None:
    for section, keys in SCHEMA.items():
        for name, key in keys.items():
            assert re.fullmatch(r"[^\n]{10,}[^.]", key.check.text), f"{section}.{name}"
            default = list(key.default) if isinstance(key.default, tuple) else key.default
            assert default is None or key.check(default) == key.default


SHIPPED = (ROOT / "conf.toml").read_text("utf-8")


def undocumented(text: str) -> set[str]:
    """The keys that this conf.toml lacks, has too many, gives another default, or says nothing about."""
    whole = re.sub(r"^# (?=[a-z_]+ = \[)", "", text, flags=re.M)  # what "default" stands for is commented out
    document = tomli.loads(whole)
    there = {f"{section}.{key}" for section, table in document.items() for key in table}
    known = {f"{section}.{key}" for section, keys in SCHEMA.items() for key in keys}
    wrong = there ^ known
    lines, section = whole.split("\n"), ""
    for before, line in zip(["", *lines], lines):
        section = line.strip("[]") if line.startswith("[") else section
        key = re.match(r"([a-z_]+) = ", line)
        if key and not re.match(r"# .*\w", before):
            wrong.add(f"{section}.{key[1]}")
    if not wrong:
        ours, defaults = load(whole), default()
        wrong |= {
            key for key in known if key.startswith("variables.") and ours.variables != defaults.variables
        }
        wrong |= {
            key
            for key in known - wrong
            if not key.startswith("variables.") and ours.value(key) != defaults.value(key)
        }
    return wrong


def test_the_file_that_comes_with_it_documents_every_key_with_its_default() -> None:
    assert undocumented(SHIPPED) == set()
    assert load(SHIPPED) == default()


@pytest.mark.parametrize(
    ("was", "becomes", "missed"),
    [
        ("max_hops = 5\n", "", "routing.max_hops"),
        ("max_hops = 5\n", "max_hops = 6\n", "routing.max_hops"),
        ("# How many forwards one call may follow (1 to 50). The next forward is not followed, and the phone rings.\n", "", "routing.max_hops"),
        ("max_hops = 5\n", "max_hops = 5\n# More.\nmore = 1\n", "routing.more"),
        ('# busy = ["fsdaemon_forward_busy", "directory:call_forward_busy"]\n', "", "variables.busy"),
        ('# busy = ["fsdaemon_forward_busy", "directory:call_forward_busy"]\n', '# busy = ["x"]\n', "variables.busy"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_documented_is_found(was: str, becomes: str, missed: str) -> None:
    assert was in SHIPPED
    assert missed in undocumented(SHIPPED.replace(was, becomes))


def test_another_preset_is_not_hidden_by_what_stands_there() -> None:
    """Who copies the file and changes the preset gets the preset."""
    changed = load(SHIPPED.replace('preset = "default"', 'preset = "fusionpbx"'))
    assert changed.variables == load('[variables]\npreset = "fusionpbx"').variables


def test_a_section_written_twice() -> None:
    text = 'metrics.listen = "127.0.0.1:1"\n[server]\n[metrics]\nkeep = 1\n'
    said = "[metrics] is there already, perhaps as metrics.… = …; all of it goes under one header"
    assert problems(text) == [f"line 3: invalid TOML: {said}"]
    assert 'invalid TOML: [domains."b.example".log] is' in problems('[domains."b.example".log]\n' * 2)[0]


def test_a_dotted_key_has_its_line() -> None:
    assert (
        load('[domains]\n"b.example".display.label = "{caller}"\n', "c")
        .for_domain("b.example")
        .origin["display.label"]
        == "c:2"
    )
    assert load('\nlog.level = "DEBUG"\n', "c").origin["log.level"] == "c:2"


def test_where_a_value_comes_from() -> None:
    config = load("\n[server]\ntimeout = 3\n", "my.toml")
    assert config.server.timeout == 3.0
    assert config.origin["server.timeout"] == "my.toml:3"
    assert config.origin["server.listen"] == "default"


def test_listen_takes_one_or_several() -> None:
    assert load('[server]\nlisten = "[::1]:1"').server.listen == ("[::1]:1",)
    assert load('[server]\nlisten = ["a:1", "b:2"]').server.listen == ("a:1", "b:2")


HOSTILE = [
    "a b", ";info=x", "a/b", "a!b", "a]", "[a", "a|b", "a'b", 'a"b', "a\\b", "${x}", "a$", "<x", "x>", "<>", "<a b>",
    "<x>;a=b c", "<x>, <y>", "a\n", "a\r\nX: y", "a%0Ab", "<http://a/%0d>", "{x}", "a^b", "a:_:b", "x" * 101, "ä",
    "<urn:" + "x" * 300 + ">", "a" + ";b" * 9, "\x00", " a", "a ",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_alert_info_ends_a_header_or_a_leg_variable(text: str) -> None:
    for value in (json.dumps(text), "{ always = " + json.dumps(text) + " }"):
        (said,) = problems(f"[display]\nring = {value}\n".replace("\\u0000", "\\u0000"))
        assert said.startswith("line 2: display.ring: must be the value of an Alert-Info header")


def test_a_table_of_alert_info_has_the_kinds() -> None:
    (said,) = problems('[display]\nring = { allways = "x" }\n')
    assert "(allways is unknown, the kinds are always, busy," in said
    load('[display]\nring = { always = "", busy = "Bellcore-dr2", redirect = "<a:b>;c=d;e" }\n')
