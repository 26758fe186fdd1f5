"""Tickets on the desk in a real browser: the caller's open ones in the pop, a new one by one key, what worked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from cti_engine.adapters.customer_schema import open_customers
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore
from cti_engine.core.customers.tickets import RESOLVED, Ticket
from tests.browser.axe import findings, is_accessible
from tests.browser.pages import contact, desk, ring
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPEN = {
    "ticket": 4711, "category": "complaint", "subject": "Charged twice", "state": "taken", "priority": 1,
    "due_at": time.time() - 60.0, "owner": "john", "opened_at": time.time() - 90_000.0,
}  # fmt: skip


def _past_case(console: ConsoleProcess) -> None:
    """Somebody's router trouble, and what helped."""
    database = open_customers(console.folder / "customers.db")
    past = Ticket(
        0, "", "fault", "Router without connection", 2, state=RESOLVED, owner="john", opened_at=1.0, closed_at=2.0,
        resolution="Factory reset",
    )  # fmt: skip
    TicketStore(database).open(Kept(past), [Step(1.0, "john", "open", {"text": "red light"})])
    database.close()


@pytest.mark.parametrize("size", [{"width": 1440}, {"width": 390, "height": 844}], ids=["wide", "narrow"])
async def test_a_ticket_by_one_key(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine, size: dict[str, Any]
) -> None:
    """The pop has the late open ticket; Alt+O opens the form, similar cases come as one types, the new ticket stands in
    both lists, is resolved with what worked, and a colleague's comment is told. Nothing is wider than the page.
    """
    _past_case(console)
    await engine.shows(agent())
    await engine.shows(queue())
    page = await desk(browser, console, **size)
    await engine.until_heard("PageOpened")
    await ring(engine, open_tickets=(OPEN,))
    old = contact(page).locator(".ticket")
    await expect(old).to_contain_text("4711")
    await expect(old).to_contain_text("was due")
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await expect(contact(page).get_by_role("button", name="Open a ticket")).to_be_enabled()
    await page.keyboard.press("Alt+o")
    form = page.locator(".new-ticket")
    await expect(form.get_by_label("What is it about")).to_be_focused()
    await page.keyboard.type("routers: no CONNECTION")
    await expect(form.locator(".similar")).to_contain_text("What worked: Factory reset")
    await form.get_by_label("Category").select_option("fault")
    await form.get_by_role("button", name="Open it").click()
    await expect(form).to_have_count(0)
    await expect(contact(page).locator(".ticket")).to_contain_text("routers: no CONNECTION")
    mine = page.locator(".my-tickets")
    await expect(mine.locator(".ticket")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await is_accessible(page, "tickets")
    await mine.get_by_role("button", name="Show ticket").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Priority").select_option("1")
    await expect(dialog.locator(".lines").get_by_text("changed")).to_be_visible()
    await expect(dialog.locator("p.muted").first).to_contain_text("Urgent")
    await expect(contact(page).locator(".ticket")).to_contain_text("Urgent")
    await dialog.get_by_label("Text").fill("Another cable")
    assert await findings(page) == []
    await dialog.get_by_role("button", name="Resolved so").click()
    await expect(dialog.get_by_text("resolved so")).to_be_visible()
    await dialog.get_by_role("button", name="Close").click()
    await expect(mine.locator(".ticket")).to_have_count(0)
    await page.context.close()
