"""What is played on the example configuration."""

# ruff: noqa: F403, F821

from __future__ import annotations

from tests.live.scenarios.busy_calls import *
from tests.live.scenarios.causes import *
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

del test_sent_on_after_an_announcement  # no such extensions
del test_two_phones_of_one_user
del test_attended_to_ones_own_number, test_ones_own_number_and_a_second_phone
del test_attended_before_anybody_was_reached, test_attended_to_a_busy_boss
del test_attended_by_keys  # test_consultation.py
del test_two_phones_of_which_one_forwards, test_two_phones_that_both_forward_at_once  # one phone a user
del test_two_phones_of_which_one_forwards_and_the_other_is_busy, test_the_answers_of_two_phones
# Name and number outside are those of its trunks, and stay with the call.
del test_a_label_outside_where_it_is_wanted, test_the_diverters_number_for_carriers_that_want_it
del test_a_forward_out_of_a_trunk_and_the_other_end_sends_on
del test_the_phone_forwards_out_of_a_trunk_and_the_call_goes_on
del test_the_phone_forwards_out_of_a_trunk_without_us  # each number passes a line of ours
del test_killed_before_the_group_is_asked_about  # the group is asked about by none of its own
