"""Attacks: the real daemon, real TCP, peers that are no FreeSWITCH or a sick one.

One daemon lives through all attacks (one that remembers an attack fails the next); if an attack kills
it, the next one gets a new one, so that one defect is one failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.attacks.target import CONFIG, Target


class _Shared:
    def __init__(self, config: Path) -> None:
        self.config = config
        self.target: Target | None = None

    def running(self) -> Target:
        if self.target and self.target.process.poll() is not None:
            self.target.stop()
            self.target = None
        self.target = self.target or Target(config=self.config)
        return self.target


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Shared]:
    config = tmp_path_factory.mktemp("attacks") / "conf.toml"
    config.write_text(CONFIG)
    shared = _Shared(config)
    yield shared
    if shared.target:
        shared.target.stop()


@pytest.fixture
def daemon(_shared: _Shared) -> Target:
    """The daemon that all attacks share."""
    return _shared.running()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Target]]:
    """Starts a daemon of the test's own, with this conf.toml."""
    with ExitStack() as running:

        def with_config(text: str) -> Target:
            path = tmp_path / "conf.toml"
            path.write_text(text)
            return running.enter_context(Target(config=path))

        yield with_config


@pytest.fixture
def fresh(start: Callable[[str], Target]) -> Target:
    """A daemon that no attack has met: it has complained of nothing yet, which it does once a second."""
    return start(CONFIG)
