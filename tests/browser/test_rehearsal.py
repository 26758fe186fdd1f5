"""The pop is rehearsed at log-in, so that the first caller does not wait for what a browser does only once."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.pages import log_in, open_page
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTE_REHEARSALS = """
  window.rehearsed = [];
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes)
        if (node.className === "rehearsal") requestAnimationFrame(() => window.rehearsed.push(node.textContent));
  }).observe(document, { childList: true, subtree: true });
"""


async def test_a_pop_is_drawn_once_before_the_desk_is_live(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """An agent's log-in draws one offer in full and removes it again; the engine is told of no offer."""
    await engine.shows(agent())
    page = await open_page(browser, "about:blank")
    await page.add_init_script(NOTE_REHEARSALS)
    await page.goto(console.url)
    await log_in(page, "maria", console.passwords["maria"])
    (drawn,) = await page.evaluate("window.rehearsed")
    assert "(213) 555-0100" in drawn and "Incoming call" in drawn
    await expect(page.locator(".rehearsal")).to_have_count(0)
    await expect(page.locator(".contact")).to_have_count(1)
    await engine.until_heard("PageOpened")
    assert engine.heard("OfferShown") == []


async def test_a_supervisor_needs_no_rehearsal(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Whoever gets no offers draws none."""
    page = await open_page(browser, "about:blank")
    await page.add_init_script(NOTE_REHEARSALS)
    await page.goto(console.url)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    assert await page.evaluate("window.rehearsed") == []
