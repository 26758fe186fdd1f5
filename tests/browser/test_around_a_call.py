"""What stands around a call on the agent's page: colleagues, the day so far, past contacts, and how a call is told."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Browser, expect

from cti_engine.core import events as ev
from tests.browser.pages import desk, is_live, log_in, ring
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICES = """
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static requestPermission() {
      told.push("asked");
      return Promise.resolve((Notification.permission = "granted"));
    }
    constructor(title, { body, tag }) {
      told.push(`${title}, ${body}, ${this.tag = tag}`);
    }
    close() { told.push(`closed ${this.tag}`); }
  };
  let elsewhere = false;
  document.hasFocus = () => !elsewhere;
  window.looksElsewhere = (yes) => {
    elsewhere = yes;
    dispatchEvent(new Event(yes ? "blur" : "focus"));
  };
"""


async def test_colleagues_beside_the_contact(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Whoever shares a queue and could take a call is listed first, each in one word; not oneself."""
    await engine.shows(agent())
    await engine.shows(agent("john", status="not_ready", reason="lunch"))
    await engine.shows(agent("ana", name="Ana", state="talking"))
    await engine.shows(agent("eva", queues=("support_en",)))
    page = await desk(browser, console)
    team = page.locator(".team li")
    await expect(team).to_have_text([re.compile(r"Ana\s*in a call"), re.compile(r"John Smith\s*away")])
    await engine.changes("john", status="ready", reason="")
    await expect(team).to_have_text([re.compile(r"John Smith\s*free"), re.compile(r"Ana\s*in a call")])
    await engine.changes("john", status="logged_out")
    await expect(team).to_have_count(1)


async def test_a_call_is_told_while_nobody_looks(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Nothing is asked of the browser before the bell is pressed; then a call rings and is shown, once, while it is
    offered and the page is in the background, by one of two tabs; its mark needs no permission. A refusal is said.
    """
    await engine.shows(agent())
    context = await browser.new_context(locale="en-US")
    await context.add_init_script(NOTICES)
    page = await context.new_page()
    await page.goto(console.url)
    await log_in(page, "maria", console.passwords["maria"])
    other = await context.new_page()
    await other.goto(console.url)
    await is_live(other)
    await other.evaluate("window.looksElsewhere(true)")
    bell = page.get_by_role("button", name="Tell me of calls")
    icon = page.locator("link[rel=icon]")
    await page.evaluate("window.looksElsewhere(true)")
    await ring(engine)
    await expect(icon).to_have_attribute("href", "/static/icon-call.svg")
    await expect(page).to_have_title("Incoming call: Carmen Ruiz")
    assert await page.evaluate("window.told") == []
    await engine.changes("maria", state="idle", contact="", offer={})
    await expect(icon).to_have_attribute("href", "/static/icon.svg")
    await page.evaluate("window.looksElsewhere(false)")
    await bell.click()
    await expect(page.get_by_role("status").filter(has_text="Calls ring")).to_be_visible()
    assert await page.evaluate("window.told") == ["asked"]
    await ring(engine, contact="c-2")
    rings = "() => Boolean(document.querySelector('audio[data-sound=ring]')?.srcObject)"
    await other.wait_for_function(rings)
    assert await page.evaluate("window.told") == ["asked"]
    await page.evaluate("window.looksElsewhere(true)")
    await page.wait_for_function("() => window.told.length === 2")
    assert (await page.evaluate("window.told"))[1] == "Incoming call: Carmen Ruiz, +34 600 123 456, c-2"
    await expect(page.locator("audio[data-sound=ring]")).to_have_count(1)
    assert [await tab.evaluate(rings) for tab in (page, other)] == [False, True], "one of two tabs rings"
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await page.wait_for_function("() => window.told.length === 3")
    assert (await page.evaluate("window.told"))[2] == "closed c-2"
    await expect(page.locator("audio[data-sound=ring]")).to_have_count(0)
    await page.evaluate("window.looksElsewhere(false); Notification.permission = 'denied'")
    await bell.click()
    await bell.click()
    await expect(page.get_by_role("status").filter(has_text="shows no notifications")).to_be_visible()


async def test_my_day_and_past_contacts(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Today's figures, and past contacts by words, by day and page by page; read again when a contact is finished."""
    now = time.time()
    for n in range(10):
        engine.keep_cdr(
            contact=f"c{n}", ended_at=now - 60 * n, agent="maria", ani="+34600123456", name=f"Caller {n}",
            queue="sales_es", talk_s=61, disposition="sale", note="Two laptops" if n == 9 else "",
        )  # fmt: skip
    await engine.shows(agent())
    await engine.says(ev.CallBridged("c0", "maria", "sales_es", 4.0, 3.0))
    await engine.says(
        ev.AgentStateChanged("maria", "ready", "", "wrap_up", "c0", "ready", "", "talking", 125.0)
    )
    page = await desk(browser, console)
    day, past = page.locator(".my-day"), page.locator(".history")
    await expect(day.locator("div", has_text="Calls").locator("dd")).to_have_text("1", timeout=15_000)
    await expect(past.locator("li")).to_have_count(8)
    await past.get_by_role("button", name="Earlier ones").click()
    await expect(past.locator("li")).to_have_count(10)
    await past.get_by_role("searchbox").fill("laptop")
    await expect(past.locator("li")).to_have_count(1)
    await expect(past).to_contain_text("Two laptops")
    await past.get_by_role("searchbox").fill("nothing like it")
    await expect(past).to_contain_text("Nothing like that.")
    await past.get_by_role("searchbox").fill("")
    await expect(past.locator("li")).to_have_count(8)
    await past.get_by_label("Of this day").fill("2020-01-01")
    await expect(past.locator("li")).to_have_count(0)
    await past.get_by_label("Of this day").fill("")
    engine.keep_cdr(contact="new", ended_at=time.time(), agent="maria", name="Just now", talk_s=5)
    await engine.says(ev.CallBridged("new", "maria", "sales_es", 4.0, 3.0))
    await engine.says(ev.WrapUpEnded("new", "maria", "sale", ""))
    await expect(past.locator("li").first).to_contain_text("Just now")
    await expect(day.locator("div", has_text="Calls").locator("dd")).to_have_text("2")
