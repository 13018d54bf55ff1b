"""The tests' own small configuration (tests/live/conf/freeswitch.xml) with our dialplan for the example configuration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.switch import Switch


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    switch = Switch(tmp_path_factory.mktemp("fs"))
    switch.start()
    yield switch
    switch.stop()
