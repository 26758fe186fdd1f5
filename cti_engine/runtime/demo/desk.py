"""A robot at a console page: logs in over HTTP, stays on the WebSocket, and asks what a human would click.

It says what `agent_console/page_messages.py` describes and nothing that a browser could not say.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from random import Random
from typing import Any

import aiohttp

from cti_engine.wire.tasks import spawn

_log = logging.getLogger("cti.demo")

_AGAIN = 1.0  # seconds before a lost connection is tried again
_LOGGED_OUT = 4401
NOTES = {
    "es": ("Todo aclarado.", "Pidió que le llamen mañana.", "Factura explicada."),
    "en": ("All explained.", "Asked to be called tomorrow.", "Bill explained."),
}


class LogInRefused(Exception):
    """The console does not take this password; the text says why."""


class Desk:
    """One account at the console at `origin` (`http://host:port`). Override the `on_...` methods."""

    def __init__(self, origin: str, user: str, password: str) -> None:
        self.user = user
        self._origin = origin
        self._password = password
        self._numbers = itertools.count(1)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._logged_in = False
        self.me: dict[str, Any] = {}

    def on_snapshot(self, states: dict[str, dict[str, Any]]) -> None:
        for kind, views in states.items():
            for id_, view in views.items():
                self.on_state(kind, id_, view)

    def on_state(self, kind: str, id_: str, view: dict[str, Any] | None) -> None:
        """A view changed; None: it is gone."""

    def on_event(self, name: str, contact: str, data: dict[str, Any]) -> None:
        """A fact of the business."""

    async def run(self) -> None:
        """Until cancelled; comes back by itself. Raises LogInRefused."""
        # unsafe: by default no cookies are kept for hosts that are addresses.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": self._origin}) as http:
            while True:
                try:
                    await self._once(http)
                except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                    _log.debug("desk of %s: %s", self.user, error)
                self._socket = None
                await asyncio.sleep(_AGAIN)

    async def _once(self, http: aiohttp.ClientSession) -> None:
        if not self._logged_in:
            await self._log_in(http)
        async with http.get(f"{self._origin}/api/me") as answer:
            self._logged_in = answer.status == 200
            if not self._logged_in:
                return
            self.me = await answer.json()
        async with http.ws_connect(f"{self._origin}/live", heartbeat=20) as socket:
            await socket.send_json({"type": "hello", "since": None})
            if self.me.get("agent"):
                await socket.send_json({"type": "desk", "visible": True})
            self._socket = socket
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.json())
            self._logged_in = socket.close_code != _LOGGED_OUT

    async def _log_in(self, http: aiohttp.ClientSession) -> None:
        words = {"user": self.user, "password": self._password}
        async with http.post(f"{self._origin}/api/session", json=words) as answer:
            if answer.status in (401, 403):
                raise LogInRefused(
                    f"the console refuses {self.user}: {(await answer.json())['error']['text']}"
                )
            self._logged_in = answer.status == 200

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "snapshot":
                self.on_snapshot(message["states"])
            case "state":
                self.on_state(message["kind"], message["id"], message["data"])
            case "event":
                self.on_event(message["event"], message["contact"], message["data"])
            case "reply" if not message["ok"]:
                _log.info("%s was refused: %s", self.user, message["error"])

    async def ask(
        self, name: str, args: dict[str, Any] | None = None, *, contact: str = "", version: int = 0
    ) -> None:
        """Ask, if connected; what is refused is logged."""
        if self._socket is None or self._socket.closed:
            return
        try:
            await self._socket.send_json(
                {
                    "type": "ask",
                    "id": str(next(self._numbers)),
                    "name": name,
                    "args": args or {},
                    "contact": contact,
                    "state_version": version,
                }
            )
        except ConnectionError as error:
            _log.debug("desk of %s: %s", self.user, error)


class AgentDesk(Desk):
    """An agent who wants to work: always ready, sees each pop, and writes a disposition after each call."""

    def __init__(self, origin: str, user: str, password: str, random: Random) -> None:
        super().__init__(origin, user, password)
        self._random = random
        self._shown = self._written_up = ""
        self._asks_for_ready = False

    def on_state(self, kind: str, id_: str, view: dict[str, Any] | None) -> None:
        if kind != "agent" or id_ != self.user or view is None:
            return
        offer = str(view["offer"].get("offer", ""))
        if view["state"] == "reserved" and offer != self._shown:
            self._shown = offer
            # a page that is painted within a few frames
            self._soon(self._random.uniform(0.03, 0.08), "OfferShown", {"offer": offer})
        if view["state"] == "wrap_up" and view["contact"] != self._written_up:
            self._written_up = view["contact"]
            self._write_up(view)
        if view["status"] != "ready" and not self._asks_for_ready:
            self._asks_for_ready = True
            spawn(self._get_ready(), f"{self.user} gets ready")

    def _write_up(self, view: dict[str, Any]) -> None:
        codes = list(self.me.get("labels", {}).get("dispositions", {})) or [""]
        notes = NOTES.get(str(view["offer"].get("language")), NOTES["en"])
        args = {"disposition": self._random.choice(codes), "note": self._random.choice(notes)}
        self._soon(self._random.uniform(2.0, 8.0), "SubmitDisposition", args, view["contact"])

    async def _get_ready(self) -> None:
        await asyncio.sleep(self._random.uniform(1.0, 3.0))
        self._asks_for_ready = False
        await self.ask("Ready")

    def _soon(self, seconds: float, name: str, args: dict[str, Any], contact: str = "") -> None:
        async def after() -> None:
            await asyncio.sleep(seconds)
            await self.ask(name, args, contact=contact)

        spawn(after(), f"{self.user} {name}")


class WatchDesk(Desk):
    """The supervisor's eye: tells the demo what became of its calls, whoever answered them."""

    def __init__(
        self, origin: str, user: str, password: str, on_fact: Callable[[str, str, dict[str, Any]], None]
    ) -> None:
        super().__init__(origin, user, password)
        self._on_fact = on_fact
        self.connected = asyncio.Event()
        self.with_phone: set[str] = set()

    def on_snapshot(self, states: dict[str, dict[str, Any]]) -> None:
        self.with_phone = {id_ for id_, view in states.get("agent", {}).items() if view["phone"]}
        self.connected.set()

    def on_event(self, name: str, contact: str, data: dict[str, Any]) -> None:
        self._on_fact(name, contact, data)
