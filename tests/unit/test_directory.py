"""A user's entry in one look-up: what FreeSWITCH answers to user_data, without asking for it."""

from __future__ import annotations

import pytest

from fsdaemon.core.directory import Directory, entry
from fsdaemon.esl import session
from fsdaemon.terms.channel import Api

WHOLE = Api("find_user_xml id 100 lab.test")
NAME, TARGET = (
    Api(f"user_data 100@lab.test var {name}") for name in ("effective_caller_id_name", "Call_Forward_All")
)
GREETING = Api("user_data 100@lab.test param vm-greeting")
EXISTS, OTHER = Api("user_exists id 100 lab.test"), Api("sofia_contact */100@lab.test")
XML = """<user id="100">
  <params><param name="password" value="x"/><param name="vm-greeting" value="1"/></params>
  <variables>
    <variable name="effective_caller_id_name" value="K&#xF6;nig &amp; &quot;Co&quot; ${x}"/>
    <variable name="call_forward_all" value="101"/>
    <variable name="CALL_FORWARD_ALL" value="102"/>
    <variable value="nameless"/>
  </variables>
</user>
"""


def test_all_of_it_is_asked_for_once():
    directory = Directory()
    assert directory.instead([NAME, OTHER, TARGET, EXISTS]) == (WHOLE, OTHER, EXISTS)
    directory.learn({WHOLE: XML, OTHER: "sofia/internal/x", EXISTS: "true"})
    assert directory.answer(NAME) == 'König & "Co" ${x}'
    assert directory.answer(TARGET) == "102", "the last one, whatever its case (mod_commands.c)"
    assert directory.answer(GREETING) == "1"
    assert directory.answer(EXISTS) == "true"
    assert directory.answer(OTHER) is None
    assert directory.answer(Api("user_data 100@lab.test var toll_allow")) == ""
    assert directory.instead([NAME, GREETING, EXISTS]) == ()


@pytest.mark.parametrize(
    "reply",
    [
        "-ERR can't find user\n",
        "-ERR command not found",
        "",
        "true",
        "<error>x</error>",
        XML[:90],
        "<user>&x;</user>",
    ],
)
def test_what_does_not_work_is_asked_as_before(reply):
    directory = Directory()
    directory.learn({WHOLE: reply})
    assert entry(reply) is None
    assert (directory.answer(NAME), directory.answer(EXISTS)) == (None, None)
    assert directory.instead([NAME, EXISTS]) == (NAME, EXISTS)


def test_another_user_is_another_entry():
    directory = Directory()
    directory.learn({WHOLE: XML})
    elsewhere = Api("user_data 100@b.test var call_forward_all")
    assert directory.answer(elsewhere) is None
    assert directory.instead([elsewhere]) == (Api("find_user_xml id 100 b.test"),)


def test_no_password_for_another_machine():
    question = Api("user_data 100@lab.test var call_forward_all")
    assert Directory(whole=False).instead([question]) == (question,)
    assert Directory().instead([question]) == (Api("find_user_xml id 100 lab.test"),)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        (("127.0.0.1", 1), True),
        (("::1", 1, 0, 0), True),
        (("192.0.2.1", 1), False),
        ("", False),
        (None, False),
    ],
)
def test_which_machine_asks(address, here):
    assert session._is_this_machine(address) is here
