"""`cti-engine levels`: what was learned of each group, and which levels are in force."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
from rich.console import Console

from cti_engine.commands.levels import levels, show, write_json
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.routing.handle_times import LevelLimits, QueueTimes
from cti_engine.ports import Batch
from cti_engine.runtime.stores import open_store

DEFINITIONS = CenterDefinitions(
    version="1",
    agents={
        "ana": AgentDefinition("ana", "Ana", group="loans"),
        "john": AgentDefinition("john", "John", group="cards"),
    },
    queues={
        "loans": QueueDefinition("loans", "Loans", ("ana", "john")),
        "calm": QueueDefinition("calm", "Calm", ("ana",), levels=LevelLimits(enabled=False)),
    },
    dialled_numbers={},
    flows={},
)


def test_groups_with_their_numbers_and_levels(tmp_path: Path) -> None:
    """The fastest group first, each with calls, time, ratio and level; the limits stand below."""
    times = QueueTimes("loans", slow=["cards"])
    for call in range(60):
        times.add("loans", "", 300.0 + 20 * (call % 3))
        times.add("cards", "", 480.0 + 20 * (call % 3))
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    store.write(Batch({("handle_times", "loans"): msgspec.to_builtins(times)}, []))
    found = levels(store, DEFINITIONS)
    assert [queue.queue for queue in found] == ["loans", "calm"]
    assert [(group.group, group.level) for group in found[0].groups] == [("loans", 0), ("cards", 1)]
    assert 1.4 < found[0].groups[1].at_least <= found[0].groups[1].ratio < 1.6
    out = io.StringIO()
    show(found, Console(file=out, width=120))
    assert (
        "320 s" in out.getvalue() and "Level 1 from 1.15 times the fastest and 30 calls on" in out.getvalue()
    )
    assert "Switched off" in out.getvalue()
    out = io.StringIO()
    write_json(found, out)
    assert json.loads(out.getvalue())[0]["groups"][1]["group"] == "cards"
    store.close()
