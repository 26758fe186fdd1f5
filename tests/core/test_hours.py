"""Business hours against a walk minute by minute on the clock of the machine's own time zone files."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.hours import DAY, Calendar, Spans, SpecialDay
from cti_engine.definitions.zones import zone_of

ZONES = (
    "Europe/Madrid",
    "America/Bogota",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
)
EPOCH = date(1970, 1, 1)
SHIFTS = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC),
          datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)]  # fmt: skip
OFFICE: tuple[Spans, ...] = (((9 * 3600, 18 * 3600),),) * 5 + ((), ())


def madrid(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Madrid")).timestamp()


def office(days: dict[date, SpecialDay] | None = None, closed_until: float | None = None) -> Calendar:
    numbered = {(day - EPOCH).days: special for day, special in (days or {}).items()}
    return Calendar("office", zone_of("Europe/Madrid"), OFFICE, numbered, closed_until, {"en": "Flood."})


def plain_open(calendar: Calendar, now: float) -> bool:
    """By the machine's zone files and the sentence in the module's docstring."""
    if calendar.closed_until is not None and now < calendar.closed_until:
        return False
    local = datetime.fromtimestamp(now, ZoneInfo(calendar.zone.name))
    second = local.hour * 3600 + local.minute * 60 + local.second
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        special = calendar.days.get((day - EPOCH).days)
        spans = calendar.week[day.weekday()] if special is None else special.spans
        if any(begin <= second + back * DAY < end for begin, end in spans):
            return True
    return False


span = st.builds(
    lambda begin, length: (begin * 900, (begin + length) * 900), st.integers(0, 95), st.integers(1, 96)
)
spans = st.lists(span, max_size=2).map(tuple)


@st.composite
def calendars_and_moments(draw: st.DrawFn) -> tuple[Calendar, int]:
    around = int(draw(st.sampled_from(SHIFTS)).timestamp())
    now = around + 60 * draw(st.integers(-1500, 1500))
    first = around // DAY
    days = draw(st.dictionaries(st.integers(first - 2, first + 3), st.builds(SpecialDay, spans), max_size=3))
    until = draw(st.none() | st.integers(-1500, 1500).map(lambda minutes: around + 60.0 * minutes))
    week = tuple(draw(st.lists(spans, min_size=7, max_size=7)))
    return Calendar("any", zone_of(draw(st.sampled_from(ZONES))), week, days, until), now


@settings(max_examples=300, deadline=None)
@given(calendars_and_moments())
def test_status_is_that_of_a_walk_by_the_minute(asked: tuple[Calendar, int]) -> None:
    """Over changes of the clock, midnights, special days and closings: whether it is open, and when that changes."""
    calendar, now = asked
    status = calendar.status(now)
    assert (status.kind == "open") == plain_open(calendar, now)
    walk = (now + 60 * minute for minute in range(1, 3 * 1440))
    change = next((at for at in walk if plain_open(calendar, at) != plain_open(calendar, now)), None)
    told = status.closes_at if status.kind == "open" else status.opens_at
    if change is not None:
        assert told == change
    else:
        assert told is None or told >= now + 3 * DAY


def test_open_closed_and_when_next() -> None:
    """On a Friday: closed before nine, open until six, closed until Monday."""
    before = office().status(madrid("2026-11-27 08:00"))
    assert (before.kind, before.opens_at, before.closes_at) == ("closed", madrid("2026-11-27 09:00"), None)
    during = office().status(madrid("2026-11-27 09:00"))
    assert (during.kind, during.closes_at, during.opens_at) == ("open", madrid("2026-11-27 18:00"), None)
    after = office().status(madrid("2026-11-27 18:00"))
    assert (after.kind, after.opens_at) == ("closed", madrid("2026-11-30 09:00"))


def test_a_holiday_has_its_name_and_reaches_until_the_next_opening() -> None:
    """A day with a name is `holiday` while it is not open; its name is told while it is open too."""
    short = SpecialDay(((9 * 3600, 13 * 3600),), {"es": "Nochebuena"})
    christmas = SpecialDay((), {"es": "Navidad", "en": "Christmas"})
    calendar = office({date(2026, 12, 24): short, date(2026, 12, 25): christmas})
    assert calendar.status(madrid("2026-12-24 10:00")).kind == "open"
    assert calendar.status(madrid("2026-12-24 10:00")).name == {"es": "Nochebuena"}
    assert calendar.status(madrid("2026-12-24 15:00")).kind == "holiday"
    status = calendar.status(madrid("2026-12-25 10:00"))
    assert (status.kind, status.name["en"]) == ("holiday", "Christmas")
    assert status.opens_at == madrid("2026-12-28 09:00")


def test_an_emergency_closes_until_its_end() -> None:
    """Open hours do not count before it is over, and its reason is the name; then the hours are as always."""
    calendar = office(closed_until=madrid("2026-11-27 12:00"))
    status = calendar.status(madrid("2026-11-27 10:00"))
    assert (status.kind, status.name, status.opens_at) == (
        "closed",
        {"en": "Flood."},
        madrid("2026-11-27 12:00"),
    )
    assert calendar.status(madrid("2026-11-27 12:00")).kind == "open"


def test_what_never_changes_has_no_next_time() -> None:
    """Always open, or never: there is no moment to tell, and the question comes to an end."""
    zone = zone_of("Europe/Madrid")
    always = Calendar("always", zone, (((0, DAY),),) * 7)
    assert always.status(madrid("2026-10-25 02:30")).closes_at is None
    never = Calendar("never", zone, ((),) * 7)
    assert never.status(madrid("2026-10-25 02:30")).opens_at is None


def test_open_time_goes_over_nights_and_holidays() -> None:
    """Four open hours from Friday 14:00 end on Monday; seconds between two moments are the inverse of it."""
    calendar = office()
    friday = madrid("2026-11-27 14:00")
    for seconds in (0.0, 1800.0, 4 * 3600.0, 40 * 3600.0):
        later = calendar.after(friday, seconds)
        assert later is not None
        assert calendar.open_between(friday, later) == seconds
        assert calendar.is_open(later - 1.0) or seconds == 0.0
    assert calendar.open_between(friday, friday) == 0.0
    zone = zone_of("Europe/Madrid")
    always, never = Calendar("always", zone, (((0, DAY),),) * 7), Calendar("never", zone, ((),) * 7)
    assert (always.after(friday, 90.0), always.open_between(friday, friday + 90.0)) == (friday + 90.0, 90.0)
    assert (never.after(friday, 90.0), never.open_between(friday, friday + 90.0)) == (None, 0.0)


def test_a_time_on_the_wall_clock_is_a_moment() -> None:
    """Also on the days of change: what comes twice is its first time, what is left out is the moment it would be."""
    zone = zone_of("Europe/Madrid")
    for wall in ("2026-01-15 10:00", "2026-07-15 10:00", "2026-10-25 02:30", "2026-03-29 03:00"):
        moment = zone.moment_of(datetime.fromisoformat(wall).replace(tzinfo=UTC).timestamp())
        assert moment == madrid(wall)
    missing = zone.moment_of(datetime(2026, 3, 29, 2, 30, tzinfo=UTC).timestamp())
    assert madrid("2026-03-29 01:00") < missing < madrid("2026-03-29 04:00")
