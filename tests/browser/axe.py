"""axe-core looks at a page as it is now: what it calls serious or critical, by rule and element."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, ViewportSize, expect

GRAVE = ("serious", "critical")
THE_OTHER = {"en": "Cambiar a español", "es": "Switch to English"}
COLOURS = ["color-contrast", "link-in-text-block"]
WIDTHS = ["scrollable-region-focusable", "target-size", "button-name"]
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)


async def findings(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds grave on the page as it is now. `rules`: only these."""
    if await page.evaluate("typeof axe") == "undefined":
        await page.evaluate(AXE_SCRIPT)  # not by a script element, which our CSP would refuse
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    results = await page.evaluate("(options) => axe.run(options)", options)
    assert not results["inapplicable"] or results["passes"], "axe-core looked at nothing"
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results["violations"]
        if found["impact"] in GRAVE
        for node in found["nodes"]
    ]


async def is_accessible(page: Page, what: str) -> None:
    """All rules in both languages; what colours decide in both themes of each, what width decides on a telephone too.

    No colour is on its way from one theme to the other meanwhile.
    """
    for _ in THE_OTHER:
        language = await page.locator("html").get_attribute("lang")
        assert language is not None
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        grave = {f"{what}, {language}, light": await findings(page)}
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        grave[f"{what}, {language}, dark"] = await findings(page, COLOURS)
        assert not any(grave.values()), grave
        await page.get_by_role("button", name=THE_OTHER[language]).press(
            "Enter"
        )  # a click would close a panel
        await expect(page.locator("html")).not_to_have_attribute("lang", language)
    await page.set_viewport_size(NARROW)
    assert await findings(page, WIDTHS) == [], f"{what}, narrow"
    await page.set_viewport_size(WIDE)
