"""What an agent may give a customer, in the page: within the limit, above it, and the supervisor who decides."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Browser, expect

from cti_engine.wire.envelope import ReplyError, ReplyMessage
from tests.browser.pages import contact, desk, log_in, open_page, ring
from tests.console.stand_in_engine import StandInEngine, agrees
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRANT = {"limit": 30.0, "left": 30.0, "currency": "EUR", "grants": []}
ASKED = {"grant": "g1", "amount": 80.0, "reason": "two weeks late", "state": "asked"}


async def test_an_agent_grants_and_a_supervisor_decides(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The form is there from the first word on; above the limit its button becomes a question to the supervisors,
    whose page shows it with the customer and both buttons; what was given is listed."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await engine.until_heard("PageOpened")
    await ring(engine, greeting="Hello Carmen, thank you for being with us.")
    pop = contact(page)
    await expect(pop).to_contain_text("thank you for being with us")
    await engine.changes("maria", state="talking", bridged_at=time.time(), grant=GRANT)
    await expect(pop).to_contain_text("You may give up to 30.00 EUR")
    engine.answer = lambda request: ReplyMessage(request.id, False, ReplyError("over_limit", "x"))
    await page.get_by_label("Amount in EUR").fill("80")
    await page.get_by_label("Reason").fill("two weeks late")
    await pop.get_by_role("button", name="Grant", exact=True).click()
    await engine.until_heard("Grant")
    await expect(page.get_by_role("alert").last).to_contain_text("ask a supervisor")
    engine.answer = agrees
    await pop.get_by_role("button", name="Ask a supervisor").click()
    asked = await engine.until_heard("Grant", 2)
    assert asked.args == {"agent": "maria", "amount": 80, "reason": "two weeks late", "ask": True}
    await engine.changes("maria", grant={**GRANT, "grants": [ASKED]})
    await expect(pop).to_contain_text("a supervisor decides")

    floor = await open_page(browser, console.url)
    await log_in(floor, "supervisor", console.passwords["supervisor"])
    question = floor.locator("[data-grant=g1]")
    await expect(question).to_contain_text("80.00 EUR")
    await expect(question).to_contain_text("Carmen Ruiz")
    await question.get_by_role("button", name="Approve", exact=True).click()
    decided = await engine.until_heard("DecideGrant")
    assert decided.args == {"agent": "supervisor", "grant": "g1", "approved": True}
    await engine.changes("maria", grant={**GRANT, "left": 0.0, "grants": [{**ASKED, "state": "made"}]})
    await expect(question).to_have_count(0)
    await expect(pop).to_contain_text("granted")
