"""Live tests: a real FreeSWITCH, real phones, the daemon as a process.

A scene is a test in `scenarios`. `on_default`, `on_vanilla`, `on_examples` and `on_fusionpbx` say which of them are
played on their dialplan, and have those that only make sense there; their fixture `running` is the FreeSWITCH with it.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import inspect
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import free_port
from tests.live.sites import Mortal
from tests.live.stage import Daemon, perform, play
from tests.live.switch import Process, binary

pytest.register_assert_rewrite("tests.live.scenarios", "tests.live.phones")

EXAMPLE = os.environ.get("FREESWITCH_VANILLA", "")  # FreeSWITCH's example configuration
NO_EXAMPLE = (
    ""
    if EXAMPLE
    else "no example configuration: set FREESWITCH_VANILLA to conf/vanilla of FreeSWITCH's source"
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


@pytest.fixture
def site(running: Process) -> Iterator[Process]:
    """The FreeSWITCH, nobody forwarding anything and nobody registered."""
    running.reset()
    yield running
    running.api("hupall")


@pytest.fixture
def conf() -> str:
    """The daemon's conf.toml: none, where a test does not say otherwise (`with_conf`)."""
    return ""


@pytest.fixture
def daemon(site: Process, conf: str) -> Iterator[Daemon]:
    """The daemon, where the dialplan expects it."""
    with Daemon(site, site.filled(conf)) as running:
        yield running


@pytest.fixture
def codes(site: Process, daemon: Daemon) -> Iterator[Process]:
    """The site with a daemon, nobody having dialled a forward."""
    site.forget_codes()
    yield site
    site.forget_codes()


@pytest.fixture
def mortal_daemon(site: Process) -> Iterator[None]:
    """A daemon that is asked once, and then is gone."""
    port = free_port()
    with Daemon(site, port=port), Mortal(site.daemon_port, port, 1):
        yield


@pytest.fixture
def no_answer_after_busy() -> None:
    """For a scene in which a forward for no answer follows one for busy: not every site does that."""


@pytest.fixture
def mobile_that_forwards(site: Process) -> Iterator[Callable[..., None]]:
    """A second phone of the boss, an endpoint of its own (two of one PJSIP would share a contact): 302 to the secretary.

    The function waits until both phones are known.
    """

    def forwards(lab: Any) -> None:
        lab.register("boss", policy="redirect:secretary")
        lab.turn(20)

    def both_known(lab: Any) -> None:
        contacts = f"sofia_contact */{site.number('boss')}@{site.domain}"
        lab.wait(lambda: site.api(contacts).count("sip:") == 2, "two phones", 8)

    mobile = os.fork()
    if mobile == 0:
        elsewhere = copy.copy(site)
        elsewhere.carrier = free_port()
        perform(elsewhere, forwards, os.open(os.devnull, os.O_WRONLY))
    yield both_known
    os.kill(mobile, signal.SIGKILL)
    os.waitpid(mobile, 0)


@pytest.fixture(params=[True, False], ids=["daemon", "no-daemon"])
def alive(request: pytest.FixtureRequest, site: Process) -> bool:
    """Once with the daemon, and once without."""
    if request.param:
        request.getfixturevalue("daemon")
    return bool(request.param)


@pytest.fixture
def scene(site: Process) -> Callable[..., Any]:
    """Plays a story with phones: for a test of more than one of them."""
    return functools.partial(play, site)


@pytest.fixture
def lab(site: Process) -> Process:
    """The phones. A test that asks for them is a story, played as a whole in a process of its own."""
    return site


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    names = inspect.signature(pyfuncitem.obj).parameters
    if "lab" not in names:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    play(arguments["lab"], lambda lab: pyfuncitem.obj(**{**arguments, "lab": lab}))
    return True
