"""A queue's counters of the day and the ratio made of them."""

from __future__ import annotations

import pytest

from cti_engine.core import events as ev
from cti_engine.core.reporting.service_level import QueueCounts


def counts_of(*happened: ev.Event, threshold: float = 20.0) -> QueueCounts:
    counts = QueueCounts("sales")
    for event in happened:
        counts.apply(event, threshold)
    return counts


QUEUED = ev.CallQueued("c", "sales", 0, 1)


@pytest.mark.parametrize(("waited", "in_time"), [(0.0, 1), (20.0, 1), (20.001, 0)])
def test_in_time_is_within_the_threshold_inclusive(waited: float, in_time: int) -> None:
    """A call answered at exactly the threshold was answered in time."""
    counts = counts_of(QUEUED, ev.CallBridged("c", "maria", "sales", waited, 2.0))
    assert (counts.answered, counts.in_time) == (1, in_time)


def test_service_level_leaves_out_who_still_waits() -> None:
    """Two of four decided calls in time: one half, whoever waits on."""
    counts = counts_of(
        *[QUEUED] * 5,
        ev.CallBridged("c1", "maria", "sales", 3.0, 2.0),
        ev.CallBridged("c2", "maria", "sales", 4.0, 2.0),
        ev.CallAbandoned("c3", "sales", 5.0),
        ev.QueueLeft("c4", "sales", 6.0, "flow"),
    )
    assert counts.service_level(waiting=1) == 0.5


def test_before_the_first_call_all_is_well() -> None:
    """Nothing offered, nothing missed: 1.0, also while the first one waits."""
    assert QueueCounts("sales").service_level(0) == 1.0
    assert counts_of(QUEUED).service_level(1) == 1.0


def test_a_new_day_starts_with_whoever_waits() -> None:
    """The identity offered = answered + abandoned + flowed out + waiting holds from the first moment."""
    counts = counts_of(QUEUED, QUEUED, ev.CallBridged("c", "maria", "sales", 1.0, 1.0))
    counts.start_day(7, waiting=1)
    assert counts == QueueCounts("sales", 7, offered=1)
