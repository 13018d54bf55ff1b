"""Numbers in the forms in which carriers send them: one reading, and never another's."""

from __future__ import annotations

from itertools import product

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from fsdaemon.config import reader as config
from fsdaemon.core.policy import decide as rule
from fsdaemon.core.reading import rows
from fsdaemon.terms.e164 import AUTO, E164, FORMS, NATIONAL, WITHOUT_PLUS
from fsdaemon.terms.numbers import as_sent, as_written, same
from tests.facts import call, inside, outside

TYPES = (
    PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP, PhoneNumberType.TOLL_FREE,
)  # fmt: skip
# Each city and operator of a plan: those whose area code begins like the country code are where a guess fails.
PLACES = {
    "DE": ("1701234567", "15112345678", "30123456", "3012345678", "89123456", "2211234567", "69123456", "49112345",
           "491123456", "492212345", "4930123", "43112345678", "93012345", "8001234567"),
    "AT": ("1234567", "43212345", "6641234567", "512123456", "316123456"),
    "GB": ("2079460000", "1619460000", "4412345678", "7700900123"),
    "FR": ("123456789", "612345678", "334123456"),
    "IT": ("0612345678", "0212345678", "3331234567", "3931234567", "390123456"),
    "DK": ("20123456", "45123456", "32123456"),
    "ES": ("912345678", "612345678"),
    "NO": ("21234567", "41234567", "47123456"),
    "US": ("2125550123", "4155550123", "9175550123"),
    "RU": ("4951234567", "9161234567", "7812345678", "8001234567"),
}  # fmt: skip
PREFIX = {"RU": "8", "US": "1", "IT": "", "DK": "", "ES": "", "NO": ""}
ABROAD = {"RU": "810", "US": "011"}


def e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def examples() -> list[tuple[str, str]]:
    """A number of each type that each country has: the region and E.164."""
    found = [
        (region, phonenumbers.example_number_for_type(region, one))
        for region, one in product(sorted(phonenumbers.SUPPORTED_REGIONS), TYPES)
    ]
    known = [(region, e164(number)) for region, number in found if number]
    return known + [(r, f"+{phonenumbers.country_code_for_region(r)}{n}") for r in PLACES for n in PLACES[r]]


EXAMPLES = examples()


def national(region: str, number: str) -> str:
    return number[1 + len(str(phonenumbers.country_code_for_region(region))) :]


def forms(region: str, number: str, inbound: str) -> list[str]:
    """The forms of a number of this region that `inbound` names."""
    own, plan = national(region, number), PhoneMetadata.metadata_for_region(region)
    prefix = plan.national_prefix or ""
    abroad = [plan.international_prefix] if plan.international_prefix.isdigit() else []
    complete = [number, *(one + number[1:] for one in abroad)]
    if region != "CO":  # its prefix 0 went away, and phonenumbers takes it off landlines only
        complete.append(prefix + own)
    dialled_bare = prefix in ("", str(phonenumbers.country_code_for_region(region)))
    return {
        E164: [number],
        WITHOUT_PLUS: [number, number[1:]],
        NATIONAL: [*complete, own],
        AUTO: [*complete, number[1:], *([own] if dialled_bare else [])],
    }[inbound]


@pytest.mark.parametrize("inbound", FORMS)
def test_every_form_is_the_number(inbound):
    for region, number in EXAMPLES:
        for form in forms(region, number, inbound):
            read = as_sent(form, region, "", inbound)
            # 39 and a short landline of Italy: it could be a mobile, and it is nobody's
            assert read.number == number or read.choices, (region, number, form, read)
            assert same(number, form, region, "", inbound) is (not read.choices)


def test_only_a_short_landline_of_italy_is_ambiguous():
    found = {
        form
        for region, number in EXAMPLES
        for form in forms(region, number, AUTO)
        if as_sent(form, region, "", AUTO).choices
    }
    assert all(form.startswith("39") for form in found), found


@pytest.mark.parametrize("inbound", FORMS)
def test_no_two_numbers_are_the_same(inbound):
    """Of one region in all of its forms, and those of all others with a plus."""
    for region in PLACES:
        own = {number for of, number in EXAMPLES if of == region}
        for number, other in product(own, own):
            for form in forms(region, other, inbound):
                assert same(number, form, region, "", inbound) <= (number == other), (number, form)
        for _, other in EXAMPLES:
            assert not any(same(number, other, region, "", inbound) for number in own - {other})


@pytest.mark.parametrize("region", ["DE", "AT", "GB", "FR"])
@pytest.mark.parametrize("inbound", [AUTO, WITHOUT_PLUS])
def test_a_foreign_number_without_its_plus(region, inbound):
    """Where a national prefix is dialled, bare digits are a number of whatever country."""
    for _, number in EXAMPLES:
        assert as_sent(number[1:], region, "", inbound).number == number


@pytest.mark.parametrize(
    ("number", "inbound", "read"),
    [
        ("491701234567", AUTO, "+491701234567"),
        ("491701234567", WITHOUT_PLUS, "+491701234567"),
        ("491701234567", NATIONAL, "+49491701234567"),  # Leer in East Frisia
        ("491701234567", E164, ""),
        ("4930123456", AUTO, "+4930123456"),
        ("492211234567", AUTO, "+492211234567"),
        ("04911234567", AUTO, "+494911234567"),
        ("00491701234567", AUTO, "+491701234567"),
        ("0043123456789", NATIONAL, "+43123456789"),
        ("43123456789", AUTO, "+43123456789"),
        ("43123456789", NATIONAL, "+4943123456789"),
        ("1701234567", AUTO, ""),
        ("1701234567", NATIONAL, "+491701234567"),
        ("30123456", NATIONAL, "+4930123456"),
        ("01701234567", E164, ""),
        ("01701234567", WITHOUT_PLUS, ""),
        ("00491701234567", WITHOUT_PLUS, ""),
        ("+49 (0)170 1234567", E164, "+491701234567"),
        *[(number, form, "") for number in ("110", "1234", "12345", "+", "+1", "+0491", "1+2345678", "00", "000000")
          for form in (AUTO, E164)],
    ],
)  # fmt: skip
def test_in_germany(number, inbound, read):
    found = as_sent(number, "DE", "", inbound)
    assert (found.number if found.is_e164 else "") == read


@pytest.mark.parametrize(
    ("number", "inbound", "read"),
    [
        ("2125550123", AUTO, "+12125550123"),
        ("12125550123", AUTO, "+12125550123"),
        ("+12125550123", AUTO, "+12125550123"),
        ("01149301234567", AUTO, "+49301234567"),
        ("4915112345678", AUTO, "+4915112345678"),
        ("12125550123", WITHOUT_PLUS, "+12125550123"),
        ("3231234567", WITHOUT_PLUS, "+3231234567"),  # Antwerp
        ("3231234567", AUTO, "+13231234567"),  # Los Angeles
        ("5550123", AUTO, ""),
    ],
)
def test_in_north_america(number, inbound, read):
    found = as_sent(number, "US", "", inbound)
    assert (found.number if found.is_e164 else "") == read


@pytest.mark.parametrize(
    ("number", "prefix", "inbound", "read"),
    [
        ("0491701234567", "0", WITHOUT_PLUS, "+491701234567"),
        ("001701234567", "0", NATIONAL, "+491701234567"),
        ("00491701234567", "0", AUTO, "+491701234567"),
        ("0043123456789", "0", AUTO, "+43123456789"),
        ("9+491701234567", "9", E164, "+491701234567"),
        ("9491701234567", "9", WITHOUT_PLUS, "+491701234567"),
        ("901701234567", "9", NATIONAL, None),  # or of the area 901
        ("905321234567", "9", AUTO, None),  # Turkey, or Goslar
        ("905321234567", "9", WITHOUT_PLUS, "+905321234567"),
        ("905321234567", "", AUTO, "+905321234567"),
    ],
)
def test_the_trunk_prefix(number, prefix, inbound, read):
    found = as_sent(number, "DE", prefix, inbound)
    assert (found.number or None) == read
    assert bool(found.choices) is (read is None)


def test_what_is_ambiguous_is_nobody():
    for choice in as_sent("905321234567", "DE", "9", AUTO).choices:
        assert not same(choice, "905321234567", "DE", "9", AUTO)
    assert not same("905321234567", "905321234567", "DE", "9", AUTO)


def test_what_is_no_public_number_is_the_same_as_itself():
    assert same("112", "112", "DE", "", AUTO)
    assert same("5550123", "555-0123", "US", "", AUTO)
    assert not same("112", "+49112", "DE", "", AUTO)
    assert not same("+5550123", "5550123", "DE", "", AUTO)
    assert not same("101", "49101", "DE", "", WITHOUT_PLUS)


@settings(max_examples=1000, deadline=None)
@given(
    st.from_regex(r"\+?[0-9 ()/.\-]{1,18}", fullmatch=True),
    st.one_of(
        st.from_regex(r"\+?[0-9]{1,18}", fullmatch=True),
        st.builds(
            lambda known, cut, front: front + known[1][cut:],
            st.sampled_from(EXAMPLES),
            st.integers(0, 5),
            st.sampled_from(["", "0", "00", "9", "011", "1", "+"]),
        ),
    ),
    st.sampled_from(["", *PLACES]),
    st.sampled_from(["", "0", "9", "1", "*"]),
    st.sampled_from(FORMS),
)
def test_whatever_is_sent(one, caller, region, prefix, inbound):
    """Never raises, and there is one reading: two that are the same as a third are the same."""
    found = same(one, caller, region, prefix, inbound)
    if found and region:
        assert as_written(one, region, prefix, inbound) == as_sent(caller, region, prefix, inbound)
    if region:
        read = as_sent(caller, region, prefix, inbound)
        if read.is_e164:
            assert same(read.number, caller, region, prefix, inbound)
        for choice in read.choices:
            assert not same(choice, caller, region, prefix, inbound)


TEXT = '[exceptions]\nexternal = ["+49 170 1234567"]\n[numbers]\nregion = "DE"\n'


def test_the_key_reaches_the_rules_and_a_domain_may_have_its_own():
    made = call(outside("491701234567"), always="101")
    assert rule(made, config.load(TEXT)).reason == "external"
    assert rule(made, config.load(TEXT + 'inbound = "e164"\n')).reason == "always"
    own = config.load(TEXT + '[domains."lab.test".numbers]\ninbound = "national"\n')
    assert rule(made, own.for_domain("lab.test")).reason == "always"
    assert rule(call(outside("1701234567"), always="101"), own.for_domain("lab.test")).reason == "external"
    assert rule(made, own.for_domain("b.example")).reason == "external"


def test_what_is_said_about_it():
    known = config.load(TEXT)
    assert rows(call(outside("491701234567"), always="0170 1234567"), known) == {
        "number read as": "the number 491701234567 was read as +491701234567 (numbers.inbound = auto)",
        "target read as": "0170 1234567 was read as +491701234567",
        "exceptions for": "+49 170 1234567 was read as +491701234567",
    }
    prefixed = config.load(TEXT + 'trunk_prefix = "9"\n')
    assert "can be +495321234567 or +905321234567" in str(
        rows(call(outside("905321234567"), always="101"), prefixed)
    )
    assert rows(call(outside("491701234567", withheld=True), always="101"), known) == {}
    assert rows(call(inside("101"), always="101"), known) == {}
    assert rows(call(outside("101")), known) == {}
    assert rows(call(outside("101"), always="102"), config.default()) == {}
    assert "digit by digit" in str(rows(call(outside("101"), always="+49301234"), config.default()))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[numbers]\ninbound = "national"\n', "line 2: numbers.inbound"),
        (
            '[numbers]\nregion = "DE"\n[domains."b.example".numbers]\nregion = ""\ninbound = "national"\n',
            'line 5: domains."b.example".numbers.inbound',
        ),
    ],
)
def test_national_needs_a_region(text, where):
    with pytest.raises(config.ConfigError) as caught:
        config.load(text)
    assert str(caught.value) == (
        f'{where}: "national" needs numbers.region, the country whose national numbers they are, like region = "DE"'
    )
