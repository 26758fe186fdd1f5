"""Pictures of the pages of a running center (best with `make demo`), wide and narrow, in `CTI_VAR/screenshots`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import Browser, async_playwright, expect

from cti_engine.runtime.running_center import CannotJoin, Center, find_center
from tests.browser.pages import CHROMIUM_ARGS, contact, log_in, open_page
from tests.phones.child import tool

SIZES = {1440: 900, 390: 844}
"""Width and height in CSS pixels: a desk's screen and a telephone."""
CONTACT_WITHIN = 60.0  # seconds that a picture of the desk waits for a call


async def _picture(
    browser: Browser, center: Center, user: str, password: str, width: int, folder: Path
) -> Path:
    """An agent's desk is taken with a contact on it, if one comes in time."""
    page = await open_page(browser, center.origin, width=width, height=SIZES[width])
    path = folder / f"{user}-{width}.png"
    await log_in(page, user, password)
    if user in center.agents:
        try:
            await expect(contact(page).locator(".contact-who")).to_be_visible(timeout=CONTACT_WITHIN * 1000)
        except AssertionError:
            print(f"no call came to {user} within {CONTACT_WITHIN:.0f} s", file=sys.stderr)
    await page.screenshot(path=path, full_page=True)
    await page.context.close()
    return path


async def _take(center: Center) -> None:
    folder = center.var / "screenshots"
    folder.mkdir(exist_ok=True)
    people = dict([*center.agents.items(), center.supervisor])
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(CHROMIUM_ARGS))
        pictures = (
            _picture(browser, center, user, password, width, folder)
            for user, password in people.items()
            for width in SIZES
        )
        for path in await asyncio.gather(*pictures):
            print(path)
        await browser.close()


def main() -> int:
    try:
        asyncio.run(_take(find_center(Path(os.environ.get("CTI_VAR") or "var") / "run.json")))
    except CannotJoin as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
