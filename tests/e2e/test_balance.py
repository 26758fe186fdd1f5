"""A caller asks for a balance with account and PIN by keys: the amount is said, and the PIN is nowhere afterwards."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from cti_engine.runtime.demo.services import serving
from tests.e2e.world import ROOT, Center
from tests.phones.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

ACCOUNT, PIN = "1001", "4711"
ENTRY = f"31{ACCOUNT}#{PIN}"


@functools.cache
def service_port() -> int:
    return free_port()


def adds() -> dict[str, dict[str, Any]]:
    """The services are the demo's, at a free port."""
    services = yaml.safe_load((ROOT / "config/services.yaml").read_text())["services"]
    return {
        "config/services.yaml": {
            f"services.{name}.url": str(service["url"]).replace(":18090/", f":{service_port()}/")
            for name, service in services.items()
        }
    }


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def services() -> AsyncIterator[None]:
    async with serving(ROOT, service_port()):
        yield


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
