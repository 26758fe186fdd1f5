"""Telephone numbers in any notation to E.164, and where a prefix lies with the languages likely there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers


def e164(text: str, region: str) -> str | None:
    """`+12135550123` for any way of writing it, `sip:` and `tel:` URIs too; None when it is no such number.

    `region` is the country (ISO 3166, e.g. `US`) whose habits hold for numbers without a country code.
    """
    bare = re.sub(r"^(sips?|tel):", "", text.strip(), flags=re.IGNORECASE).split("@")[0].split(";")[0]
    number = _parsed(bare, region)
    # Possible, not valid: numbering plans grow faster than anybody's metadata. But short numbers stay out.
    if number is None or phonenumbers.is_possible_number_with_reason(number) != _POSSIBLE:
        # `0034...` outside of 00 countries, and trunks that leave the + out.
        number = _parsed("+" + re.sub(r"\D", "", bare).removeprefix("00"), region)
        if number is None or not phonenumbers.is_valid_number(number):
            return None
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_POSSIBLE = phonenumbers.ValidationResult.IS_POSSIBLE


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


@dataclass(frozen=True, slots=True)
class Area:
    """`prefix`: digits of E.164 without `+`. `languages`: likely ones, the likeliest first, empty if unknown."""

    prefix: str
    place: str
    languages: tuple[str, ...]


# fmt: off
_SPANISH = frozenset({
    "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GQ", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY",
    "SV", "UY", "VE",
})
_ENGLISH = frozenset({
    "AG", "AI", "AU", "BB", "BM", "BS", "CA", "DM", "GB", "GD", "GH", "GU", "IE", "JM", "KE", "KN", "KY", "LC",
    "MS", "NG", "NZ", "TC", "TT", "US", "VC", "VG", "VI", "ZA",
})
# fmt: on

# Where more than 15 % speak Spanish at home (US Census Bureau, ACS table C16001).
_BILINGUAL = re.compile(
    r"(?<!\w)(AZ|CA|FL|NM|NV|TX|Arizona|California|Florida|Nevada|New Mexico|Texas|New Jersey|New York, NY)$"
)
_LONGEST_PREFIX = 5  # digits: area codes and large cities; 5,000 rows instead of 287,000


def areas() -> Iterator[Area]:
    """Every country and large area. Loads 100 MB of geodata for good: never call it in the engine."""
    from phonenumbers import geocoder
    from phonenumbers.geodata import GEOCODE_DATA

    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        example = phonenumbers.example_number(regions[0])
        if example is not None:
            yield Area(str(code), geocoder.country_name_for_number(example, "en"), _languages(regions[0], ""))
    inside: dict[str, Counter[str]] = defaultdict(Counter)
    for prefix, names in GEOCODE_DATA.items():
        place = names.get("en")
        if place and prefix.startswith("1"):
            inside[prefix[:4]][place] += 1
        elif place and len(prefix) <= _LONGEST_PREFIX:
            yield Area(prefix, place, _languages(_region(prefix), place))
    for prefix, places in inside.items():  # many an area code is named only exchange by exchange
        place = GEOCODE_DATA.get(prefix, {}).get("en") or places.most_common(1)[0][0]
        yield Area(prefix, place, _languages("US", place))
    yield from _north_american_countries()


def _north_american_countries() -> Iterator[Area]:
    """Countries that share +1 have area codes of their own (Puerto Rico, Jamaica ...)."""
    from phonenumbers import geocoder

    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        example = phonenumbers.example_number(region)
        if metadata is None or example is None or not metadata.leading_digits:
            continue
        place = geocoder.country_name_for_number(example, "en")
        for code in range(200, 1000):
            if re.fullmatch(metadata.leading_digits, str(code)):
                yield Area(f"1{code}", place, _languages(region, place))


def _region(prefix: str) -> str:
    """Main country of the longest country code that `prefix` begins with."""
    for length in (3, 2, 1):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(prefix[:length]))
        if regions:
            return regions[0]
    return ""


def _languages(region: str, place: str) -> tuple[str, ...]:
    if region in _SPANISH:
        return ("es", "en") if region == "PR" else ("es",)
    if region in _ENGLISH:
        return ("en", "es") if _BILINGUAL.search(place) else ("en",)
    return ()
