"""Whole calls of an agent who works in the browser alone, in a whole center; who hears whom is proved by tones."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.pages import contact, state
from tests.e2e.who_hears import OTHER_HZ, hears_music, hears_only
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.webrtc_gateway.browser_desk import chromium, connected, desk, page_hears, ready_in_browser, says

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def answered(center: Center, page: Page) -> Baresip:
    """A caller's call pops up on the page and is answered there."""
    await ready_in_browser(page)
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await expect(contact(page)).to_contain_text("caller", timeout=15_000)
    await button(page, "Answer").click()
    await expect(contact(page)).to_contain_text("Talking", timeout=10_000)
    return caller


async def asks_ana(page: Page) -> None:
    """By the transfer panel, with a note; she is on the phone."""
    await button(page, "Transfer").click()
    await page.get_by_role("searchbox", name="To whom").fill("ana")
    await page.get_by_label("What they should know").fill("refund?")
    await button(page, "Ask first").click()
    await expect(contact(page)).to_contain_text("Ana Torres is in the call", timeout=15_000)


async def test_a_contact_from_log_in_to_its_record(center: Center) -> None:
    """Log in, take the browser as the phone, get ready, see the pop, answer: both hear each other, also after the page
    is loaded again. On hold the caller hears music; the colleague who is asked talks with the agent alone, gets the
    call, and talks with the caller; the agent wraps up and logs out. The record tells all of it.
    """
    handset = await center.phone("ana", play=center.tone(OTHER_HZ))
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await desk(center, browser)
        caller = await answered(center, page)
        await page_hears(page, CALLER_HZ)
        await hears_only(caller, AGENT_HZ)
        await expect(contact(page).locator(".phone-quality")).to_have_text("Good line", timeout=15_000)
        await page.reload()
        await connected(page)
        await page_hears(page, CALLER_HZ)
        await hears_only(caller, AGENT_HZ)
        ana = center.desk("ana")
        await ana.ready()
        await button(page, "Hold").click()
        await page_hears(page)
        await hears_music(caller)
        await asks_ana(page)
        await page_hears(page, OTHER_HZ)
        await hears_only(handset, AGENT_HZ)
        await hears_music(caller)
        await button(page, "Hand over").click()
        await hears_only(caller, OTHER_HZ)
        await hears_only(handset, CALLER_HZ)
        await page.get_by_role("radio", name="Solved").check()
        await page.get_by_label("Note").fill("Ana refunds it")
        await button(page, "Finish").click()
        await expect(state(page)).to_contain_text("Ready")
        await caller.hang_up()
        await ana.wrap_up(note="refunded")
        record = await center.cdr()
        assert [(part["agent"], part["ended"], part["note"]) for part in record["segments"]] == [
            ("john", "attended:ana", "Ana refunds it"),
            ("ana", "caller/hang_up", "refunded"),
        ]
        assert (record["agent"], record["cause"], record["disposition"]) == (
            "ana",
            "caller/hang_up",
            "solved",
        )
        first, second = record["segments"]
        assert first["hold_s"] > 2.0 and first["talk_s"] > 2.0 and second["talk_s"] > 2.0
        assert len(center.events("AgentDialled")) == 2
        await button(page, "Log out").click()
        await expect(button(page, "Log in")).to_be_visible()
