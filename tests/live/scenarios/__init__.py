"""The scenes: one function each, and the site is its parameter. A site plays those that its tests import.

The boss Cora, the secretary Sina, Kai, Vera and Zoe have phones, and somebody is absent; their names, their numbers
and the rest of the site are in tests/live/switch.py. Where a number is dialled, a part or a place does as well.
"""

from __future__ import annotations

import pytest


def with_conf(conf):
    """Plays a scene with this conf.toml; <kai> is the number of Kai."""
    return pytest.mark.parametrize("conf", [conf], ids=["conf"])


def labelled(leg, caller, **reasons):
    """A forwarded call: for whom it was, who calls, and a Diversion of each who forwarded it, the newest first."""
    first, *others = reversed(reasons)
    assert leg.display == leg.phone.site.label(first, *others[-1:], caller)
    assert leg.header("Diversion") == leg.phone.site.diversion(**reasons)


def nothing_of_ours(leg):
    assert leg.header("Diversion") is None
    assert "Uml." not in leg.msg


def own_name_only(leg, caller="kai"):
    """A call that nobody forwarded, or nobody any more."""
    assert leg.display == leg.phone.site.names.get(caller, caller)
    nothing_of_ours(leg)


def outside_only(leg, caller="kai"):
    """The same behind a trunk."""
    own_name_only(leg, leg.phone.site.outside_name(caller))
