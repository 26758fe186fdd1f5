"""A hint to sell, answered on the page in a call of a whole center: the record, the report, and the next pop."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages import contact
from tests.e2e.soft_phone import SoftPhone, carrier_caller
from tests.e2e.world import AGENT_HZ, ROOT, Center
from tests.webrtc_gateway.browser_desk import button, chromium, desk, ready_in_browser, says

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

LUCIA = "+34910000101"
"""c01 of config/customers.csv: gold, agrees to offers."""


def adds() -> dict[str, dict[str, Any]]:
    """No call is one of those that are held out."""
    return {"config/offers.yaml": {"hold_out": 0}}


async def _wraps_up(center: Center, page: Page, lucia: SoftPhone, calls: int) -> None:
    lucia.order("hang_up")
    await page.get_by_role("radio").first.check()
    await button(page, "Finish").click()
    await center.cdrs(calls)


async def test_a_declined_hint_is_told_and_not_made_again(center: Center) -> None:
    """Hints stand in the pop with reason and line; declined in the browser, the customer's next pop has none and says
    why, and `offers report` counts it.
    """
    async with chromium(*says(center, AGENT_HZ)) as browser, carrier_caller(center, LUCIA) as lucia:
        page = await desk(center, browser)
        await ready_in_browser(page)
        lucia.order("dial 3000")
        await button(page, "Answer").click(timeout=20_000)
        await expect(contact(page)).to_contain_text("Talking", timeout=10_000)
        first, *_ = (await center.event("CallOffered", agent="john")).data["offers"]
        await expect(contact(page)).to_contain_text(first["line"])
        await button(page, "Declined").first.click()
        said = await center.event("HintAnswered", agent="john")
        assert (said.data["customer"], said.data["offer"]) == ("c01", first["offer"])
        assert said.data["answer"] == "declined"
        await _wraps_up(center, page, lucia, 1)
        lucia.order("dial 3000")
        await button(page, "Answer").click(timeout=20_000)
        await expect(contact(page)).to_contain_text("Lucía Herrera")
        await expect(button(page, "Declined")).to_have_count(0)
        *_, offered = center.events("CallOffered")
        assert "refused_lately" in {one["rule"] for one in offered.data["no_offers"]}
        await _wraps_up(center, page, lucia, 2)
    command = [sys.executable, "-m", "cti_engine", "--home", str(center.home), "--var", str(center.var)]
    told = await asyncio.to_thread(
        subprocess.run, [*command, "offers", "report", "--json"], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    counted = {one["offer"]: one["declined"] for one in json.loads(told.stdout)["offers"]}
    assert counted[first["offer"]] == 1
