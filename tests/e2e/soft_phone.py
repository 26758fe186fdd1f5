"""pjsua2 phones of a center: `cti-engine softphone` of an account, and a caller from the carrier with any number."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.world import AGENT_HZ, CALLER_HZ, CARRIER, ROOT, Center
from tests.phones.child import Child
from tests.phones.ports import HOST
from tests.phones.waiting import until


@asynccontextmanager
async def softphone(center: Center, user: str) -> AsyncIterator[SoftPhone]:
    """It answers by itself and says 880 Hz."""
    where = ["--home", str(center.home), "--var", str(center.var)]
    how = ["--json", "--auto-answer", "0", "--tone", str(AGENT_HZ)]
    phone = SoftPhone(center, user, ["cti_engine", *where, "softphone", user, *how])
    async with phone.child:
        await phone.told("registered")
        yield phone


@asynccontextmanager
async def carrier_caller(center: Center, number: str) -> AsyncIterator[SoftPhone]:
    """Somebody outside with this number, who says 440 Hz."""
    command = ["tests.phones.pj_caller", HOST, str(center.sip_port), CARRIER, number, str(CALLER_HZ)]
    phone = SoftPhone(center, number, command)
    async with phone.child:
        await phone.told("up")
        yield phone


class SoftPhone:
    """`command` is a module that takes orders as lines and tells facts as lines of JSON."""

    def __init__(self, center: Center, name: str, command: list[str]) -> None:
        self.orders = center.folder / f"orders-{name}"
        self.orders.write_text("")
        shell = f"tail -n +1 -f {self.orders} | exec {sys.executable} -m {shlex.join(command)}"
        self.child = Child(
            ["/bin/sh", "-c", shell], center.folder, name=f"soft-{name}", env={"PYTHONPATH": str(ROOT)}
        )
        self._before = len(self.child.log()) if self.child.log_path.exists() else 0

    def order(self, order: str) -> None:
        with self.orders.open("a") as orders:
            orders.write(f"{order}\n")

    def facts(self) -> list[dict[str, Any]]:
        lines = self.child.log()[self._before :].splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def told(self, fact: str, *, nth: int = 1, **more: Any) -> dict[str, Any]:
        """Wait for the `nth` of these."""

        def look() -> dict[str, Any] | None:
            wanted = {"fact": fact, **more}
            found = [each for each in self.facts() if wanted.items() <= each.items()]
            return found[nth - 1] if len(found) >= nth else None

        found = await until(look, f"{fact} {more}, told was {self.child.log()}", within=15.0)
        assert found is not None
        return found
