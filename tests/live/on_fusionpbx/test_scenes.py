"""What is played on FusionPBX. Its README says what is different there, and what is not covered."""

# ruff: noqa: F403, F821

from __future__ import annotations

from tests.live.scenarios.display import *
from tests.live.scenarios.exceptions import *
from tests.live.scenarios.forwards import *
from tests.live.scenarios.leaks import *
from tests.live.scenarios.no_daemon import *
from tests.live.scenarios.redirects import *
from tests.live.scenarios.transfers import *

del (
    test_sent_on_after_an_announcement,
    test_sent_on_into_a_conference,
    test_attended_by_keys,
)  # no such extensions
# Its ring group is its own Lua, and of Vera and Zoe: test_fusionpbx.py.
del test_a_call_to_the_group, test_a_chain_to_the_group, test_a_forward_to_the_group_and_what_comes_after
del test_killed_while_the_group_rings, test_killed_before_the_group_is_asked_about
del test_a_group_and_a_trunk_without_a_daemon, test_the_phone_forwards_to_the_group
# Names and numbers outside are those of its routes, and stay with the call.
del test_the_diverters_number_for_carriers_that_want_it, test_the_phone_forwards_out_of_a_trunk
del test_a_forward_out_of_a_trunk_and_the_other_end_sends_on
del test_the_phone_forwards_out_of_a_trunk_and_the_call_goes_on
# Whoever calls himself 101 gets to the mailbox of 101.
del test_a_call_from_outside, test_a_stranger_is_labelled_and_breaks_nothing
# All kinds are decided at once, before the phone rings.
del test_attended_to_a_busy_boss
# It follows a forward for no answer when somebody is busy, too, and without a daemon its own loops.
del test_nothing_of_an_earlier_callee_stays
del test_a_loop_without_a_daemon, test_other_kinds_into_a_loop_without_a_daemon, test_killed_between_hops
del test_a_forward_to_what_is_no_user  # no warning
# A 302 and early media are as without us.
del test_a_phone_that_sends_early_media_does_not_answer
del test_the_phone_forwards_to_a_tel_address, test_the_phone_forwards_to_a_foreign_host
del test_the_phone_forwards_to_itself, test_two_users_whose_phones_forward_to_each_other
del test_two_phones_of_which_one_forwards
