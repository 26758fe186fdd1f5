"""One headless Chromium per session of tests (Debian's, by Playwright), and the console's world per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.pages import CHROMIUM_ARGS
from tests.console.conftest import broker, console, engine
from tests.phones.child import tool

__all__ = ["broker", "browser", "chromium", "console", "engine"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The one Chromium; tests take `browser`."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=tool("chromium"), args=list(CHROMIUM_ARGS)
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """Chromium without a page; `pages.open_page` gives a fresh context in it, which ends with the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
