"""`make bench-simulation`: calls a second through the real matcher in virtual time, beside SimPy and Ciw.

All play the same M/M/12 (4.2 calls a minute, 2 minutes each), one after another on one core, the best of three rounds;
a package that cannot be installed is said to be missing. `cpu_per_s` counts the process's own time only.
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
from cti_engine.core.queueing import ErlangC
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule
from cti_engine.simulation.matcher_world import Arrival, MatcherWorld

ROUNDS = 3
MINUTE = 60_000
QUEUE = {"arrivals": 4.2, "service": 0.5, "servers": 12}
CUSTOMERS = {"here": 60_000, "simpy": 60_000, "ciw": 20_000}
RULES = RoutingRules("bench", {"q": QueueRules("q", 0, (StepRule(),))})
Figures = dict[str, float]


def here(seed: int) -> Figures:
    number = CUSTOMERS["here"]
    wall, cpu = time.perf_counter(), time.process_time()
    generator = np.random.default_rng(seed)
    at = np.rint(np.cumsum(generator.exponential(MINUTE / QUEUE["arrivals"], number))).astype(int)
    handles = np.rint(generator.exponential(MINUTE / QUEUE["service"], number)).astype(int)
    people = [AgentFacts(f"a{place:02}", place=place) for place in range(int(QUEUE["servers"]))]
    out = MatcherWorld(RULES, {"all": people}).run(
        map(Arrival, at.tolist(), ["q"] * number, handles.tolist())
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"per_s": number / wall, "cpu_per_s": number / cpu, "mean_wait": sum(out.wait) / number / MINUTE}


def theirs(name: str, seed: int) -> Figures:
    question = [name, QUEUE | {"customers": CUSTOMERS[name], "seed": seed}]
    answer: Figures = peers.ask(Path(__file__).with_name("peer_simulators.py"), question)
    return answer


def main() -> int:
    console = Console(stderr=True, highlight=False)
    report = Report("bench-simulation")
    there = peers.install(["simpy", "ciw"])
    names = ["here", *there]
    rounds = [(name, seed) for seed in range(1, ROUNDS + 1) for name in names]
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for name, seed in track(rounds, description="M/M/12", console=console):
        found[name].append(here(seed) if name == "here" else theirs(name, seed))
    report.goal("matcher_calls_per_s", ">= 40000", max(each["per_s"] for each in found["here"]), "calls/s")
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
