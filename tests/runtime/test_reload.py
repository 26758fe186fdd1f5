"""Ten thousand agents in one reload: read apart, taken without a halt of the live loop, and told to everybody."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import psutil
import pytest

from cti_engine.core.routing.build import make_index
from cti_engine.core.signals import DispositionSubmitted, PhoneRegistered, ReadyRequested
from cti_engine.definitions.library import load_definitions
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.engine_process import SWITCH_EVERY
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.reload import read_apart
from cti_engine.runtime.stores import open_store
from cti_engine.runtime.views import AGENTS_AT_ONCE, MEMBERS_AT_ONCE, Views
from cti_engine.wire import envelope
from cti_engine.wire.tasks import spawn
from tests.definitions.homes import shipped_home
from tests.phones.waiting import until
from tests.runtime.center import NamedFiles, Nobody, definitions
from tests.runtime.crowd import AGENTS, QUEUES, Ticker, crowd
from tests.runtime.stand_in import StandInWorker

READY = 2000
STALL = 0.05
TRIES = 5
"""The machine of a test run is busy with others: of so many reloads the best one counts."""


class Told:
    """Stands for the bus: encodes each view, as the bus does, and counts."""

    def __init__(self) -> None:
        self.views: set[tuple[str, str]] = set()
        self.largest = 0

    def __call__(self, gathered: Gathered) -> None:
        self.largest = max(self.largest, len(gathered.views))
        for key, view in gathered.views.items():
            plain = {} if view is None else msgspec.to_builtins(view)
            envelope.encode(envelope.StateMessage(envelope.rfc3339(0.0), plain))
            self.views.add(key)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """As the engine's process has it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_EVERY)
    yield
    sys.setswitchinterval(before)
    gc.unfreeze()


@pytest.mark.usefixtures("quick_switches")
async def test_ten_thousand_agents_in_one_reload_do_not_halt_the_loop(tmp_path: Path) -> None:
    """From 2 agents to 10,002, then the same with other rules: no timer is late by more than 50 ms, a call goes through
    meanwhile, and every view is told. Those who are new are rows to store, and happen once: room for a busy machine.
    """
    store, told = open_store("sqlite:", folder=tmp_path), Told()
    engine = Engine(
        store, definitions(), Nobody(), NamedFiles(), home=tmp_path, secret=b"s" * 32, utc_offset=0.0
    )
    address = str(tmp_path / "engine.sock")
    await engine.start(address, told, lambda problem: None)
    engine.take(PhoneRegistered("maria", "sip:x", 60.0))
    engine.take(ReadyRequested("r", "maria"))
    worst = []
    sets = [crowd(str(version)) for version in range(TRIES)]
    gc.collect()
    gc.freeze()
    for number, definition in enumerate(sets):
        told.views = set()
        worker = StandInWorker(address, f"w{number}@test")
        ticker = Ticker()
        reload = spawn(engine.reload(definition), "reload")
        leg = worker.call()
        await worker.until("SetAudioPaths")
        worker.hang_up(leg)
        await reload
        await until(lambda: len(told.views) >= AGENTS + 2 + QUEUES + 1, "every view to be told", within=30)
        ticker.stop()
        worst.append(ticker.worst)
        await worker.close()
        engine.take(DispositionSubmitted(f"d{number}", "maria", f"c{number + 1}", "done", ""))
        if number == 0:
            assert engine.acd.center.definitions.version == "0"
            for agent in list(definition.agents)[:READY]:
                engine.take(PhoneRegistered(agent, "sip:x", 60.0))
                engine.take(ReadyRequested(f"r-{agent}", agent))
        if number and min(worst[1:]) < STALL:
            break
    assert told.largest <= AGENTS_AT_ONCE + QUEUES + 1
    assert min(worst) < STALL and max(worst) < 4 * STALL, [round(1000 * each) for each in worst]
    await engine.close()
    store.close()


def children() -> set[int]:
    """Of the process of the tests, which may have those of earlier tests."""
    return {child.pid for child in psutil.Process().children()}


async def test_the_files_are_read_by_a_child(tmp_path: Path) -> None:
    """The same set and the same problems as read here, errors too; nothing is left of the child."""
    home, before = shipped_home(tmp_path), children()
    assert await read_apart(home) == load_definitions(home)
    (home / "config/agents.yaml").write_text("agents: [")
    assert await read_apart(home) == load_definitions(home)
    assert load_definitions(home)[0] is None
    assert children() <= before


async def test_a_child_that_is_killed_is_told(tmp_path: Path) -> None:
    """Half of a set is none."""
    before = children()
    reading = asyncio.ensure_future(read_apart(shipped_home(tmp_path)))
    (child,) = await until(lambda: children() - before, "the child", within=5.0, every=0.001)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(OSError, match="broken off"):
        await reading


def test_views_that_change_now_come_before_those_put_off() -> None:
    """A reload's thousands are told a few hundred at a time; who changes meanwhile does not wait for them."""

    class Center:
        center = SimpleNamespace(
            queue_definition=lambda queue: SimpleNamespace(members=range(MEMBERS_AT_ONCE // 4))
        )

        def agent_view(self, agent: str) -> str:
            return agent

        def queue_view(self, queue: str) -> str:
            return queue

        supervisor_view = agent_view

    views = Views(Center())  # type: ignore[arg-type]
    everybody = {("agent", f"a{number:03}") for number in range(3 * AGENTS_AT_ONCE)}
    everybody |= {("queue", f"q{number}") for number in range(8)}
    first, again = views.due(everybody, 1000.0)
    assert len(first) == AGENTS_AT_ONCE + 4 and again == 0.0  # each queue is a fourth of what is looked at
    second, _ = views.due({("agent", "a599")}, 1000.0)
    assert ("agent", "a599") in second and not first.keys() & second.keys()
    third, again = views.due(set(), 1000.0)
    assert first.keys() | second.keys() | third.keys() == everybody
    assert again is None


def test_the_groups_of_a_queue_are_found_while_the_index_is_made() -> None:
    """Adapting levels ask them in the live loop for every queue: after `make_index` no member is looked at again."""
    found = crowd("1")
    make_index(found)
    emptied = replace(found.queues["q1"], members=())
    before = found.teams("q1")
    found.queues["q1"] = emptied  # type: ignore[index]
    assert found.teams("q1") == before != ()
    assert replace(found, version="2").teams("q1") == ()
