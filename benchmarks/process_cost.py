"""What processes cost, as Linux counts it: CPU and memory of whole process trees, and datagrams that were dropped."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu` in percent of one core, `pss_mb` at the end of the window; both by kind of process too."""

    cpu_by_kind: dict[str, float]
    pss_by_kind: dict[str, float]

    @property
    def cpu(self) -> float:
        return sum(self.cpu_by_kind.values())

    @property
    def pss_mb(self) -> float:
        return sum(self.pss_by_kind.values())


async def cost_of(roots: Iterable[int], kinds: Mapping[int, str], seconds: float) -> Cost:
    """All processes below `roots` while nothing starts or ends; those not in `kinds` go by their program's name."""
    names = {
        process.pid: kinds.get(process.pid, process.name())
        for top in map(psutil.Process, roots)
        for process in (top, *top.children(recursive=True))
    }
    before, began = {pid: _cpu_s(pid) for pid in names}, time.monotonic()
    await asyncio.sleep(seconds)
    over = time.monotonic() - began
    cpu, pss = dict.fromkeys(names.values(), 0.0), dict.fromkeys(names.values(), 0.0)
    for pid, kind in names.items():
        cpu[kind] += 100 * (_cpu_s(pid) - before[pid]) / over
    for pid, kind in names.items():
        pss[kind] += _pss_mb(pid)
    return Cost(cpu, pss)


def _cpu_s(pid: int) -> float:
    """User and system time of all threads so far, to 10 ms (proc(5), stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _pss_mb(pid: int) -> float:
    """Proportional set size: what is shared counts once over all who share it (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def udp_drops(ports: Container[int]) -> dict[str, int]:
    """Datagrams that the kernel dropped because nobody read them in time, by socket (proc(5), net/udp)."""
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return {row[9]: int(row[12]) for row in rows if int(row[1].rpartition(":")[2], 16) in ports}


def cpu_times() -> tuple[int, int]:
    """Ticks of all processors since boot, and those that the host took away from this machine (proc(5), stat)."""
    ticks = _ticks()
    return sum(ticks), ticks[7]


def idle_ticks() -> int:
    """Ticks since boot in which a processor had nothing to do, or waited for a disk."""
    ticks = _ticks()
    return ticks[3] + ticks[4]


def _ticks() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
