"""Every result against 160-digit arithmetic, and the values that textbooks and other packages print."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from cti_engine.core.queueing import ErlangA, ErlangB, ErlangC, ServiceLevel, load_for_blocking
from tests.queueing import reference

ALLOWED = 1e-10
INF = math.inf
GRID = [
    (servers, load, patience, places)
    for servers in (1, 2, 10, 100, 1000)
    for load in (0.3, 0.95, 1.0, 1.2)
    for patience in (0.1, 2.0, 10.0, INF)
    for places in (None, 0, 1, servers // 3 + 2, 2 * servers + 10)
    if patience != INF or places is not None or load < 1.0
]
LARGE = [
    (100_000, 0.999, INF, None), (100_000, 1.0, 0.5, None), (100_000, 1.0, 0.5, 300), (100_000, 1.05, 2.0, None),
    (100_000, 1.0, INF, 1000), (100_000, 0.998, 2.0, None), (10_000, 1.2, 0.5, None),
]  # fmt: skip


def errors(servers: int, load: float, patience: float, places: int | None) -> dict[str, float]:
    """Relative errors of all results above 1e-40, by name."""
    arrivals, threshold = load * servers, 0.3 / math.sqrt(servers)
    theta = 0.0 if patience == INF else 1.0 / patience
    exact = reference.erlang_a(arrivals, 1.0, servers, theta, places, threshold)
    queue = ErlangA(arrivals, 1.0, servers, patience, places)
    joined = exact.no_wait + exact.wait
    wanted = {
        "no_wait": exact.no_wait,
        "wait_probability": exact.wait,
        "blocking": exact.blocking,
        "abandonment": exact.abandoned,
        "answered": exact.answered,
        "asa": exact.waited_answered / exact.answered,
        "mean_wait": exact.waited / joined,
        "queue_length": Decimal(arrivals) * exact.waited,
        "occupancy": Decimal(arrivals) * exact.answered / servers,
    }
    got = {name: float(getattr(queue, name)) for name in wanted}
    levels = (
        exact.in_time, exact.in_time / exact.answered, exact.in_time / (exact.answered + exact.late),
        exact.virtual / joined,
    )  # fmt: skip
    for definition, level in zip(ServiceLevel, levels, strict=True):
        wanted[definition], got[definition] = level, queue.service_level(threshold, definition)
    wanted["longer"] = (exact.answered - exact.in_time) / exact.answered
    got["longer"] = queue.wait_longer(threshold)
    return {
        name: abs(float(Decimal(got[name]) / value - 1))
        for name, value in wanted.items()
        if value > Decimal("1e-40")
    }


@pytest.mark.parametrize("servers", [1, 2, 10, 100, 1000])
def test_erlang_a_against_the_birth_death_chain(servers: int) -> None:
    """Underload to overload, patience short to endless, with and without a limit: error <= 1e-10 in each result."""
    for case in GRID:
        if case[0] == servers:
            found = errors(*case)
            assert max(found.values()) <= ALLOWED, (case, found)


@pytest.mark.parametrize("case", LARGE, ids=str)
def test_erlang_a_with_many_servers(case: tuple[int, float, float, int | None]) -> None:
    """The same with up to 100,000 servers."""
    found = errors(*case)
    assert max(found.values()) <= ALLOWED, found


@pytest.mark.parametrize("servers", [1, 2, 3, 10, 100, 1000, 100_000])
def test_erlang_b_and_c_against_the_recursion(servers: int) -> None:
    """Light load to overload, and C from B by its definition."""
    for share in (0.6, 0.9, 0.99, 0.9999, 1.0, 1.1, 2.0):
        load = share * servers
        exact = reference.blocking(load, servers)
        if exact > Decimal("1e-290"):
            assert abs(float(Decimal(ErlangB(load, servers).blocking) / exact - 1)) <= ALLOWED, load
        if share < 1.0:
            waiting = exact / (1 - Decimal(load) / servers * (1 - exact))
            if waiting > Decimal("1e-290"):
                found = Decimal(ErlangC(load, 1.0, servers).wait_probability)
                assert abs(float(found / waiting - 1)) <= ALLOWED, load


@pytest.mark.parametrize(
    ("servers", "load", "patience", "places"),
    [(50, 48 / 50, 2.0, None), (50, 1.2, 0.5, 40), (1000, 1.0, 2.0, None), (3, 0.9, INF, None)],
)
@pytest.mark.parametrize("share", [0.8, 0.9, 0.99, 0.99999])
def test_a_quantile_is_where_the_reference_reaches_the_share(
    servers: int, load: float, patience: float, places: int | None, share: float
) -> None:
    """A hair (1e-10) before it the exact share of the answered is smaller, a hair after it greater."""
    arrivals = servers * load
    theta = 0.0 if patience == INF else 1.0 / patience
    at = ErlangA(arrivals, 1.0, servers, patience, places).wait_quantile(share)
    assert at > 0.0
    shares = []
    for time in (at * (1 - ALLOWED), at * (1 + ALLOWED)):
        exact = reference.erlang_a(arrivals, 1.0, servers, theta, places, time)
        shares.append(exact.in_time / exact.answered)
    assert shares[0] < Decimal(share) < shares[1]


def test_classic_traffic_tables() -> None:
    """Erlang B of 5 Erlang on 10, and the loads that lose one per cent."""
    assert ErlangB(5.0, 10).blocking == pytest.approx(0.018385, abs=5e-7)
    for servers, load in ((10, 4.461), (20, 12.031), (100, 84.064)):
        assert load_for_blocking(servers, 0.01) == pytest.approx(load, abs=5e-4)


@pytest.mark.parametrize(
    ("arrivals", "service", "servers", "threshold", "wanted"),
    [
        (123.0, 1.0, 132, 0.0, {"wait_probability": 0.321116}),
        # pyworkforce's README: 100 calls in 30 minutes of 3 minutes each, 20 s
        (100 / 30, 1 / 3, 14, 1 / 3, {"wait_probability": 0.174132, "level": 0.888350, "occupancy": 0.714286}),
        # call-center-tools' page: 1,000 calls an hour of 120 s, 20 s
        (1000 / 3600, 1 / 120, 40, 20.0, {"wait_probability": 0.1907, "level": 0.9372, "asa": 3.43}),
        # Garnett, Mandelbaum, Reiman 2002 with endless patience, in minutes
        (48.0, 1.0, 50, 0.0, {"asa": 20.83 / 60, "queue_length": 16.67, "occupancy": 0.96, "quantile": 58.14 / 60}),
        # 4CallCenters lecture: 400 calls in 30 minutes of 3:45, 20 s
        (400 / 1800, 1 / 225, 52, 20.0, {"asa": 78.71, "level": 0.414}),
        (400 / 1800, 1 / 225, 55, 20.0, {"asa": 17.30, "level": 0.753}),
        (400 / 1800, 1 / 225, 58, 20.0, {"asa": 5.47, "level": 0.905}),
        (400 / 1800, 1 / 225, 60, 20.0, {"asa": 2.64, "level": 0.952}),
    ],
)  # fmt: skip
def test_printed_values_of_erlang_c(
    arrivals: float, service: float, servers: int, threshold: float, wanted: dict[str, float]
) -> None:
    """As others print them, to the digits that they print; Erlang A with endless patience says the same."""
    queue = ErlangC(arrivals, service, servers)
    endless = ErlangA(arrivals, service, servers)
    found = {
        "wait_probability": queue.wait_probability,
        "level": queue.service_level(threshold),
        "asa": queue.asa,
        "occupancy": queue.occupancy,
        "queue_length": queue.queue_length,
        "quantile": queue.wait_quantile(0.9),
    }
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1.5e-3), name
    assert endless.asa == pytest.approx(queue.asa, rel=1e-12)
    assert endless.wait_quantile(0.97) == pytest.approx(queue.wait_quantile(0.97), rel=1e-11)


def test_the_example_of_garnett_mandelbaum_and_reiman() -> None:
    """48 calls a minute of one minute, 50 agents, patience 2 minutes; waits in seconds."""
    queue = ErlangA(48.0, 1.0, 50, 2.0)
    assert queue.abandonment == pytest.approx(0.03091, abs=5e-6)
    assert queue.mean_wait * 60 == pytest.approx(3.709, abs=5e-4)
    assert queue.caller_wait_quantile(0.9) * 60 == pytest.approx(12.44, abs=6e-3)
    assert queue.queue_length == pytest.approx(2.968, abs=5e-4)
    assert queue.occupancy == pytest.approx(0.9303, abs=5e-5)


@pytest.mark.parametrize(
    ("servers", "abandonment", "level"),
    [(40, 0.16947, 0.3895), (45, 0.08360, 0.7647), (55, 0.00864, 0.9888), (60, 0.00184, 0.9980)],
)
def test_the_same_example_with_other_numbers_of_agents(
    servers: int, abandonment: float, level: float
) -> None:
    """Abandonment, and service level in 20 s of all calls."""
    queue = ErlangA(48.0, 1.0, servers, 2.0)
    assert queue.abandonment == pytest.approx(abandonment, abs=6e-6)
    assert queue.service_level(1 / 3) == pytest.approx(level, abs=6e-5)


@pytest.mark.parametrize(
    ("load", "servers", "threshold", "waiting", "abandonment", "level"),
    [
        (100.0, 100, 0.1, 0.596703, 0.0330302, 0.701110),
        (1000.0, 1000, 0.1, 0.589260, 0.0104505, 0.974570),
        (10_050.0, 10_000, 0.01, 0.798396, 0.0062686, 0.474206),
    ],
)
def test_large_centers(
    load: float, servers: int, threshold: float, waiting: float, abandonment: float, level: float
) -> None:
    """Patience of two handle times, near balance."""
    queue = ErlangA(load, 1.0, servers, 2.0)
    assert queue.wait_probability == pytest.approx(waiting, abs=6e-7)
    assert queue.abandonment == pytest.approx(abandonment, abs=6e-8)
    assert queue.service_level(threshold) == pytest.approx(level, abs=6e-7)


def test_a_limited_queue_without_abandonment() -> None:
    """M/M/90 with 30 places and 84 Erlang of 10 minutes: blocked 0.3643 %, of the others 37.97 % wait, 27.0 s mean."""
    queue = ErlangA(84.0, 1.0, 90, places=30)
    assert queue.blocking == pytest.approx(0.003643, abs=5e-7)
    assert queue.wait_probability / (1 - queue.blocking) == pytest.approx(0.3797, abs=5e-5)
    assert queue.mean_wait * 600 == pytest.approx(27.0, abs=0.05)


@pytest.mark.parametrize(("load", "expected"), [(100, 0.217), (1000, 0.221)])
def test_square_root_staffing(load: int, expected: float) -> None:
    """N servers where N = R + sqrt(N): the share that waits tends to Halfin and Whitt's 0.223."""
    offered = load - math.sqrt(load)
    assert ErlangC(offered, 1.0, load).wait_probability == pytest.approx(expected, abs=1e-3)
