"""The queues of the theory table: how each is played through the matcher, and what is known about it.

Steady queues: one long run, its beginning left out, waits in handle times. Days: from an empty center in the morning,
as the examples of ContactCenters (github.com/umontreal-simul/contactcenters, doc/examples, .java and .res) play them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from cti_engine.core.queueing import ErlangA, ServiceLevel, SharedServers
from cti_engine.core.routing.model import AgentFacts, ProfileQueue, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.matcher_world import (
    ABANDONED,
    ANSWERED,
    BLOCKED,
    FOREVER,
    Arrival,
    MatcherWorld,
    Outcomes,
)
from tests.routing.estimates import Replication

Numbers = npt.NDArray[np.float64]
Generator = np.random.Generator

SIZE, REPLICATIONS = 20_000, 200
WARM_UP = 30.0
"""In handle times; a steady queue's memory is a few."""


class Published(NamedTuple):
    """A confidence interval as printed: its ends, its level, and the last digit's half."""

    low: float
    high: float
    level: float = 0.95
    rounding: float = 0.0005


@dataclass(frozen=True)
class Case:
    """`exact`, `published`: by quantity, in the table's order.

    `play(generator, size, place)`: one replication. `size`: its calls after the warm-up, or of days how many there
    are; `place` in (0, 1) is where it stands among all of them, for strata.
    `known`: the load, servers, patience and threshold that packages are asked about.
    """

    name: str
    play: Callable[[Generator, int, float], Replication]
    size: int
    replications: int
    exact: dict[str, float] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)


def agents(number: int, profile: str = "") -> list[AgentFacts]:
    return [AgentFacts(f"a{place:03}", profile=profile, place=place) for place in range(number)]


# Steady queues


@dataclass(frozen=True)
class Steady:
    """M/M/c(/K)(+M) with classes: `loads` in Erlang, `patience` in handle times, `handle` in ms, `rates` of ageing.

    With `strict` the first class always goes first.
    """

    loads: tuple[float, ...]
    servers: int
    patience: float = math.inf
    places: int | None = None
    handle: int = 180_000
    threshold: float = 20_000 / 180_000
    rates: tuple[int, ...] = (1000,)
    strict: bool = False

    @property
    def rules(self) -> RoutingRules:
        queues = {
            f"q{place}": QueueRules(f"q{place}", place, (StepRule(),), rate=rate)
            for place, rate in enumerate(self.rates)
        }
        profiles = {
            "all": {name: ProfileQueue(place if self.strict else 0) for place, name in enumerate(queues)}
        }
        return RoutingRules("theory", queues, profiles)

    def play(self, generator: Generator, size: int, place: float) -> Replication:
        load = sum(self.loads)
        size += math.ceil(WARM_UP * load)
        gaps = generator.exponential(self.handle / load, size)
        handles = generator.exponential(self.handle, size)
        classes = generator.choice(len(self.loads), size, p=np.array(self.loads) / load)
        at = np.rint(np.cumsum(gaps)).astype(np.int64)
        wholes = np.rint(handles).astype(np.int64)
        patiences = [FOREVER] * size
        if self.patience < math.inf:
            patiences = (
                np.rint(generator.exponential(self.patience * self.handle, size)).astype(np.int64).tolist()
            )
        names = [f"q{number}" for number in classes.tolist()]
        world = MatcherWorld(
            self.rules,
            {"all": agents(self.servers, "all")},
            places=FOREVER if self.places is None else self.places,
        )
        out = world.run(map(Arrival, at.tolist(), names, wholes.tolist(), patiences))
        counted = at >= WARM_UP * self.handle
        sums = self._sums(out, at, wholes, classes, counted)
        return Replication(sums, self._controls(gaps, at, wholes, classes, counted))

    def _sums(
        self, out: Outcomes, at: npt.NDArray[np.int64], handles: npt.NDArray[np.int64], classes: npt.NDArray[np.int64],
        counted: npt.NDArray[np.bool_],
    ) -> dict[str, tuple[float, float]]:  # fmt: skip
        ends, waits = np.array(out.ends), np.array(out.wait) / self.handle
        answered, abandoned = (ends == ANSWERED) & counted, (ends == ABANDONED) & counted
        offered, number = float(counted.sum()), float(answered.sum())
        in_time = float((answered & (waits <= self.threshold)).sum())
        late = float((abandoned & (waits > self.threshold)).sum())
        joined = counted & (ends != BLOCKED)
        begins = at + np.array(out.wait)
        window = WARM_UP * self.handle, float(at[-1])
        busy = np.clip(begins + handles, *window) - np.clip(begins, *window)
        had_to_wait = joined & ((waits > 0.0) | (ends == ABANDONED))
        sums = {
            "wait_probability": (float(had_to_wait.sum()), offered),
            "blocking": (float((counted & (ends == BLOCKED)).sum()), offered),
            "abandonment": (float(abandoned.sum()), offered),
            "asa": (float(waits[answered].sum()), number),
            "mean_wait": (float(waits[joined].sum()), float(joined.sum())),
            "occupancy": (float(busy[ends == ANSWERED].sum()), self.servers * (window[1] - window[0])),
            "offered": (in_time, offered),
            "answered": (in_time, number),
            "abandons_ignored": (in_time, number + late),
        }
        for each in range(len(self.loads)):
            of_class = answered & (classes == each)
            sums[f"wait of class {each + 1}"] = float(waits[of_class].sum()), float(of_class.sum())
        return sums

    def _controls(
        self, gaps: Numbers, at: npt.NDArray[np.int64], handles: npt.NDArray[np.int64], classes: npt.NDArray[np.int64],
        counted: npt.NDArray[np.bool_],
    ) -> tuple[float, ...]:  # fmt: skip
        """Of gaps and handle times, and of what callers would find if no call ever had to wait: a Poisson number."""
        load = sum(self.loads)
        found = np.arange(len(at)) - np.searchsorted(np.sort(at + handles), at, side="right")
        found, of_class = found[counted], classes[counted]
        poisson = stats.poisson(load)
        levels = [self.servers] if self.places is None else [self.servers, self.servers + self.places]
        excess = float(sum(poisson.sf(level) for level in range(self.servers, self.servers + 500)))
        controls = [
            float(gaps[counted].mean()) * load / self.handle - 1.0,
            float(handles[counted].mean()) / self.handle - 1.0,
            *(float((found >= level).mean()) - float(poisson.sf(level - 1)) for level in levels),
            float(np.maximum(found - self.servers, 0).mean()) - excess,
        ]
        for each in range(len(self.loads) - 1):
            share = self.loads[each] / load
            controls.append(float((of_class == each).mean()) - share)
            controls.append(
                float(((found >= self.servers) & (of_class == each)).mean())
                - share * float(poisson.sf(self.servers - 1))
            )
        return tuple(controls)


def erlang(name: str, queue: Steady, quantities: tuple[str, ...]) -> Case:
    """A queue of one class, with the closed form of each quantity."""
    theory = ErlangA(queue.loads[0], 1.0, queue.servers, queue.patience, queue.places)
    exact = {
        name: theory.service_level(queue.threshold, ServiceLevel(name))
        if name in list(ServiceLevel)
        else float(getattr(theory, name))
        for name in quantities
    }
    known = {"load": queue.loads[0], "servers": queue.servers, "threshold": queue.threshold}
    if queue.patience < math.inf:
        known["patience"] = queue.patience
    if queue.places is not None:
        known["places"] = queue.places
    return Case(name, queue.play, SIZE, REPLICATIONS, exact, known=known)


def classes(name: str, queue: Steady) -> Case:
    """Classes that share agents, with the mean wait of each."""
    shared = SharedServers(queue.loads, 1.0, queue.servers)
    waits = shared.by_priority() if queue.strict else shared.by_accumulation(queue.rates)
    exact = {f"wait of class {number}": wait for number, wait in enumerate(waits, 1)}
    return Case(name, queue.play, SIZE, REPLICATIONS, exact)


WITHOUT_LOSS = ("wait_probability", "asa", "offered", "occupancy")
WITH_LOSS = (
    "wait_probability", "abandonment", "asa", "mean_wait", "offered", "answered", "abandons_ignored", "occupancy",
)  # fmt: skip
STEADY = (
    erlang("M/M/12", Steady((8.2,), 12), WITHOUT_LOSS),
    erlang("M/M/10+M", Steady((10.0,), 10, patience=1.0), WITH_LOSS),
    erlang(
        "M/M/50+M (Garnett)", Steady((48.0,), 50, patience=2.0, handle=60_000, threshold=1 / 3), WITH_LOSS
    ),
    erlang(
        "M/M/5/5", Steady((5.0,), 5, places=5), ("blocking", "wait_probability", "mean_wait", "occupancy")
    ),
    erlang(
        "M/M/8/4+M",
        Steady((8.0,), 8, patience=0.5, places=4),
        ("blocking", "abandonment", "asa", "offered", "occupancy"),
    ),
    classes("priority M/M/10", Steady((2.0, 2.0, 1.5), 10, rates=(1000,) * 3, strict=True)),
    classes("accumulating M/M/10", Steady((2.0, 2.0, 2.0), 10, rates=(4000, 2000, 1000))),
)
