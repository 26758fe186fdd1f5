"""Business hours: whether a named calendar is open at a moment, when that changes next, and what flows may ask of it.

The clock on the wall decides: a span is open whenever the zone's clock shows a time in it, so an hour that a change to
summer time leaves out is not open, and one that comes twice is open twice. Times in seconds since the epoch (UTC).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cti_engine.core.expressions.values import BOOLEAN, TEXT, Type, text_of

DAY = 86_400
LONGEST_LOOK = 400 * DAY
"""How far ahead the next change is looked for: over a year, for a calendar that opens on one day of it."""

Spans = tuple[tuple[int, int], ...]
"""From begin until before end, in seconds after midnight by the wall clock; an end over DAY is on the next day."""


@dataclass(frozen=True, slots=True)
class Zone:
    """`offsets[i]` is how far the wall clock is ahead of UTC before `changes[i]`; the last one holds from then on."""

    name: str
    changes: tuple[int, ...]
    offsets: tuple[int, ...]

    def at(self, moment: float) -> tuple[int, float]:
        """The offset at a moment, and until when it holds."""
        index = bisect_right(self.changes, moment)
        return self.offsets[index], self.changes[index] if index < len(self.changes) else float("inf")

    def moment_of(self, wall: float) -> float:
        """When the wall clock shows this (seconds since 1970-01-01 00:00 on that clock); the first time if twice."""
        return min(
            (wall - offset for offset in {*self.offsets} if self.at(wall - offset)[0] == offset),
            default=wall - self.at(wall)[0],
        )


UTC_ZONE = Zone("UTC", (), (0,))


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date that is not as its weekday. `name` by language; empty: just other hours."""

    spans: Spans
    name: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HoursStatus:
    """`kind`: `open`, `closed` or `holiday` (not open on a day that has a name).

    `name` by language: the day's, also while open, or why it is closed in an emergency. `opens_at` when it is not
    open, `closes_at` when it is; None: not within a year.
    """

    kind: str
    name: Mapping[str, str] = field(default_factory=dict)
    opens_at: float | None = None
    closes_at: float | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """`week` from Monday; `days` by days since 1970-01-01. A span belongs to the day on which it begins.

    Until `closed_until` it is closed whatever else is written, for the reason `closed_because` (by language).
    """

    id: str
    zone: Zone
    week: tuple[Spans, ...]
    days: Mapping[int, SpecialDay] = field(default_factory=dict)
    closed_until: float | None = None
    closed_because: Mapping[str, str] = field(default_factory=dict)

    def status(self, now: float) -> HoursStatus:
        change = self._next_change(now)
        kind, name = self.kind(now)
        if kind == "open":
            return HoursStatus(kind, name, closes_at=change)
        return HoursStatus(kind, name, opens_at=change)

    def kind(self, now: float) -> tuple[str, Mapping[str, str]]:
        """Kind and name of the status, without the next change: looking a year ahead for it takes 2 ms."""
        if self.in_emergency(now):
            return "closed", self.closed_because
        special = self.days.get(self._local(now)[0])
        name = special.name if special is not None else {}
        if self.is_open(now):
            return "open", name
        return "holiday" if name else "closed", name

    def after(self, start: float, seconds: float) -> float | None:
        """The moment at which it has been open for `seconds` since `start`; None: not while it can be looked ahead."""
        at, left = start, seconds
        while True:
            change = self._next_change(at)
            if self.is_open(at):
                if change is None or change - at >= left:
                    return at + left
                left -= change - at
            elif change is None:
                return None
            at = change

    def open_between(self, begin: float, end: float) -> float:
        """For how many seconds of this time it is open."""
        at, found = begin, 0.0
        while at < end:
            change = self._next_change(at)
            until = end if change is None else min(change, end)
            if self.is_open(at):
                found += until - at
            at = until
        return found

    def wall_clock(self, moment: float) -> datetime:
        """As clocks in its zone show it; the zone of what is returned says nothing."""
        return datetime.fromtimestamp(moment + self.zone.at(moment)[0], UTC)

    def is_open(self, now: float) -> bool:
        if self.in_emergency(now):
            return False
        day, second = self._local(now)
        return any(begin <= second < end for begin, end in self._spans(day)) or any(
            second + DAY < end for _, end in self._spans(day - 1)
        )

    def in_emergency(self, now: float) -> bool:
        return self.closed_until is not None and now < self.closed_until

    def _local(self, now: float) -> tuple[int, float]:
        offset, _ = self.zone.at(now)
        day, second = divmod(now + offset, DAY)
        return int(day), second

    def _spans(self, day: int) -> Spans:
        special = self.days.get(day)
        return special.spans if special is not None else self.week[(day + 3) % 7]  # 1970-01-01 was a Thursday

    def _next_change(self, now: float) -> float | None:
        """From edge to edge, until one changes whether it is open."""
        before, at = self.is_open(now), now
        while at < now + LONGEST_LOOK:
            at = min(edge for edge in self._edges(at) if edge > at)
            if self.is_open(at) != before:
                return at
        return None

    def _edges(self, at: float) -> Iterator[float]:
        """Moments at which it may change, if they lie ahead; one at the latest at midnight."""
        offset, until = self.zone.at(at)
        today = int((at + offset) // DAY)
        yield until
        if self.closed_until is not None:
            yield self.closed_until
        for day in (today - 1, today):
            midnight = day * DAY - offset
            yield midnight + DAY
            for begin, end in self._spans(day):
                yield midnight + begin
                yield midnight + end


# --- names for flows and rules --------------------------------------------------------------------

KINDS = text_of("open", "closed", "holiday")
DETAILS: Mapping[str, Type] = {
    "emergency": BOOLEAN,  # closed whatever else is written
    "opens_date": TEXT,  # "2026-12-01", while it is not open
    "opens_time": TEXT,  # "09:00"
    "closes_time": TEXT,  # while it is open
}


def names_of(calendars: Iterable[str]) -> dict[str, Type]:
    """`hours.NAME` is its kind, `hours.NAME.DETAIL` the rest."""
    found: dict[str, Type] = {}
    for calendar in calendars:
        found[f"hours.{calendar}"] = KINDS
        found |= {f"hours.{calendar}.{detail}": type_ for detail, type_ in DETAILS.items()}
    return found


def value_of(calendar: Calendar, detail: str, now: float) -> object:
    """None where there is no such value, as an opening time while it is open."""
    if detail == "emergency":
        return calendar.in_emergency(now)
    if not detail:
        return calendar.kind(now)[0]
    status = calendar.status(now)
    event, _, form = detail.partition("_")
    moment = {"opens": status.opens_at, "closes": status.closes_at}.get(event)
    if moment is None:
        return None
    return calendar.wall_clock(moment).strftime("%H:%M" if form == "time" else "%Y-%m-%d")
