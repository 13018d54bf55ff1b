"""Follow-me, where FusionPBX's Lua acts on the user's no-answer forward and calls the destinations without the dialplan."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only, with_conf


def test_nobody_answers_and_the_forward_follows(site, daemon, lab):
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", "104", seconds=2)
    kai, secretary, vera, zoe = lab.register("kai", "secretary", "vera", "zoe")
    kai.dial("boss")
    for phone in (vera, zoe):
        own_name_only(lab.rings(phone))
    labelled(lab.rings(secretary, 1, 8), "kai", boss="no-answer")


def test_the_target_calls(site, daemon, lab):
    """The destinations ring, and then the user's own mailbox takes the call, not that of the caller."""
    site.forwards(boss={"no_answer": "secretary"})
    site.follow_me("100", "103", seconds=2)
    secretary, vera = lab.register("secretary", "vera")
    call = secretary.dial("boss")
    own_name_only(lab.rings(vera), "secretary")
    lab.unanswered(call, "boss", 0)
    assert not secretary.rang
    assert daemon.says(r"ring {boss} for {secretary}: target \({boss} forwards no_answer to {secretary}\)")
    assert daemon.says(
        r"ring {secretary} for {secretary}: exempt \(the call goes to the mailbox of {boss}\)$"
    )


@with_conf('[exceptions]\nusers = ["<kai>"]\n')
@pytest.mark.parametrize("to", ["secretary", "outside", "group"])
def test_another_who_may_break_through(site, daemon, lab, to):
    """Also where the target is no user."""
    site.forwards(boss={"no_answer": to})
    site.follow_me("100", "105", "101", seconds=2)
    kai, secretary, vera = lab.register("kai", "secretary", "vera")
    call = kai.dial("boss")
    lab.rings(secretary)
    lab.unanswered(call, "boss", 0)
    assert len(secretary.incoming) == 1
    assert not vera.rang
    assert not lab.carried()
