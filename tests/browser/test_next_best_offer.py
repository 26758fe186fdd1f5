"""What to offer, and why nothing: as the agent reads it, and what the buttons tell the engine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import findings
from tests.browser.pages import contact, desk, ring
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIBRE: dict[str, Any] = {
    "offer": "fibre_1gb", "product": "fibre_1gb", "reason": {"es": "Su zona ya la tiene.", "en": "It is there now."},
    "line": "Por cinco euros más al mes…", "chance": 0.15, "expected_value": 9.0, "currency": "EUR", "affinity": 0.0,
}  # fmt: skip
TV = {**FIBRE, "offer": "tv", "product": "tv", "reason": {}, "affinity": 0.7}


async def test_an_offer_is_answered(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """Reason in the agent's language, line in the caller's, worth; buttons work when they talk, and show the answer."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine, offers=(FIBRE, TV))
    await engine.until_heard("OfferShown")
    first = contact(page).locator(".offer").first
    await expect(first).to_contain_text("It is there now.")
    await expect(first.locator("blockquote")).to_have_text("Por cinco euros más al mes…")
    await expect(first).to_contain_text("worth 9 EUR")
    await expect(contact(page).locator(".offer").nth(1)).to_contain_text("who have the same often take it")
    await expect(first.get_by_role("button", name="Accepted")).to_be_disabled()
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await first.get_by_role("button", name="Accepted").click()
    asked = await engine.until_heard("AnswerHint")
    assert (
        asked.args == {"agent": "maria", "offer": "fibre_1gb", "answer": "accepted"} and asked.state_version
    )
    await ring(engine, offers=({**FIBRE, "answer": "accepted"}, TV))
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await expect(first.locator("[aria-pressed=true]")).to_have_text("Accepted")
    await engine.changes("maria", state="talking", poor_line=True)
    await expect(contact(page)).to_contain_text("Caller's line is poor")
    assert await findings(page) == []


async def test_why_nothing_is_offered(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Every reason that holds, in words, in both languages; a rule that the page does not know by its name."""
    await engine.shows(agent())
    why = (
        {"rule": "open_complaint", "ticket": "2291"},
        {"rule": "no_consent", "consent": "unknown"},
        {"rule": "waited_long", "waited_s": 245.0, "limit_s": 120.0},
        {"rule": "full_moon"},
    )
    for language, said in (
        ("en", ["An open complaint 2291", "They have not agreed", "They waited 4:05.", "Full moon"]),
        ("es", ["Tiene un reclamo abierto 2291", "No ha aceptado", "Esperó 4:05.", "Full moon"]),
    ):
        page = await desk(browser, console, language=language)
        await ring(engine, contact=f"c-{language}", offer=f"o-{language}", no_offers=why)
        for line, text in enumerate(said):
            await expect(contact(page).locator(".no-offers li").nth(line)).to_contain_text(text)
        await expect(contact(page).locator(".offer")).to_have_count(0)
        await page.context.close()
