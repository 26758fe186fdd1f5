"""`make bench-simulation`: calls a second through the real matcher and the whole Acd in virtual time, beside SimPy and
Ciw.

All play the same M/M/12 (4.2 calls a minute, 2 minutes each), one after another on one core, the best of three rounds;
a package that cannot be installed is said to be missing. `cpu_per_s` counts the process's own time only. Through the
Acd a call is INVITE, answer, look-up, flow, queue, offer, phone, conversation, hang-up, both legs' ends, record.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks import peers
from benchmarks.report import Report
from cti_engine.core import events
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.events import Event
from cti_engine.core.queueing import ErlangC
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.distributions import Exponential
from cti_engine.simulation.habits import Call, GroupHabits, Habits, Handling
from cti_engine.simulation.matcher_world import Arrival, MatcherWorld, Staffing
from cti_engine.simulation.simulated_rules import Way, simulated

ROUNDS = 3
MINUTE = 60_000
QUEUE = {"arrivals": 4.2, "service": 0.5, "servers": 12}
CUSTOMERS = {"matcher": 60_000, "acd": 20_000, "simpy": 60_000, "ciw": 20_000}
RULES = RoutingRules("bench", {"q": QueueRules("q", 0, (StepRule(),))})
Figures = dict[str, float]


def arrivals(generator: np.random.Generator, number: int) -> list[int]:
    """In ms."""
    gaps = generator.exponential(MINUTE / QUEUE["arrivals"], number)
    at: list[int] = np.rint(np.cumsum(gaps)).astype(int).tolist()
    return at


def matcher(seed: int) -> Figures:
    number = CUSTOMERS["matcher"]
    wall, cpu = time.perf_counter(), time.process_time()
    generator = np.random.default_rng(seed)
    at = arrivals(generator, number)
    handles = np.rint(generator.exponential(MINUTE / QUEUE["service"], number)).astype(int)
    people = [AgentFacts(f"a{place:02}", place=place) for place in range(int(QUEUE["servers"]))]
    out = MatcherWorld(RULES, {"all": people}).run(map(Arrival, at, ["q"] * number, handles.tolist()))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_s": number / wall, "cpu_per_s": number / cpu, "mean_wait": sum(out.wait) / number / MINUTE}


def acd(seed: int) -> Figures:
    number = CUSTOMERS["acd"]
    wall, cpu = time.perf_counter(), time.process_time()
    people = {f"a{place:02}": AgentDefinition(f"a{place:02}", "") for place in range(int(QUEUE["servers"]))}
    queue = QueueDefinition("q", "Q", tuple(people), wrap_up=0.0, max_wait=1e6)
    rules = simulated(CenterDefinitions("bench", people, {"q": queue}, {}, {}), [Way("q", "q")])
    talk = GroupHabits(Handling(Exponential(60 / QUEUE["service"])))
    habits = Habits(Chance(seed, 1), dict.fromkeys(people, "all"), {"all": talk})
    waits: list[float] = []

    def tell(facts: list[tuple[float, Event]]) -> None:
        waits.extend(event.waited_s for _, event in facts if isinstance(event, events.CallBridged))

    calls = [
        Call(at, key, "q", "q", f"+999{key:09}", {})
        for key, at in enumerate(arrivals(np.random.default_rng(seed), number))
    ]
    AcdWorld(rules, habits, tell, 0).run(calls, [Staffing(0, "all", len(people))])
    assert len(waits) == number
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_s": number / wall, "cpu_per_s": number / cpu, "mean_wait": sum(waits) / number / 60}


HERE = {"matcher": matcher, "acd": acd}


def theirs(name: str, seed: int) -> Figures:
    question = [name, QUEUE | {"customers": CUSTOMERS[name], "seed": seed}]
    answer: Figures = peers.ask(Path(__file__).with_name("peer_simulators.py"), question)
    return answer


def main() -> int:
    console = Console(stderr=True, highlight=False)
    report = Report("bench-simulation")
    there = peers.install(["simpy", "ciw"])
    names = [*HERE, *there]
    rounds = [(name, seed) for seed in range(1, ROUNDS + 1) for name in names]
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for name, seed in track(rounds, description="M/M/12", console=console):
        found[name].append(HERE[name](seed) if name in HERE else theirs(name, seed))
    for name, goal in (("matcher", ">= 40000"), ("acd", ">= 1500")):
        report.goal(f"{name}_calls_per_s", goal, max(each["per_s"] for each in found[name]), "calls/s")
    for name, figures in found.items():
        for key in ("per_s", "cpu_per_s"):
            report.figure(f"{name}_{key}", max(each[key] for each in figures))
        report.figure(f"{name}_mean_wait_min", sum(each["mean_wait"] for each in figures) / len(figures))
    report.figure(
        "theory_mean_wait_min", ErlangC(QUEUE["arrivals"], QUEUE["service"], int(QUEUE["servers"])).asa
    )
    report.figure("not_installed", sorted({"simpy", "ciw"} - set(there)))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
