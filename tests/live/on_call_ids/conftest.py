"""The tests' own configuration, but the id of a channel is the Call-ID (`inbound-use-callid-as-uuid`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.nodes import rewrite
from tests.live.switch import Switch


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    switch = Switch(tmp_path_factory.mktemp("fs"))
    setting = '<param name="inbound-use-callid-as-uuid" value="true"/>'
    rewrite(
        switch.directory / "freeswitch.xml",
        {
            '<param name="rtp-timer-name" value="soft"/>': f'<param name="rtp-timer-name" value="soft"/>{setting}'
        },
    )
    switch.start()
    yield switch
    switch.stop()
