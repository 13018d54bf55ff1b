"""Whose mailbox takes a forwarded call that nobody answers (`routing.mailbox`)."""

from __future__ import annotations

import signal

from tests.live.scenarios import with_conf

CALLED = '[routing]\nmailbox = "called"\n'


def nobody_answers(site, lab, dialled="boss"):
    """100 always to 101, 101 to 103 when nobody answers, and nobody there either."""
    site.forwards(boss={"all": "secretary"}, secretary={"no_answer": "vera"})
    _, _, kai, vera = lab.register("boss", "secretary", "kai", "vera")
    call = kai.dial(dialled)
    lab.rings(vera, 1, 12)
    return call


def test_the_mailbox_of_who_rang_last(site, daemon, lab):
    lab.unanswered(nobody_answers(site, lab), "vera", 480)


@with_conf(CALLED)
def test_the_mailbox_of_who_was_dialled(site, daemon, lab):
    lab.unanswered(nobody_answers(site, lab), "boss", 480)


@with_conf(CALLED)
def test_the_mailbox_after_a_302(site, daemon, lab):
    boss, secretary, kai = lab.register("boss", "secretary", "kai")
    boss.policy, secretary.policy = "redirect:secretary", "busy"
    call = kai.dial("boss")
    lab.rings(secretary)
    lab.unanswered(call, "boss", 486)


@with_conf(CALLED)
def test_nothing_of_an_earlier_call_is_left_for_the_mailbox(site, daemon, lab):
    """In the boss's mailbox the call is sent on to somebody who forwards nothing."""
    site.forwards(boss={"all": "absent"})
    (kai,) = lab.register("kai")
    call = kai.dial("boss")
    lab.unanswered(call, "boss", 480)
    if site.mailbox:
        call.since = site.log_file.stat().st_size
        site.api(f"uuid_transfer {site.channel_of('kai')} {site.number('zoe')}")
        lab.unanswered(call, "zoe", 480)


@with_conf(CALLED)
def test_without_a_daemon_it_is_the_last_ones(site, daemon, lab):
    """The daemon follows the forward, and is gone when nobody answers."""
    site.forwards(boss={"all": "secretary"})
    secretary, kai = lab.register("secretary", "kai")
    call = kai.dial("boss")
    lab.rings(secretary)
    daemon.signal(signal.SIGKILL)
    lab.unanswered(call, "secretary", 480)
