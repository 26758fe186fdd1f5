"""The supervisor's page in a real browser: live numbers, service level against target, agents, and no controls."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Browser, expect

from cti_engine.core import events as ev
from tests.browser.pages import log_in, open_page
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, offer, queue

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNS_LEFT_TO_RIGHT = """() => {
  const text = document.querySelector(".activity .line-what").firstChild;
  const begin = text.data.indexOf("is offered");
  const places = [begin, begin + 3, begin + 11, begin + 14].map((at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  });
  return places.every((left, i) => i === 0 || left > places[i - 1]);
}"""


async def test_queues_live(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """Waiting calls, the ticking longest wait and the service level with a word follow the retained states."""
    await engine.shows(queue())
    page = await open_page(browser, console.url)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    row = page.locator("[data-queue=sales_es]")
    await expect(row).to_contain_text("Ventas")
    await expect(row).to_contain_text("on target")
    await expect(row.locator("[data-label=Waiting]")).to_have_text("0")
    expected = row.locator("[data-label='Expected wait']")
    await expect(expected).to_have_text("0:42 4 in 5: 2:05")
    await engine.shows(queue(waiting=3, oldest_at=time.time() - 60, service_level=0.5, in_time=10))
    await expect(row.locator("[data-label=Waiting]")).to_have_text("3")
    await expect(row).to_contain_text("below target")
    wait = row.locator("[data-label='Longest wait']")
    await expect(wait).to_have_text(re.compile(r"1:0\d"))
    first = await wait.text_content()
    await expect(wait).not_to_have_text(first or "")
    await expect(page.locator(".figure").first).to_contain_text("3")
    await engine.shows(queue(ewt_p50=None, ewt_p80=None))
    await expect(expected).to_have_text("–")


async def test_agents_live(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """Each agent's state, reason, phone and contact are there, and change as the engine says."""
    await engine.shows(agent("maria"))
    await engine.shows(agent("john", status="not_ready", reason="lunch", phone=False))
    page = await open_page(browser, console.url)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    john, maria = page.locator("[data-agent=john]"), page.locator("[data-agent=maria]")
    for text in ("John Smith", "Not ready", "Lunch", "missing"):
        await expect(john).to_contain_text(text)
    await engine.changes(
        "maria", state="talking", contact="c-1", offer={"name": "Carmen <b>Ruiz</b>", "offer": "o"}
    )
    await expect(maria).to_contain_text("Talking")
    await expect(maria).to_contain_text("Carmen <b>Ruiz</b>")
    await engine.says(ev.CallAbandoned("c-9", "sales_es", 63.0))
    await expect(page.locator(".activity")).to_contain_text("after 1:03")
    await engine.says(offer(name="\u202e\u05d3\u05df moc.live"))
    await expect(page.locator(".activity")).to_contain_text("is offered to María López")
    assert await page.evaluate(RUNS_LEFT_TO_RIGHT), "a name turned the words after it around"


async def test_supervisor_page_has_no_controls_and_opens_no_desk(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The page is read only: nothing is asked of the engine, and it does not count as an agent's desk."""
    await engine.shows(agent("maria", state="talking", contact="c-1"))
    page = await open_page(browser, console.url, width=390)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    await expect(page.locator("[data-agent=maria]")).to_contain_text("Talking")
    names = await page.get_by_role("button").all_inner_texts()
    assert [name for name in names if name.strip()] == ["ES", "Log out"]
    assert engine.requests == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
