"""A small desktop for one agent: gets ready, shows the pop, lets the caller hold, writes the contact up.

    DESK_PASSWORD=... python docs/examples/desktop.py http://127.0.0.1:8080 john

The call itself comes to the agent's own phone and is answered there. It needs aiohttp alone; tests/e2e/test_api.py runs
this very file against a center.
"""

import asyncio
import os
import sys
from typing import Any

import aiohttp


class Desktop:
    """What happens comes by the WebSocket, what is asked goes by REST."""

    def __init__(self, http: aiohttp.ClientSession, user: str) -> None:
        self._http = http
        self._user = user
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.view: dict[str, Any] = {}  # the agent's view: status, state, contact, state_version, ...
        self.seen: int | None = None  # the last event; said again after a break, so that nothing is missed

    async def ask(self, name: str, **body: Any) -> dict[str, Any]:
        """Any request of the center, see /api/openapi.json; what is refused raises with the code."""
        async with self._http.post(f"/api/requests/{name}", json=body) as response:
            answer: dict[str, Any] = await response.json()
        if not response.ok:
            raise RuntimeError(f"{name}: {answer['error']['code']}: {answer['error']['text']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def about_the_call(self, name: str, **body: Any) -> None:
        """With the version of the view that is shown: has the call moved on meanwhile, nothing is done (`stale`)."""
        await self.ask(name, contact=self.view["contact"], state_version=self.view["state_version"], **body)

    async def open(self) -> None:
        self._socket = await self._http.ws_connect("/live", heartbeat=20)
        await self._socket.send_json({"type": "hello", "since": self.seen})
        # A human sees this desk: from now on the phone rings only after the pop is painted, or 150 ms later.
        await self._socket.send_json({"type": "desk", "visible": True})

    async def until(self, **wanted: Any) -> None:
        """Listen until the agent's view has these values."""
        assert self._socket is not None
        while any(self.view.get(name) != value for name, value in wanted.items()):
            message = await self._socket.receive_json(timeout=60)
            match message["type"]:
                case "snapshot":
                    self.seen = message["seq"]
                    self.view = message["states"]["agent"].get(self._user, {})
                case "state" if (message["kind"], message["id"]) == ("agent", self._user):
                    self.view = message["data"] or {}
                case "event":
                    self.seen = message["seq"]
                    if message["event"] == "CallOffered" and message["data"]["agent"] == self._user:
                        await self._pop(message["data"])

    async def _pop(self, offer: dict[str, Any]) -> None:
        print(f"pop: {offer['name'] or offer['number']} for {offer['queue']}", flush=True)
        await self.ask("OfferShown", offer=offer["offer"])  # painted: now the phone may ring


async def work(desk: Desktop) -> None:
    """One call, from ready to written up."""
    await desk.open()
    await desk.until(phone=True)  # the agent's phone is registered
    await desk.ask("Ready")
    print("ready", flush=True)
    await desk.until(state="talking")
    print("talking", flush=True)
    await desk.about_the_call("Hold", held=True)
    await desk.until(held=True)
    print("on hold", flush=True)
    await desk.about_the_call("Hold", held=False)
    await desk.until(held=False)
    await desk.until(state="wrap_up")  # one of the two has hung up
    await desk.ask(
        "SubmitDisposition", contact=desk.view["contact"], disposition="solved", note="by my own desktop"
    )
    await desk.until(state="idle")
    print("written up", flush=True)
    await desk.ask("LogOut")


async def main(origin: str, user: str) -> None:
    async with aiohttp.ClientSession(origin) as http:
        credentials = {"user": user, "password": os.environ["DESK_PASSWORD"]}
        async with http.post("/api/sessions", json=credentials) as response:
            opened = await response.json()
            if not response.ok:
                sys.exit(opened["error"]["text"])
        http.headers["Authorization"] = f"Bearer {opened['token']}"
        try:
            await work(Desktop(http, user))
        finally:
            await http.delete("/api/session")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
