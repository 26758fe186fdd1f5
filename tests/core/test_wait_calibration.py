"""What the report of promised waits counts, and that callers who hung up make no wait look short."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cti_engine.core import events as ev
from cti_engine.core.reporting.wait_calibration import Kept, coverage, fold, losses

PROMISE = (10.0, 20.0, 40.0)


def queued(
    contact: str, promised: tuple[float, float, float] | None = PROMISE, queue: str = "q"
) -> ev.CallQueued:
    return ev.CallQueued(contact, queue, 0, 1, promised)


def bridged(contact: str, waited: float, queue: str = "q") -> ev.CallBridged:
    return ev.CallBridged(contact, "maria", queue, waited, 0.0)


def test_each_promise_is_counted_once_with_its_own_wait() -> None:
    """A wait is from the promise to the answer; at once, unknown, hung up and still waiting are told apart."""
    found = fold(
        [
            (0.0, queued("a")),
            (1.0, queued("b", None)),
            (2.0, queued("c", (0.0, 0.0, 0.0))),
            (2.0, bridged("c", 0.0)),
            (3.0, queued("d")),
            (4.0, queued("e")),
            (15.0, bridged("a", 115.0)),  # it had waited in another queue before
            (16.0, ev.CallAbandoned("d", "q", 13.0)),
            (17.0, bridged("b", 16.0)),
        ]
    )["q"]
    assert (found.at_once, found.unknown) == (1, 1)
    assert [(each.wait, each.answered) for each in found.kept] == [(15.0, True), (13.0, False)]
    assert (found.kept[1].last, found.kept[1].mean) == (0.0, 0.0)


def test_answered_by_the_agent_of_another_queue_is_answered() -> None:
    """A call that waited in two queues kept both promises; one that its rules sent on did not come to its answer."""
    found = fold(
        [
            (0.0, queued("a")),
            (0.0, queued("a", queue="lender")),
            (0.0, queued("b")),
            (5.0, ev.QueueLeft("a", "q", 5.0, "answered_elsewhere")),
            (5.0, bridged("a", 5.0, "lender")),
            (6.0, ev.QueueLeft("b", "q", 6.0, "time_out")),
        ]
    )
    assert [each.answered for each in found["q"].kept] == [True, False]
    assert [each.answered for each in found["lender"].kept] == [True]


def test_the_mean_of_the_day_begins_anew_at_midnight() -> None:
    """Yesterday's waits are no part of today's mean; the last wait is."""
    found = fold(
        [
            (86_000.0, queued("a")),
            (86_030.0, bridged("a", 30.0)),
            (86_500.0, queued("b")),
            (86_510.0, bridged("b", 10.0)),
        ]
    )["q"]
    assert (found.kept[1].last, found.kept[1].mean) == (30.0, None)


def test_coverage_without_hang_ups_is_the_plain_share() -> None:
    """Seven of ten within the promise, the exact promise counts as kept; Wilson's interval is scipy's."""
    kept = [Kept(PROMISE, wait, True, None, None) for wait in (1, 2, 3, 4, 5, 6, 20, 20.1, 30, 90)]
    found = coverage(kept, 1)
    exact = stats.binomtest(7, 10).proportion_ci(method="wilson")
    assert found == pytest.approx((0.7, exact.low, exact.high))


@pytest.mark.parametrize(("waits", "value"), [([1.0, 2.0], 1.0), ([50.0, 60.0], 0.0)])
def test_coverage_of_all_or_none(waits: list[float], value: float) -> None:
    """At the ends the interval still leaves room."""
    found = coverage([Kept(PROMISE, wait, True, None, None) for wait in waits], 1)
    assert found.value == value
    assert 0.0 <= found.low < found.high <= 1.0
    assert found.high - found.low > 0.5


def test_coverage_with_hang_ups_is_that_of_all_waits() -> None:
    """Half of the callers give up; the product-limit estimate finds the true share, the answered alone do not."""
    generator = np.random.default_rng(3)
    promised = generator.uniform(20.0, 80.0, 20_000)
    wait, patience = promised * generator.exponential(0.7, 20_000), generator.exponential(30.0, 20_000)
    kept = [
        Kept((0.0, promise, 0.0), min(each, stays), bool(each <= stays), None, None)
        for each, stays, promise in zip(wait, patience, promised, strict=True)
    ]
    found = coverage(kept, 1)
    assert found.low < float((wait <= promised).mean()) < found.high
    assert found.high - found.low < 0.04
    answered = [each for each in kept if each.answered]
    assert coverage(answered, 1).value > found.value + 0.1


def test_the_loss_with_hang_ups_is_that_of_all_waits() -> None:
    """Weighed for those who gave up, the loss is that of the waits that would have been."""
    generator = np.random.default_rng(4)
    wait, patience = generator.exponential(30.0, 20_000), generator.exponential(60.0, 20_000)
    promise = (20.8, 48.3, 89.9)
    everybody = [Kept(promise, each, True, 10.0, 30.0) for each in wait]
    some = [
        Kept(promise, min(each, stays), bool(each <= stays), 10.0, 30.0)
        for each, stays in zip(wait, patience, strict=True)
    ]
    true = losses(everybody)
    assert losses(some) == pytest.approx(true, rel=0.05)
    assert true["promised"] < true["mean"] < true["last"]
    assert losses([Kept(promise, 1.0, True, None, None)]) == {}
