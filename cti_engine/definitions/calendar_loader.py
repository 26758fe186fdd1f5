"""config/business_hours.yaml: named calendars with their zone, weekly hours, holidays by country and own days.

What changes by year is worked out here for YEARS, so that the core needs neither a time zone's file nor a library.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.hours import DAY, Calendar, Spans, SpecialDay, Zone
from cti_engine.definitions.place_loader import WEEKDAYS, minutes_of
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import LANGUAGE, Key, Keys, Many, Table, Text
from cti_engine.definitions.yaml_source import Document
from cti_engine.definitions.zones import TIME_ZONE, YEARS, zone_named

LANGUAGES = ("es", "en")
"""The names of public holidays are taken in these, where the library has them."""
EPOCH = date(1970, 1, 1)

_DAY = f"({'|'.join(WEEKDAYS)})"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
SPAN = Text("a time of opening such as 09:00-18:30", rf"{_TIME}-({_TIME}|24:00)")
DAYS = Text("a day or days of the week such as sat or mon-fri", rf"{_DAY}(-{_DAY})?")
DATE = Text(
    "a date such as 2026-12-24, or 12-24 for every year", r"(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
)
MOMENT = Text("a moment such as 2026-11-30 08:00", rf"\d{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) {_TIME}")
COUNTRY = Text("a country, or country and part, such as ES or ES-MD", r"[A-Z]{2}(-\w[\w ]*)?")
NAME = Table(Text(), LANGUAGE)

SPECIAL_DAY = Keys(
    (
        Key("open", Many(SPAN), "when it is open on that day; without: closed", ()),
        Key("name", NAME, "its name by language; a day with a name is a holiday", {}),
    )
)
CALENDAR = Keys(
    (
        Key("time_zone", TIME_ZONE, "whose clock counts; the center's if not written", ""),
        Key("open", Table(Many(SPAN), DAYS), "when it is open, by days of the week; 22:00-06:00 ends next day"),
        Key("holidays", Many(COUNTRY), "closed on the public holidays there, e.g. ES-MD", ()),
        Key("days", Table(SPECIAL_DAY, DATE), "days that are not as their weekday, nor as a holiday", {}),
        Key("closed_until", MOMENT, "closed in an emergency, whatever else is written", ""),
        Key("closed_because", NAME, "why, by language", {}),
    )
)  # fmt: skip
CALENDARS = Keys((Key("calendars", Table(CALENDAR), "hours that flows ask for, by name"),))


def load_calendars(document: Document, center_zone: str) -> dict[str, Calendar]:
    """`center_zone` empty: the machine's own."""
    written = CALENDARS.read(document, document.root, ())
    return {id: _calendar(document, id, values, center_zone) for id, values in written["calendars"].items()}


def _calendar(document: Document, id: str, written: dict[str, Any], center_zone: str) -> Calendar:
    path: Path = ("calendars", id)
    zone = zone_named(document, (*path, "time_zone"), written["time_zone"] or center_zone)
    days = _holidays(document, (*path, "holidays"), written["holidays"])
    days.update(_own_days(document, (*path, "days"), written["days"]))
    return Calendar(
        id,
        zone,
        _week(document, (*path, "open"), written["open"]),
        days,
        _moment(document, (*path, "closed_until"), written["closed_until"], zone),
        written["closed_because"],
    )


# --- hours ---------------------------------------------------------------------------------------


def _week(document: Document, path: Path, written: dict[str, tuple[str, ...]]) -> tuple[Spans, ...]:
    week: list[Spans] = [()] * 7
    said: dict[str, str] = {}
    for key, texts in written.items():
        spans = spans_of(document, (*path, key), texts)
        for day in _days(key):
            if day in said:
                document.key_problem((*path, key), f"{day} is in {said[day]} already")
            said[day] = key
            week[WEEKDAYS.index(day)] = spans
    return tuple(week)


def _days(key: str) -> tuple[str, ...]:
    """`mon-fri`, also `sat-mon`; none of what is not one of these, which has been told."""
    first, _, last = key.partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        return ()
    begin = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last or first) - begin) % 7 + 1
    return tuple(WEEKDAYS[(begin + i) % 7] for i in range(length))


def spans_of(document: Document, path: Path, texts: tuple[str, ...]) -> Spans:
    """Of SPANs, in order; two that overlap are a problem."""
    spans = [_span(text) for text in texts if text]
    for index, (earlier, later) in enumerate(zip(sorted(spans), sorted(spans)[1:], strict=False)):
        if later[0] < earlier[1]:
            document.problem((*path, index + 1), "these times overlap", "write each time once")
    return tuple(sorted(spans))


def _span(text: str) -> tuple[int, int]:
    begin, end = (minutes_of(part) * 60 for part in text.split("-"))
    return begin, begin + ((end - begin) % DAY or DAY)


# --- days ----------------------------------------------------------------------------------------


def _own_days(document: Document, path: Path, written: dict[str, dict[str, Any]]) -> dict[int, SpecialDay]:
    """One with its year comes before one for every year."""
    days: dict[int, SpecialDay] = {}
    for key, values in sorted(written.items(), key=lambda item: len(item[0])):
        day = SpecialDay(spans_of(document, (*path, key, "open"), values["open"]), values["name"])
        numbers = _dates(key)
        if not numbers:
            document.key_problem((*path, key), f"there is no day {key}", f"years {YEARS[0]} to {YEARS[-1]}")
        days.update(dict.fromkeys(numbers, day))
    return days


def _dates(key: str) -> tuple[int, ...]:
    """Days since the epoch; of `02-29` those that there are."""
    years = YEARS if len(key) == len("12-24") else (int(key[:4]),) if key[:4].isdigit() else ()
    found = []
    for year in years:
        try:
            found.append((date.fromisoformat(f"{year:04}-{key[-5:]}") - EPOCH).days)
        except ValueError:
            continue
    return tuple(found) if set(years) <= set(YEARS) else ()


def _holidays(document: Document, path: Path, places: tuple[str, ...]) -> dict[int, SpecialDay]:
    names: dict[int, dict[str, str]] = {}
    for index, place in enumerate(places):
        if not place:
            continue
        fault = _unknown_place(place)
        if fault:
            document.problem((*path, index), *fault)
            continue
        for day, name in _public_holidays(place).items():
            names.setdefault(day, {}).update(name)
    return {day: SpecialDay((), name) for day, name in names.items()}


@cache
def _library() -> ModuleType:
    """`holidays`, which loads a country when it is asked for, if its package of countries does not begin by loading all
    250 of them: 11 MB in each process that reads calendars, and half a second.
    """
    import holidays

    package = find_spec("holidays.countries")
    if package is not None and package.name not in sys.modules:
        sys.modules[package.name] = module_from_spec(package)
    return holidays


def _unknown_place(place: str) -> tuple[str, str] | None:
    """What is wrong with it, and a hint."""
    holidays = _library()
    country, _, part = place.partition("-")
    try:
        parts = holidays.country_holidays(country).subdivisions
    except NotImplementedError:
        known = holidays.list_supported_countries()  # imports every country: half a second
        return f"no holidays are known of {country}", did_you_mean(country, known) or "two letters, ISO 3166"
    if part and part not in parts:
        return (
            f"no holidays are known of {part} in {country}",
            did_you_mean(part, parts) or f"parts: {', '.join(parts)}",
        )
    return None


@cache
def _public_holidays(place: str) -> Mapping[int, dict[str, str]]:
    """Days since the epoch to names by language; where there is none in LANGUAGES, the country's own, said in each."""
    holidays = _library()
    country, _, part = place.partition("-")
    languages = holidays.country_holidays(country, subdiv=part or None).supported_languages
    names: dict[int, dict[str, str]] = {}
    for language in LANGUAGES:
        known = next((name for name in languages if name.partition("_")[0] == language), None)
        for day, name in holidays.country_holidays(
            country, subdiv=part or None, years=YEARS, language=known
        ).items():
            names.setdefault((day - EPOCH).days, {})[language] = name
    return names


def _moment(document: Document, path: Path, text: str, zone: Zone) -> float | None:
    """Seconds since the epoch; of a time that a change leaves out or doubles, one of the two."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        document.problem(path, f"there is no day {text[:10]}")
        return None
    return local - zone.at(local - zone.at(local - DAY)[0])[0]
