"""Centers that many tests share, emptied after each; what their processes logged is shown with a failing test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.pages import CHROMIUM_ARGS
from tests.e2e.world import Center
from tests.phones.capture import Capture
from tests.phones.child import tool

_LOG_SHOWN = 4000
_running: list[Center] = []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def everyday(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Center]:
    """The center of all files that need none of their own: as shipped, with what their `adds()` put beside that."""
    added: dict[str, dict[str, Any]] = {}
    for module in {item.module: None for item in request.session.items if isinstance(item, pytest.Function)}:
        for file, keys in getattr(module, "adds", dict)().items():
            assert added.get(file, {}).keys().isdisjoint(keys), (
                f"{module.__name__} adds to {file} what others do"
            )
            added.setdefault(file, {}).update(keys)
    async with running(tmp_path_factory, added) as center:
        yield center


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Center]:
    """The center of a file whose `changes()` others would not want."""
    async with running(tmp_path_factory, request.module.changes()) as center:
        yield center


@asynccontextmanager
async def running(
    folders: pytest.TempPathFactory, changes: dict[str, dict[str, Any]]
) -> AsyncIterator[Center]:
    async with Center(folders.mktemp("center"), changes=changes) as center:
        _running.append(center)
        yield center
    _running.remove(center)


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest) -> Center:
    """The center of this file; tests take `center`."""
    found: Center = request.getfixturevalue("own" if hasattr(request.module, "changes") else "everyday")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def center(shared: Center) -> AsyncIterator[Center]:
    """A center in which nothing has happened since the last test."""
    yield shared
    await shared.reset()


@pytest_asyncio.fixture(loop_scope="session")
async def capture(tmp_path: Path) -> AsyncIterator[Capture]:
    """What passes on loopback by UDP during the test."""
    async with Capture(tmp_path, capture_filter="udp") as capture:
        yield capture


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(CHROMIUM_ARGS))
        yield browser
        await browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy's wrapper protocol
    if report.failed:
        for center in _running:
            for log in sorted((center.var / "log").glob("*.log")):
                report.sections.append((log.name, log.read_text(errors="replace")[-_LOG_SHOWN:]))
    return report  # type: ignore[return-value]
