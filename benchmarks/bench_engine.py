"""`make bench-engine`: whole calls per second through one engine process on one core: stored, acted, published.

A call is INVITE, look-up, greeting, key, queue, pop painted, agent's answer, recording, hang-up, disposition,
closed record. The engine, its links, store and broker are the shipped ones; workers and pages are stand-ins on real
links and a real bus, on the other core. Half of what was reached is then offered at random moments, for latency.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import uvloop
from rich.console import Console

from benchmarks.engine_world import Running, World, running_engine
from benchmarks.process_cost import cpu_times
from benchmarks.report import Report, percentile
from tests.adapters.redis_server import RedisServer


async def measure(
    store_url: str, broker_kind: str, folder: Path, seconds: float, progress: Console
) -> dict[str, float]:
    """One engine with this store and broker: calls/s when kept busy, latency at half of that."""
    async with running_engine(store_url, broker_kind, folder) as running:
        os.sched_setaffinity(running.engine, {0})
        return await _measured(running, seconds, progress)


async def _measured(running: Running, seconds: float, progress: Console) -> dict[str, float]:
    world = World(running.config.address, running.broker_url, running.password)
    await world.start()
    process, (ticks, stolen) = psutil.Process(running.engine), cpu_times()
    cpu_before, closed_before = process.cpu_times(), world.closed
    rate = await world.keep_busy(seconds)
    cpu = process.cpu_times()
    used = cpu.user + cpu.system - cpu_before.user - cpu_before.system
    calls = world.closed - closed_before
    await world.quiet()
    progress.print(f"  kept busy: {rate:.1f} calls/s, {1000 * used / calls:.2f} ms of CPU a call")
    half = rate / 2
    await world.offer(half, seconds, seed=7)
    await world.quiet()
    await world.close()
    ticks, stolen = (now - then for now, then in zip(cpu_times(), (ticks, stolen), strict=True))
    latencies = [1000 * value for value in world.latencies]
    middle, worst = percentile(latencies, 0.5), percentile(latencies, 0.99)
    stolen_percent = 100 * stolen / ticks
    progress.print(
        f"  {half:.1f} calls/s: p50 {middle:.2f} ms, p99 {worst:.2f} ms; stolen {stolen_percent:.1f} %"
    )
    return {
        "calls_per_s": rate,
        "cpu_ms_per_call": 1000 * used / calls,
        "p50_ms": middle,
        "p99_ms": worst,
        "failed": float(world.failed),
        "stolen_percent": stolen_percent,  # by the host: above a few, no delay means anything
    }


async def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-engine", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the four measurements")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[1:]))  # the engine has the first for itself
    progress, report = Console(stderr=True), Report("bench-engine")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress.print("SQLite and the broker that make run starts")
        (folder / "embedded").mkdir()
        embedded = await measure("sqlite:", "", folder / "embedded", options.seconds, progress)
        progress.print("Redis and Mosquitto")
        (folder / "redis").mkdir()
        redis = await RedisServer(folder / "redis").start()
        stack.push_async_callback(redis.stop)
        distributed = await measure(redis.url, "mosquitto", folder / "redis", options.seconds, progress)
    report.goal("engine_calls_per_s_embedded", ">= 70", embedded["calls_per_s"], "calls/s")
    report.goal("engine_calls_per_s_redis_mosquitto", ">= 100", distributed["calls_per_s"], "calls/s")
    worst = max(embedded["p99_ms"], distributed["p99_ms"])
    report.goal("signal_to_command_p99_ms", "<= 20", worst, "ms")
    report.goal("calls_failed", "= 0", embedded["failed"] + distributed["failed"], "calls")
    for name, figures in (("embedded", embedded), ("redis_mosquitto", distributed)):
        for key, value in figures.items():
            report.figure(f"{name}_{key}", value)
    return report.finish()


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    sys.exit(uvloop.run(main()))
