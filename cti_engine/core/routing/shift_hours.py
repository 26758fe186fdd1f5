"""The week by the minute: when shifts work, and in which of those minutes certain agents do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from cti_engine.core.definitions import Shift

DAY = 1440
WEEK = 7 * DAY
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Minutes = NDArray[np.bool_]
"""One flag per minute of the week, from Monday 00:00."""


class ShiftWeek:
    """`names` of agents' shifts, empty for who works at any hour. `open`: the minutes in which some shift works."""

    def __init__(self, shifts: Mapping[str, Shift], names: Iterable[str]) -> None:
        self._minutes = {shift.id: _minutes(shift) for shift in shifts.values()}
        self.open = self.worked({name for name in names if name})

    def worked(self, names: Iterable[str]) -> Minutes:
        """When at least one of these works; at any hour when one has no shift, or one that is not known."""
        found = np.zeros(WEEK, np.bool_)
        for name in set(names):
            found |= self._minutes.get(name, True)
        return found


def _minutes(shift: Shift) -> Minutes:
    found = np.zeros(WEEK, np.bool_)
    length = (shift.ends - shift.begins) % DAY or DAY
    for day in shift.days:
        found[(day * DAY + shift.begins + np.arange(length)) % WEEK] = True
    return found


def say_hours(minutes: Minutes) -> str:
    """`mon-fri 18:00-22:00, sat 14:00 to mon 08:00`; empty for no minute at all."""
    if minutes.all():
        return "at any hour"
    said = []
    days: dict[tuple[int, int], list[int]] = {}
    for begin, end in _spans(minutes):
        if end - begin >= DAY:
            said.append((begin, f"{_day(begin)} {_time(begin)} to {_day(end)} {_time(end)}"))
        else:
            days.setdefault((begin % DAY, end - begin), []).append(begin // DAY)
    for (begin, length), on in days.items():
        said.append((on[0] * DAY + begin, f"{_days(on)} {_time(begin)}-{_time(begin + length)}"))
    return ", ".join(text for _, text in sorted(said))


def _spans(minutes: Minutes) -> list[tuple[int, int]]:
    """Contiguous minutes from begin until before end; one over the end of the week is one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], minutes, [False]]).astype(np.int8))).tolist()
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == WEEK:
        return [*spans[1:-1], (spans[-1][0], WEEK + spans[0][1])]
    return spans


def _days(days: list[int]) -> str:
    """`mon-fri, sun`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return " ".join(
        WEEKDAYS[run[0]] if len(run) == 1 else f"{WEEKDAYS[run[0]]}-{WEEKDAYS[run[-1]]}" for run in runs
    )


def _day(minute: int) -> str:
    return WEEKDAYS[minute // DAY % 7]


def _time(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
