"""config/business_hours.yaml as calendars: the shipped office, holidays, own days, zones."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cti_engine.core.hours import Calendar
from cti_engine.definitions.calendar_loader import load_calendars
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.yaml_source import read_yaml
from tests.definitions.homes import shipped_home


def at(text: str, zone: str = "Europe/Madrid") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def calendar(text: str, center_zone: str = "Europe/Madrid") -> Calendar:
    document = read_yaml("hours.yaml", ("calendars: {it: {" + text + "}}").encode())
    found = load_calendars(document, center_zone)["it"]
    assert document.problems == []
    return found


@pytest.mark.parametrize(
    ("moment", "kind", "name"),
    [
        ("2026-11-26 10:00", "open", ""),
        ("2026-11-26 14:30", "closed", ""),
        ("2026-11-29 23:00", "closed", ""),
        ("2026-05-02 11:00", "holiday", "Fiesta de la Comunidad de Madrid"),
        ("2027-01-06 11:00", "holiday", "Epifanía del Señor"),
        ("2026-12-24 10:00", "open", "Nochebuena"),
        ("2026-12-24 16:00", "holiday", "Nochebuena"),
    ],
)
def test_the_shipped_office(tmp_path: Path, moment: str, kind: str, name: str) -> None:
    """Open on weekdays with a break at noon; closed on Madrid's holidays, with their names in both languages."""
    definitions, _ = load_definitions(shipped_home(tmp_path))
    assert definitions is not None
    office = pickle.loads(pickle.dumps(definitions.calendars["office"]))  # as a reload brings it
    status = office.status(at(moment))
    assert (status.kind, status.name.get("es", "")) == (kind, name)
    assert status.name.keys() == ({"es", "en"} if name else set())


def test_own_days_come_before_holidays_and_one_year_before_all() -> None:
    """A day that is written is as written, also where the country has a holiday."""
    found = calendar(
        'open: {mon-sun: "08:00-20:00"}, holidays: ES, days: {"12-25": {}, "2026-12-25": {open: "10:00-12:00"}}'
    )
    assert found.status(at("2026-12-25 11:00")).kind == "open"
    assert found.status(at("2027-12-25 11:00")).kind == "closed"
    assert found.status(at("2026-01-06 11:00")).kind == "holiday"


def test_nights_and_weeks_that_wrap() -> None:
    """22:00-06:00 belongs to the day it begins on; fri-mon runs over the end of the week."""
    found = calendar('open: {fri-mon: "22:00-06:00"}')
    assert [found.is_open(at(f"2026-11-{day} 05:00")) for day in (23, 24, 25, 27, 28)] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_the_centers_zone_is_taken_where_none_is_written() -> None:
    """Ten in Bogotá is open in a center there, and closed in one in Madrid, where it is four."""
    text = 'open: {mon-fri: "09:00-15:00"}'
    assert calendar(text, "America/Bogota").is_open(at("2026-11-26 10:00", "America/Bogota"))
    assert not calendar(text).is_open(at("2026-11-26 10:00", "America/Bogota"))


def test_an_emergency_closing_is_local_time() -> None:
    """closed_until is read on the calendar's own clock, in summer and in winter."""
    for day in ("2026-07-01", "2026-12-01"):
        found = calendar(f'open: {{mon-sun: "00:00-24:00"}}, closed_until: "{day} 08:00"')
        assert found.closed_until == at(f"{day} 08:00")


def test_a_country_is_loaded_alone() -> None:
    """Public holidays of one country do not bring those of 250 others into the memory of each process."""
    code = (
        "import sys; from cti_engine.definitions.calendar_loader import _public_holidays, _unknown_place\n"
        "assert _unknown_place('ES-MD') is None and _public_holidays('ES-MD')\n"
        "print(sum(name.startswith('holidays.countries.') for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) == 1
