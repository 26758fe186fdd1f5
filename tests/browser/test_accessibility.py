"""axe-core on the pages with life in them: nothing serious or critical, in both languages and both themes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from cti_engine.core import events as ev
from cti_engine.wire.envelope import ReplyError, ReplyMessage
from tests.browser.axe import findings, is_accessible
from tests.browser.pages import contact, log_in, open_page, ring, state
from tests.browser.test_hand_over import JOHN, knows_targets
from tests.browser.test_why import answers, looking
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, offer, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFER: dict[str, Any] = {"name": "Carmen Ruiz", "offer": "o"}


async def test_the_desk(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """Log-in, not ready (with menu and dialog open), ready, ringing, talking, on hold, in wrap-up with a refusal."""
    await engine.shows(agent(status="not_ready", reason="lunch"))
    await engine.shows(agent("john"))
    await engine.shows(agent("ana", status="not_ready"))
    await engine.shows(queue(waiting=3, oldest_at=time.time() - 60))
    page = await open_page(browser, console.url)
    await is_accessible(page, "log-in")
    await log_in(page, "maria", console.passwords["maria"])
    await expect(state(page)).to_contain_text("Lunch")
    await is_accessible(page, "not ready")
    for key, opened in (("Alt+n", page.get_by_role("menu")), ("?", page.get_by_role("dialog"))):
        await page.keyboard.press(key)
        await expect(opened).to_be_visible()
        assert await findings(page) == [], key
        await page.keyboard.press("Escape")
    await engine.changes("maria", status="ready", reason="")
    await is_accessible(page, "ready")
    await ring(engine, contacts=offer().contacts * 12)  # so many that they have to be scrolled
    await engine.until_heard("OfferShown")
    await is_accessible(page, "ringing")
    await engine.changes("maria", state="talking", bridged_at=time.time(), recording="on")
    await expect(contact(page)).to_contain_text("Talking")
    await is_accessible(page, "talking")
    engine.answer = knows_targets
    await page.keyboard.press("Alt+t")
    await expect(page.locator(".targets li")).to_have_count(3)
    await is_accessible(page, "transfer panel")
    await expect(page.locator(".targets li")).to_have_count(3)
    await page.keyboard.press("Escape")
    conferee = {**JOHN, "role": "conferee", "state": "talking"}
    await engine.changes("maria", parties=(conferee, {**JOHN, "agent": "ana", "name": "Ana"}))
    await expect(page.get_by_role("button", name="Disconnect John Smith")).to_be_visible()
    await is_accessible(page, "conference")
    await engine.changes("maria", parties=(), held=True, recording="paused")
    await is_accessible(page, "on hold")
    await engine.changes("maria", state="wrap_up", wrap_up_ends_at=time.time() + 600)
    await page.get_by_role("radio", name="Sale").check()
    engine.answer = lambda request: ReplyMessage(
        request.id, False, ReplyError("stale", "the contact has changed")
    )
    await page.get_by_role("button", name="Finish").click()
    await expect(page.get_by_role("alert")).to_contain_text("The call has changed")
    await is_accessible(page, "wrap-up")


async def test_the_floor(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """Queues, agents, who waits and why, with calls in all of them; one call is listened to, one by another."""
    engine.answer = answers
    await engine.shows(queue(waiting=2, oldest_at=time.time() - 75, service_level=0.5))
    await engine.shows(queue("support_en"))
    await engine.shows(agent("maria", state="talking", contact="c-1", offer=OFFER))
    await engine.shows(agent("john", status="not_ready", reason="lunch", phone=False))
    listens = {"mode": "whisper", "state": "listening", "since_at": time.time(), "visible": True}
    for name, supervisor in (("ana", "supervisor"), ("eva", "another")):
        monitor = {**listens, "supervisor": supervisor}
        await engine.shows(agent(name, state="talking", contact=f"c-{name}", offer=OFFER, monitor=monitor))
    page = await looking(browser, console, 1440, "en")
    for n in range(40):  # so many that they have to be scrolled
        await engine.says(ev.CallAbandoned(f"c-{n}", "sales_es", 63.0 + n))
    await expect(page.locator(".activity")).to_contain_text("after 1:42")
    await expect(page.locator("[data-agent=maria]").get_by_role("button", name="Barge in")).to_be_visible()
    await expect(page.locator("[data-agent=ana]").get_by_role("button", name="Take over")).to_be_visible()
    await is_accessible(page, "floor")


async def test_what_is_grave_is_found(browser: Browser, console: ConsoleProcess) -> None:
    """The finder finds: faint text, a picture and a button without words."""
    page = await open_page(browser, console.url)
    await expect(page.locator("h1")).to_be_visible()
    await page.evaluate(
        """() => {
          document.querySelector("h1").style.color = "#ccc";
          document.querySelector("main").append(new Image(), document.createElement("button"));
        }"""
    )
    found = {finding.partition(":")[0] for finding in await findings(page)}
    assert found == {"color-contrast", "image-alt", "button-name"}
