"""Runs in the environment of `benchmarks.peers`: customers a second through one M/M/c, in other simulators.

Stdin: [package, {arrivals, service, servers, customers, seed}]; stdout: {per_s, cpu_per_s, mean_wait}.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

Queue = dict[str, Any]


def simpy(queue: Queue) -> float:
    module = import_module("simpy")
    chance = random.Random(queue["seed"])
    world = module.Environment()
    agents = module.Resource(world, capacity=queue["servers"])
    waits: list[float] = []

    def customer() -> Iterator[Any]:
        came = world.now
        with agents.request() as request:
            yield request
            waits.append(world.now - came)
            yield world.timeout(chance.expovariate(queue["service"]))

    def source() -> Iterator[Any]:
        for _ in range(queue["customers"]):
            yield world.timeout(chance.expovariate(queue["arrivals"]))
            world.process(customer())

    world.process(source())
    world.run()
    return sum(waits) / len(waits)


def ciw(queue: Queue) -> float:
    module = import_module("ciw")
    module.seed(queue["seed"])
    network = module.create_network(
        arrival_distributions=[module.dists.Exponential(queue["arrivals"])],
        service_distributions=[module.dists.Exponential(queue["service"])],
        number_of_servers=[queue["servers"]],
    )
    world = module.Simulation(network)
    world.simulate_until_max_customers(queue["customers"], method="Finish")
    waits = [record.waiting_time for record in world.get_all_records()]
    return float(sum(waits) / len(waits))


SIMULATORS: dict[str, Callable[[Queue], float]] = {"simpy": simpy, "ciw": ciw}


def main() -> None:
    package, queue = json.load(sys.stdin)
    import_module(package)
    wall, cpu = time.perf_counter(), time.process_time()
    mean_wait = SIMULATORS[package](queue)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    number = queue["customers"]
    json.dump({"per_s": number / wall, "cpu_per_s": number / cpu, "mean_wait": mean_wait}, sys.stdout)


if __name__ == "__main__":
    main()
