"""What must hold between the formulas, for any parameters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.queueing import ErlangA, ErlangB, ErlangC, ServiceLevel, SharedServers

servers_ = st.integers(1, 3000)
shares = st.floats(0.05, 1.6)
patiences = st.floats(0.02, 50.0)
places_ = st.none() | st.integers(0, 400)
thresholds = st.floats(0.0, 3.0)


@settings(max_examples=30, deadline=None)
@given(servers_, st.floats(0.05, 0.995))
def test_endless_patience_is_erlang_c(servers: int, share: float) -> None:
    """As patience grows, A becomes C: at once when it is endless."""
    queue = ErlangC(share * servers, 1.0, servers)
    endless = ErlangA(share * servers, 1.0, servers)
    patient = ErlangA(share * servers, 1.0, servers, 1e13)
    assert endless.wait_probability == pytest.approx(queue.wait_probability, rel=1e-10)
    assert endless.asa == pytest.approx(queue.asa, rel=1e-10)
    assert endless.service_level(0.1) == pytest.approx(queue.service_level(0.1), rel=1e-10)
    assert patient.asa == pytest.approx(queue.asa, rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(servers_, shares, patiences)
def test_no_place_to_wait_is_erlang_b(servers: int, share: float, patience: float) -> None:
    """With no place in the queue patience does not matter and the blocked share is Erlang B."""
    queue = ErlangA(share * servers, 1.0, servers, patience, places=0)
    lost = ErlangB(share * servers, servers)
    assert queue.blocking == pytest.approx(lost.blocking, rel=1e-10)
    assert queue.occupancy == pytest.approx(lost.occupancy, rel=1e-10)
    assert queue.asa == queue.mean_wait == queue.wait_quantile(0.9) == 0.0


@settings(max_examples=30, deadline=None)
@given(servers_, shares, patiences)
def test_a_queue_that_never_fills_has_no_limit(servers: int, share: float, patience: float) -> None:
    """Places far beyond what is ever used change nothing."""
    free = ErlangA(share * servers, 1.0, servers, patience)
    limited = ErlangA(
        share * servers, 1.0, servers, patience, places=10 * servers + int(200 * patience * servers) + 500
    )
    assert limited.abandonment == pytest.approx(free.abandonment, rel=1e-10)
    assert limited.asa == pytest.approx(free.asa, rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(servers_, shares, patiences, places_, thresholds)
def test_every_call_has_one_end(
    servers: int, share: float, patience: float, places: int | None, threshold: float
) -> None:
    """Answered, abandoned and blocked are all; so are at once, waited and blocked; levels are shares in order."""
    queue = ErlangA(share * servers, 1.0, servers, patience, places)
    assert queue.answered + queue.abandonment + queue.blocking == pytest.approx(1.0, rel=1e-11)
    assert queue.no_wait + queue.wait_probability + queue.blocking == pytest.approx(1.0, rel=1e-11)
    assert queue.occupancy <= 1.0 + 1e-12
    levels = {definition: queue.service_level(threshold, definition) for definition in ServiceLevel}
    slack = 1e-12
    assert -slack <= levels[ServiceLevel.OFFERED] <= levels[ServiceLevel.ABANDONS_IGNORED] + slack
    assert levels[ServiceLevel.ABANDONS_IGNORED] <= levels[ServiceLevel.ANSWERED] + slack <= 1.0 + 2 * slack
    assert levels[ServiceLevel.ANSWERED] == pytest.approx(1.0 - queue.wait_longer(threshold), abs=1e-11)


@settings(max_examples=30, deadline=None)
@given(servers_, shares, patiences, places_, st.floats(0.5, 0.9999))
def test_a_quantile_and_its_share_are_inverse(
    servers: int, share: float, patience: float, places: int | None, wanted: float
) -> None:
    """The share of the answered up to the quantile is the share asked for, when anybody waits that long."""
    queue = ErlangA(share * servers, 1.0, servers, patience, places)
    at = queue.wait_quantile(wanted)
    if at > 0.0:
        assert queue.service_level(at, ServiceLevel.ANSWERED) == pytest.approx(wanted, rel=1e-9)
    else:
        assert queue.service_level(0.0, ServiceLevel.ANSWERED) >= wanted * (1 - 1e-9)
    assert queue.offered_wait_quantile(wanted) >= queue.caller_wait_quantile(wanted) * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(servers_, shares, patiences, thresholds)
def test_more_servers_are_better(servers: int, share: float, patience: float, threshold: float) -> None:
    """What staffing's bisection rests on: every measure is monotonous in the number of servers."""
    few = ErlangA(share * servers, 1.0, servers, patience)
    more = ErlangA(share * servers, 1.0, servers + 1, patience)
    slack = 1 + 1e-11
    assert more.abandonment <= few.abandonment * slack
    assert more.asa <= few.asa * slack
    assert more.occupancy <= few.occupancy * slack
    for definition in ServiceLevel:
        assert more.service_level(threshold, definition) * slack >= few.service_level(threshold, definition)


@settings(max_examples=30, deadline=None)
@given(servers_, st.floats(0.05, 1.5), st.floats(1.001, 1.2), patiences)
def test_more_calls_are_worse(servers: int, share: float, growth: float, patience: float) -> None:
    """More calls wait longer, hang up more and are lost more."""
    quiet = ErlangA(share * servers, 1.0, servers, patience)
    busy = ErlangA(share * servers * growth, 1.0, servers, patience)
    assert busy.abandonment * (1 + 1e-11) >= quiet.abandonment
    assert busy.mean_wait * (1 + 1e-11) >= quiet.mean_wait
    assert ErlangB(busy.load, servers).blocking >= ErlangB(quiet.load, servers).blocking


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.1, 5.0), min_size=1, max_size=6), st.integers(1, 300), st.floats(0.1, 0.97))
def test_priorities_move_waits_but_conserve_their_sum(
    weights: list[float], servers: int, load: float
) -> None:
    """Kleinrock's conservation law: the sum of lambda W is that of first come first served, whatever the order."""
    scale = load * servers / sum(weights)
    arrivals = tuple(weight * scale for weight in weights)
    shared = SharedServers(arrivals, 1.0, servers)
    fifo = ErlangC(sum(arrivals), 1.0, servers).asa * sum(arrivals)
    rates = [float(len(arrivals) - place) for place in range(len(arrivals))]
    for waits in (shared.by_priority(), shared.by_accumulation(rates)):
        assert list(waits) == sorted(waits)
        assert sum(rate * wait for rate, wait in zip(arrivals, waits, strict=True)) == pytest.approx(
            fifo, rel=1e-9
        )
    steep = shared.by_accumulation([10.0 ** (9 * rate) for rate in rates])
    assert steep == pytest.approx(shared.by_priority(), rel=1e-6)
    level = shared.by_accumulation([2.0] * len(arrivals))
    assert level == pytest.approx([fifo / sum(arrivals)] * len(arrivals), rel=1e-9)


def test_rates_may_come_in_any_order() -> None:
    """The class with the greater rate waits less wherever it stands, and equal classes wait alike."""
    shared = SharedServers((1.0, 1.5, 1.0), 1.0, 4)
    first, second, third = shared.by_accumulation((1.0, 3.0, 1.0))
    assert second < first == pytest.approx(third)
    assert math.isfinite(first)
