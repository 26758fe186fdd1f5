"""A caller leaves a message by phone; an agent hears and takes it in the page, in a real browser."""

from __future__ import annotations

import wave
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.pages import log_in, open_page, state
from tests.e2e.spoken import speaks
from tests.e2e.world import Center
from tests.speech.callers import Samples, recorded

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

NUMBER = "3040"
SPOKEN_S = 6.0
# What the page's player has: how long it is, and how loud (RMS of full scale) what the page can decode of it.
SOUND = """async (audio) => {
  const bytes = await (await fetch(audio.src)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 8000, 8000).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  return { seconds: sound.duration, rms: Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length) };
}"""


def adds() -> dict[str, dict[str, Any]]:
    """A number that takes messages."""
    dialled = {f"dialled_numbers.{NUMBER}": {"flow": "message_en", "language": "en"}}
    return {"routing_rules/dialled_numbers.yaml": dialled}


def sentence() -> Samples:
    """A human who talks without a long rest."""
    said = np.concatenate([recorded("en", "queue-periodic-announce"), recorded("en", "dir-instr")])
    return said[: int(SPOKEN_S * 8000)]


async def leaves_a_message(center: Center) -> float:
    """A caller speaks after the beep and hangs up; the seconds of the message."""
    caller = await center.phone("caller")
    await caller.dial(center.number(NUMBER))
    await center.event("IvrStepEntered", step="message.record", within=30.0)
    await caller.hears_more(1.0)  # the beep
    await speaks(center, caller, sentence())
    await caller.hears_more(SPOKEN_S)
    await caller.hang_up()
    left = await center.event("MessageLeft", queue="support_en", within=20.0)
    return float(left.data["seconds"])


async def plays(page: Page) -> None:
    """Press play, and wait until the player has come to its end without an error."""
    audio = page.locator(".contact audio")
    await audio.evaluate("audio => { audio.playbackRate = 4; return audio.play(); }")
    await page.wait_for_function("() => document.querySelector('.contact audio').ended", timeout=15_000)
    assert await audio.evaluate("audio => audio.error") is None


async def fits(page: Page, width: int) -> None:
    """The player is to be seen on a page so wide, which need not be moved sideways."""
    await page.set_viewport_size({"width": width, "height": 900})
    box = await page.locator(".contact audio").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= width


async def test_a_message_reaches_an_agent_and_is_heard(center: Center, browser: Browser) -> None:
    """The message waits as a contact of its own kind; the page of the agent who gets ready shows it with a player
    that fits in, plays what the caller said, and no phone rings. Taken and written up, it is in the records."""
    seconds = await leaves_a_message(center)
    assert seconds == pytest.approx(SPOKEN_S, abs=2.5)
    phone = await center.phone("john", answer="manual")
    page = await open_page(browser, center.origin)
    try:
        await log_in(page, "john", center.password("john"))
        await center.until_row("agent", "john", lambda row: bool(row["phone"] and row["pages"]))
        await page.get_by_role("button", name="Ready", exact=True).click()
        offered = await center.event("CallOffered", kind="voicemail", agent="john")
        audio = page.locator(".contact audio")
        await expect(audio).to_be_visible()
        await expect(page.locator(".contact")).to_contain_text("Message of")
        for width in (1440, 390):
            await fits(page, width)
        sound = await audio.evaluate(SOUND)
        assert sound["seconds"] == pytest.approx(seconds, abs=0.3)
        assert sound["rms"] > 0.01
        await plays(page)

        await page.get_by_role("button", name="Take the message").click()
        await expect(state(page)).to_contain_text("Talking")
        await page.get_by_role("button", name="Done").click()
        await page.get_by_label("Note").fill("Wants to be called.")
        await page.get_by_role("radio", name="Solved").check()
        await page.get_by_role("button", name="Finish").click()
        records = {cdr["contact"]: cdr for cdr in await center.cdrs(2)}
    finally:
        await page.context.close()
    cdr = records[offered.contact]
    assert (cdr["kind"], cdr["agent"], cdr["outcome"]) == ("voicemail", "john", "answered")
    assert (cdr["disposition"], cdr["note"]) == ("solved", "Wants to be called.")
    assert "CALL_INCOMING" not in [event.type for event in phone.events]
    message = next((center.var / "recordings").glob(f"{records_origin(records, offered.contact)}*.wav"))
    with wave.open(str(message)) as stored:
        assert (stored.getnchannels(), stored.getframerate()) == (1, 8000)


def records_origin(records: dict[str, dict[str, Any]], message: str) -> str:
    """The contact that left the message: the other one."""
    (origin,) = set(records) - {message}
    return origin
