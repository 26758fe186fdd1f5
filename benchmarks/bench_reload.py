"""`make bench-reload`: how long a running engine's loop stands still while 10,000 agents and 1,000 queues are reloaded.

A real engine with its store and links; each queue has learned handle times of 20 groups. Between two reloads every view
is told. The worst of all reloads counts, by the process's own CPU time where another process took the rest.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.report import Report
from cti_engine.core.routing.handle_times import QueueTimes
from cti_engine.core.signals import PhoneRegistered, ReadyRequested
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.engine_process import SWITCH_EVERY
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.stores import open_store
from tests.phones.waiting import until
from tests.runtime.center import NamedFiles, Nobody, definitions
from tests.runtime.crowd import AGENTS, Ticker, crowd

QUEUES, ATTRIBUTES, READY, RELOADS = 1000, 100, 2500, 8
LEARNED = 400
"""Calls of each queue, over five intents."""


async def stalls(folder: Path, console: Console) -> list[float]:
    """The worst lateness of a timer in each reload after the first, seconds."""
    told: set[tuple[str, str]] = set()

    def publish(gathered: Gathered) -> None:
        told.update(gathered.views)

    engine = Engine(
        open_store("sqlite:", folder=folder),
        definitions(),
        Nobody(),
        NamedFiles(),
        home=folder,
        secret=b"s" * 32,
        utc_offset=0.0,
    )
    await engine.start(str(folder / "engine.sock"), publish, lambda problem: None)
    await engine.reload(crowd("first", QUEUES, ATTRIBUTES))
    for number in range(READY):
        engine.take(PhoneRegistered(f"a{number}", "sip:x", 60.0))
        engine.take(ReadyRequested(f"r{number}", f"a{number}"))
    _learn(engine)
    gc.collect()
    gc.freeze()
    found = []
    for number in track(range(RELOADS), "reloads", console=console, transient=True):
        new = await asyncio.to_thread(crowd, str(number), QUEUES, ATTRIBUTES)
        gc.collect()
        gc.freeze()  # of what the test itself has made
        told.clear()
        ticker = Ticker()
        await engine.reload(new)
        del new
        await until(lambda: len(told) >= AGENTS, "every view to be told", within=60)
        ticker.stop()
        found.append(ticker.worst)
    await engine.close()
    return found


def _learn(engine: Engine) -> None:
    chance = random.Random(1)
    for number in range(QUEUES):
        times = engine.acd.center.handle_times[f"q{number}"] = QueueTimes(f"q{number}")
        for _ in range(LEARNED):
            group, intent = f"t{chance.randrange(20)}", f"i{chance.randrange(5)}"
            times.add(group, intent, chance.gammavariate(2, 150))


def main() -> int:
    console = Console(stderr=True, highlight=False)
    sys.setswitchinterval(SWITCH_EVERY)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(stalls(Path(folder), console))
    table = Table("reload", "worst lateness of a timer, ms", title="10,000 agents, 1,000 queues, 2,500 ready")
    for number, each in enumerate(found, 1):
        table.add_row(str(number), f"{1000 * each:.1f}")
    console.print(table)
    report = Report("bench-reload")
    report.goal("reload_10k_stall_ms", "<= 50", round(1000 * max(found), 1), "ms")
    report.figure("each_ms", [round(1000 * each, 1) for each in found])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
