"""The fewest servers: one fewer misses the target. And what no formula accepts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.queueing import (
    ErlangA,
    ErlangB,
    ErlangC,
    ServiceLevel,
    SharedServers,
    Targets,
    load_for_blocking,
    servers_for,
    servers_for_blocking,
)  # fmt: skip

one_target = st.one_of(
    st.builds(Targets, service_level=st.floats(0.05, 0.999), threshold=st.floats(0.0, 1.0),
              definition=st.sampled_from(ServiceLevel)),
    st.builds(Targets, asa=st.floats(1e-4, 2.0)),
    st.builds(Targets, abandonment=st.floats(0.001, 0.5)),
    st.builds(Targets, occupancy=st.floats(0.1, 0.99)),
    st.builds(Targets, occupancy=st.floats(0.5, 0.95), asa=st.floats(1e-3, 1.0), service_level=st.floats(0.5, 0.95)),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 3000.0), st.floats(0.02, 20.0) | st.just(math.inf), one_target)
def test_one_fewer_misses_the_target(load: float, patience: float, targets: Targets) -> None:
    """For any load and target, with and without patience."""
    servers = servers_for(load, 1.0, targets, patience=patience)
    assert targets.margin(ErlangA(load, 1.0, servers, patience)) >= 0.0
    fewer = servers - 1
    if fewer >= 1 and (patience != math.inf or load < fewer):
        assert not targets.margin(ErlangA(load, 1.0, fewer, patience)) >= 0.0


@pytest.mark.parametrize("load", [3.0, 100.0, 2000.0, 99_000.0])
@pytest.mark.parametrize("patience", [0.2, 2.0, math.inf])
@pytest.mark.parametrize(
    "targets",
    [
        Targets(service_level=0.8, threshold=0.1),
        Targets(asa=0.05),
        Targets(abandonment=0.03),
        Targets(occupancy=0.85),
    ],
    ids=["service_level", "asa", "abandonment", "occupancy"],
)
def test_it_is_found_in_a_few_steps(
    load: float, patience: float, targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than eight queues are computed to find the number, however many servers it is: each takes its time."""
    asked: list[int] = []
    margin = Targets.margin

    def counted(self: Targets, queue: ErlangA) -> float:
        asked.append(queue.servers)
        return margin(self, queue)

    monkeypatch.setattr(Targets, "margin", counted)
    assert servers_for(load, 1.0, targets, patience=patience) in asked
    assert len(asked) <= 8


def test_the_example_of_pyworkforce() -> None:
    """100 calls in 30 minutes of 3 minutes, 80 % in 20 s and at most 85 % occupied: 14 agents."""
    assert servers_for(100 / 30, 1 / 3, Targets(service_level=0.8, threshold=1 / 3, occupancy=0.85)) == 14


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 5000.0), st.floats(0.0001, 0.9))
def test_trunks_for_a_loss(load: float, blocking: float) -> None:
    """The fewest trunks, and the load that loses that share on them is at least this load."""
    trunks = servers_for_blocking(load, blocking)
    assert ErlangB(load, trunks).blocking <= blocking
    assert trunks == 1 or ErlangB(load, trunks - 1).blocking > blocking
    greatest = load_for_blocking(trunks, blocking)
    assert greatest >= load * (1 - 1e-12)
    assert ErlangB(greatest, trunks).blocking == pytest.approx(blocking, rel=1e-9)


@pytest.mark.parametrize(
    ("refused", "word"),
    [
        (lambda: ErlangC(10.0, 1.0, 10), "steady state"),
        (lambda: ErlangA(10.0, 1.0, 10), "steady state"),
        (lambda: SharedServers((1.0, 2.0), 1.0, 3), "steady state"),
        (lambda: ErlangB(0.0, 1), "load"),
        (lambda: ErlangB(math.nan, 1), "load"),
        (lambda: ErlangB(math.inf, 1), "load"),
        (lambda: ErlangB(1.0, 0), "servers"),
        (lambda: ErlangC(-1.0, 1.0, 1), "arrivals"),
        (lambda: ErlangC(1.0, 0.0, 1), "service"),
        (lambda: ErlangA(1.0, 1.0, 1, 0.0), "patience"),
        (lambda: ErlangA(1.0, 1.0, 1, math.nan), "patience"),
        (lambda: ErlangA(1.0, 1.0, 1, 1.0, -1), "places"),
        (lambda: ErlangA(1.0, 1.0, 2).service_level(-1.0), "time"),
        (lambda: ErlangA(1.0, 1.0, 2).wait_quantile(1.0), "share"),
        (lambda: ErlangC(1.0, 1.0, 2).wait_quantile(0.0), "share"),
        (lambda: SharedServers((), 1.0, 3), "classes"),
        (lambda: SharedServers((1.0,), 1.0, 3).by_accumulation([0.0]), "rate"),
        (lambda: SharedServers((1.0,), 1.0, 3).by_accumulation([1.0, 2.0]), "argument"),
        (lambda: load_for_blocking(1, 1.0), "blocking"),
        (lambda: servers_for(1.0, 1.0, Targets(service_level=0.0)), "service_level"),
        (lambda: servers_for(-1.0, 1.0, Targets(asa=1.0)), "arrivals"),
        (lambda: Targets(), "at least one"),
        (lambda: Targets(asa=0.0), "asa"),
    ],
)
def test_what_makes_no_sense_is_refused(refused: Callable[[], object], word: str) -> None:
    """A ValueError that names what is wrong."""
    with pytest.raises(ValueError, match=word):
        refused()
