"""Whole histories of a center in a world that lies, breaks and forgets; all invariants after every signal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cti_engine.core import signals
from cti_engine.core.acd import Acd
from tests.properties.world import World, told
from tests.scenarios.shadow_store import ShadowStore

STEPS = 2500
SEEDS = range(int(os.environ.get("CTI_WORLD_FROM", "0")), int(os.environ.get("CTI_WORLD_TO", "24")))
"""A longer hunt: CTI_WORLD_FROM=1000 CTI_WORLD_TO=2000 pytest tests/properties/test_world.py"""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lying_world_breaks_no_invariant(seed: int) -> None:
    """Duplicates, late and foreign signals, deaths, restarts and reloads never break an invariant or leave a row."""
    World(seed).run(STEPS)


@pytest.mark.parametrize("seed", (906, 908, 910, 911, 913, 915))
def test_an_honest_world_knows_no_anomaly(seed: int) -> None:
    """Where workers and phones tell the truth and nothing dies, no input is illegal and many calls are answered."""
    world = World(seed, lies=0.0, deaths=0.0, restarts=0.0)
    world.run(STEPS)
    illegal = [a for a in world.anomalies if " in state " in a]
    assert not illegal, illegal
    assert world.seen["CallBridged"] >= 5
    assert world.seen["AfterCallStarted"] >= 1
    assert world.seen["DialEnded"] == world.seen["DialStarted"] >= 1
    assert world.seen["CallbackEnded"] == world.seen["CallbackRequested"] >= 1


@pytest.mark.parametrize("seed", (940, 941, 944, 945, 948, 950))
def test_a_world_of_conferences_breaks_no_invariant(seed: int) -> None:
    """Agents who consult, join, hand over, park and leave all the time, in a lying world; nobody is lost or stuck."""
    world = World(seed, sociable=True)
    world.run(STEPS)
    assert world.seen["ConsultStarted"] >= 3 and world.seen["CallHandedOver"] >= 3, world.seen
    assert world.seen["MonitorStarted"] >= 3, world.seen


@pytest.mark.parametrize("seed", range(950, 954))
def test_a_world_of_phones_with_keys_breaks_no_invariant(seed: int) -> None:
    """Agents transfer and consult by the keys of their phones and in their pages, in a lying world."""
    world = World(seed, sociable=True, with_keys=True)
    world.run(STEPS)
    told = [signal for signal, *_ in world.log if isinstance(signal, signals.TransferAsked)]
    assert len(told) >= 5 and world.seen["CallHandedOver"] >= 3, world.seen


@pytest.mark.parametrize("seed", range(910, 914))
def test_a_center_restarted_all_the_time_loses_nothing(seed: int) -> None:
    """With a restart at every fiftieth signal each call still ends with one record, and invariants hold."""
    World(seed, lies=0.0, restarts=0.02).run(STEPS)


@pytest.mark.parametrize("seed", range(920, 924))
def test_an_engine_killed_before_every_signal_decides_the_same(seed: int) -> None:
    """A history replayed with a fresh engine, loaded from the rows, for each signal: the same commands and facts."""
    world = World(seed, restarts=0.0, reloads=False)
    world.run(700)
    store = ShadowStore()
    hellos: set[str] = set()  # which every life of the engine hears anew
    for signal, now, at, expected in world.log:
        acd = Acd(world.definitions)
        store.reload(acd)
        acd.center.known_workers = hellos
        outcome = acd.handle(signal, now, at)
        store.take(outcome)
        assert told(outcome) == expected, signal


def test_the_same_signals_give_the_same_outcome_in_any_process() -> None:
    """Decisions do not depend on hash order: two processes with different hash seeds tell the same history."""
    digests = {
        subprocess.run(
            [sys.executable, "-m", "tests.properties.world", "77", "1500"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2", "3")
    }
    assert len(digests) == 1 and len(digests.pop().strip()) == 64
