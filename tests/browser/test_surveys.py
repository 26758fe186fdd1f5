"""The supervisor reads what callers answered, by queue and agent, and hears what they said, in a real browser."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cti_engine.adapters.customer_schema import open_customers
from tests.browser.axe import NARROW, WIDE, is_accessible
from tests.browser.pages import desk
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, queue
from tests.phones.tones import tone, write_wav

pytestmark = pytest.mark.asyncio(loop_scope="session")


def answers(folder: Path) -> None:
    """Of maria's callers: 5 and 10 by one worth 3000, 2 and 3 by one worth 1000, 4 by a stranger, one silent."""
    now = time.time()
    said = folder / "recordings" / "c-1-2.wav"
    said.parent.mkdir(exist_ok=True)
    write_wav(said, tone(440, 1.0))
    with closing(open_customers(folder / "customers.db")) as database, database.writing() as db:
        for table in ("surveys", "surveys_asked"):
            db.run(f"DELETE FROM {table}")
        for contact, value, csat, nps in (
            ("c-1", 3000.0, 5, 10),
            ("c-2", 1000.0, 2, 3),
            ("c-3", 0.0, 4, None),
            ("c-4", 0.0, None, None),
        ):
            asked = ("", now - 90, contact, "survey", "maria", "sales_es", value, int(csat is not None))
            db.run("INSERT INTO surveys_asked VALUES(?,?,?,?,?,?,?,?)", asked)
            for question, scale, answer in (("satisfaction", "1-5", csat), ("recommend", "0-10", nps)):
                if answer is not None:
                    row = (
                        "",
                        now - 80,
                        contact,
                        "survey",
                        question,
                        scale,
                        answer,
                        "maria",
                        "sales_es",
                        value,
                        "",
                        0,
                    )
                    db.run(f"INSERT INTO surveys VALUES({','.join('?' * len(row))})", row)
        db.run(
            "INSERT INTO surveys VALUES('', ?, 'c-1', 'survey', 'comment', '', NULL, 'maria', 'sales_es', 3000, ?, 1)",
            (now - 70, str(said)),
        )


async def test_the_supervisor_reads_and_hears(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Figures with interval and number, weighted on request with what is left out; the comment plays. Nothing is wider
    than the page, wide or narrow.
    """
    answers(console.folder)
    await engine.shows(agent())
    await engine.shows(queue())
    page = await desk(browser, console, "supervisor", **WIDE)
    card = page.locator(".surveys")
    await card.get_by_role("button", name="Show").click()
    row = card.locator("[data-survey='queue sales_es']")
    await expect(row).to_contain_text("Ventas")
    await expect(row.locator("[data-label=CSAT]")).to_have_text("3.67 1.00 to 5.00 · n 3")
    await expect(row.locator("[data-label=NPS]")).to_contain_text("0")
    await expect(row.locator("[data-label=Answered]")).to_contain_text("75%")
    await card.get_by_label("Weighted").check()
    await expect(row.locator("[data-label=CSAT]")).to_contain_text("4.25")
    await expect(card).to_contain_text("customers without a value: 1.")
    comment = card.locator(".comments li")
    await expect(comment).to_contain_text("Satisfaction 5")
    player = comment.locator("audio")
    length = await player.evaluate(
        "it => new Promise((done, no) => { it.onloadedmetadata = () => done(it.duration); it.onerror = no;"
        " it.load(); })"
    )
    assert length == pytest.approx(1.0, abs=0.05)
    for size in (WIDE, NARROW):
        await page.set_viewport_size(size)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await is_accessible(page, "surveys")
    await page.context.close()
