"""The login of docs/switch.md in the example configuration: it works, and it is no SIP user."""

from __future__ import annotations

import re

import pytest

from fsdaemon.daemon.switch import CONNECTED
from tests.live.caller import Engaged
from tests.live.on_default.test_switch import EVENTS, linked, until
from tests.live.switch import ESL_PASSWORD, login


@pytest.fixture
def user(site):
    """What step 1 of the page says."""
    file = site.directory / "directory" / "default" / "fsdaemon.xml"
    file.write_text(re.sub(r"^   ", "", login(), flags=re.M), "utf-8")
    site.api("reloadxml")
    yield f"fsdaemon@{site.domain}"
    file.unlink()
    site.api("reloadxml")


def test_login(site, user):
    with linked(site.esl, user, ESL_PASSWORD, EVENTS) as (switch, heard):
        until(lambda: heard)
        assert switch.state == CONNECTED
        assert switch.api(f"user_data {user} param esl-allowed-api").startswith("db,user_data")
        assert switch.api("status").startswith("-ERR permission denied")


def test_nobody_registers_as_it(site, user):
    with pytest.raises(RuntimeError, match=r"SIP/2\.0 403"):
        Engaged(site.host, site.sip, site.domain, "fsdaemon", ESL_PASSWORD)
