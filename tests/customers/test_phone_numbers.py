"""Numbers in any notation, and where strangers are likely to call from."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cti_engine.definitions.phone_numbers import Area, areas, e164


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("+12135550104", "US", "+12135550104"),
        ("(213) 555-0104", "US", "+12135550104"),
        ("213.555.0104", "US", "+12135550104"),
        ("1 213 555 0104", "US", "+12135550104"),
        ("sip:+12135550104@trunk.example;user=phone", "US", "+12135550104"),
        ("tel:+1-213-555-0104;ext=7", "US", "+12135550104"),
        ("011 34 600 000 101", "US", "+34600000101"),
        ("0034 600 000 101", "US", "+34600000101"),
        ("34600000101", "US", "+34600000101"),
        ("600 000 101", "ES", "+34600000101"),
        ("573005550102", "US", "+573005550102"),
        ("300 5550102", "CO", "+573005550102"),
    ],
)
def test_any_notation_is_one_number(written: str, region: str, number: str) -> None:
    """National, international, with or without +, as SIP or tel URI: the same number comes out as E.164."""
    assert e164(written, region) == number


@pytest.mark.parametrize(
    "text", ["", "anonymous", "maria", "1000", "911", "555-0104", "+1", "+999123456789", "1" * 40]
)
def test_what_is_no_number_is_none(text: str) -> None:
    """Names, internal and short numbers, and impossible ones find nobody and raise nothing."""
    assert e164(text, "US") is None


def test_areas_tell_place_and_languages() -> None:
    """Area codes, cities and countries come with their place and the languages likely there, each at most once
    of its kind, and Los Angeles is served in English or Spanish."""
    found: dict[str, Area] = {area.prefix: area for area in areas()}
    assert found["1213"] == Area("1213", "Los Angeles, CA", ("en", "es"))
    assert found["1310"].languages == ("en", "es")
    assert found["1802"] == Area("1802", "Vermont", ("en",))
    assert found["1787"] == Area("1787", "Puerto Rico", ("es", "en"))
    assert found["34"] == Area("34", "Spain", ("es",))
    assert found["3491"] == Area("3491", "Madrid", ("es",))
    assert found["49"].languages == ()
    assert 3_000 < len(found) < 10_000


def test_numbers_need_no_geodata() -> None:
    """Normalising loads none of the 100 MB of geodata: the engine does it on every call."""
    script = (
        "import sys; from cti_engine.adapters.customer_store import CustomerStore, e164; "
        "e164('+12135550104', 'US'); sys.exit('phonenumbers.geodata' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
