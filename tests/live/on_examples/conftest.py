"""Sites with a dialplan of their own: the two of freeswitch/dialplan/examples, as delivered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.sites import OneTenant, Site, TwoTenants

SITES = {site.example: site for site in (OneTenant, TwoTenants)}


@pytest.fixture(scope="package", params=list(SITES))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = SITES[request.param](tmp_path_factory.mktemp(request.param))
    site.start()
    yield site
    site.stop()
