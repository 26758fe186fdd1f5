"""The supervisor's page in a real browser: live numbers, service level against target, agents, and no controls."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from playwright.async_api import Browser, expect

from cti_engine.core import events as ev
from cti_engine.wire.envelope import ReplyError, ReplyMessage
from tests.browser.pages import log_in, open_page
from tests.console.stand_in_engine import StandInEngine, agrees
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


async def test_supervisor_page_is_for_reading_while_nobody_talks(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Nothing is asked of the engine, and it does not count as an agent's desk."""
    await engine.shows(agent("maria"))
    await engine.shows(agent("john"))
    page = await open_page(browser, console.url, width=390)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    await expect(page.locator("[data-agent=maria]")).to_contain_text("Ready")
    names = await page.get_by_role("button").all_inner_texts()
    assert [name for name in names if name.strip()] == [
        "ES", "Log out", "Show", "Show", "Search", "Who stands twice in it?", "Late", "Nobody’s", "All open", "Mine",
    ]  # fmt: skip
    assert engine.requests == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_supervisor_listens_whispers_and_takes_over(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """By keyboard: each button asks for that agent's call; what is heard now is pressed; without a phone a sentence
    says what to do; a call that another listens to has no buttons.
    """
    engine.requests.clear()
    talks = {"state": "talking", "contact": "c-1"}
    await engine.shows(agent("maria", **talks))
    await engine.shows(
        agent("john", state="talking", contact="c-2", monitor={"supervisor": "other", "mode": "listen"})
    )
    page = await open_page(browser, console.url, width=390)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    maria, john = page.locator("[data-agent=maria]"), page.locator("[data-agent=john]")
    await expect(john).to_contain_text("other listens")
    await expect(john.get_by_role("button")).to_have_count(0)
    engine.answer = lambda request: ReplyMessage(request.id, False, ReplyError("phone_not_registered", "x"))
    await maria.get_by_role("button", name="Listen").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Your phone is not connected")
    engine.answer = agrees
    await maria.get_by_role("button", name="Listen").press("Enter")
    await expect(page.get_by_role("alert")).to_have_count(0)
    mine = {
        "supervisor": "supervisor",
        "mode": "listen",
        "state": "ringing",
        "since_at": time.time(),
        "visible": True,
    }
    await engine.changes("maria", **talks, monitor=mine)
    await expect(maria).to_contain_text("Your phone rings")
    await engine.changes("maria", **talks, monitor={**mine, "state": "listening"})
    await expect(maria.get_by_role("button", name="Listen", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    for name in ("Whisper", "Barge in", "Take over", "Stop listening"):
        await maria.get_by_role("button", name=name).press("Enter")
        await expect(maria.get_by_role("button", name=name)).to_have_attribute("aria-disabled", "false")
    asked = [(request.name, request.contact, request.args) for _, request in engine.requests]
    assert asked == [
        ("Monitor", "c-1", {"agent": "supervisor", "listened": "maria", "mode": "listen"}),
        ("Monitor", "c-1", {"agent": "supervisor", "listened": "maria", "mode": "listen"}),
        ("MonitorMode", "c-1", {"agent": "supervisor", "mode": "whisper"}),
        ("MonitorMode", "c-1", {"agent": "supervisor", "mode": "barge"}),
        ("TakeOver", "c-1", {"agent": "supervisor"}),
        ("EndMonitor", "c-1", {"agent": "supervisor"}),
    ]
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_call_taken_over_is_controlled_and_finished(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The supervisor has an agent's buttons, also by their keys, and none for promises; after the call the result is
    sent; a reload shows the same; when it is done the floor is as before.
    """
    engine.requests.clear()
    engine.answer = agrees
    talks = agent(
        "supervisor", status="logged_out", state="talking", contact="c-1", role="agent", can_return=True,
        bridged_at=time.time() - 5, recording="on",
        offer={"number": "+34600111222", "name": "Ana <b>R</b>", "queue": "sales_es"},
    )  # fmt: skip
    await engine.shows(queue())
    await engine.takes_over(talks)
    page = await open_page(browser, console.url, width=390)
    await log_in(page, "supervisor", console.passwords["supervisor"])
    taken = page.get_by_role("region", name="The call you have taken over")
    for text in ("Ana <b>R</b>", "Ventas", "Talking"):
        await expect(taken).to_contain_text(text)
    await expect(taken.get_by_role("button", name="Call back")).to_have_count(0)
    for key, name in (("Alt+H", "Hold"), ("Alt+M", "Mute")):
        await page.keyboard.press(key)
        await expect(taken.get_by_role("button", name=name, exact=True)).to_have_attribute(
            "aria-disabled", "false"
        )
    engine.answer = lambda request: ReplyMessage(request.id, False, ReplyError("stale", "x"))
    await page.keyboard.press("Alt+X")
    await expect(taken.get_by_role("alert")).not_to_be_empty()
    assert [(request.name, request.args["agent"]) for _, request in engine.requests] == [
        ("Hold", "supervisor"), ("Mute", "supervisor"), ("HangUp", "supervisor"),
    ]  # fmt: skip
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await taken.get_by_label("Note").fill("half a")
    await page.reload()
    engine.answer = agrees
    await engine.takes_over(
        replace(talks, state="wrap_up", since_at=time.time(), wrap_up_ends_at=time.time() + 60)
    )
    await expect(taken.get_by_label("Note")).to_have_value("half a")
    await taken.get_by_role("radio", name="Sale").check()
    await taken.get_by_role("button", name="Finish").click()
    await expect(taken.get_by_role("button", name="Finish")).to_be_enabled()
    said = engine.requests[-1][1]
    assert (said.name, said.contact, said.args["note"]) == ("SubmitDisposition", "c-1", "half a")
    await engine.takes_over(None)
    await expect(taken).to_have_count(0)
