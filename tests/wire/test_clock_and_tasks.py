"""Wall time that never steps, and tasks whose crash is told."""

from __future__ import annotations

import asyncio
import gc
import logging
import time

import pytest

from cti_engine.wire.clock import Clock
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until


def test_a_step_of_the_machines_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody sets the machine's clock, `now` goes on and `drift` says by how much it is off."""
    clock = Clock()
    before = clock.now()
    assert abs(before - time.time()) < 1.0
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600.0)
    assert 0.0 <= clock.now() - before < 5.0
    assert abs(clock.drift() - 3600.0) < 1.0


async def test_a_crash_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a task is logged with the task's name, and handed to `on_crash` once."""
    told: list[BaseException] = []

    async def work() -> None:
        raise ValueError("broken")

    spawn(work(), "pump", on_crash=told.append)
    await until(lambda: told, "the crash is told")
    assert [str(error) for error in told] == ["broken"]
    assert "task pump crashed: broken" in caplog.text


async def test_a_cancelled_task_is_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    """Cancelling is how tasks end: nothing is logged and nobody is told."""
    told: list[BaseException] = []
    task = spawn(asyncio.Event().wait(), "waits", on_crash=told.append)
    await asyncio.sleep(0)
    task.cancel()
    await until(task.done, "the task is done")
    await asyncio.sleep(0)
    assert told == []
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


async def test_a_task_nobody_holds_is_kept_alive() -> None:
    """A task that only `spawn` knows of is not collected as garbage before it has run."""
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)
        done.append(1)

    spawn(work(), "held by nobody")
    gc.collect()
    await until(lambda: done, "it has run")
