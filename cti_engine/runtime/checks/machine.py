"""The machine itself: Python, clock, time zones, descriptors, memory, disk."""

from __future__ import annotations

import ctypes
import resource
import shutil
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cti_engine.runtime.checks.check import Check, fault, ok, warn

PYTHONS = ((3, 11), (3, 12))
DESCRIPTORS = 4096  # the edge takes 4,000 TCP connections
WORKER_MB = 18
REST_MB = 400  # all processes but the workers
DISK_LEAST_MB, DISK_WANTED_MB = 200, 2000
RECORDING_MB_PER_HOUR = 115  # stereo, 8 kHz, 16 bits

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has anywhere
_CLOCK_LOOK_S = 0.05
_STEP_S = 0.01


def check_python(version: tuple[int, int, int] | None = None) -> Check:
    major, minor, micro = version or sys.version_info[:3]
    found = f"{major}.{minor}.{micro} at {sys.executable}"
    if (major, minor) in PYTHONS:
        return ok("Python", found)
    return fault("Python", found, "use 3.11 or 3.12 (pjsua2's wheels end there): make run PYTHON=python3.11")


def check_clock() -> Check:
    """Whether wall and monotonic time run alike just now, and whether somebody disciplines the clock."""
    drift = _drift()
    if abs(drift) > _STEP_S:
        return warn(
            "clock",
            f"the wall clock moved by {drift * 1000:+.0f} ms while we looked",
            "let one program set it, slewing (chrony); calls go on, printed times jump",
        )
    if _unsynchronised():
        return warn(
            "clock", "runs evenly, not synchronised", "apt-get install chrony, so that records are right"
        )
    return ok("clock", "runs evenly, synchronised")


def _drift() -> float:
    """Seconds that wall time gains on monotonic time over a short look."""
    before = _offset()
    time.sleep(_CLOCK_LOOK_S)
    return _offset() - before


def _offset() -> float:
    """Wall minus monotonic time, from the tightest of some readings: we may be put to sleep between two clocks."""
    readings = []
    for _ in range(5):
        start = time.monotonic()
        wall = time.time()
        end = time.monotonic()
        readings.append((end - start, wall - (start + end) / 2))
    return min(readings)[1]


def _unsynchronised() -> bool:
    """By adjtimex(2), which only reads when all its modes are 0; False where it cannot be asked."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    return adjtimex is not None and adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) == _TIME_ERROR


def check_time_zone(name: str) -> Check:
    """`name` empty: the machine's own zone."""
    wanted = name or "UTC"
    try:
        ZoneInfo(wanted)
    except (ZoneInfoNotFoundError, ValueError):
        return fault("time zone", f"no data for {wanted}", "apt-get install tzdata, or correct time_zone")
    return ok("time zone", name or f"the machine's own ({time.tzname[0]})")


def check_descriptors(limits: tuple[int, int] | None = None) -> Check:
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{_number(soft)} open files a process, {_number(hard)} at most"
    if soft == resource.RLIM_INFINITY or soft >= DESCRIPTORS:
        return ok("open files", found)
    return warn(
        "open files", found, f"ulimit -n {DESCRIPTORS} (LimitNOFILE= in a unit): phones by TCP need one each"
    )


def _number(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)


def check_memory(workers: int, available_mb: int | None = None) -> Check:
    """`workers`: the most that settings allow."""
    available = _available_mb() if available_mb is None else available_mb
    wanted = REST_MB + workers * WORKER_MB
    found = f"{available} MB free; {workers} workers need up to {wanted} MB"
    if available >= wanted:
        return ok("memory", found)
    fitting = max(0, available - REST_MB) // WORKER_MB
    return warn("memory", found, f"set workers.max to {fitting}, or add memory")


def _available_mb() -> int:
    """What the kernel can give, or what the control group still allows if that is less (cgroup v2)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    available = kilobytes // 1024
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return available  # no group, or "max"
    return min(available, (limit - used) // 2**20)


def check_disk(var: Path) -> Check:
    """Space for state and recordings, on the disk that holds CTI_VAR or will."""
    there = next(folder for folder in (var, *var.parents) if folder.exists())
    free = shutil.disk_usage(there).free // 2**20
    found = f"{free} MB free at {there}: {free // RECORDING_MB_PER_HOUR} hours of recorded calls"
    if free < DISK_LEAST_MB:
        return fault("disk", found, "free some space, or set CTI_VAR to a folder on another disk")
    if free < DISK_WANTED_MB:
        return warn("disk", found, "free some space, or move recordings away")
    return ok("disk", found)
