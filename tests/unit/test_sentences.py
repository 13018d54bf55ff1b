"""explain, page and log say the same of a call, and there is a sentence for each reason."""

from __future__ import annotations

import json

import pytest

from fsdaemon.config.reader import load
from fsdaemon.core import reasons
from fsdaemon.core.reasons import LabelReason, Notice, Reason
from fsdaemon.core.sentences import Fields, facts_of, line, printable, text, warning
from fsdaemon.daemon import log
from fsdaemon.daemon.metrics import Metrics
from fsdaemon.terms.channel import Headers
from fsdaemon.terms.kinds import KINDS, SET
from tests import recorded
from tests.facts import call, inside, outside
from tests.recorded import DIRECTORY, recordings
from tests.unit.test_log import logged  # noqa: F401
from tests.unit.test_recordings import CASES, decided

ROWS = {
    kind: {name: row for name, row in vars(reasons).items() if isinstance(row, kind)}
    for kind in (Reason, LabelReason, Notice)
}


@CASES
def test_explain_page_and_log_agree(recording, logged):  # noqa: F811
    configuration, lines = logged(recording.config + '\n[log]\nformat = "json"\n')
    decision = decided(recording)
    explained = facts_of(decision, configuration)
    metrics = Metrics(lambda: 0, lambda: configuration)
    metrics.decided(decision, configuration, 0.001)
    (paged,) = metrics.of_call(decision.call.uuid)
    log.verdict(decision, configuration.log)
    record = json.loads(lines()[0])
    for name in ("verdict", "reason", "target", "label", "caller", "callee"):
        assert explained[name] == paged[name] == record[name], name
    for name in ("what", "why", "rule", "otherwise", "shows", "label_rule", "warning", "saw", "path"):
        # On the page and in the log an unprintable character is a "?".
        assert printable(json.dumps(explained[name], ensure_ascii=False)) == json.dumps(
            paged[name], ensure_ascii=False
        ), name
    assert record["message"] == f"{decision.call.uuid} {line(decision.call, decision.verdict)}"
    assert (paged["verdict"], paged["reason"]) == (recording.expect["verdict"], recording.expect["reason"])
    assert f"({explained['reason']})" in explained["what"]
    assert explained["why"]
    assert explained["otherwise"]
    assert explained["label_rule"].startswith("none: ") is (explained["label"] == "")
    key, _, entry = record["rule"].partition(" ")
    assert not key or (key in explained["rule"] and explained["rule"].endswith(f"{key} {entry}".rstrip()))
    if explained["label"]:
        assert explained["label"] in explained["shows"] or explained["shows"].startswith("nothing new")
    assert {name for name, _ in _rows(text(explained))} == {name for name, _ in _rows(text(paged))} - {
        "UUID",
        "when",
    }


def _rows(said: str) -> list[tuple[str, str]]:
    return [(name, value.strip()) for name, _, value in (one.partition(":") for one in said.splitlines())]


@pytest.mark.parametrize("name", ROWS[Reason])
def test_a_sentence_for_each_reason(name):
    """With every decision of the recordings: no field is missing, none is empty in a wrong place."""
    row = ROWS[Reason][name]
    configuration = load("")
    for recording in recordings():
        fields = Fields(decided(recording), configuration)
        for sentence in (row.why, row.otherwise):
            said = sentence.format_map(fields)
            assert said
            assert "{" not in said.replace(str(fields.call.forwards), "")


@pytest.mark.parametrize("name", ROWS[LabelReason])
def test_a_sentence_for_each_label(name):
    for recording in recordings():
        assert ROWS[LabelReason][name].text.format_map(Fields(decided(recording), load("")))


def test_every_notice_can_be_said():
    made = call(inside("102"), always="a b", sent_away="<sip:1@192.0.2.1>")
    decision = decided(recordings()[0])
    for name, notice in ROWS[Notice].items():
        verdict = decision.verdict._replace(notice=notice, kind="always", target="a b")
        assert "100" in warning(made, verdict), name


def test_every_reason_is_given():
    """Each row is what some call comes to."""
    from fsdaemon.core.policy import decide

    target_off = load("[exceptions]\ntarget = false\n")
    mobile = frozenset(["always"])
    calls = [
        (call(inside("102")), load("")),
        (call(inside("102"), busy="101"), load("")),
        (call(inside("102"), always="100"), load("")),
        (call(inside("102"), always="a b"), load("")),
        (call(inside("102"), "", always="101"), load("")),
        (call(inside("102"), stage="beyond"), load("")),
        (call(inside("101"), always="101"), target_off),
        (call(outside("+491701234567"), always="+491701234567", is_target_number=mobile), target_off),
        (call(outside("1", withheld=True), always="101"), load("")),
        (call(outside("101"), always="101"), load("")),
        (call(outside("+491701234567"), always="101"), load("")),
        (call(outside("unknown"), always="101"), load("")),
    ]
    given = {decide(made, configuration).why for made, configuration in calls}
    given |= {decided(recording).verdict.why for recording in recordings()}
    assert given == set(ROWS[Reason].values())


def test_the_words_of_a_kind():
    assert all(kind.when and kind.diversion and kind.term for kind in KINDS.values())
    assert all(KINDS[name].because for name in SET if name != "always")


def test_what_happens_to_a_diversion_that_came_in():
    believed = '[display]\ndiversion_from = ["127.0.0.1"]\n'
    for conf, said in (
        ("", "came in with the call, and is not shown (display.diversion_from); removed from the channel"),
        (believed, "came in with the call; removed from the channel (routing.pass_diversion)"),
        (believed + "[routing]\npass_diversion = true", "came in with the call; left on the channel"),
    ):
        for name in ("external_with_diversion", "external_diversion_lower_case"):
            headers = Headers((DIRECTORY / f"{name}.txt").read_bytes())
            read = load(conf)
            saw = facts_of(recorded.decided(headers, read), read)["saw"]
            assert saw["Diversion"].startswith(said)
            assert ("forwarded before" in saw) == bool(conf)
    plain = recorded.decided(Headers((DIRECTORY / "external_before_bridge.txt").read_bytes()), load(""))
    assert "Diversion" not in facts_of(plain, load(""))["saw"]
