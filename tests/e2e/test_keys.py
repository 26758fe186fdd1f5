"""Keys in all three ways, from real phones into a live menu: each reaches the right queue, none counts twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import Center
from tests.phones.key_callers import caller
from tests.phones.media import Digit, InbandDigit, Tone, write_pcap
from tests.phones.ports import HOST
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

PROMPT = (
    "For your balance, press one. For an order, press two. For the main menu, press three."  # is made already
)
TWO_MENUS = {
    "flow": "two_menus",
    "languages": ["en"],
    "start": "first",
    "defaults": {"retries": 0, "no_input": "lost", "no_match": "lost"},
    "steps": {
        "first": {
            "menu": {
                "prompt": PROMPT,
                "choices": {"2": {"go_to": "second"}, "1": {"go_to": "lost"}},
            }
        },
        "second": {
            "menu": {
                "prompt": PROMPT,
                "choices": {"1": {"go_to": "sales"}, "2": {"go_to": "lost"}},
            }
        },
        "sales": {"enqueue": "sales_en"},
        "lost": {"enqueue": "support_en"},
    },
}


def adds() -> dict[str, dict[str, Any]]:
    """A number of two menus, one after the other."""
    return {
        "config/sip.yaml": {"guests.rate": "20/s"},
        "routing_rules/dialled_numbers.yaml": {
            "dialled_numbers.3010": {"flow": "two_menus", "language": "en"}
        },
        "ivr_flows/two_menus.yaml": TWO_MENUS,
    }


WAYS = ("rfc4733", "info", "tones")


class Presser:
    """A sipp guest who dials, sends what was said and hangs up by itself; `way` tells its call from those beside it."""

    def __init__(self, center: Center, folder: Path, way: str) -> None:
        self._center, self._folder = center, folder / way
        self._ani = f"+1213555010{WAYS.index(way)}"
        self._folder.mkdir()

    async def press(self, *said: Tone | Digit | InbandDigit, number: str = "2000", **how: Any) -> None:
        media = write_pcap(self._folder / "said.pcap", Tone(0, 0.5), *said, Tone(0, 0.5))
        self._phone = await self._center.sipp(
            caller(self._folder, **how),
            to=f"{HOST}:{self._center.sip_port}", number=number, ani=self._ani, play=media, calls=1, talk=4.0,
        )  # fmt: skip

    async def queue_reached(self) -> str:
        contact = (await self._center.event("CallArrived", ani=self._ani)).contact
        found: list[str] = []

        def look() -> bool:
            found[:] = [e.data["queue"] for e in self._center.events("CallQueued") if e.contact == contact]
            return bool(found)

        await until(look, f"{self._ani} in a queue", within=25.0, every=0.02)
        await self._phone.finished()
        return found[0]


async def test_each_way_reaches_the_right_queue(center: Center, tmp_path: Path) -> None:
    """One key for sales by RFC 4733, by INFO and as tones from a phone without telephone-event."""
    said: dict[str, list[Digit | InbandDigit]] = {
        "rfc4733": [Digit("1")], "info": [], "tones": [InbandDigit("1")],
    }  # fmt: skip
    pressers = {way: Presser(center, tmp_path, way) for way in WAYS}
    for way, presser in pressers.items():
        await presser.press(*said[way], telephone_event=way == "rfc4733", info="1" if way == "info" else "")
    for way, presser in pressers.items():
        assert await presser.queue_reached() == "sales_en", way


async def test_type_ahead_through_two_menus(center: Center, tmp_path: Path) -> None:
    """Two keys at once, before the second menu has begun, are one for each menu."""
    said: dict[str, list[Digit | InbandDigit]] = {
        "rfc4733": [Digit("2"), Digit("1")],
        "info": [],
        "tones": [InbandDigit("2", 0.06, 0.06), InbandDigit("1", 0.06, 0.06)],
    }
    pressers = {way: Presser(center, tmp_path, way) for way in WAYS}
    for way, presser in pressers.items():
        await presser.press(
            *said[way],
            number="3010",
            info="21" if way == "info" else "",
            pause=0.05,
            telephone_event=way == "rfc4733",
        )
    for way, presser in pressers.items():
        assert await presser.queue_reached() == "sales_en", way


async def test_a_key_by_two_ways_at_once_is_one(center: Center, tmp_path: Path) -> None:
    """2 by INFO and in the audio is one key: counted twice, it would be the second menu's 2 as well."""
    beside_info: dict[str, list[Digit | InbandDigit | Tone]] = {
        "rfc4733": [Digit("2"), Tone(0, 0.4), Digit("1")],
        "tones": [InbandDigit("2", 0.1, 0.4), InbandDigit("1", 0.1, 0.4)],
    }
    pressers = {way: Presser(center, tmp_path, way) for way in beside_info}
    for way, presser in pressers.items():
        await presser.press(
            *beside_info[way], number="3010", info="21", pause=0.55, telephone_event=way == "rfc4733"
        )
    for way, presser in pressers.items():
        assert await presser.queue_reached() == "sales_en", way
