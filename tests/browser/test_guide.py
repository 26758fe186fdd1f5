"""The guide on the desk: one step at a time, by keyboard, in the caller's language, kept over a reload."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.pages import contact, desk, is_live, ring
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

GUIDE: dict[str, Any] = {
    "guide": "router",
    "name": {"es": "Router", "en": "Router offline"},
    "language": "es",
    "start": "lights",
    "steps": {
        "lights": {
            "do": {"es": "Escuche.", "en": "Listen first."},
            "say": "¿Qué luces ve?",
            "field": "lights",
            "label": {"es": "Luces", "en": "Lights"},
            "choices": [
                {"value": "none", "label": {"es": "Ninguna", "en": "None at all"}, "go_to": "power"},
                {"value": "red", "label": {"es": "Roja", "en": "Red"}, "go_to": "power"},
            ],
        },
        "power": {"say": "Mire el cable.", "next": "model"},
        "model": {
            "say": "¿Qué modelo?",
            "field": "model",
            "label": {"es": "Modelo", "en": "Model"},
            "next": "bye",
        },
        "bye": {"say": "Gracias."},
    },
    "answers": {},
}


async def test_step_by_step_with_keys(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """What to do is in the page's language, what to say in the caller's. Alt and a number answers, Alt-G goes on, Alt-Z
    back; what is typed is kept with Enter; a page that is loaded again stands where the answers lead."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await engine.until_heard("PageOpened")
    await ring(engine, guide="router")
    await engine.changes("maria", state="talking", bridged_at=time.time(), guide=GUIDE)
    guide = contact(page).locator(".guide")
    await expect(guide).to_contain_text("Listen first.")
    await expect(guide.locator("blockquote")).to_have_text("¿Qué luces ve?")
    await page.keyboard.press("Alt+2")
    asked = await engine.until_heard("AnswerGuide")
    assert asked.args == {"agent": "maria", "guide": "router", "step": "lights", "answer": "red"}
    await engine.changes("maria", guide={**GUIDE, "answers": {"lights": "red"}})
    await expect(guide.locator("blockquote")).to_have_text("Mire el cable.")
    await page.keyboard.press("Alt+z")
    await expect(guide.get_by_role("button", name="Red")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Alt+2")
    await expect(guide.locator("blockquote")).to_have_text("Mire el cable.")
    await page.keyboard.press("Alt+g")
    await guide.get_by_label("Model").fill("XR-7")
    await page.keyboard.press("Enter")
    await engine.until_heard("AnswerGuide", 3)
    assert engine.heard("AnswerGuide")[-1].args["answer"] == "XR-7"
    await engine.changes("maria", guide={**GUIDE, "answers": {"lights": "red", "model": "XR-7"}})
    await expect(guide).to_contain_text("End of the guide")
    await page.reload()
    await is_live(page)
    await expect(guide.locator("blockquote")).to_have_text("Gracias.")
