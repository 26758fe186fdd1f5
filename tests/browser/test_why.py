"""Who waits, and why, on the supervisor's page: asked of the engine while somebody looks, in both languages."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from cti_engine.wire.envelope import ReplyMessage, Request
from tests.browser.pages import log_in, open_page
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")


def keeps(code: str, what: str = "", has: str = "", seconds: int = 0) -> dict[str, Any]:
    return {"code": code, "what": what, "has": has, "seconds": seconds}


def answers(request: Request) -> ReplyMessage:
    """Two calls wait; the second one has three agents who could take it, if."""
    now = time.time()
    if request.name == "ListWaiting":
        calls = [
            {"contact": "c7", "number": "+34600000007", "name": "", "queued_at": now - 75, "step": 0, "rings": True},
            {"contact": "c8", "number": "+34600000008", "name": "Carmen <b>Ruiz</b>", "queued_at": now - 41, "step": 0,
             "rings": False},
        ]  # fmt: skip
        return ReplyMessage(request.id, True, result={"calls": calls})
    place = {
        "queue": "sales_es", "step": 0, "steps": 2, "pool": ["agent.spanish >= 7 and agent.sales"], "ahead": 1,
        "next_step_at": now + 19, "next_pool": "agent.spanish >= 3", "members": 2,
        "kept_off": {"not_free": 1, "excluded": 1},
        "agents": [
            {"agent": "maria", "keeps": [keeps("busy", "wrap_up")]},
            {"agent": "john", "keeps": [keeps("not_ready", "lunch"), keeps("missed", seconds=24)]},
            {"agent": "ana", "keeps": [keeps("lacks", "agent.spanish >= 7", "5"), keeps("no_phone")]},
        ],
    }  # fmt: skip
    return ReplyMessage(request.id, True, result={"state": "queued", "waiting": [place]})


async def looking(browser: Browser, console: ConsoleProcess, width: int, language: str) -> Page:
    page = await open_page(browser, console.url, width=width, language=language)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    await page.locator("[data-queue=sales_es] button").click()
    await page.locator("[data-contact=c8] button").click()
    await expect(page.locator(".why")).to_be_visible()
    return page


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            (
                "Agents who do: 2 (not free: 1, missed this call just now: 1)",
                "not ready: Lunch",
                "needs agent.spanish >= 7 (has 5)",
            ),
        ),
        ("es", ("no libres: 1, acaban de perder esta llamada: 1", "no disponible: Comida", "sin teléfono")),
    ],
)
async def test_what_keeps_a_call_waiting(
    browser: Browser,
    console: ConsoleProcess,
    engine: StandInEngine,
    width: int,
    language: str,
    texts: tuple[str, ...],
) -> None:
    """The list, then one call's step, its agents with all that keeps each, and the next step with its time; nothing
    stands out of the page, and a caller's name is text."""
    engine.answer = answers
    await engine.shows(queue(waiting=2, oldest_at=time.time() - 75))
    await engine.shows(agent("maria", state="wrap_up"))
    await engine.shows(agent("john", status="not_ready", reason="lunch"))
    page = await looking(browser, console, width, language)
    why = page.locator(".why")
    for text in (*texts, "María López", "agent.spanish >= 3"):
        await expect(why).to_contain_text(text)
    await expect(page.locator("[data-contact=c8]")).to_contain_text("Carmen <b>Ruiz</b>")
    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_the_answer_follows_and_an_engine_that_is_away_is_said_so(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Asked again while the page is open: a call that is over says so; Close asks no more."""
    engine.answer = answers
    await engine.shows(queue(waiting=2, oldest_at=time.time() - 75))
    page = await looking(browser, console, 1440, "en")
    engine.answer = lambda request: ReplyMessage(
        request.id, True, result={"state": "talking", "waiting": [], "calls": []}
    )
    await expect(page.locator(".waiting-calls")).to_contain_text("Nobody waits", timeout=10_000)
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator(".waiting-calls")).to_have_count(0)
    await engine.shows(queue(waiting=0))
    await expect(page.locator("[data-queue=sales_es] button")).to_have_count(0)
