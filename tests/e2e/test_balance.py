"""A caller asks for a balance with account and PIN by keys: the amount is said, and the PIN is nowhere afterwards."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cti_engine.runtime.demo.services import serving
from tests.e2e.world import ROOT, Center
from tests.phones.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ACCOUNT, PIN = "1001", "4711"
ENTRY = f"31{ACCOUNT}#{PIN}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """A center whose services are the demo's, at a free port."""
    made = Center(tmp_path_factory.mktemp("center"))
    async with serving(ROOT, free_port()) as port:
        services = made.read("config/services.yaml")["services"]
        for name, service in services.items():
            url = str(service["url"]).replace(":18090/", f":{port}/")
            made.change("config/services.yaml", {f"services.{name}.url": url})
        async with made as center:
            yield center


SECRET = re.compile(rf"(?<![\w.]){PIN}(?!\w)|{ACCOUNT}#?{PIN}")
"""The PIN as it would be written; not four digits out of a longer number."""


async def test_the_balance_is_told_and_the_pin_is_kept_nowhere(center: Center) -> None:
    """Main menu, balance, account and PIN, all typed ahead; the flow gets to the balance, the caller hears it to its
    end and goes back to the menu; neither log nor event nor row holds the PIN."""
    caller = await center.caller()
    await caller.dial(center.number("2000"))
    await caller.told("CALL_ESTABLISHED")
    for key in ENTRY:
        await caller.digits(key)
    await center.event("IvrStepEntered", flow="account_balance", step="euros", within=25.0)
    await center.event("IvrStepEntered", flow="account_balance", step="more", within=25.0)
    said = [event.at for event in center.events("IvrStepEntered") if event.data["step"] in ("euros", "more")]
    assert (
        2.0 < said[1] - said[0] < 12.0
    )  # "Your balance is" one thousand two hundred fifty euros and fifty cents
    await caller.hang_up()
    cdr = await center.cdr()
    assert "account_balance.euros" in cdr["flow_path"]
    assert not [event for event in center.events() if SECRET.search(str(event.data))]
    assert not [row for row in center.store.load().rows.values() if SECRET.search(str(row))]
    logs = list((center.var / "log").glob("*.log"))
    assert logs and not [log for log in logs if SECRET.search(log.read_text(errors="replace"))]
