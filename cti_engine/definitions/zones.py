"""Time zones by name, with every change of their clocks in YEARS worked out, so that the core reads no zone's file."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.hours import DAY, Zone
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import Text
from cti_engine.definitions.yaml_source import Document

YEARS = range(2020, 2061)
TIME_ZONE = Text("a time zone such as Europe/Madrid", r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def zone_named(document: Document, path: Path, name: str) -> Zone:
    """Empty: the machine's own. One that there is not is a problem, and UTC."""
    try:
        return zone_of(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "e.g. Europe/Madrid; apt-get install tzdata"
        document.problem(path, f"{name} is not a time zone of this machine", hint)
        return Zone(name, (), (0,))


@cache
def zone_of(name: str) -> Zone:
    """Every change of its clock in YEARS, to the second. Raises as ZoneInfo does."""
    offset_at = _offset_of(name)
    moment, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS[0], YEARS[-1] + 1))
    changes, offsets = [], [offset_at(moment)]
    for later in range(moment + DAY, end, DAY):
        offset = offset_at(later)
        if offset != offsets[-1]:
            changes.append(_change_between(later - DAY, later, offset_at))
            offsets.append(offset)
    return Zone(name, tuple(changes), tuple(offsets))


def _offset_of(name: str) -> Callable[[int], int]:
    if not name:
        return lambda moment: time.localtime(moment).tm_gmtoff
    zone = ZoneInfo(name)

    def offset(moment: int) -> int:
        return int((datetime.fromtimestamp(moment, zone).utcoffset() or timedelta()).total_seconds())

    return offset


def _change_between(before: int, after: int, offset_at: Callable[[int], int]) -> int:
    first = offset_at(before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset_at(middle) == first else (before, middle)
    return after
