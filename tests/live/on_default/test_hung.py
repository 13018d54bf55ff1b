"""A daemon that hangs (SIGSTOP) or dies (SIGKILL) costs no call, and a call no more than three seconds."""

from __future__ import annotations

import signal

import pytest

from tests.live.caller import Callers
from tests.supervisor import Supervisor

FOLLOWED = 486  # the forward's target is an extension that answers so; the boss herself is not there: 480
CALLS, EVERY = 80, 0.05


@pytest.mark.parametrize("activation", [True, False], ids=["socket-activated", "own-socket"])
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=lambda n: n.name)
def test_under_calls(site, activation, number):
    """20 calls a second for four seconds, the signal after one: each call is forwarded, none is late."""
    site.forwards(boss={"all": "4860"})
    callers = Callers(site.sip_out)
    with Supervisor(site.daemon_port, activation=activation) as supervisor:
        for count in range(CALLS):
            if count == 20:
                supervisor.process.send_signal(number)
            callers.call("100")
            callers.turn(EVERY)
        assert callers.all_ended(30)
        assert len(supervisor.starts) == 2
        assert len(supervisor.kills) == (1 if number == signal.SIGSTOP else 0)
    callers.close()
    seconds = sorted(made.seconds for made in callers.calls.values())
    print(f"worst {seconds[-1]:.2f} s, median {seconds[CALLS // 2] * 1000:.0f} ms")
    assert [made.code for made in callers.calls.values()] == [FOLLOWED] * CALLS
    assert seconds[-1] < 3
