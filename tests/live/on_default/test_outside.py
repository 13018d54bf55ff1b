"""Callers from outside by their numbers. Judged by what they get: 4860 is engaged, and the boss's phone is not there."""

from __future__ import annotations

from tests.live.caller import Callers
from tests.live.handset import DONE, dial
from tests.live.scenarios import with_conf

FOLLOWED, RANG = 486, 480
IN_GERMANY = '[numbers]\nregion = "DE"\ntrunk_prefix = "0"\n'


def called_by(site, *numbers):
    """What callers with these numbers get who dial the boss."""
    codes = []
    for number in numbers:
        callers = Callers(site.sip_out, user=number)
        made = callers.call("100")
        assert callers.all_ended(10)
        callers.close()
        codes.append(made.code)
    return codes


@with_conf('[exceptions]\nexternal = ["+49 170 1234567"]\n' + IN_GERMANY)
def test_outside_numbers(site, daemon):
    site.forwards(boss={"all": "4860"})
    same = ("+491701234567", "01701234567", "00491701234567", "001701234567")
    others = ("+491701234568", "101", "4860", "anonymous", "1234567", "+431701234567")
    assert called_by(site, *same) == [RANG] * len(same)
    assert called_by(site, *others) == [FOLLOWED] * len(others)


@with_conf('[exceptions]\nexternal = ["0170 / 123-4567"]\n')
def test_outside_numbers_as_dialled(site, daemon):
    site.forwards(boss={"all": "4860"})
    assert called_by(site, "01701234567", "+491701234567", "1701234567") == [RANG, FOLLOWED, FOLLOWED]


@with_conf('[exceptions]\nexternal = ["+49 170 1234567", "0221 / 123 45 67"]\n[numbers]\nregion = "DE"\n')
def test_outside_numbers_without_plus(site, daemon):
    """Cologne's 221 with the country code reads like a town's area code, 4922; Leer's is 491."""
    site.forwards(boss={"all": "4860"})
    assert called_by(site, "491701234567", "492211234567", "02211234567") == [RANG] * 3
    assert called_by(site, "1701234567", "0491701234567", "4911701234567") == [FOLLOWED] * 3


@with_conf('[exceptions]\nexternal = ["+49 170 1234567"]\n[numbers]\nregion = "DE"\ninbound = "national"\n')
def test_outside_numbers_in_the_national_form(site, daemon):
    site.forwards(boss={"all": "4860"})
    assert called_by(site, "01701234567", "1701234567", "+491701234567") == [RANG] * 3
    assert called_by(site, "491701234567") == [FOLLOWED]


@with_conf('[numbers]\nregion = "DE"\n')
def test_the_mobile_that_the_forward_points_to_without_plus(site, daemon):
    site.forwards(boss={"all": "01701234567"})
    assert called_by(site, "491701234567") == [RANG]
    assert called_by(site, "491701234568") != [RANG]


@with_conf(IN_GERMANY)
def test_the_outside_number_that_the_forward_points_to(site, daemon):
    site.forwards(boss={"all": "001701234567"})
    assert called_by(site, "+491701234567") == [RANG]
    assert called_by(site, "+491701234568") != [RANG]


def test_a_stranger_is_never_the_target_that_is_a_user(site, daemon):
    site.forwards(boss={"all": "secretary"}, secretary={"all": "4860"})
    assert called_by(site, "101", "100", "sip:101", "+101") == [FOLLOWED] * 4


@with_conf(IN_GERMANY)
def test_numbers_that_a_user_lets_through(codes, daemon):
    """In the directory and by code, however they are written; users' numbers and withheld ones never."""
    codes.lets_through("boss", "+49 170 1234567, 101")
    codes.forwards(boss={"all": "4860"})
    same = ("+491701234567", "01701234567", "00491701234567", "001701234567")
    others = ("+491701234568", "101", "anonymous", "1234567")
    assert called_by(codes, *same) == [RANG] * len(same)
    assert called_by(codes, *others) == [FOLLOWED] * len(others)
    assert dial(codes, "*64*001701234568#")[2] == DONE
    assert dial(codes, "*64*102#")[2] == DONE
    assert called_by(codes, "+491701234568", "102") == [RANG, FOLLOWED]
    assert dial(codes, "#64*+491701234568#")[2] == DONE
    assert called_by(codes, "+491701234568", "+491701234567") == [FOLLOWED, RANG]
