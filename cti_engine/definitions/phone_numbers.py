"""Telephone numbers in any notation to E.164, and where a prefix lies with the languages likely there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers


def e164(text: str, region: str) -> str | None:
    """`+12135550123` for any way of writing it, `sip:` and `tel:` URIs too; None when it is no such number.

    `region` is the country (ISO 3166, e.g. `US`) whose habits hold for numbers without a country code.
    """
    bare = re.sub(r"^(sips?|tel):", "", text.strip(), flags=re.IGNORECASE).split("@")[0].split(";")[0]
    try:
        number = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        return None
    # Possible, not valid: numbering plans grow faster than anybody's metadata.
    if not phonenumbers.is_possible_number(number):
        return None
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class Area:
    """`prefix`: digits of E.164 without `+`. `languages`: likely ones, the likeliest first, empty if unknown."""

    prefix: str
    place: str
    languages: tuple[str, ...]


_SPANISH = frozenset(
    [
        "AR",
        "BO",
        "CL",
        "CO",
        "CR",
        "CU",
        "DO",
        "EC",
        "ES",
        "GQ",
        "GT",
        "HN",
        "MX",
        "NI",
        "PA",
        "PE",
        "PR",
        "PY",
        "SV",
        "UY",
        "VE",
    ]
)
_ENGLISH = frozenset(
    [
        "AG",
        "AI",
        "AU",
        "BB",
        "BM",
        "BS",
        "CA",
        "DM",
        "GB",
        "GD",
        "GH",
        "GU",
        "IE",
        "JM",
        "KE",
        "KN",
        "KY",
        "LC",
        "MS",
        "NG",
        "NZ",
        "TC",
        "TT",
        "US",
        "VC",
        "VG",
        "VI",
        "ZA",
    ]
)

# States where more than 15 % speak Spanish at home (US Census Bureau, ACS table C16001).
_BILINGUAL = re.compile(
    r"\b(AZ|CA|FL|NM|NV|TX|Arizona|California|Florida|Nevada|New Mexico|Texas|New York, NY|New Jersey)$"
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
    for prefix, names in GEOCODE_DATA.items():
        if len(prefix) <= _LONGEST_PREFIX and (place := names.get("en")):
            yield Area(prefix, place, _languages(_region(prefix), place))
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
