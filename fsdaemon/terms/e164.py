"""A number as somebody wrote it, read as E.164: one reading, or none.

Rule: what a number is follows from its form and from the region's numbering plan, never from which cities or
operators there are. Where a caller's number has two readings it has none: it may be another's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

AUTO, E164, WITHOUT_PLUS, NATIONAL = "auto", "e164", "e164-without-plus", "national"
FORMS = (AUTO, E164, WITHOUT_PLUS, NATIONAL)


class Plan(NamedTuple):
    """How numbers are written where the calls come in."""

    region: str  #: ISO 3166, like "DE"
    trunk_prefix: str = ""  #: may stand in front of any number
    inbound: str = AUTO  #: one of FORMS: how the numbers of callers come


class Reading(NamedTuple):
    """What a number was read as."""

    number: str  #: E.164, with its plus; as it was written where it is none; empty where it is ambiguous
    is_e164: bool = True
    choices: tuple[str, ...] = ()  #: where it is ambiguous, what it can be

    def same(self, other: Reading) -> bool:
        """Whether both are the same number; what is ambiguous is the same as nothing."""
        return bool(self.number) and self[:2] == other[:2]


@lru_cache(maxsize=4096)
def sent(bare: str, plan: Plan) -> Reading:
    """The number of a caller, as the carrier and the dialplan send it; `bare` has no marks between digits.

    As it stands, if it is complete: with a plus, an international or a national prefix. Else without the
    trunk prefix, or as bare digits; never one of the two where both are numbers.
    """
    forms = _Forms(plan, plan.inbound)
    shorter = _without(bare, plan.trunk_prefix)
    found = forms.complete(bare) or _unique(*forms.complete(shorter), forms.digits(bare))
    found = found or _unique(forms.digits(shorter))
    if len(found) > 1:
        return Reading("", False, found)
    return _reading(found, bare)


@lru_cache(maxsize=4096)
def written(bare: str, plan: Plan) -> Reading:
    """A number that somebody set: E.164, or as it is dialled, with the trunk prefix or without."""
    forms = _Forms(plan, NATIONAL if plan.inbound == NATIONAL else AUTO)
    shorter = _without(bare, plan.trunk_prefix)
    found = _unique(
        *forms.complete(bare), *forms.complete(shorter), forms.digits(bare), forms.digits(shorter)
    )
    return _reading(found, bare)


def _reading(found: tuple[str, ...], bare: str) -> Reading:
    """What is not an E.164 number, a service or a local one, is the same as itself only."""
    return Reading(found[0]) if found else Reading(bare, False)


def _without(bare: str, trunk_prefix: str) -> str:
    if trunk_prefix and bare.startswith(trunk_prefix):
        return bare[len(trunk_prefix) :]
    return ""


def _unique(*found: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, found)))


class _Forms:
    """The forms that a number may have, by one of FORMS, in one region."""

    def __init__(self, plan: Plan, form: str) -> None:
        import phonenumbers  # 5 MB, and only needed where a region is configured

        self.form = form
        self.code = phonenumbers.country_code_for_region(plan.region)
        own = _metadata(plan.region)
        self.prefix = own.national_prefix or ""
        abroad = own.international_prefix or "00"
        # Prefixes of single operators that do not begin with 0 (99, 16) are beginnings of numbers, too.
        self.international = re.compile(f"(?=0|{abroad if abroad.isdigit() else 0})(?:{abroad})(?=[1-9])")
        # A calling code has one numbering plan, +1 for twenty countries.
        plan_of_all = _metadata(phonenumbers.region_code_for_country_code(self.code)).general_desc
        self.national_form = re.compile(getattr(plan_of_all, "national_number_pattern", None) or "")
        # Without a national prefix (Italy, Denmark), or where that is the calling code itself (+1), a number
        # is dialled as bare digits. In all other countries bare digits begin with a calling code.
        self.dialled_bare = self.prefix in ("", str(self.code))

    def complete(self, bare: str) -> tuple[str, ...]:
        """What `bare` is by its own beginning; several where it is ambiguous."""
        if bare.startswith("+"):
            return _unique(_international(bare[1:]))
        if self.form not in (AUTO, NATIONAL):
            return ()
        abroad = self.international.match(bare)
        found = (abroad and _international(bare[abroad.end() :])) or self._prefixed(bare)
        if found or self.form == NATIONAL or not self.dialled_bare:
            return _unique(found)
        with_code = bare[len(str(self.code)) :] if bare.startswith(str(self.code)) else ""
        return _unique(*(self._national(one) for one in (bare, with_code) if self._has_form(one)))

    def digits(self, bare: str) -> str:
        """What `bare` is where nothing at its beginning tells: E.164 without its plus, or national."""
        if not bare.isdigit() or self.form == E164:
            return ""
        return self._national(bare) if self.form == NATIONAL else _international(bare)

    def _prefixed(self, bare: str) -> str:
        """A national number with the national prefix."""
        if not self.prefix or not bare.startswith(self.prefix):
            return ""
        found = self._national(bare)
        national = found[1 + len(str(self.code)) :]
        # 8 in Russia is no more than the first digit of many a foreign number.
        return found if national != bare and (self.prefix == "0" or self._has_form(national)) else ""

    def _national(self, bare: str) -> str:
        """A national number, with or without the national prefix."""
        found = _international(f"{self.code}{bare}") if bare.isdigit() else ""
        return "" if self.prefix and found.startswith(f"+{self.code}0") else found

    def _has_form(self, national: str) -> bool:
        return self.national_form.fullmatch(national) is not None


@lru_cache(maxsize=512)
def _metadata(region: str) -> PhoneMetadata:
    import phonenumbers

    found = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert found  # numbers.known_region
    return found


def _international(digits: str) -> str:
    """E.164 for a calling code and a number, as far as the number's length is one that the country has."""
    found = _normal(digits)
    return found if found and _normal(found[1:]) == found else ""  # not of two national prefixes in a row


def _normal(digits: str) -> str:
    import phonenumbers

    if not digits.isdigit() or digits.startswith("0"):
        return ""
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return ""
    possible = (
        phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    )
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)) if possible else ""
