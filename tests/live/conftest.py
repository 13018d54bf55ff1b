"""Live tests: a real FreeSWITCH, real phones, the daemon as a process."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pickle
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.live.switch import Switch, binary

EXAMPLE = os.environ.get("FREESWITCH_VANILLA", "")  # FreeSWITCH's example configuration
needs_example = pytest.mark.skipif(
    not EXAMPLE,
    reason="no example configuration: set FREESWITCH_VANILLA to conf/vanilla of FreeSWITCH's source",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = ""
    if binary() is None:
        reason = "no FreeSWITCH: set FREESWITCH=/path/to/freeswitch, or have it on PATH"
    elif importlib.util.find_spec("pjsua2") is None:
        reason = "no SIP phones: pip install pjsua2-python"
    if reason:
        for item in items:
            if Path(__file__).parent in Path(item.fspath).parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def freeswitch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    switch = Switch(tmp_path_factory.mktemp("fs"))
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def switch(freeswitch: Switch) -> Iterator[Switch]:
    """The FreeSWITCH, nobody forwarding anything and nobody registered."""
    freeswitch.extra = {}
    freeswitch.forwards()
    freeswitch.api("sofia profile internal flush_inbound_reg")
    time.sleep(0.3)  # what is flushed late would take a new registration with it
    yield freeswitch
    freeswitch.api("hupall")


@pytest.fixture
def daemon(switch: Switch) -> Iterator[Daemon]:
    """The daemon with no configuration at all, where our dialplan expects it."""
    with Daemon(switch.daemon_port) as running:
        yield running


@pytest.fixture
def scene(switch: Switch) -> Callable[..., None]:
    """Plays a scenario with phones in a process of its own, and fails as it fails."""

    def play(scenario: Callable[..., object], *arguments: object, seconds: float = 60) -> object:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _child(writing, switch, scenario, arguments)
        os.close(writing)
        try:
            return _result(reading, seconds)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reading)

    return play


def _child(
    writing: int, switch: Switch, scenario: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: PJSIP may abort or hang
    try:
        from tests.live.phones import Lab

        result: tuple[bool, object] = (True, scenario(Lab(switch), *arguments))
    except BaseException:
        result = (False, traceback.format_exc())
    os.write(writing, pickle.dumps(result))
    os._exit(0)


def _result(reading: int, seconds: float) -> object:
    ready, _, _ = select.select([reading], [], [], seconds)
    data = os.read(reading, 1 << 20) if ready else b""
    if not data:
        pytest.fail(f"the phones ended without a result, or took more than {seconds} s")
    fine, value = pickle.loads(data)
    if not fine:
        pytest.fail(str(value), pytrace=False)
    return value
