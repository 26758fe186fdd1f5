"""A broker, an engine stand-in and a console per test; everything is a child and dies with the test.

All run in the session's loop, in which tests/browser keeps its Chromium: tests that use them say so in `pytestmark`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.console.stand_in_engine import StandInEngine
from tests.console.world import Broker, ConsoleProcess, Person


@pytest_asyncio.fixture(loop_scope="session")
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path / "broker")
    await broker.start()
    yield broker
    await broker.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def engine(broker: Broker, tmp_path: Path) -> AsyncIterator[StandInEngine]:
    async with StandInEngine(broker.port, tmp_path / "engine.db") as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="session")
async def console(broker: Broker, engine: StandInEngine, tmp_path: Path) -> AsyncIterator[ConsoleProcess]:
    console = ConsoleProcess(tmp_path, broker)
    await console.start()
    yield console
    await console.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def person(console: ConsoleProcess) -> AsyncIterator[Person]:
    """Somebody at a browser, not logged in."""
    person = Person(console)
    yield person
    await person.close()


@pytest_asyncio.fixture(loop_scope="session")
async def maria(person: Person) -> Person:
    """The agent maria, logged in."""
    await person.log_in("maria")
    return person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[StandInEngine, ConsoleProcess]]:
    """One console for a whole file whose tests are not in each other's way."""
    folder = tmp_path_factory.mktemp("console")
    broker = Broker(folder / "broker")
    await broker.start()
    async with StandInEngine(broker.port, folder / "engine.db") as engine:
        console = ConsoleProcess(folder, broker)
        await console.start()
        yield engine, console
        await console.stop()
    await broker.stop()
