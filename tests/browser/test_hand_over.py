"""Others in the call, on the agent's page: ask, hand over, talk together, park; and what who is asked sees."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from cti_engine.wire.envelope import ReplyMessage, Request
from tests.browser.pages import contact, log_in, open_page, ring, state
from tests.console.stand_in_engine import StandInEngine, agrees
from tests.console.world import ConsoleProcess, agent, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")

TARGETS: dict[str, Any] = {
    "agents": [
        {"agent": "john", "name": "John Smith", "state": "free"},
        {"agent": "ana", "name": "Ana", "state": "busy"},
    ],
    "queues": [{"queue": "support_en", "name": "Support"}],
    "parked": [{"slot": 3, "since_at": 0.0, "queue": ""}, {"slot": 1, "since_at": 0.0, "queue": "sales_es"}],
    "numbers": True,
    "escalation": True,
}
JOHN = {
    "agent": "john",
    "name": "John Smith",
    "number": "",
    "role": "consulted",
    "state": "ringing",
    "since_at": 0.0,
}


def knows_targets(request: Request) -> ReplyMessage | None:
    """As the engine answers: the list, the slot, or just yes."""
    results: dict[str, dict[str, Any]] = {"ListTargets": TARGETS, "Park": {"slot": 2}}
    if request.name in results:
        return ReplyMessage(request.id, True, result=results[request.name])
    return agrees(request)


async def talking(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> Page:
    engine.answer = knows_targets
    await engine.shows(agent())
    await engine.shows(queue())
    page = await open_page(browser, console.url)
    await log_in(page, "maria", console.passwords["maria"])
    await ring(engine)
    await engine.changes("maria", state="talking", role="agent", can_return=True, bridged_at=time.time())
    await expect(page.get_by_role("button", name="Hold")).to_be_visible()
    return page


async def test_hold_ask_hand_over_and_wrap_up_by_keyboard(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """From the call to the wrap-up with keys alone; every request carries the call and the version on the screen, and
    nothing moves while a line says who is in the call.
    """
    page = await talking(browser, console, engine)
    place = await contact(page).bounding_box()
    head = await page.locator(".contact-head").bounding_box()
    await page.keyboard.press("Alt+h")
    held = await engine.until_heard("Hold")
    view = await engine.changes("maria", held=True)
    await page.keyboard.press("Alt+t")
    await expect(page.get_by_role("searchbox", name="To whom")).to_be_focused()
    await page.keyboard.type("john")
    await expect(page.locator(".targets li")).to_have_count(1)
    await page.get_by_label("What they should know").fill("refund?")
    await page.locator("[data-target=john]").get_by_role("button", name="Ask first").press("Enter")
    asked = await engine.until_heard("Consult")
    assert asked.args == {"agent": "maria", "to_agent": "john", "note": "refund?"}
    assert (asked.contact, asked.state_version) == (held.contact, view.state_version)
    await engine.changes("maria", parties=(JOHN,))
    await expect(contact(page)).to_contain_text("Calling John Smith…")
    await expect(page.get_by_role("button", name="Talk together")).to_have_count(0)
    await engine.changes("maria", parties=({**JOHN, "state": "talking"},))
    await expect(contact(page)).to_contain_text("In the call: John Smith")
    await expect(page.get_by_role("button", name="To the caller", exact=True)).to_be_visible()
    await page.keyboard.press("Alt+j")
    await engine.until_heard("JoinCall")
    outside = {
        **JOHN,
        "agent": "",
        "name": "",
        "number": "+34911000222",
        "role": "conferee",
        "state": "talking",
    }
    await engine.changes("maria", parties=({**JOHN, "state": "talking"}, outside))
    await expect(contact(page)).to_contain_text("In the call: John Smith, +34911000222")
    await page.get_by_role("button", name="Disconnect +34911000222").press("Enter")
    assert (await engine.until_heard("DropParty")).args == {
        "agent": "maria", "party_agent": "", "party_number": "+34911000222"
    }  # fmt: skip
    await page.keyboard.press("Alt+c")
    await engine.until_heard("CompleteTransfer")
    assert await contact(page).bounding_box() == place
    assert await page.locator(".contact-head").bounding_box() == head
    await engine.changes(
        "maria", state="wrap_up", role="", parties=(), held=False, wrap_up_ends_at=time.time() + 30
    )
    await page.locator(".choices label").first.click()
    await page.get_by_role("button", name="Finish").click()
    await engine.until_heard("SubmitDisposition")


async def test_a_transfer_without_asking_and_parking(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Queues and numbers can be transferred to; who is busy cannot; the slot of a parked call is told."""
    page = await talking(browser, console, engine)
    await page.get_by_role("button", name="Transfer", exact=True).click()
    await expect(page.locator("[data-target=ana]").get_by_role("button", name="Ask first")).to_be_disabled()
    await expect(page.locator("[data-target=support_en]").get_by_role("button")).to_have_count(1)
    await page.get_by_role("searchbox", name="To whom").fill("+34911000222")
    await page.locator(".targets li").get_by_role("button", name="Transfer now").click()
    assert (await engine.until_heard("Transfer")).args["to_number"] == "+34911000222"
    await expect(page.get_by_role("dialog", name="Transfer")).to_have_count(0)
    await page.get_by_role("button", name="Transfer", exact=True).click()
    await page.get_by_role("button", name="Park").click()
    await expect(page.get_by_role("alert")).to_have_text("Parked in slot 2")
    await page.keyboard.press("Escape")


async def test_what_the_asked_colleague_sees(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The pop says that it is a question, by whom and why; in the talk there is mute and leave, and nothing else."""
    engine.answer = knows_targets
    await engine.shows(agent())
    await engine.shows(queue())
    page = await open_page(browser, console.url)
    await log_in(page, "maria", console.passwords["maria"])
    pick_up = page.get_by_role("button", name="Pick up slot")
    parked = ({"slot": 1, "since_at": time.time() - 61}, {"slot": 2, "since_at": time.time()})
    await engine.shows(queue(parked=parked))
    await expect(pick_up).to_have_text([re.compile(r"slot 1\s*1:0"), re.compile("slot 2")])
    await engine.shows(queue())
    await expect(pick_up).to_have_count(0)
    await page.get_by_role("button", name="Parked calls").click()
    await expect(pick_up).to_have_count(1)
    await page.get_by_role("button", name="Pick up slot 3").click()
    assert (await engine.until_heard("PickUpParked")).args == {"agent": "maria", "slot": 3}
    await ring(engine, purpose="consult", by="john", by_name="John Smith", note="refund?")
    await expect(contact(page)).to_contain_text("John Smith asks you: refund?")
    me = {**JOHN, "role": "agent", "state": "talking"}
    await engine.changes("maria", state="talking", role="consulted", parties=(me,), bridged_at=time.time())
    await expect(contact(page)).to_contain_text("With John Smith")
    await expect(contact(page)).to_contain_text("You are asked")
    controls = page.get_by_role("group", name="Call controls").get_by_role("button")
    await expect(controls).to_have_text(["Mute"])
    await page.get_by_role("button", name="Leave the call").click()
    await engine.until_heard("HangUp")
    await engine.changes("maria", state="idle", contact="", role="", parties=(), offer={})
    await expect(state(page)).to_contain_text("Ready")
