"""Keys of phones (Event: as-feature-event): what they show, what they set, and what nobody can forge."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest

from tests.live.handset import dial, line
from tests.live.on_default.test_codes import restart_external
from tests.live.stage import Daemon
from tests.live.subscriber import Subscriber, forwarding

NOW, BUSY, LATE = "forwardImmediate", "forwardBusy", "forwardNoAns"


def switch_conf(site, keys="set", database=True):
    where = f'database = "{site.directory}/db"\n' if database else ""
    return (
        f'[switch]\naddress = "127.0.0.1:{site.esl}"\npassword = "ClueCon"\nfeature_keys = "{keys}"\n{where}'
    )


@contextlib.contextmanager
def linked(site, conf=""):
    """The daemon, connected to FreeSWITCH's event socket."""
    with Daemon(site, conf or switch_conf(site)) as daemon:
        daemon.wait_line("connected to FreeSWITCH's event socket", 10)
        yield daemon


@pytest.fixture
def site_with_codes(site):
    site.forget_codes()
    yield site
    site.forget_codes()


@pytest.fixture
def keys(site_with_codes):
    """The site with a daemon whose keys set forwards."""
    with linked(site_with_codes) as daemon:
        site_with_codes.daemon = daemon
        yield site_with_codes


def phone(site, who="boss", **options):
    return Subscriber(site, who, **options)


# --- what is shown -------------------------------------------------------------------------------------


def test_a_phone_that_subscribes_is_told_each_kind(keys):
    keys.forwards(boss={"all": "secretary", "no_answer": "kai"})
    with phone(keys) as boss:
        assert boss.subscribe() == 202
        boss.shows(NOW, True, "101")
        boss.shows(BUSY, False)
        boss.shows(LATE, True, "102", "1")  # call_timeout is 4
        boss.forget()
        assert boss.subscribe(call=boss.call) == 202  # a refresh
        boss.shows(NOW, True, "101")


def test_all_phones_are_told_after_a_code(keys):
    with phone(keys) as one, phone(keys) as other:
        for each in (one, other):
            each.subscribe()
            each.shows(NOW, False)
        assert dial(keys, "*21*101#")[0] == 200
        for each in (one, other):
            each.shows(NOW, True, "101")
        dial(keys, "*61*102**20#")
        dial(keys, "#21#")
        for each in (one, other):
            each.shows(NOW, False, "101")
            each.shows(LATE, True, "102", "4")


def test_a_change_in_the_directory_and_reloadxml(keys):
    with phone(keys) as boss:
        boss.subscribe()
        boss.shows(BUSY, False)
        keys.forwards(boss={"busy": "secretary"})
        boss.shows(BUSY, True, "101")
        keys.forwards()
        boss.shows(BUSY, False)


@pytest.mark.parametrize("database", [True, False])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_daemon(site_with_codes, database, end):
    site = site_with_codes
    conf = switch_conf(site, "show", database)
    with phone(site) as boss:
        boss.register()
        with linked(site, conf) as daemon:
            boss.subscribe()
            boss.shows(NOW, False)
            daemon.process.send_signal(end)
            daemon.process.wait(10)
        site.forwards(boss={"all": "secretary"})
        with linked(site, conf):
            boss.shows(NOW, True, "101")
            dial(site, "*21*102#")
            boss.shows(NOW, True, "102")


def test_freeswitch_is_killed(site_with_codes):
    site = site_with_codes
    with phone(site) as boss, phone(site, "kai") as kai, linked(site) as daemon:
        for each in (boss, kai):
            each.register().subscribe()
        dial(site, "*21*101#")
        boss.shows(NOW, True, "101")
        kai.shows(NOW, False)
        boss.forget()
        os.killpg(site.process.pid, signal.SIGKILL)
        site.process.wait()
        site.start()
        boss.shows(NOW, True, "101", seconds=40)
        # It also hears what happens now.
        boss.press(NOW, "false")
        boss.shows(NOW, False, "101")
        assert "Traceback" not in "".join(daemon.lines)


# --- what is set ---------------------------------------------------------------------------------------


def test_the_key_sets_the_forward(keys, lab):
    with phone(keys) as boss:
        boss.register().subscribe()
        assert boss.press(NOW, "true", "101", call=boss.call) == 202
        boss.shows(NOW, True, "101")
        assert line(keys) == ";21=on:101"
        secretary, kai = lab.register("secretary", "kai")
        kai.dial("boss")
        lab.rings(secretary)
        boss.press(NOW, "false", "")
        boss.shows(NOW, False, "101")
        assert line(keys) == ";21=off:101"
        boss.press(NOW, "true", "")
        boss.shows(NOW, True, "101")


def test_each_kind_and_all_phones(keys):
    with phone(keys) as boss, phone(keys) as other:
        for each in (boss, other):
            each.register().subscribe()
        boss.press(BUSY, "true", "102")
        other.press(LATE, "true", "103", rings="3")
        for each in (boss, other):
            each.shows(BUSY, True, "102")
            each.shows(LATE, True, "103", "3")
        assert line(keys) == ";67=on:102;61=on:103:18"


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        ("sip:101@lab.test", "101"),
        ("sip:101@lab.test;user=phone", "101"),
        ("  101 ", "101"),
        ("101;phone-context=lab.test", "101"),
        ("101;21=on:103", "101"),  # a parameter of a SIP address
        ("tel:0555-123;ext=1", "0555123"),
        ("0555 123", "0555123"),
    ],
)
def test_how_phones_write_a_number(keys, number, stored):
    keys.extra = {"100": {"toll_allow": "local"}}
    keys.forwards()
    with phone(keys) as boss:
        boss.register().press(NOW, "true", number)
        boss.shows(NOW, True, stored)
        assert line(keys) == f";21=on:{stored}"


@pytest.mark.parametrize(
    "body",
    [
        forwarding(NOW, "true", "100"),  # herself
        forwarding(NOW, "true", "106"),  # nobody
        forwarding(NOW, "true", "0555123"),  # toll class
        forwarding(NOW, "true", "881001"),
        forwarding(NOW, "true", "${global_setvar(evil=true)}"),
        forwarding(NOW, "true", "$${domain}"),
        forwarding(NOW, "true", "101&#10;api: 1"),
        forwarding(NOW, "true", "101'102"),
        forwarding(NOW, "true", "101/103"),
        forwarding(NOW, "true", "sip:101@b.test"),
        forwarding(NOW, "true", "*21#"),
        forwarding(NOW, "true", "1" * 20000),
        forwarding(NOW, "perhaps", "101"),
        forwarding("forwardMoon", "true", "101"),
        "<SetForwarding><forwardingType>forwardImmediate</forwardingType></SetForwarding>",
        "<SetForwarding><forwardingType>forwardImm",
        "<SetForwarding/>",
    ],
)
def test_a_refused_set_is_answered_with_what_is_in_effect(keys, body):
    dial(keys, "*21*102#")
    with phone(keys) as boss:
        boss.register().subscribe()
        boss.shows(NOW, True, "102")
        boss.forget()
        assert boss.subscribe(body=body, call=boss.call) == 202
        boss.shows(NOW, True, "102")
    assert line(keys) == ";21=on:102"
    assert keys.api("db count/fsdaemon-lab.test").strip() == "1"
    assert keys.api("global_getvar evil").strip() != "true"
    assert len(max(keys.daemon.lines, key=len)) < 600


def test_do_not_disturb_is_answered_as_off(keys):
    with phone(keys) as boss:
        boss.register()
        boss.subscribe(
            body="<SetDoNotDisturb><device/><doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>"
        )
        boss.wait(lambda _: any("<doNotDisturbOn>false<" in text for _, text in boss.notified))
        boss.shows(NOW, False)


def test_only_shown_unless_conf_says_set(site_with_codes):
    site = site_with_codes
    with linked(site, switch_conf(site, "show")) as daemon, phone(site) as boss:
        boss.register().press(NOW, "true", "101")
        boss.shows(NOW, False)
        daemon.says('refused, switch.feature_keys is "show"')
        assert line(site) == ""


# --- what nobody can forge -----------------------------------------------------------------------------


def not_set(site, forger, since=0):
    """Nothing is stored for the boss, and the log says why and from where."""
    said = site.daemon.says(r"refused, nothing proves .*came from (127.0.0.1|unknown)")
    time.sleep(0.3)
    assert line(site) == ""
    return said


@pytest.fixture
def both(keys):
    """The boss and a forger, who has an account and is registered."""
    with phone(keys) as boss, phone(keys, "kai") as kai:
        boss.register().subscribe()
        kai.register()
        boss.shows(NOW, False)
        keys.boss = boss
        yield keys, kai


BOSS, KAI = "sip:100@lab.test", "sip:102@lab.test"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"from_": BOSS, "to": BOSS}, 202),  # this profile compares not even To
        ({"from_": BOSS, "to": KAI}, 202),
        ({"from_": BOSS, "to": KAI, "contact": "copied"}, 202),
        ({"from_": BOSS, "to": BOSS, "event": "AS-Feature-Event"}, 202),
        ({"from_": "sip:%3100@lab.test", "to": KAI}, 202),
        ({"from_": "sip:100:pw@lab.test", "to": KAI}, 202),
        ({"from_": BOSS, "to": KAI, "expires": 0}, 202),
        ({"from_": BOSS, "to": "sip:x+100@lab.test"}, 202),
    ],
)  # fmt: skip
def test_a_forged_key(both, options, status):
    site, kai = both
    if options.get("contact"):
        options = {**options, "contact": f"sip:100@127.0.0.1:{site.boss.port}"}
    event = options.pop("event", "as-feature-event") if "event" in options else "as-feature-event"
    assert kai.subscribe(event, body=forwarding(NOW, "true", "103"), **options) == status
    not_set(site, kai)


def test_forged_from_elsewhere_and_without_a_user(both):
    site, kai = both
    for from_ in ("sip:100@other.test", "sip:100@127.0.0.1", "tel:100", "sip:lab.test"):
        kai.press(NOW, "true", "103", from_=from_, to=KAI, realm="lab.test")
    assert kai.press(NOW, "true", "103", from_=BOSS, to=BOSS, password="wrong") == 401
    assert (
        kai.subscribe("as-feature-event;id=1", body=forwarding(NOW, "true", "103"), from_=BOSS, to=KAI) == 202
    )
    time.sleep(0.5)
    assert line(site) == ""


def test_the_same_number_of_another_tenant(both):
    """100 of b.test, with that user's own password."""
    site, _ = both
    with phone(site, "100", password="pw100") as other:
        body = forwarding(NOW, "true", "103")
        assert other.subscribe(body=body, from_=BOSS, to=BOSS, realm="b.test") == 202
    not_set(site, other)


def test_the_call_id_of_a_subscription_that_is_known(both):
    """Refreshed by the forger, with an Event that is not authenticated; and one that reads the same in an event."""
    site, kai = both
    call = site.boss.call
    assert (
        kai.subscribe("AS-Feature-Event", body=forwarding(NOW, "true", "103"), from_=BOSS, to=BOSS, call=call)
        == 202
    )
    not_set(site, kai)
    site.boss.subscribe(call="a@b")
    kai.subscribe(body=forwarding(NOW, "true", "103"), from_=BOSS, to=KAI, call="a%40b")
    site.daemon.says("two subscriptions have this Call-ID")
    kai.subscribe(body=forwarding(NOW, "true", "103"), from_=BOSS, to=KAI, call="a%40b", expires=0)
    time.sleep(0.5)
    assert line(site) == ""


def test_a_proxy_is_nobodys_address(keys):
    """Two users are registered at one address: each could be the other."""
    with phone(keys) as proxy:
        proxy.register()
        proxy.request(
            "REGISTER", "", to=KAI, uri="sip:lab.test", from_=KAI, auth="102", password="pw102",
            contact=f"sip:102@127.0.0.1:{proxy.port}",
        )  # fmt: skip
        proxy.press(NOW, "true", "103")
        keys.daemon.says("others are registered at this address, too")
        proxy.shows(NOW, False)
    assert line(keys) == ""


def test_a_phone_that_is_not_registered(keys):
    with phone(keys) as boss:
        boss.press(NOW, "true", "103")
        keys.daemon.says("no phone of 100@lab.test is registered at this address")
    assert line(keys) == ""


def test_without_the_tables_nothing_is_set(site_with_codes, tmp_path):
    """FreeSWITCH keeps them in PostgreSQL, say."""
    site = site_with_codes
    conf = switch_conf(site).replace(f"{site.directory}/db", str(tmp_path))
    with linked(site, conf) as daemon, phone(site) as boss:
        boss.register().press(NOW, "true", "101")
        daemon.says("refused, switch.database cannot be read")
        boss.shows(NOW, False)
    assert line(site) == ""


def test_a_profile_that_asks_nobody(both):
    """With auth-subscriptions=false an Event that is not in small letters needs no password at all."""
    site, kai = both
    config = site.directory / "freeswitch.xml"
    text = config.read_text("utf-8")
    place = '<param name="context" value="public"/>'
    assert text.count(place) == 1
    own = '<param name="manage-presence" value="true"/><param name="auth-subscriptions" value="false"/>'
    try:
        config.write_text(text.replace(place, place + own), "utf-8")
        restart_external(site)
        status = kai.subscribe(
            "AS-Feature-Event",
            body=forwarding(NOW, "true", "103"),
            from_=BOSS,
            to=BOSS,
            auth="",
            port=site.sip_out,
        )
        assert status == 202
        not_set(site, kai)
    finally:
        config.write_text(text, "utf-8")
        restart_external(site)


def test_a_key_and_a_code_at_the_same_moment(keys):
    """What was confirmed is in the line, and both are."""
    with phone(keys) as boss:
        boss.register()
        for _ in range(10):
            keys.forget_codes()
            shown = []
            code = threading.Thread(target=lambda shown=shown: shown.append(dial(keys, "*67*105#")[1]))
            code.start()
            boss.press(NOW, "true", "101")
            code.join()
            boss.shows(NOW, True, "101")
            stored = line(keys)
            assert ";21=on:101" in stored
            assert (";67=on:105" in stored) == (shown == ["Uml. besetzt an 105"])
            boss.press(NOW, "false")
            boss.shows(NOW, False, "101")
