"""What is played on the tests' own configuration."""

# ruff: noqa: F403, F821

from __future__ import annotations

from tests.live.scenarios.busy_calls import *
from tests.live.scenarios.causes import *
from tests.live.scenarios.channel_ids import *
from tests.live.scenarios.codes import *
from tests.live.scenarios.connected import *
from tests.live.scenarios.display import *
from tests.live.scenarios.exceptions import *
from tests.live.scenarios.forwards import *
from tests.live.scenarios.gateways import *
from tests.live.scenarios.leaks import *
from tests.live.scenarios.mailbox import *
from tests.live.scenarios.missed import *
from tests.live.scenarios.no_daemon import *
from tests.live.scenarios.own_number import *
from tests.live.scenarios.records import *
from tests.live.scenarios.redirects import *
from tests.live.scenarios.transfers import *
from tests.live.scenarios.trunk import *

del test_the_phone_forwards_out_of_a_trunk_without_us  # each number passes a line of ours here
del test_killed_before_the_group_is_asked_about  # the group is asked about by none of its own
