"""Which answer of a phone is which kind of forward, and what the caller gets of a trunk to which one led."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.live.caller import Callers
from tests.live.handset import Handset
from tests.live.scenarios import with_conf
from tests.live.scripted import SILENT, Scripted

TO = {"user-busy": "secretary", "no-answer": "vera", "unavailable": "zoe"}
RINGS, BUSY, REJECTED = (180,), (486,), (180, 0.4, 603)


def after(site, *phones, dialled="boss", others=None):
    """Why a call was forwarded whose callee has phones that answer so; None: it was not."""
    kinds = {"busy": "secretary", "no_answer": "vera", "not_registered": "zoe"}
    site.forwards(boss=kinds, **(others or {}))
    with contextlib.ExitStack() as stack:
        for script in phones:
            stack.enter_context(Scripted(site, script, "boss"))
        to = [stack.enter_context(Scripted(site, RINGS, who)) for who in TO.values()]
        wait_for(
            lambda: (
                site.api(f"sofia_contact */{site.number('boss')}@{site.domain}").count("sip:") == len(phones)
            )
        )
        callers = Callers(site.sip_out, host=site.host)
        call = callers.call(site.number(f"{dialled} from outside"))
        end = time.monotonic() + 9
        while not (call.code or any(phone.calls for phone in to) or time.monotonic() > end):
            callers.turn(0.05)
        callers.turn(0.3)
        site.api("hupall")
        callers.all_ended(2)
        callers.close()
        site.forget_phones()
        found = [reason for phone in to for reason in phone.reasons]
        assert [who for phone, who in zip(to, TO.values()) if phone.calls] == [TO[reason] for reason in found]
        return found[0] if found else None


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (BUSY, "user-busy"),
        ((600,), "user-busy"),
        (REJECTED, "user-busy"),  # the reject key
        (("183", 0.4, 603), "user-busy"),
        ((603,), None),
        ((480,), None),  # do not disturb
        ((404,), None),
        ((180, 0.4, 404), None),
        ((180, 0.4, 480), "no-answer"),
        (RINGS, "no-answer"),
        ((183,), "no-answer"),
        (("183",), "no-answer"),
        ((182,), "no-answer"),
        (SILENT, "unavailable"),
        ((100,), "unavailable"),
        ((181,), "unavailable"),  # FreeSWITCH does not take it for ringing
        ((408,), "unavailable"),
        ((503,), "unavailable"),
        ((500,), "unavailable"),
        ((502,), "unavailable"),
    ],
    ids=str,
)
def test_the_answer_of_a_phone(site, daemon, script, reason):
    assert after(site, script) == reason


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (BUSY, SILENT, "user-busy"),
        (BUSY, RINGS, "user-busy"),
        (REJECTED, RINGS, "user-busy"),
        (BUSY, (480,), "user-busy"),
        (BUSY, (404,), "user-busy"),
        (SILENT, RINGS, "no-answer"),
        ((480,), RINGS, "no-answer"),
        ((503,), RINGS, "no-answer"),
        ((503,), (480,), "unavailable"),
        ((480,), (404,), None),
    ],
    ids=str,
)
@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
def test_the_answers_of_two_phones(site, daemon, one, other, reason, swapped):
    """In whatever order they registered."""
    phones = (other, one) if swapped else (one, other)
    assert after(site, *phones) == reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [(SILENT, "unavailable"), (RINGS, "no-answer"), ((603,), None), (REJECTED, "user-busy")],
)
def test_after_a_phone_that_rang(site, daemon, script, reason):
    """Kai's phone rang, and the boss's: FreeSWITCH's own times say so of the first only."""
    with Scripted(site, RINGS, "kai"):
        assert after(site, script, dialled="kai", others={"kai": {"no_answer": "boss"}}) == reason


@with_conf('[routing.causes]\n404 = "no_answer"\n603 = "busy"\n486 = "none"\nNO_ANSWER = "none"\n')
def test_a_table_of_ones_own(site, daemon):
    found = [after(site, script) for script in ((404,), (603,), BUSY, (600,), SILENT)]
    assert found == ["no-answer", "user-busy", None, "user-busy", None]


# --- what the caller gets of a trunk ---------------------------------------------------------------------


def heard(site, number, inside):
    """What a caller gets who dials it: status, and Reason."""
    if inside:
        user = site.number("kai")
        caller = Handset(site.sip, user, site.domain, site.password(user), host=site.host)
    else:
        caller = Handset(site.sip_out, "+491701234567", "carrier.example", host=site.host)
    with caller as phone:
        answer = phone.dial(number, seconds=15)
    return answer.code, answer.header("Reason")


def as_if_dialled(site, target, inside):
    """What a caller gets whom a forward of any kind led to `target`: the same as a user who dials it."""
    direct, found = heard(site, target, True), {}
    for kind, script in {"all": None, "busy": BUSY, "no_answer": RINGS, "not_registered": None}.items():
        site.forwards(boss={kind: target})
        with Scripted(site, script, "boss") if script else contextlib.nullcontext():
            boss = site.number("boss" if inside else "boss from outside")
            found[kind] = heard(site, boss, inside)
        site.forget_phones()
    assert found == dict.fromkeys(found, direct)
    return direct


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (486, 486, 'Q.850;cause=17;text="USER_BUSY"'),
        (404, 404, 'Q.850;cause=1;text="UNALLOCATED_NUMBER"'),
        (503, 503, 'Q.850;cause=41;text="NORMAL_TEMPORARY_FAILURE"'),
        (603, 603, 'Q.850;cause=21;text="CALL_REJECTED"'),
        (None, 503, 'Q.850;cause=41;text="NORMAL_TEMPORARY_FAILURE"'),  # nobody listens
    ],
)
def test_what_the_trunk_says_reaches_the_caller(site, alive, answer, code, reason, inside):
    trunk = Scripted(site, (answer,), port=site.carrier) if answer else contextlib.nullcontext()
    with trunk:
        assert as_if_dialled(site, site.number("outside"), inside) == (code, reason)


def test_a_forward_to_a_user_who_is_not_there_has_no_code_of_the_phone_before(site, alive):
    if site.mailbox:
        pytest.skip("there is a mailbox")
    direct = heard(site, site.number("absent"), True)
    site.forwards(boss={"busy": "absent"})
    with Scripted(site, BUSY, "boss"):
        assert heard(site, site.number("boss"), True) == direct
