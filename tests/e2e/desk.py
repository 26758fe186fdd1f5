"""An agent's page without a browser: shows what the console says, asks what a test asks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from cti_engine.runtime.demo.desk import Desk
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until


class TestDesk(Desk):
    """`shows_pops` False: the page never paints, so OfferShown never comes from here."""

    __test__ = False

    def __init__(self, origin: str, user: str, password: str, *, shows_pops: bool = True) -> None:
        super().__init__(origin, user, password)
        self.views: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.refusals: list[dict[str, Any]] = []
        self.snapshots = 0
        self._shows_pops = shows_pops
        self._task = spawn(self.run(), f"desk of {user}")

    @property
    def closed(self) -> bool:
        return self._task.done()

    @property
    def me_view(self) -> dict[str, Any]:
        return self.views.get(("agent", self.user), {})

    def on_snapshot(self, states: dict[str, dict[str, Any]]) -> None:
        super().on_snapshot(states)
        self.snapshots += 1

    def on_state(self, kind: str, id_: str, view: dict[str, Any] | None) -> None:
        if view is not None:
            self.views[(kind, id_)] = view

    def on_event(self, name: str, contact: str, data: dict[str, Any]) -> None:
        self.events.append((name, contact, data))
        if name == "CallOffered" and self._shows_pops and data["agent"] == self.user:
            spawn(self.ask("OfferShown", {"offer": data["offer"]}), "pop shown")

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "reply" and not message["ok"]:
            self.refusals.append(message["error"])
        super()._take(message)

    async def until_view(self, *, within: float = 15.0, **wanted: Any) -> dict[str, Any]:
        """Wait until the engine says this of the agent, e.g. `state="idle", status="ready"`."""

        def as_wanted() -> bool:
            return all(self.me_view.get(key) == value for key, value in wanted.items())

        end = asyncio.get_running_loop().time() + within
        while not as_wanted():
            left = end - asyncio.get_running_loop().time()
            assert left > 0, f"{self.user} not {wanted} within {within:g} s: {self.me_view} {self.refusals}"
            await asyncio.sleep(0.005)
        return self.me_view

    async def state(self, state: str, *, within: float = 15.0) -> dict[str, Any]:
        """Wait until the engine says that this agent is in `state`."""
        return await self.until_view(state=state, within=within)

    async def ready(self) -> None:
        """Wait for the phone, and get ready."""
        await self.until_view(phone=True, within=20.0)
        await self._insist("Ready", "ready")

    async def _insist(self, request: str, status: str, *, within: float = 20.0) -> None:
        """Ask until the engine says `status`, again and again while it is away."""
        end = time.monotonic() + within
        while self.me_view.get("status") != status:
            assert time.monotonic() < end, f"{self.user} not {status}: {self.me_view} {self.refusals}"
            await self.ask(request)
            with contextlib.suppress(AssertionError):
                await self.until_view(status=status, within=1.0)

    async def refused(self) -> str:
        """Wait for a refusal and take it: its code."""
        await until(lambda: self.refusals, f"a refusal for {self.user}")
        return str(self.refusals.pop(0)["code"])

    async def hang_up(self) -> None:
        view = self.me_view
        await self.ask("HangUp", contact=view["contact"], version=view["state_version"])

    async def wrap_up(self, disposition: str = "solved", note: str = "") -> None:
        view = await self.state("wrap_up")
        args = {"disposition": disposition, "note": note}
        await self.ask("SubmitDisposition", args, contact=view["contact"], version=view["state_version"])
        await until(lambda: self.me_view["contact"] != view["contact"], f"the end of {self.user}'s wrap-up")

    async def log_out(self) -> None:
        """Wait for the end of this agent's call, write it up if it must be, and log out."""
        await until(lambda: self.snapshots, f"the page of {self.user}", within=20.0)
        if not self.me_view:
            return  # a supervisor
        await until(
            lambda: self.me_view.get("state") in ("idle", "wrap_up"),
            f"{self.user} off the phone",
            within=20.0,
        )
        if self.me_view.get("state") == "wrap_up":
            await self.wrap_up()
        await self._insist("LogOut", "logged_out")

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
