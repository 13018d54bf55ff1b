"""What is played on both sites."""

# ruff: noqa: F401, F403, F821

from __future__ import annotations

from tests.live.scenarios.busy_calls import (
    test_a_caller_who_gives_up_and_a_phone_that_refuses,
    test_the_second_call_is_forwarded,
    test_who_has_an_exception_waits,
)
from tests.live.scenarios.causes import *
from tests.live.scenarios.display import *
from tests.live.scenarios.exceptions import *
from tests.live.scenarios.forwards import *
from tests.live.scenarios.leaks import *
from tests.live.scenarios.mailbox import *
from tests.live.scenarios.no_daemon import *
from tests.live.scenarios.own_number import *
from tests.live.scenarios.redirects import *
from tests.live.scenarios.transfers import *

del test_sent_on_after_an_announcement, test_attended_by_keys  # no such extensions
del test_attended_to_ones_own_number
del test_attended_before_anybody_was_reached, test_attended_to_a_busy_boss
del test_the_daemon_bridges  # the dialplan does
del test_the_ring_time_of_one_is_not_the_next_ones  # the trunk rings for the caller's call_timeout
# On the site of one tenant only: the forwards of the other one are read by Lua, which drops nonsense itself.
del test_a_forward_that_is_none, test_the_phone_forwards_out_of_a_trunk
