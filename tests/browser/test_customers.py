"""A customer on the supervisor's page: two entries made one and two again, and what an administrator does besides."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from cti_engine.adapters.customer_store import CustomerStore
from tests.browser.axe import findings
from tests.browser.pages import log_in, open_page
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess
from tests.definitions.homes import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_doubles_export_and_erasing(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine, tmp_path: Path
) -> None:
    """A supervisor merges doubles and takes it back, and has no button for what is the administrator's; who saves all
    that is known as a file, and erases after writing the id once more."""
    engine.keep_cdr(contact="k1", ani="+12135550104", customer="c03", ended_at=5.0)
    (tmp_path / "more.csv").write_text("customer,numbers,name\nd1,+12135550191,EMILY  carter\n")
    with closing(CustomerStore(console.folder / "customers.db")) as customers:
        customers.import_csv(ROOT / "config" / "customers.csv", 1000.0)
        customers.import_csv(tmp_path / "more.csv", 1000.0)

    boss = await open_page(browser, console.url)
    await log_in(boss, "supervisor", console.passwords["supervisor"])
    panel = boss.get_by_role("region", name="Customers", exact=True)
    await panel.get_by_role("button", name="Who stands twice in it?").click()
    await panel.get_by_role("button", name="Make one of them").click()
    await expect(panel.get_by_role("status")).to_contain_text("d1 is c03 now")
    await panel.get_by_role("searchbox").fill("213 555 0191")
    await panel.get_by_role("button", name="Search").click()
    await expect(panel.locator("[data-customer=c03]")).to_contain_text("Emily Carter")
    await expect(panel.get_by_role("button", name="Save all that is known")).to_have_count(0)
    assert await findings(boss) == []
    await panel.get_by_role("button", name="Undo").click()
    await expect(panel.get_by_role("status")).to_contain_text("d1 is back")

    admin = await open_page(browser, console.url)
    await log_in(admin, "admin", console.passwords["admin"])
    panel = admin.get_by_role("region", name="Customers", exact=True)
    await panel.get_by_role("searchbox").fill("c99")
    await panel.get_by_role("button", name="Search").click()
    await expect(panel.get_by_role("alert")).to_contain_text("There is no such customer.")
    await panel.get_by_role("searchbox").fill("c03")
    await panel.get_by_role("button", name="Search").click()
    async with admin.expect_download() as download:
        await panel.get_by_role("button", name="Save all that is known").click()
    saved = json.loads(Path(await (await download.value).path()).read_text())
    assert saved["rows"]["customers"][0]["name"] == "Emily Carter" and len(saved["call_records"]) == 1
    erase = panel.get_by_role("button", name="Erase for ever")
    await expect(erase).to_be_disabled()
    await panel.get_by_label("To erase, type c03").fill("c03")
    await erase.click()
    await expect(panel.get_by_role("status")).to_contain_text("Erased. Figures stay as erased-")
    await expect(panel.locator("[data-customer]")).to_have_count(0)
    with closing(CustomerStore(console.folder / "customers.db")) as customers:
        assert customers.customer("c03") is None and customers.customer("d1") is not None
