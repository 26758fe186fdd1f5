"""Phones in the outside world that the center rings by a trunk: a customer who asked for it on the web."""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
import pytest

from tests.e2e.world import AGENT_HZ, CALLER_HZ, WORLD, Center
from tests.phones.ports import free_ports
from tests.phones.tones import tone_margin_db

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

SITE = "https://www.example.org"
CUSTOMER = "+34611223344"


@functools.cache
def world_port() -> int:
    return free_ports(2)


def changes() -> dict[str, dict[str, Any]]:
    """The web site may ask for calls to Spanish mobiles, which leave by the trunk `world`."""
    world = {"networks": [WORLD], "destination": f"{WORLD}:{world_port()}"}
    return {
        "config/sip.yaml": {"trunks.world": world},
        "config/engine.yaml": {
            "callbacks": {"numbers": ["+346"], "trunk": "world", "ring_timeout": "20s"},
            "call_me": {"queues": ["support_en"], "origins": [SITE], "number": "2000"},
        },
    }


async def test_asked_on_the_web_and_called(center: Center) -> None:
    """A page of the site asks over HTTP; the wish waits in the queue until an agent gets ready; the agent's phone
    rings, then the customer's, with the center's number; both hear each other. The id tells how it
    stands before and after.
    """
    customer = await center.outside(CUSTOMER, world_port(), answer="manual")
    key = (center.var / "secrets" / "call-me.txt").read_text().strip()
    async with aiohttp.ClientSession(center.origin, headers={"Origin": SITE}) as site:
        wish = {"number": "+34 611 22 33 44", "queue": "support_en", "language": "en", "name": "Eva"}
        refused = await site.post("/api/call-me", json=wish)
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, SITE)
        asked = await site.post("/api/call-me", json=wish, headers={"Authorization": f"Bearer {key}"})
        answer = await asked.json()
        assert (asked.status, answer["state"], answer["queue"]) == (201, "waiting", "support_en")
        queued = await center.event("CallQueued")
        assert (queued.contact, queued.data["queue"]) == (answer["contact"], "support_en")
        looked = await (await site.get(asked.headers["Location"])).json()
        assert (looked["state"], looked["calls"]) == ("waiting", 0)

        desk, handset = await center.agent("john")
        await center.event("CallOffered", kind="callback", agent="john")
        await customer.told("CALL_INCOMING", within=20.0)
        assert [event.type for event in handset.events].count("CALL_ESTABLISHED") == 1
        assert "2000" in next(event.peer for event in customer.events if event.type == "CALL_INCOMING")
        await customer.accept()
        bridged = await center.event("CallBridged", agent="john")
        assert bridged.contact == answer["contact"]
        await customer.hears_more(2.0)
        await customer.hang_up()
        await desk.state("wrap_up")
        await desk.wrap_up()
        record = await center.cdr()
        assert (record["kind"], record["source"], record["outcome"]) == ("callback", "web", "answered")
        looked = await (await site.get(asked.headers["Location"])).json()
        assert (looked["state"], looked["calls"]) == ("reached", 1)
    assert tone_margin_db(customer.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20


async def test_no_call_at_the_companys_expense(center: Center) -> None:
    """A number that the admin does not allow is refused, and nothing leaves by the trunk."""
    customer = await center.outside("+34806123456", world_port(), answer="manual")
    key = (center.var / "secrets" / "call-me.txt").read_text().strip()
    await center.agent("john")
    wish = {"number": "+34806123456", "queue": "support_en"}
    async with aiohttp.ClientSession(center.origin, headers={"Authorization": f"Bearer {key}"}) as server:
        response = await server.post("/api/call-me", json=wish)
        assert (response.status, (await response.json())["error"]["code"]) == (422, "bad_number")
    assert not center.events("CallbackRequested") and not customer.events
