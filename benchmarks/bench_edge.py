"""`make bench-edge`: how many calls a second one edge carries on one core, as shipped, with its limits on.

A sipp trunk calls, each INVITE is placed on a linked worker, a sipp stands behind all workers and answers;
1,000 phones are registered and stored. The rate is raised until a call fails or the edge falls behind. A rate that
fails while the host takes the processors away says little: it is tried again, and every try is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process_cost import cpu_times, udp_drops
from benchmarks.report import Report
from benchmarks.stand_in_workers import StandInWorkers
from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.sip_edge.config import EdgeConfig, Trunk
from tests.phones.ports import HOST, free_port
from tests.phones.sipp import Sipp, SippFigures
from tests.phones.waiting import until
from tests.sip_edge.running import Engine, RunningEdge

GOAL_CALLS_PER_S = 600
PHONES = 1000
WORKERS = 300
TALK_S = 1.0
TRUNK_HOST = "127.0.0.2"
REALM = "bench.cti"
_REGISTER_RATE = 120  # below the edge's limit of challenges per address
_KEPT_UP = 0.97
_STEAL_ALLOWED = 0.05  # of all processor time; a step that fails above it is tried again
_TRIES = 3
_DRAIN_S = 20.0  # for calls that are repeating themselves when the last has been started
# 4 MB, because sipp's own 64 kB overflow when it stands still for 20 ms; and no watchdog, which ends it for that
_ROBUST = ("-buff_size", str(4 << 20), "-watchdog_interval", "0")
_REGISTER = Path(__file__).parent / "scenarios" / "register_many.xml"


@dataclass(frozen=True, slots=True)
class Step:
    """One try of one rate. CPU in milliseconds of the edge per call, set up and torn down.

    `steal` is the share of all processor time that the host took, `dropped` the datagrams that found no room in the
    buffer of the edge or of the phones behind the workers.
    """

    asked: int
    calls: int
    reached: float
    cpu_ms: float
    steal: float
    dropped: int
    figures: SippFigures

    @property
    def failed(self) -> int:
        """Calls that did not go as they should, those without an end included."""
        return self.calls - self.figures.successful

    @property
    def carried(self) -> bool:
        return self.failed == 0 and self.reached >= _KEPT_UP * self.asked

    @property
    def disturbed(self) -> bool:
        return not self.carried and self.steal > _STEAL_ALLOWED


async def bench(folder: Path, seconds: float, start: int, by: int, cores: list[int]) -> Report:
    edge_core, *others = cores
    os.sched_setaffinity(0, others)  # everything that is started from here, but the edge
    edge = await _start_edge(folder, edge_core)
    try:
        await _register(edge, folder)
        stored = await _restart(edge, edge_core)
        workers_port = free_port()
        workers = StandInWorkers(edge.config.placement_address, f"{HOST}:{workers_port}", WORKERS)
        await workers.start()
        try:
            steps = await _climb(edge, workers, workers_port, folder, seconds, start, by)
        finally:
            workers.close()
    finally:
        await edge.stop()
        await edge.engine.close()
    return _report(steps, stored)


async def _start_edge(folder: Path, core: int) -> RunningEdge:
    config = EdgeConfig(
        bind=HOST, advertise=HOST, sip_port=0, realm=REALM, secret=secrets.token_bytes(32),
        edge_db=folder / "edge.db", accounts_db=folder / "accounts.db", engine_address=str(folder / "engine"),
        placement_address=str(folder / "placement"), ready_file=folder / "edge.json",
        trunks=(Trunk("carrier", networks=(TRUNK_HOST,)),), dialled_numbers=frozenset({"1000"}),
    )  # fmt: skip
    store = AccountStore(config.accounts_db, REALM)
    passwords = store.ensure(Account(f"phone{number:04}", "caller") for number in range(PHONES))
    store.close()
    lines = "".join(f"{user};[authentication username={user} password={word}]\n" for user, word in passwords)
    (folder / "phones.csv").write_text("SEQUENTIAL\n" + lines)
    engine = Engine(config.engine_address)
    await engine.start()
    edge = RunningEdge(config, engine, folder)
    await edge.start()
    _pin(edge, core)
    return edge


def _pin(edge: RunningEdge, core: int) -> None:
    """All threads of the edge onto one core."""
    for thread in Path(f"/proc/{_pid(edge)}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _pid(edge: RunningEdge) -> int:
    assert edge.child is not None
    return edge.child.pid


async def _register(edge: RunningEdge, folder: Path) -> None:
    sipp = Sipp(
        _REGISTER, folder / "register", to=f"{HOST}:{edge.port}", lines=folder / "phones.csv", calls=PHONES,
        rate=_REGISTER_RATE, keys={"contact": f"{HOST}:9", "expires": "3600"}, trace=False,
    )  # fmt: skip
    async with sipp:
        await sipp.finished(within=60)


async def _restart(edge: RunningEdge, core: int) -> int:
    """The edge comes back with what it stored; how many phones it then tells the engine of."""
    await edge.stop()
    edge.engine.hellos.clear()
    await edge.start()
    _pin(edge, core)
    await until(lambda: bool(edge.engine.hellos), "the edge linked to the engine", within=10)
    return len(edge.engine.hellos[-1].body["users"])


async def _climb(
    edge: RunningEdge, workers: StandInWorkers, port: int, folder: Path, seconds: float, start: int, by: int
) -> list[Step]:
    """Up from `start` while the edge carries it; down from there if it does not carry even that."""
    steps: list[Step] = []

    async def tried(rate: int) -> bool:
        for number in range(_TRIES):
            steps.append(await _try(edge, workers, port, folder / f"{rate}-{number}", rate, seconds))
            if not steps[-1].disturbed:
                break
        return steps[-1].carried

    rate = start
    up = await tried(rate)
    while rate + (by if up else -by) > 0:
        rate += by if up else -by
        if await tried(rate) != up:
            break
    return steps


async def _try(
    edge: RunningEdge, workers: StandInWorkers, port: int, folder: Path, rate: int, seconds: float
) -> Step:
    workers.capacity = 1.25 * rate
    calls = round(rate * seconds)
    answering = Sipp(
        "agent_silent", folder / "workers", port=port, at_once=10 * rate, trace=False, extra=_ROBUST,
    )  # fmt: skip
    trunk = Sipp(
        "caller_silent", folder / "trunk", to=f"{HOST}:{edge.port}", number="1000", host=TRUNK_HOST,
        calls=calls, rate=rate, at_once=10 * rate, talk=TALK_S, trace=False, extra=_ROBUST,
        time_out=seconds + _DRAIN_S,
    )  # fmt: skip
    ports = {edge.port, answering.port}
    used_before, (ticks, stolen) = _cpu_s(_pid(edge)), cpu_times()
    async with answering, trunk:
        dropped_before = udp_drops(ports)
        figures = await trunk.over(within=seconds + _DRAIN_S + 30)
        used = _cpu_s(_pid(edge)) - used_before
        ticks, stolen = (now - then for now, then in zip(cpu_times(), (ticks, stolen), strict=True))
        dropped = sum(now - dropped_before.get(socket, 0) for socket, now in udp_drops(ports).items())
    reached = figures.successful / max(0.001, figures.seconds - TALK_S)
    step = Step(rate, calls, reached, used * 1000 / calls, stolen / ticks, dropped, figures)
    print(
        f"{rate} calls/s: {step.reached:.0f} reached, {step.cpu_ms:.2f} ms CPU a call, "
        f"{'carried' if step.carried else f'{step.failed} failed'}, the host stole {step.steal:.1%}"
        + (": try again" if step.disturbed else ""),
        flush=True,
    )
    return step


def _cpu_s(pid: int) -> float:
    """User and system time of all its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(steps: list[Step], stored: int) -> Report:
    best = max((step for step in steps if step.carried), key=lambda step: step.asked, default=steps[-1])
    report = Report("bench-edge")
    report.goal("edge_calls_per_s", f">= {GOAL_CALLS_PER_S}", best.reached if best.carried else 0.0, "1/s")
    report.goal("edge_failed", "= 0", best.failed)
    report.figure("registrations_stored", stored)
    report.figure("cpu_ms_per_call", best.cpu_ms)
    report.figure("invite_200_mean_ms", best.figures.answered_ms)
    report.figure("retransmissions", best.figures.retransmissions)
    report.figure("steal", best.steal)
    report.figure("workers", WORKERS)
    report.figure(
        "steps",
        [
            {"asked": step.asked, "reached": round(step.reached, 1), "failed": step.failed,
             "cpu_ms": round(step.cpu_ms, 3), "steal": round(step.steal, 3), "disturbed": step.disturbed,
             "retransmissions": step.figures.retransmissions, "dropped": step.dropped,
             "failures": step.figures.failures}
            for step in steps
        ],
    )  # fmt: skip
    if stored != PHONES:
        report.goal("registrations_stored", f"= {PHONES}", stored)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-edge", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each rate is held")
    parser.add_argument("--start", type=int, default=GOAL_CALLS_PER_S, help="calls a second to begin with")
    parser.add_argument("--by", type=int, default=100, help="calls a second from one rate to the next")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("bench-edge needs two cores: one for the edge, one for the phones", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="edge") as folder:
        report = asyncio.run(bench(Path(folder), options.seconds, options.start, options.by, cores))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
