"""Days on which waits are promised, from an empty center with models that know nothing; what they came to.

`python -m tests.routing.wait_scenarios` prints docs/measurements.md's table: all days of all scenarios.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.reporting.wait_calibration import SHARES, Coverage, Kept, coverage, fold, losses
from cti_engine.core.routing.model import AgentFacts, ProfileQueue, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.matcher_world import FOREVER, Arrival, Staffing
from tests.routing.wait_world import WaitWorld

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
DAYS = range(1, 21)
Generator = np.random.Generator
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Demand:
    """Calls of one kind: an hour's expected number for each hour, means in seconds. `spread`: the handle time's
    coefficient of variation, lognormal; 1 is exponential instead.
    """

    per_hour: tuple[float, ...]
    handle: float = 180.0
    patience: float = math.inf
    queue: str = "q"
    priority: int = 0
    spread: float = 0.8

    def calls(self, generator: Generator) -> list[Arrival]:
        at = np.concatenate([
            generator.uniform(hour * HOUR, (hour + 1) * HOUR, generator.poisson(number))
            for hour, number in enumerate(self.per_hour)
        ])  # fmt: skip
        handles = self._handles(generator, len(at))
        patience = [FOREVER] * len(at)
        if self.patience < math.inf:
            patience = _whole(generator.exponential(self.patience * SECOND, len(at)))
        return [
            Arrival(moment, self.queue, handle, patient, self.priority)
            for moment, handle, patient in zip(_whole(at), _whole(handles), patience, strict=True)
        ]

    def _handles(self, generator: Generator, number: int) -> Numbers:
        mean = self.handle * SECOND
        if self.spread == 1.0:
            return generator.exponential(mean, number)
        sigma = math.sqrt(math.log1p(self.spread**2))
        return generator.lognormal(math.log(mean) - 0.5 * sigma**2, sigma, number)


def _whole(values: Numbers) -> list[int]:
    found: list[int] = np.rint(values).astype(np.int64).tolist()
    return found


ONE_QUEUE = RoutingRules("day", {"q": QueueRules("q", 0, (StepRule(),))})


def people(number: int, name: str = "a", profile: str = "", **attributes: int) -> list[AgentFacts]:
    return [
        AgentFacts(f"{name}{place:03}", attributes, profile=profile, place=place) for place in range(number)
    ]


@dataclass(frozen=True)
class Scenario:
    name: str
    demand: tuple[Demand, ...]
    groups: Callable[[], dict[str, list[AgentFacts]]]
    rules: RoutingRules = ONE_QUEUE
    staffing: tuple[Staffing, ...] = ()
    restart_at: int = -1
    forget: bool = False

    def day(self, seed: int) -> WaitWorld:
        generator = np.random.default_rng([seed, 3])
        calls = sorted(call for demand in self.demand for call in demand.calls(generator))
        world = WaitWorld(self.rules, self.groups(), restart_at=self.restart_at, forget=self.forget)
        world.run(calls, self.staffing)
        return world


def _scaled(factor: float) -> tuple[float, ...]:
    shape = (60, 90, 130, 150, 140, 110, 100, 120, 140, 120, 80, 50)
    return tuple(factor * each for each in shape)


def condition(text: str) -> Condition:
    return Condition(parse(text))


TWO_QUEUES = RoutingRules(
    "two",
    {"gold": QueueRules("gold", 0, (StepRule(),)), "standard": QueueRules("standard", 1, (StepRule(),))},
    {"both": {"gold": ProfileQueue(0), "standard": ProfileQueue(1)}},
)
STEPS = RoutingRules(
    "steps",
    {
        "q": QueueRules(
            "q", 0, (StepRule(condition("agent.level >= 2"), wait=20_000), StepRule(raise_priority=5)),
        ),
    },
)  # fmt: skip
LUNCH = tuple(
    Staffing(at, "a", number)
    for at, number in (
        (4 * HOUR, 14),
        (4 * HOUR + 30 * MINUTE, 10),
        (5 * HOUR, 14),
        (5 * HOUR + 30 * MINUTE, 20),
    )
)
LOST_AT_NOON = Scenario(
    "restart at noon, nothing was stored",
    (Demand(_scaled(1.0), patience=600.0),),
    lambda: {"a": people(6)},
    restart_at=6 * HOUR,
    forget=True,
)

SCENARIOS = (
    Scenario(
        "M/M/10+M, load 0.95", (Demand((190.0,) * 12, patience=300.0, spread=1.0),), lambda: {"a": people(10)}
    ),
    Scenario(
        "M/M/50+M, load 1.1", (Demand((1100.0,) * 8, patience=240.0, spread=1.0),), lambda: {"a": people(50)}
    ),
    Scenario("M/M/3, load 0.85", (Demand((51.0,) * 12, spread=1.0),), lambda: {"a": people(3)}),
    Scenario("a day's load, 6 agents", (Demand(_scaled(1.0), patience=600.0),), lambda: {"a": people(6)}),
    Scenario("a day's load, 24 agents", (Demand(_scaled(4.0), patience=240.0),), lambda: {"a": people(24)}),
    Scenario(
        "two priorities share 12 agents",
        (Demand(_scaled(0.6), patience=600.0, queue="gold"), Demand(_scaled(1.3), patience=600.0, queue="standard")),
        lambda: {"a": people(12, profile="both")}, TWO_QUEUES,
    ),
    Scenario(
        "one queue, a fifth of the calls come first",
        (Demand(_scaled(0.4), patience=600.0, priority=600), Demand(_scaled(1.6), patience=600.0)),
        lambda: {"a": people(12)},
    ),
    Scenario(
        "steps: 4 experts, after 20 s all 12", (Demand(_scaled(2.0), patience=300.0),),
        lambda: {"e": people(4, "e", level=2), "a": people(8, "a", level=1)}, STEPS,
    ),
    Scenario("lunch: 20, 14, 10, 14, 20 agents", (Demand((330.0,) * 10, patience=400.0),), lambda: {"a": people(20)},
             staffing=LUNCH),
    Scenario("restart at noon", (Demand(_scaled(1.0), patience=600.0),), lambda: {"a": people(6)},
             restart_at=6 * HOUR),
    LOST_AT_NOON,
)  # fmt: skip


@dataclass
class Result:
    """Of one queue: the coverage of each day's p80, and all days in one."""

    at_once: int = 0
    unknown: int = 0
    days: list[float] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)

    def coverage(self) -> list[Coverage]:
        return [coverage(self.kept, place) for place in range(len(SHARES))]


def play(scenario: Scenario, days: range = DAYS) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for seed in days:
        for queue, promises in sorted(fold(scenario.day(seed).facts).items()):
            result = found.setdefault(queue, Result())
            result.at_once += promises.at_once
            result.unknown += promises.unknown
            result.kept += promises.kept
            result.days.append(coverage(promises.kept, 1).value)
    return found


def main() -> int:
    console = Console(width=170)
    table = Table("scenario", "queue", "at once", "no estimate", "promised", "hung up", "p50", "p80", "p95",
                  "p80 of single days", "loss", "last wait", "mean of the day")  # fmt: skip
    for scenario in SCENARIOS:
        for queue, result in play(scenario).items():
            kept = result.kept
            loss = losses(kept)
            table.add_row(
                scenario.name, queue, str(result.at_once), str(result.unknown), str(len(kept)),
                f"{1 - sum(each.answered for each in kept) / len(kept):.0%}",
                *[f"{each.value:.3f}" for each in result.coverage()],
                f"{min(result.days):.2f} to {max(result.days):.2f}",
                *[f"{loss[name]:.1f}" for name in ("promised", "last", "mean")],
            )  # fmt: skip
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
