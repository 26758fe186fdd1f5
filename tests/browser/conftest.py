"""One headless Chromium per session of tests (Debian's, by Playwright), and the console's world per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.pages import CHROMIUM_ARGS
from tests.console.conftest import broker, console, engine
from tests.phones.child import tool

__all__ = ["broker", "browser", "console", "engine"]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A running Chromium; `pages.open_page` gives a fresh context in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(CHROMIUM_ARGS))
        yield browser
        await browser.close()
