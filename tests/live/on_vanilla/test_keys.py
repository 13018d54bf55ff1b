"""Keys of phones on the example configuration, which compares To with the password's user, and forces its domain."""

from __future__ import annotations

import time

import pytest

from tests.live.handset import dial, line
from tests.live.on_default.test_keys import NOW, keys, linked, site_with_codes, switch_conf  # noqa: F401
from tests.live.on_vanilla.test_switch import ESL_PASSWORD, user  # noqa: F401
from tests.live.subscriber import Subscriber, forwarding


@pytest.mark.parametrize("host", ["", "pbx.example"])
def test_shown_and_set(keys, host):  # noqa: F811
    """Also for a phone that has another name of the machine in From."""
    with Subscriber(keys, "boss", host=host or None) as boss:
        boss.register().subscribe()
        boss.shows(NOW, False)
        dial(keys, "*21*<secretary>#")
        boss.shows(NOW, True, keys.number("secretary"))
        boss.press(NOW, "true", keys.number("kai"))
        boss.shows(NOW, True, keys.number("kai"))
        assert line(keys) == f";21=on:{keys.number('kai')}"
        boss.press(NOW, "true", f"sip:{keys.number('secretary')}@{host or keys.domain}")
        boss.shows(NOW, True, keys.number("secretary"))


def test_forged(keys):  # noqa: F811
    addresses = {who: f"sip:{keys.number(who)}@{keys.domain}" for who in ("boss", "kai")}
    with Subscriber(keys, "boss") as boss, Subscriber(keys, "kai") as kai:
        boss.register().subscribe()
        kai.register()
        body = forwarding(NOW, "true", keys.number("vera"))
        assert kai.subscribe(body=body, from_=addresses["boss"], to=addresses["boss"]) == 401
        assert kai.subscribe(body=body, from_=addresses["boss"], to=addresses["kai"]) == 202
        keys.daemon.says("refused, nothing proves .*From is .* came from")
        status = kai.subscribe("AS-Feature-Event", body=body, from_=addresses["boss"], to=addresses["boss"])
        assert status == 202
        keys.daemon.says("its Event is not written as-feature-event")
        time.sleep(0.5)
        assert line(keys) == ""


def test_with_the_login_of_the_documents(site_with_codes, user):  # noqa: F811
    """It may do all that keys and lamps need."""
    site = site_with_codes
    login = f'user = "{user}"\npassword = "{ESL_PASSWORD}"'
    conf = switch_conf(site).replace('password = "ClueCon"', login)
    conf += '[codes]\nlamp_watchers = ["group:sales"]\n'
    with linked(site, conf) as daemon, Subscriber(site, "boss") as boss:
        boss.register().subscribe()
        boss.press(NOW, "true", site.number("secretary"))
        boss.shows(NOW, True, site.number("secretary"))
        boss.watch(f"forward+{site.number('boss')}")
        boss.wait(lambda _: boss.lamp() == "on")
        boss.watch(f"forward+{site.number('kai')}")  # the boss is in that group of the directory
        boss.wait(lambda _: boss.lamp() == "off")
        assert not [text for text in daemon.lines if "refused" in text]
