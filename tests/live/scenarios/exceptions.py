"""Who breaks through a forward, and who does not."""

from __future__ import annotations

import pytest

from tests.live.scenarios import labelled, own_name_only


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ('[exceptions]\nusers = ["<kai>"]\n', "user"),
        ('[exceptions]\nusers = ["<kai>@<domain>"]\n', "user"),
        ('[exceptions]\ngroups = ["<callgroup>"]\n', "group"),
    ],
    ids=["user", "user-and-domain", "group"],
)
def test_who_may_break_everything(site, daemon, lab, reason):
    """Along a chain the first one rings."""
    to_secretary = {"all": "secretary", "busy": "secretary", "not_registered": "secretary"}
    site.forwards(boss=to_secretary, vera={"all": "boss"})
    boss, secretary, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    kai.dial("vera")
    lab.rings(vera)
    assert not secretary.rang
    daemon.says(rf"ring {{boss}} for {{kai}}: {reason} \({{boss}} forwards always to {{secretary}}\)")


@pytest.mark.parametrize(
    "conf",
    [
        '[exceptions]\nusers = ["<kai>@b.test"]\n',
        '[exceptions]\ngroups = ["reception"]\n',
        '[exceptions]\nusers = ["<vera>"]\n',
    ],
    ids=["of-another-domain", "another-group", "another-user"],
)
def test_who_may_not(site, daemon, lab):
    site.forwards(boss={"all": "secretary"})
    _, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    labelled(lab.rings(secretary), "kai", boss="unconditional")


@pytest.mark.parametrize(
    "target",
    ["boss", "a b", "<boss>@<domain>", "<secretary>,<kai>", "[x=y]<secretary>", "user/<secretary>", "-"],
)
def test_a_forward_that_is_none(site, daemon, lab, target):
    target = site.filled(target)
    site.forwards(boss={"all": target})
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    assert not secretary.rang
    if not site.number(target).startswith(site.number("boss")):
        assert daemon.says("WARNING .* {boss} forwards always to '")


def test_whom_the_directory_lets_through(site, daemon, lab):
    """To that user only, whatever else stands in the list."""
    site.lets_through("boss", "group:nobody, +49 170 1234567, <kai>")
    site.forwards(boss={"all": "secretary"}, vera={"all": "secretary"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    zoe.dial("boss")
    labelled(lab.rings(secretary), "zoe", boss="unconditional")
    lab.hangup_all()
    kai.dial("vera")
    labelled(lab.rings(secretary, 2), "kai", vera="unconditional")
    assert len(boss.incoming) == 1
    daemon.says(r"ring {boss} for {kai}: own \({boss} forwards always to {secretary}\)")


def test_a_group_that_the_directory_lets_through(site, daemon, lab):
    """The name alone is a user's."""
    site.lets_through("boss", "group:<callgroup>")
    site.lets_through("vera", "<callgroup>, group:nobody")
    site.forwards(boss={"all": "secretary"}, vera={"all": "secretary"})
    boss, secretary, kai, _ = lab.register("boss", "secretary", "kai", "vera")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    kai.dial("vera")
    labelled(lab.rings(secretary), "kai", vera="unconditional")


def test_a_list_that_is_none(site, daemon, lab):
    """Who is named in it gets through, and the rest is told of."""
    site.lets_through("boss", "$" + "{system touch /tmp/evil}, 'x', " + "<kai>")
    site.forwards(boss={"all": "secretary"})
    boss, secretary, kai, zoe = lab.register("boss", "secretary", "kai", "zoe")
    kai.dial("boss")
    own_name_only(lab.rings(boss))
    lab.hangup_all()
    zoe.dial("boss")
    labelled(lab.rings(secretary), "zoe", boss="unconditional")
    daemon.says("WARNING .* the exceptions of {boss}: '.*system touch.* is neither a user, nor a number")
