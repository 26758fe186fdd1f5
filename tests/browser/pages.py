"""Our pages as a test sees them: what a human would look for, by role and by word."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from cti_engine.core import events as ev
from cti_engine.wire.vocabulary import to_plain
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, offer

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


WATCH = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    if (text.includes("OfferShown")) {
      window.said = { at: Date.now() / 1000, desk: document.querySelector(".contact").innerText };
    }
    return send.call(this, text);
  };
}"""
"""Notes when the page says OfferShown, in wall seconds, and what stood on the desk in the frame painted before it."""


async def open_page(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, language: str = "en"
) -> Page:
    """A fresh browser context, so somebody else at another machine."""
    context = await browser.new_context(viewport={"width": width, "height": height}, locale=f"{language}-US")
    page = await context.new_page()
    await page.goto(url)
    return page


async def log_in(page: Page, user: str, password: str) -> None:
    """Fill in the log-in form and wait until the page is live."""
    await page.locator("input[name=user]").fill(user)
    await page.locator("input[name=password]").fill(password)
    await page.locator("form button.primary").click()
    await is_live(page)


async def is_live(page: Page) -> None:
    """The page is connected and the engine is there."""
    await expect(page.locator(".connection.live")).to_be_visible(timeout=15_000)


def contact(page: Page) -> Locator:
    """The contact's place on the agent's desk."""
    return page.locator(".contact")


def state(page: Page) -> Locator:
    """The agent's state with its timer."""
    return page.locator(".state-bar .state")


async def ring(engine: StandInEngine, **fields: Any) -> ev.CallOffered:
    """Offer a call to maria, by event and by state, as the engine does."""
    event = offer(**fields)
    await engine.says(event)
    data = {name: value for name, value in to_plain(event)[1].items() if name != "contact"}
    await engine.changes("maria", state="ringing", contact=event.contact, offer=data)
    return event


async def desk(browser: Browser, console: ConsoleProcess, user: str = "maria", **size: Any) -> Page:
    """A fresh browser with this agent logged in."""
    page = await open_page(browser, console.url, **size)
    await log_in(page, user, console.passwords[user])
    return page


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of this name has the focus."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if (await page.evaluate("document.activeElement.innerText") or "").strip() == name:
            return
    raise AssertionError(f"Tab never reaches {name!r}")
