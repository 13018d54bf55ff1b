"""`fsdaemon doctor`: FreeSWITCH's files as it reads them, and what is found in them. No switch, no disk."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import replace
from pathlib import Path

import pytest

from fsdaemon import __version__
from fsdaemon.config.reader import Config, default, load
from fsdaemon.doctor import reading, report, rules, switch
from fsdaemon.doctor.disk import Who, closed_to
from fsdaemon.doctor.facts import FSDAEMON, NOBODY, Comparison, Condition, Extension, Facts, Place, Running
from fsdaemon.doctor.finding import Finding
from fsdaemon.doctor.matching import takes
from fsdaemon.doctor.preprocess import Unreadable, preprocess

ROOT = Path(__file__).parents[2]
OURS = ROOT / "freeswitch" / "dialplan"
TOP = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <X-PRE-PROCESS cmd="set" data="domain=lab.test"/>
  <section name="configuration">
    <X-PRE-PROCESS cmd="include" data="autoload_configs/*.xml"/>
  </section>
  <section name="dialplan">
    <X-PRE-PROCESS cmd="include" data="dialplan/*.xml"/>
  </section>
  <section name="directory">
    <X-PRE-PROCESS cmd="include" data="directory/*.xml"/>
  </section>
</document>
"""
LINE = '<X-PRE-PROCESS cmd="include" data="/share/default/fsdaemon.xml"/>'
LOCAL = """<extension name="Local_Extension">
<condition field="destination_number" expression="^(1[0-9]{3})$">
<action application="bridge" data="user/${dialed_extension}@${domain_name}"/>
</condition>
</extension>"""
DEFAULT = f"""<include>
<context name="default">
<extension name="echo"><condition field="destination_number" expression="^9196$">
<action application="echo"/></condition></extension>
{LINE}
{LOCAL}
</context>
</include>
"""
USER = """<include>
<domain name="$${domain}">
<groups><group name="all"><users>
<user id="1000" number-alias="7000">
<params><param name="password" value="x"/></params>
<variables>
<variable name="user_context" value="default"/>
</variables></user>
<user id="1001"/>
</users></group>
<group name="sales"><users><user id="1000" type="pointer"/></users></group></groups>
</domain>
</include>
"""
MODULES = """<configuration name="modules.conf"><modules>
{}
</modules></configuration>
"""
LOADED = [
    "mod_event_socket",
    "mod_dialplan_xml",
    "mod_dptools",
    "mod_commands",
    "mod_hash",
    "mod_loopback",
    "mod_voicemail",
    "mod_db",
    "mod_say_en",
    "mod_tone_stream",
]
HERE = "127.0.0.1:8084"


class Memory:
    """Files in a dictionary; None: it cannot be read."""

    def __init__(self, files: dict[str, str | None]) -> None:
        self.files = files

    def read(self, path: str) -> str:
        text = self.files.get(path)
        if text is None:
            raise Unreadable("permission denied")
        return text

    def glob(self, pattern: str) -> list[str]:
        parent = posixpath.dirname(pattern)
        return sorted(
            one for one in self.files if fnmatch.fnmatch(one, pattern) and posixpath.dirname(one) == parent
        )


def tree(**changes: str | None) -> dict[str, str | None]:
    """A FreeSWITCH with our dialplan; `changes` by the name of the file, without .xml."""
    files: dict[str, str | None] = {
        "/conf/freeswitch.xml": TOP,
        "/conf/autoload_configs/modules.conf.xml": MODULES.format(
            "\n".join(f'<load module="{one}"/>' for one in LOADED)
        ),
        "/conf/dialplan/default.xml": DEFAULT,
        "/conf/dialplan/fsdaemon.xml": (OURS / "fsdaemon.xml").read_text("utf-8"),
        "/conf/directory/default.xml": USER,
        "/share/default/fsdaemon.xml": (OURS / "default" / "fsdaemon.xml").read_text("utf-8"),
        "/share/default/fsdaemon_codes.xml": (OURS / "default" / "fsdaemon_codes.xml").read_text("utf-8"),
    }
    names = {
        "context": "/conf/dialplan/fsdaemon.xml",
        "default": "/conf/dialplan/default.xml",
        "users": "/conf/directory/default.xml",
        "modules": "/conf/autoload_configs/modules.conf.xml",
        "lua": "/conf/autoload_configs/lua.conf.xml",
        "codes": "/share/default/fsdaemon_codes.xml",
        "top": "/conf/freeswitch.xml",
        "more": "/conf/dialplan/more.xml",
    }
    for name, text in changes.items():
        path = names[name]
        if text == "":
            del files[path]
        else:
            files[path] = text
    return files


def facts_of(files: dict[str, str | None]) -> Facts:
    read = preprocess("/conf", {"conf_dir": "/conf"}, Memory(files))
    return Facts("/conf", reading.files(read), listeners={HERE: FSDAEMON}, share="/share")


def found(facts: Facts, config: Config | None = None) -> list[tuple[str, str]]:
    """Code and place of what is wrong."""
    return [(one.code, str(one.where)) for one in rules.findings(facts, config or default()) if one.wrong]


def wrong(**changes: str | None) -> list[tuple[str, str]]:
    return found(facts_of(tree(**changes)))


def maybe(facts: Facts, config: Config | None = None) -> list[str]:
    return [one.code for one in rules.findings(facts, config or default()) if not one.wrong]


def test_everything_is_right():
    facts = facts_of(tree())
    assert found(facts) == []
    assert maybe(facts) == []
    assert [one.id for one in facts.files.users] == ["1000", "1001"]
    assert facts.files.users[0].domain == "lab.test"


# --- as FreeSWITCH reads it ------------------------------------------------------------------------


def names(**changes: str | None) -> list[str]:
    return [one.name for one in facts_of(tree(**changes)).files.contexts["default"]]


def test_our_extensions_stand_where_the_line_is():
    order = names()
    assert order[0] == "echo"
    assert order[1] == "fsdaemon_code"
    assert order[-1] == "Local_Extension"


@pytest.mark.parametrize(
    "line",
    [
        f"<!-- {LINE} -->",  # FreeSWITCH does not know comments here
        LINE.lower(),
        LINE.replace('" data', '"   data'),
        LINE.replace('data="', 'data = "'),
        LINE.replace("/share/default/fsdaemon.xml", "../../share/default/fsdaemon.xml").replace(
            "../../share", "/share"
        ),
        f'<X-PRE-PROCESS cmd="set" data="ours=/share"/>\n{LINE.replace("/share", "$${ours}")}',
    ],
)
def test_lines_that_freeswitch_follows(line):
    assert "fsdaemon_user" in names(default=DEFAULT.replace(LINE, line))


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("X-PRE", "X-NO-PRE"),
        f"<include>{LINE}",
        f'<X-PRE-PROCESS cmd="set" data="a=b"/>{LINE}',
        '<X-PRE-PROCESS data="/share/default/fsdaemon.xml" cmd="include"/>',
        LINE.replace("<", "< "),
    ],
)
def test_lines_that_freeswitch_does_not_follow(line):
    assert "fsdaemon_user" not in names(default=DEFAULT.replace(LINE, line))
    assert wrong(default=DEFAULT.replace(LINE, line))[0][0] == "line"


def test_a_file_that_includes_itself_has_an_end():
    itself = '<include>\n<X-PRE-PROCESS cmd="include" data="more.xml"/>\n</include>'
    facts = facts_of(tree(more=itself))
    assert len(facts.files.includes) < 200
    assert found(facts) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<include>\n<context name='x'>\n</kontext>\n</include>", 3),
        ("<include>\n<!-- a -- b -->\n</include>", 2),
        ("<context name='x'>\n<extension\n</context>", 3),
    ],
)
def test_what_is_not_xml_has_its_line(text, line):
    assert wrong(more=text) == [("xml", f"/conf/dialplan/more.xml:{line}")]


@pytest.mark.parametrize(
    "text",
    [
        '<context name="x"><extension name="y"><condition field="a" expression="^(?<n>1)&(2)"/></extension></context>',
        "<!-- <open --><context name='x'/>",
        '<!-- data="odd --><context name="x"/><!-- " -->',
        '<context name="x"/>\x00\x1b',
        '<!DOCTYPE a [<!ENTITY b "c">]>\n<context name="&b;"/>',
    ],
)
def test_what_only_freeswitch_takes(text):
    assert wrong(more=text) == []


def test_elements_that_are_too_deep():
    deep = f'<context name="x"><extension name="y">{"<condition>" * 3000}{"</condition>" * 3000}</extension></context>'
    assert wrong(more=deep) == []


def test_a_line_in_other_quotes():
    facts = facts_of(tree(default=DEFAULT.replace(LINE, LINE.replace('"', "'"))))
    (one,) = (one for one in rules.findings(facts, default()) if one.wrong)
    assert (one.code, LINE in one.mend, "these quotes" in one.what) == ("line", True, True)


def test_an_include_line_in_a_comment_is_named():
    facts = facts_of(tree(default=DEFAULT.replace(LINE, f"<!--\n{LINE}\n-->")))
    (one,) = (one for one in rules.findings(facts, default()) if one.code == "xml")
    assert "/conf/dialplan/default.xml:6 in a comment" in one.mend


def test_an_entity_is_not_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>\n<context name="&c;"/>'
    assert "&c;" in facts_of(tree(more=bomb)).files.contexts


@pytest.mark.parametrize(
    ("expression", "number", "expected"),
    [
        (r"^1\d{3}$", "1000", True),
        (r"^1\d{3}$", "9196", False),
        (r"^(?<n>1)\d+\z", "1000", True),
        (r"/^ABC$/i", "abc", True),
        (r"^${own}$", "1000", None),
        (r"^[[:digit:]]{4}$", "1000", None),
        ("_1XXX", "1000", True),
        ("_NXXX", "1000", False),
        ("_9.", "9196", True),
        (r"^(", "1000", None),
    ],
)
def test_which_number_an_extension_takes(expression, number, expected):
    (extension,) = facts_of(
        tree(
            more='<context name="x"><extension name="y"><condition field="destination_number" expression="'
            f'{expression}"><action application="hangup"/></condition></extension></context>'
        )
    ).files.contexts["x"]
    assert takes(extension, number, None) is expected


def test_what_stands_in_an_element_instead_of_an_attribute():
    text = """<context name="x"><extension name="y">
    <condition field="destination_number"><expression><![CDATA[^77$]]></expression>
    <action application="set"><![CDATA[a=1]]></action></condition></extension></context>"""
    (extension,) = facts_of(tree(more=text)).files.contexts["x"]
    assert (takes(extension, "77", None), takes(extension, "1000", None)) == (True, False)
    assert extension.actions[0].data == "a=1"


def test_an_extension_that_depends_on_the_call_takes_no_other_number():
    conditions = (
        Condition((Comparison("${toll_allow}", "local"),)),
        Condition((Comparison("destination_number", r"^\d{7}$"),), actions=()),
    )
    assert takes(Extension("x", False, conditions, Place("")), "4711", None) is False


# --- the dialplan ----------------------------------------------------------------------------------


def test_the_line_is_missing():
    assert wrong(default=DEFAULT.replace(LINE, "")) == [("line", "/conf/dialplan/default.xml:6")]


def test_the_line_is_behind_local_extension():
    swapped = DEFAULT.replace(f"{LINE}\n{LOCAL}", f"{LOCAL}\n{LINE}")
    assert wrong(default=swapped) == [("order", "/conf/dialplan/default.xml:5")]


def test_another_extension_takes_the_users():
    mine = LOCAL.replace("Local_Extension", "mine")
    assert wrong(default=DEFAULT.replace(LINE, f"{mine}\n{LINE}")) == [
        ("order", "/conf/dialplan/default.xml:5")
    ]


def test_an_extension_that_goes_on_takes_nobody():
    mine = LOCAL.replace('"Local_Extension"', '"mine" continue="true"')
    assert wrong(default=DEFAULT.replace(LINE, f"{mine}\n{LINE}")) == []


def test_the_line_leads_nowhere():
    assert wrong(default=DEFAULT.replace("/share", "/shared")) == [("line", "/conf/dialplan/default.xml:5")]


def test_the_context_is_missing_or_cannot_be_read():
    assert wrong(context="") == [("context", "/conf/dialplan/fsdaemon.xml")]
    facts = facts_of(tree(context=None))  # FreeSWITCH may read it
    assert (found(facts), maybe(facts)) == ([], ["file"])


def test_nothing_is_said_to_be_missing_in_files_that_are_closed_to_us():
    facts = facts_of(tree(context=None, default=None))
    assert (found(facts), maybe(facts)) == ([], ["file", "file"])


@pytest.mark.parametrize(
    ("word", "goes_on"), [("TRUE", True), ("yes", True), ("1", True), ("0", False), ("", False)]
)
def test_what_freeswitch_takes_for_true(word, goes_on):
    local = LOCAL.replace('name="Local_Extension"', f'name="first" continue="{word}"')
    assert (wrong(default=DEFAULT.replace(LINE, f"{local}\n{LINE}")) == []) == goes_on


def test_no_dialplan_at_all():
    codes = [code for code, _ in wrong(context="", default="")]
    assert codes == ["context", "line"]


@pytest.mark.parametrize("changes", [{}, {"context": ""}])
def test_a_script_may_ask(changes: dict[str, str]) -> None:
    own = LOCAL.replace("Local_Extension", "own").replace("bridge", "lua")
    facts = facts_of(tree(default=DEFAULT.replace(LINE, "").replace(LOCAL, own), **changes))
    assert (found(facts), maybe(facts)) == ([], ["line"])


def test_a_script_of_the_example_configuration_does_not():
    lua = LOCAL.replace("Local_Extension", "demo").replace("bridge", "lua").replace("1[0-9]", "4[0-9]")
    assert wrong(default=DEFAULT.replace(LINE, lua)) == [("line", "/conf/dialplan/default.xml:10")]


def test_a_dialplan_that_asks_by_socket_alone_needs_no_context():
    own = f"""<extension name="own"><condition field="destination_number" expression="^(1...)$">
      <action application="socket" data="{HERE} full"/>
      <action application="execute_extension" data="${{fsdaemon_verdict}}"/>
      <action application="bridge" data="user/$1"/></condition></extension>"""
    assert wrong(context="", default=DEFAULT.replace(LINE, own)) == []


def test_an_own_extension_that_only_asks():
    ask = '<action application="execute_extension" data="before/$1 XML fsdaemon"/>\n<action application="bridge"'
    own = LOCAL.replace('<action application="bridge"', ask)
    assert wrong(default=DEFAULT.replace(LINE, "").replace(LOCAL, own)) == []


def test_codes_are_not_included_or_taken_by_another_extension():
    facts = facts_of(tree(codes=""))
    assert (found(facts), maybe(facts)) == ([], ["codes"])
    assert maybe(facts, load("[codes]\nenabled = false\n")) == []
    star = LOCAL.replace("Local_Extension", "star").replace("^(1[0-9]{3})$", r"^\*2")
    assert wrong(default=DEFAULT.replace(LINE, f"{star}\n{LINE}")) == [
        ("codes", "/conf/dialplan/default.xml:5")
    ]


def test_a_context_that_hands_calls_on_to_one_that_asks():
    hop = """<include>
<context name="{0}"><extension name="on"><condition field="destination_number" expression="^(.*)$">
<action application="transfer" data="$1 XML {1}"/></condition></extension></context>
</include>"""
    users = USER.replace('value="default"', 'value="phones"')
    on = hop.format("phones", "office").replace("</include>", "") + hop.format("office", "default").replace(
        "<include>", ""
    )
    assert maybe(facts_of(tree(more=on, users=users))) == []
    away = on.replace("XML default", "XML public")
    assert maybe(facts_of(tree(more=away, users=users))) == ["callers"]


def test_users_whose_calls_begin_elsewhere():
    other = DEFAULT.replace('"default"', '"office"').replace(LINE, "")
    users = USER.replace('value="default"', 'value="office"')
    facts = facts_of(tree(more=other, users=users))
    assert (found(facts), maybe(facts)) == ([], ["callers"])


# --- the socket ------------------------------------------------------------------------------------


def listening(config: Config | None = None, **listeners: str) -> list[tuple[str, str]]:
    known = {address.replace("_", ":"): who for address, who in listeners.items()}
    return found(replace(facts_of(tree()), listeners=known), config)


def test_nobody_listens():
    facts = replace(facts_of(tree()), listeners={HERE: NOBODY})
    assert found(facts) == [("nobody", "/conf/dialplan/fsdaemon.xml:15")]


def test_another_port():
    config = load('[server]\nlisten = ["127.0.0.1:9090"]\n')
    for there in (FSDAEMON, NOBODY):
        facts = replace(facts_of(tree()), listeners={HERE: NOBODY, "127.0.0.1:9090": there})
        assert found(facts, config) == [("port", "/conf/dialplan/fsdaemon.xml:15")]


def test_systemds_socket_is_another_one_than_conf_tomls():
    config = load('[server]\nlisten = ["127.0.0.1:9090"]\n')
    facts = replace(facts_of(tree()), listeners={HERE: FSDAEMON, "127.0.0.1:9090": NOBODY})
    assert found(facts, config) == []


def test_somebody_else_listens():
    facts = replace(facts_of(tree()), listeners={HERE: "nginx (process 7)"})
    assert found(facts) == [("address", "/conf/dialplan/fsdaemon.xml:15")]


def test_an_address_that_is_not_one():
    text = (OURS / "fsdaemon.xml").read_text("utf-8").replace("127.0.0.1:8084", "127.0.0.1:x")
    assert wrong(context=text) == [("address", "/conf/dialplan/fsdaemon.xml:15")]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1/path", "127.0.0.1:8084/path"])
def test_an_address_as_freeswitch_completes_it(address):
    text = (OURS / "fsdaemon.xml").read_text("utf-8").replace(HERE, address)
    facts = replace(facts_of(tree(context=text)), listeners={HERE: NOBODY})
    assert [code for code, _ in found(facts)] == ["nobody"]


def test_full_is_missing():
    text = (OURS / "fsdaemon.xml").read_text("utf-8").replace("} full", "}", 1)
    assert [code for code, _ in wrong(context=text)] == ["full"]


def test_two_daemons():
    text = (OURS / "fsdaemon.xml").read_text("utf-8").replace(HERE, f"{HERE}|127.0.0.1:8085")
    facts = replace(facts_of(tree(context=text)), listeners={HERE: FSDAEMON, "127.0.0.1:8085": NOBODY})
    assert found(facts) == [("port", "/conf/dialplan/fsdaemon.xml:15")]


# --- users -----------------------------------------------------------------------------------------


def with_variable(name: str, value: str) -> str:
    return USER.replace("</variables>", f'<variable name="{name}" value="{value}"/>\n</variables>')


@pytest.mark.parametrize(
    "target",
    ["1001", "7000x", "1001 or mobile", "x/1001", "1000", "4711", "${evil}", "7000", "1001@lab.test"],
)
def test_forwards(target):
    followed = target in ("1001", "7000", "1001@lab.test")
    expected = [] if followed else [("target", "/conf/directory/default.xml:8")]
    assert wrong(users=with_variable("call_forward_busy", target)) == expected


@pytest.mark.parametrize("target", ["9196", "+49 170 1234567", "5551234567"])
def test_forwards_to_numbers(target):
    assert wrong(users=with_variable("call_forward_all", target)) == []


def test_a_target_that_only_a_catch_all_takes():
    all_ = LOCAL.replace("Local_Extension", "all").replace("^(1[0-9]{3})$", "^(.+)$")
    facts = facts_of(
        tree(
            default=DEFAULT.replace(LOCAL, f"{LOCAL}\n{all_}"), users=with_variable("call_forward_all", "47")
        )
    )
    assert (found(facts), maybe(facts)) == ([], ["target"])


def test_a_target_that_perhaps_somebody_takes():
    queue = LOCAL.replace("Local_Extension", "queue").replace("^(1[0-9]{3})$", "^(${queue})$")
    queue = queue.replace('"bridge"', '"callcenter"')
    users = with_variable("call_forward_all", "47")
    facts = facts_of(tree(default=DEFAULT.replace(LOCAL, f"{LOCAL}\n{queue}"), users=users))
    assert (found(facts), maybe(facts)) == ([], [])


def test_a_target_where_the_directory_is_elsewhere():
    text = MODULES.format("\n".join(f'<load module="{one}"/>' for one in [*LOADED, "mod_xml_curl"]))
    curl = """<configuration name="xml_curl.conf"><bindings><binding name="all">
    <param name="gateway-url" value="http://x/"{}/></binding></bindings></configuration>"""
    users = with_variable("call_forward_all", "4711")
    assert wrong(modules=text + curl.format(' bindings="directory"'), users=users) == []
    assert wrong(modules=text + curl.format(""), users=users) == []
    assert wrong(modules=text + curl.format(' bindings="phrases"'), users=users) != []


@pytest.mark.parametrize("name", ["anna müller", "a,b", "x" * 200, "anna@home", "..."])
def test_ids_that_are_not_taken(name):
    assert wrong(users=USER.replace('id="1001"', f'id="{name}"')) == [
        ("user", "/conf/directory/default.xml:9")
    ]


def test_a_list_of_exceptions():
    assert wrong(users=with_variable("call_forward_except", "1001, group:sales")) == []
    assert wrong(users=with_variable("call_forward_except", "1001, b c")) == [
        ("except", "/conf/directory/default.xml:8")
    ]


def test_what_domain_and_group_say_is_a_users_too():
    users = USER.replace(
        "<groups>", '<variables>\n<variable name="call_forward_all" value="a b"/></variables>\n<groups>'
    )
    assert wrong(users=users) == [("target", "/conf/directory/default.xml:4")] * 2


def test_forwards_where_conf_toml_says_they_are():
    config = load('[variables]\nalways = ["directory:my_forward"]\n')
    facts = facts_of(tree(users=with_variable("my_forward", "a b")))
    assert found(facts) == []
    assert found(facts, config) == [("target", "/conf/directory/default.xml:8")]


# --- the rest --------------------------------------------------------------------------------------


def test_variables_that_nothing_sets():
    config = load('[variables]\nalways = ["my_forward"]\ncallee = ["Caller-Destination-Number"]\n', "/c.toml")
    assert found(facts_of(tree()), config) == [("variable", "/c.toml:2")]
    for application, data in (
        ("multiset", "my_forward=1"),
        ("multiset", "^^~a=b~my_forward = 1"),
        ("read", "1 9 ask.wav my_forward 5000 #"),
    ):
        mine = f'<extension name="m" continue="true"><condition><action application="{application}" data="{data}"/></condition></extension>'
        assert found(facts_of(tree(default=DEFAULT.replace(LINE, f"{mine}\n{LINE}"))), config) == []


def test_the_presets():
    fusionpbx = load('[variables]\npreset = "fusionpbx"\n', "/c.toml")
    assert found(facts_of(tree()), fusionpbx) == [("preset", "/c.toml:2")]


def lua(sections: str) -> str:
    return f"""<configuration name="lua.conf"><settings>
      <param name="xml-handler-script" value="app.lua xml_handler"/>
      <param name="xml-handler-bindings" value="{sections}"/></settings></configuration>"""


def test_fusionpbx_has_no_dialplan_in_files():
    modules = MODULES.format("\n".join(f'<load module="{one}"/>' for one in [*LOADED, "mod_lua"]))
    files = tree(lua=lua("dialplan,directory"), modules=modules, default="", context="", users="")
    facts = replace(facts_of(files), fusionpbx="/var/www/fusionpbx", fusionpbx_app=True)
    assert found(facts, load('[variables]\npreset = "fusionpbx"\n')) == []
    assert [code for code, _ in found(facts)] == ["preset"]
    facts = replace(facts, fusionpbx_app=False)
    assert found(facts, load('[variables]\npreset = "fusionpbx"\n')) == [
        ("fusionpbx", "/var/www/fusionpbx/app/fsdaemon")
    ]


def test_a_binding_of_a_module_that_is_not_loaded_is_none():
    assert facts_of(tree(lua=lua("dialplan"))).files.bindings == ()


@pytest.mark.parametrize("module", [*LOADED])
def test_modules(module):
    text = MODULES.format("\n".join(f'<load module="{one}"/>' for one in LOADED if one != module))
    assert wrong(modules=text) == [("module", "/conf/autoload_configs/modules.conf.xml")]


@pytest.mark.parametrize("name", ["pre_load_modules.conf", "post_load_modules.conf"])
def test_modules_that_are_loaded_first_or_last(name):
    text = MODULES.format("\n".join(f'<load module="{one}"/>' for one in LOADED[1:]))
    other = MODULES.format(f'<load module="{LOADED[0]}"/>').replace("modules.conf", name)
    assert wrong(modules=text + other) == []


def test_a_module_that_is_named_and_not_loaded():
    facts = replace(facts_of(tree()), running=Running(modules=frozenset(LOADED) - {"mod_db"}))
    place = "/conf/autoload_configs/modules.conf.xml:9"
    assert found(facts) == [("module", place)]
    assert found(facts, load("[codes]\nenabled = false\n")) == []


def test_an_old_freeswitch():
    old = Running("FreeSWITCH Version 1.6.20-37~64bit (-37 64bit)")
    assert found(replace(facts_of(tree()), running=old)) == [("version", "None")]
    assert switch.running_version(old) == "1.6.20-37~64bit"[:9]
    text = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    assert f"works with FreeSWITCH {'.'.join(map(str, switch.OLDEST))} and newer" in text


def test_another_daemon_runs_than_is_installed():
    assert maybe(replace(facts_of(tree()), daemon="0.0.1")) == ["version"]
    assert maybe(replace(facts_of(tree()), daemon=__version__)) == []


def test_a_forgotten_reload():
    facts = facts_of(tree())
    now = {name: tuple(one.name for one in all_) for name, all_ in facts.files.contexts.items()}
    assert found(replace(facts, running=Running(contexts=now))) == []
    then = {**now, "default": ("echo", "Local_Extension")}
    assert found(replace(facts, running=Running(contexts=then))) == [("reload", "/conf/dialplan/default.xml")]


def test_what_freeswitchs_user_cannot_read():
    facts = replace(facts_of(tree()), user="freeswitch", closed=(("/conf/dialplan/fsdaemon.xml", "mode"),))
    assert found(facts) == [("closed", "/conf/dialplan/fsdaemon.xml")]


def test_who_may_read_a_file(tmp_path):
    file = tmp_path / "a"
    file.write_text("x")
    for directory in (tmp_path, *tmp_path.parents):
        if not directory.stat().st_mode & 1:
            assert closed_to(Who("nobody", 65534, frozenset()), str(file))
            break
    assert not closed_to(Who("root", 0, frozenset()), str(file))
    owner = file.stat().st_uid or 4711
    file.chmod(0)
    assert closed_to(Who("x", owner + 1, frozenset()), str(file))


def test_no_configuration():
    assert found(Facts()) == [("conf", "None")]
    assert wrong(top=None) == [("conf", "/conf/freeswitch.xml")]


def test_a_rule_that_fails_hides_no_other(monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("by zero")
        yield

    monkeypatch.setattr(rules.sockets, "findings", fails)
    users = with_variable("call_forward_all", "a b")
    codes = [code for code, _ in found(facts_of(tree(users=users)))]
    assert codes == ["failed", "target"]


LOGIN = '[switch]\naddress = "127.0.0.1:8021"\nuser = "fsdaemon@lab.test"\npassword = "x"\n'


def entry(*params: str) -> str:
    """docs/switch.md has a whole one."""
    lines = "\n".join(
        f'<param name="{one.partition("=")[0]}" value="{one.partition("=")[2]}"/>' for one in params
    )
    return USER.replace('<user id="1001"/>', f'<user id="fsdaemon">\n<params>\n{lines}</params></user>')


ALL = "esl-allowed-events=PHONE_FEATURE_SUBSCRIBE,PRESENCE_PROBE,RELOADXML"


def test_the_login_of_the_page():
    text = (ROOT / "docs" / "switch.md").read_text("utf-8")
    user = re.search(r"<user id=.fsdaemon.*?</user>", text, re.S)
    assert user
    facts = facts_of(tree(users=USER.replace('<user id="1001"/>', user[0])))
    assert found(facts, load(LOGIN)) == []
    assert found(facts, load(LOGIN.replace("fsdaemon@", "FSDAEMON@"))) == []


@pytest.mark.parametrize(
    ("params", "line"),
    [
        (["sip-forbid-register=true", ALL], 9),
        (["esl-password=x", ALL], 9),
        (["esl-password=x", "sip-forbid-register=true", ALL.replace(",RELOADXML", "")], 13),
    ],
)
def test_logins(params, line):
    place = f"/conf/directory/default.xml:{line}"
    assert found(facts_of(tree(users=entry(*params))), load(LOGIN)) == [("login", place)]


def test_a_login_of_another_domain():
    config = load(LOGIN.replace("lab.test", "example.com"))
    assert found(facts_of(tree(users=entry("esl-password=x"))), config) == [("login", "/conf/directory")]


def test_what_may_be_meant_so():
    assert maybe(facts_of(tree()), load("[routing]\nbusy = 1\n")) == ["busy"]
    delay = LOCAL.replace("Local_Extension", "d").replace("destination_number", "${default_password}")
    top = TOP.replace("domain=lab", 'default_password=1234"/>\n<X-PRE-PROCESS cmd="set" data="domain=lab')
    assert maybe(facts_of(tree(top=top, default=DEFAULT.replace(LOCAL, f"{LOCAL}\n{delay}")))) == ["delay"]


@pytest.mark.parametrize(
    ("example", "domains"), [("one_tenant", {"office": "lab.test"}), ("two_tenants", {"alpha": "alpha.test"})]
)
def test_the_examples_are_right(example, domains):
    """Dialplans of their own."""
    text = (OURS / "examples" / f"{example}.xml").read_text("utf-8")
    ((context, domain),) = domains.items()
    users = (
        USER.replace('value="default"', f'value="{context}"')
        .replace("$${domain}", domain)
        .replace('id="100', 'id="10')
    )
    modules = MODULES.format("\n".join(f'<load module="{one}"/>' for one in [*LOADED, "mod_lua"]))
    facts = facts_of(tree(default=text, users=users, modules=modules))
    assert any(one.asks for all_ in facts.files.contexts.values() for one in all_)
    assert found(facts) == []


def test_no_password_is_shown():
    facts = facts_of(
        tree(users=USER.replace("<include>", '<include><param name="password" value="geheim"/>'))
    )
    (one,) = [one for one in rules.findings(facts, default()) if one.code == "lost"]
    assert "<param" in one.what
    assert "geheim" not in one.what


# --- the report ------------------------------------------------------------------------------------


def test_the_report_is_one_screen_and_printable():
    many = [
        Finding("target", f"\x1b[31m{n} forwards", Place("/d.xml", n), "Mend it.") for n in range(1, 1001)
    ]
    text = report.text(facts_of(tree()), many, default())
    assert text.startswith("1000 things are wrong\n")
    assert len(text.split("\n")) < 25
    assert "\x1b" not in text
    assert "and 997 more" in text
    assert len(report.values(facts_of(tree()), many, default())["findings"]) == 1000


def test_every_code_is_in_the_documentation():
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    rows = "".join(re.findall(r"^\| `\[.*?\|", text, re.M))
    told = set(re.findall(r"`\[([\w.]+)\]`", rows))
    source = "".join(
        file.read_text("utf-8") for file in (ROOT / "fsdaemon").glob("*/*.py") if "doctor" in str(file)
    )
    used = set(re.findall(r'(?:Finding\(\s*|return )"([\w.]+)",', source))
    assert told == used
