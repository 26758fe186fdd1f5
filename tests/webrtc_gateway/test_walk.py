"""Whole calls of an agent who works in the browser alone, in a whole center; who hears whom is proved by tones."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import contact, is_live, open_page, state, tab_to
from tests.e2e.who_hears import OTHER_HZ, SUPERVISOR_HZ, hears_music, hears_only
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.webrtc_gateway.browser_desk import (
    button,
    choose_browser,
    chromium,
    connected,
    desk,
    page_hears,
    phone,
    ready_in_browser,
    says,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


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
    await expect(contact(page)).to_contain_text("In the call: Ana Torres", timeout=15_000)


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


async def test_a_conference_by_keyboard_alone(center: Center) -> None:
    """No mouse from the log-in to the end of the wrap-up: the browser chosen as the phone, ready, answered, on hold, a
    colleague found in the transfer panel and asked; all three hear each other, until the colleague is let go. Who is
    outside of a panel has not lost the focus, and Escape closes it.
    """
    handset = await center.phone("ana", play=center.tone(OTHER_HZ))
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await open_page(browser, center.origin)
        keys = page.keyboard
        await expect(page.locator("input[name=user]")).to_be_focused()
        await keys.type("john")
        await keys.press("Tab")
        await keys.type(center.password("john"))
        await keys.press("Enter")
        await is_live(page)
        await tab_to(page, await phone(page).inner_text())
        await keys.press("Enter")
        await expect(page.get_by_role("radio", name="Desk phone")).to_be_focused()
        await keys.press("ArrowDown")
        await keys.press("Escape")
        await connected(page)
        await expect(phone(page)).to_be_focused()
        await keys.press("Alt+r")
        await expect(state(page)).to_contain_text("Ready")
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(button(page, "Answer")).to_be_visible(timeout=15_000)
        await keys.press("Alt+a")
        await page_hears(page, CALLER_HZ)
        ana = center.desk("ana")
        await ana.ready()
        await keys.press("Alt+h")
        await expect(button(page, "Resume")).to_be_focused()
        await keys.press("Alt+t")
        panel = page.get_by_role("dialog", name="Transfer")
        await expect(panel.get_by_role("searchbox")).to_be_focused()
        await keys.press("Escape")
        await expect(button(page, "Transfer")).to_be_focused()
        await keys.press("Enter")
        await expect(panel.get_by_role("searchbox")).to_be_focused()
        await keys.type("ana")
        await tab_to(page, "Ask first")
        await keys.press("Enter")
        await expect(contact(page)).to_contain_text("In the call: Ana Torres", timeout=15_000)
        await page_hears(page, OTHER_HZ)
        await keys.press("Alt+j")
        await hears_only(caller, AGENT_HZ, OTHER_HZ)
        await hears_only(handset, AGENT_HZ, CALLER_HZ)
        await page_hears(page, CALLER_HZ, OTHER_HZ)
        await tab_to(page, "Disconnect Ana Torres")
        await keys.press("Enter")
        await handset.told("CALL_CLOSED")
        await hears_only(caller, AGENT_HZ)
        await page_hears(page, CALLER_HZ)
        await keys.press("Alt+x")
        await caller.told("CALL_CLOSED")
        await expect(state(page)).to_contain_text("Wrap-up")
        await page.get_by_role("radio").first.focus()
        await keys.press("ArrowRight")
        await keys.press("Alt+w")
        await keys.type("All three agreed")
        await keys.press("Control+Enter")
        await expect(state(page)).to_contain_text("Ready")
        await ana.wrap_up()
        record = await center.cdr()
        assert [(part["agent"], part["role"], part["ended"]) for part in record["segments"]] == [
            ("john", "agent", "agent/hang_up"),
            ("ana", "conferee", "dropped:john"),
        ]
        assert record["segments"][0]["note"] == "All three agreed"


async def test_a_supervisor_with_the_browser_as_the_phone(center: Center) -> None:
    """From the floor, answered in the browser: who listens hears both and is heard by nobody, a whisper is heard by the
    agent alone, barging in by both; taken over, the agent is out, the supervisor talks on, hangs up, says how it ended.
    """
    john, handset = await center.agent("john")
    async with chromium(*says(center, SUPERVISOR_HZ)) as browser:
        page = await desk(center, browser, "supervisor")
        await choose_browser(page)
        await connected(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        row = page.locator("[data-agent=john]")
        await row.get_by_role("button", name="Listen").click(timeout=20_000)
        await button(page, "Answer").click(timeout=15_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        await hears_only(caller, AGENT_HZ)
        await hears_only(handset, CALLER_HZ)
        await row.get_by_role("button", name="Whisper").click()
        await hears_only(handset, CALLER_HZ, SUPERVISOR_HZ)
        await hears_only(caller, AGENT_HZ)
        await row.get_by_role("button", name="Barge in").click()
        await hears_only(caller, AGENT_HZ, SUPERVISOR_HZ)
        await hears_only(handset, CALLER_HZ, SUPERVISOR_HZ)
        await row.get_by_role("button", name="Take over").click()
        await handset.told("CALL_CLOSED")
        await hears_only(caller, SUPERVISOR_HZ)
        await page_hears(page, CALLER_HZ)
        await john.wrap_up()
        await button(page, "Hang up").click()
        await caller.told("CALL_CLOSED")
        await page.get_by_role("radio").first.check()
        await button(page, "Finish").click()
        record = await center.cdr()
    assert [(part["agent"] or part["number"], part["ended"]) for part in record["segments"]] == [
        ("john", "taken_over:supervisor"),
        ("supervisor", record["cause"]),
    ]
    (listened,) = record["monitored"]
    assert min(listened[f"{mode}_s"] for mode in ("listen", "whisper", "barge")) > 1.0
