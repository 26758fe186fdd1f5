"""The agent's page in a real Chromium with a microphone that plays a tone: the page as a phone, and what it hears."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.pages import CHROMIUM_ARGS, log_in, open_page, state
from tests.e2e.who_hears import TONES
from tests.e2e.world import Center
from tests.phones.child import tool
from tests.phones.tones import tone, write_wav

AUDIBLE_DB = 20.0
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LEVELS = """async (tones) => {
  const stream = document.querySelector("audio[data-sound=call]").srcObject;
  if (!stream) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return tones.map(() => -100);
  }
  const context = window.testContext ??= new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  source.disconnect();
  return tones.map((hertz) => bins[Math.round(hertz * analyser.fftSize / context.sampleRate)]);
}"""


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """A Chromium of its own: what its microphone is stands in its arguments. At the end its pages are logged out, for
    the phone of a page that is only closed is kept for a while.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tool("chromium"), args=[*CHROMIUM_ARGS, *arguments]
        )
        yield browser
        for page in [context.pages[-1] for context in browser.contexts]:
            leave = page.get_by_role("button", name=re.compile("Log out|Salir"))
            if await leave.is_visible():
                await leave.click()
                await expect(page.locator("input[name=user]")).to_be_visible()
        await browser.close()


def says(center: Center, hertz: int) -> tuple[str, ...]:
    """Arguments for a microphone that beeps: of a steady tone the browser would take half away as noise."""
    wav = center.folder / f"beeps-{hertz}.wav"
    beep = np.concatenate([tone(hertz, 0.4), tone(0, 0.1)])
    return (*MICROPHONE, f"--use-file-for-fake-audio-capture={write_wav(wav, np.tile(beep, 20))}")


async def desk(center: Center, browser: Browser, user: str = "john", **how: int | str) -> Page:
    """The agent's page, logged in."""
    page = await open_page(browser, center.origin, **how)  # type: ignore[arg-type]
    await log_in(page, user, center.password(user))
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def phone(page: Page) -> Locator:
    """The phone in the state bar, or above a supervisor's floor."""
    return page.locator("button.phone")


async def choose_browser(page: Page) -> None:
    """Open the panel, take the browser as the phone, close the panel."""
    await phone(page).click()
    await page.get_by_role("radio", name="This browser").check()
    await page.keyboard.press("Escape")


async def connected(page: Page) -> None:
    """The browser is registered as the phone."""
    await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)


async def ready_in_browser(page: Page) -> None:
    await choose_browser(page)
    await connected(page)
    await page.get_by_role("button", name="Ready", exact=True).click()
    await expect(state(page)).to_contain_text(re.compile(r"^\s*Ready"))


async def page_hears(page: Page, *wanted: int) -> None:
    """What comes out of the page's speaker becomes these of the tones and no other: those are 20 dB below."""
    order, levels = sorted(TONES), dict[int, float]()
    for _ in range(20):
        levels = dict(zip(order, await page.evaluate(LEVELS, order), strict=True))
        heard = {hertz for hertz in order if levels[hertz] > -60}
        loud = {hertz for hertz in heard if levels[hertz] > max(levels.values()) - AUDIBLE_DB}
        if loud == set(wanted):
            return
    raise AssertionError(f"not {wanted}: {levels}")
