"""FusionPBX itself, with our dialplan entries: its PHP import and rendering, its Lua, its PostgreSQL.

The rows of users, ring group and routes are written by the test, not by FusionPBX's pages, and the SIP profiles
are the test's own; the carrier is no gateway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.fusionpbx import FusionPBX, missing


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FusionPBX]:
    if missing():
        pytest.skip(missing())
    switch = FusionPBX(Path(os.environ["FUSIONPBX"]), tmp_path_factory.mktemp("fusionpbx"))
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def no_answer_after_busy(site: FusionPBX) -> None:
    if site.sql("select count(*) from v_dialplans where dialplan_name = 'call-forward-no-answer'") == "0":
        pytest.skip("this FusionPBX follows no no-answer forward of somebody who is busy (order 895)")
