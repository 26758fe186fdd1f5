"""A callback promised beside a call, in the list, moved, cancelled, and shown when the customer calls before."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from cti_engine.core import events as ev
from cti_engine.core.reporting.cdr import Cdr
from cti_engine.wire.envelope import ReplyError, ReplyMessage, Request
from tests.browser.axe import findings
from tests.browser.pages import contact, desk, ring
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT = time.time() + 7200.0
ROW: dict[str, Any] = {
    "callback": "c-9", "due_at": AT, "by": "maria", "by_name": "María López", "own": True, "queue": "sales_es",
    "note": "the offer for two", "number": "+34600123456", "name": "Carmen Ruiz", "state": "scheduled",
    "center_time": "", "customer_time": "2026-12-01 09:30",
}  # fmt: skip


async def test_promised_moved_settled(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The dialog says why a time is refused, and when it would do; promised, it stands in the list, is moved and
    cancelled there; in a call of that customer the pop shows it, and it is settled by a button.
    """
    kept: list[dict[str, Any]] = []
    asked: list[Request] = []

    def answer(request: Request) -> ReplyMessage:
        asked.append(request)
        match request.name, request.args:
            case "ScheduleCallback", {"at": at} if at.endswith("03:00"):
                opens: dict[str, Any] = {"opens_date": "2026-12-01", "opens_time": "09:00"}
                return ReplyMessage(request.id, False, ReplyError("outside_hours", ""), opens)
            case "ScheduleCallback", _:
                kept.append(ROW)
                return ReplyMessage(request.id, True, None, {"callback": "c-9", "due_at": AT})
            case "CancelCallback", _:
                kept.clear()
            case "ListCallbacks", _:
                return ReplyMessage(request.id, True, None, {"callbacks": list(kept), "zone": "UTC"})
        return ReplyMessage(request.id, True)

    def told(name: str) -> dict[str, Any]:
        return {k: v for k, v in [r for r in asked if r.name == name][-1].args.items() if k != "agent"}

    engine.answer = answer
    await engine.shows(agent())
    page = await desk(browser, console)
    mine = page.locator(".appointments")
    await expect(mine).to_contain_text("You have promised no call-back.")
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await expect(page.get_by_role("button", name="Call back later")).to_be_enabled()
    await page.keyboard.press("Alt+L")
    dialog = page.get_by_role("dialog", name="Call back later")
    await dialog.get_by_label("When").fill("2026-12-01T03:00")
    await dialog.get_by_label("What for").fill("the offer for two")
    await dialog.get_by_role("button", name="Promise").click()
    await expect(dialog.get_by_role("alert")).to_have_text(
        "Nobody calls at that time. Open again: 2026-12-01 09:00."
    )
    assert not await findings(page)
    await dialog.get_by_label("When").fill("2026-12-01T10:30")
    await dialog.get_by_label("By the clock of").select_option("customer")
    await dialog.get_by_role("button", name="Promise").click()
    await expect(dialog).to_have_count(0)
    wanted = {
        "at": "2026-12-01T10:30",
        "zone": "customer",
        "number": "",
        "own": True,
        "note": "the offer for two",
    }
    assert told("ScheduleCallback") == {**wanted, "of": "c-1"}

    await engine.says(
        ev.CallbackScheduled("c-9", "maria", "sales_es", "+34600123456", "Carmen Ruiz", AT, True, 300.0, "")
    )
    await expect(mine).to_contain_text("Carmen Ruiz")
    await expect(mine).to_contain_text("the offer for two 2026-12-01 09:30 there")
    await mine.get_by_role("button", name="Move the call-back").click()
    await mine.get_by_label("When").fill("2026-12-02T11:00")
    assert not await findings(page)
    await mine.locator("form button").click()
    await expect(mine.locator("form")).to_have_count(0)
    assert told("MoveCallback") == {"callback": "c-9", "at": "2026-12-02T11:00", "zone": "center"}

    await engine.changes("maria", state="idle", contact="", offer={})
    await ring(engine, contact="c-2", appointments=(ROW,))
    await engine.changes("maria", state="talking", bridged_at=time.time())
    promised = contact(page).locator(".promised")
    await expect(promised).to_contain_text("María López: the offer for two")
    await promised.get_by_role("button", name="Settled now").click()
    await expect(promised).to_have_count(0)
    assert told("CancelCallback") == {"callback": "c-9", "settled": True}
    await engine.says(ev.CallbackEnded("c-9", "sales_es", "settled", 0, 0.0, "maria"))
    await expect(mine).to_contain_text("You have promised no call-back.")


async def test_what_is_written_when_wrap_up_ends_is_kept(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """A ticket, a note and a call-back half written while the call goes from the desk: the page says so, shows them
    after a reload and beside the next call, and each is sent from there, or discarded. Nothing is wider than the page.
    """
    engine.answer = lambda request: ReplyMessage(
        request.id, True, None, {"due_at": AT} if request.name == "ScheduleCallback" else {}
    )
    engine.requests.clear()
    await engine.shows(agent())
    page = await desk(browser, console, width=390, height=844)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await contact(page).get_by_label("Note", exact=True).fill("wants the red one")
    await page.keyboard.press("Alt+O")
    await page.locator(".new-ticket").get_by_label("What is it about").fill("no connection")
    await page.keyboard.press("Alt+L")
    dialog = page.get_by_role("dialog", name="Call back later")
    await dialog.get_by_label("When").fill("2026-12-01T10:30")
    await dialog.get_by_label("What for").press_sequentially("the offer")
    kept = page.locator(".unsent")
    await expect(kept).to_have_count(0)
    await engine.changes("maria", state="idle", contact="", offer={})
    await expect(dialog).to_have_count(0)
    await expect(kept.get_by_role("status")).to_have_text("Written, not sent: kept here")
    await page.reload()
    for text in ("wants the red one", "no connection", "the offer"):
        await expect(kept).to_contain_text(text)
    assert not await findings(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    await kept.locator("[data-draft=later]").get_by_role("button", name="Go on").click()
    await dialog.get_by_role("button", name="Promise").click()
    await expect(kept.locator("[data-draft=later]")).to_have_count(0)
    said = (await engine.until_heard("ScheduleCallback")).args
    assert (said["number"], said["note"], said.get("of", "")) == ("+34600123456", "the offer", "")
    await kept.locator("[data-draft=note]").get_by_role("button", name="Discard").click()
    await expect(kept.locator("[data-draft=note]")).to_have_count(0)
    record = Cdr(contact="c-1", agent="maria", ani="+34600123456", queue="sales_es").record()
    ticket = kept.locator("[data-draft=ticket]")
    await ticket.get_by_role("button", name="Go on").click()
    await ticket.get_by_role("button", name="Open it").click()
    await expect(ticket.get_by_role("alert")).to_have_text("This call is not on your desk any longer.")
    await engine.says(ev.ContactClosed("c-1", {**record, "ended_at": time.time()}))
    await ticket.get_by_role("button", name="Open it").click()
    await expect(kept).to_have_count(0)
    mine = page.locator(".my-tickets")
    await mine.get_by_role("button", name="Nobody").click()
    await mine.get_by_role("button", name="Mine").click()
    await expect(mine).to_contain_text("no connection")
