"""Keys in all three ways, from real phones into a live menu: each reaches the right queue, none counts twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from tests.e2e.world import Center
from tests.phones.key_callers import caller
from tests.phones.media import Digit, InbandDigit, Tone, write_pcap
from tests.phones.ports import HOST
from tests.phones.sipp import Sipp

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """A center with a number of two menus, one after the other."""
    made = Center(
        tmp_path_factory.mktemp("center"),
        changes={
            "config/sip.yaml": {"guests.rate": "20/s"},
            "routing_rules/dialled_numbers.yaml": {
                "dialled_numbers.3010": {"flow": "two_menus", "language": "en"}
            },
        },
    )
    (made.home / "ivr_flows/two_menus.yaml").write_text(yaml.safe_dump(TWO_MENUS))
    async with made as center:
        yield center


async def press(
    center: Center, folder: Path, *said: Tone | Digit | InbandDigit, number: str = "2000", **how: Any
) -> Sipp:
    """A sipp guest who dials `number` and sends these; it hangs up by itself."""
    scenario = caller(folder, **how)
    media = write_pcap(folder / "said.pcap", Tone(0, 0.5), *said, Tone(0, 0.5))
    return await center.sipp(
        scenario, to=f"{HOST}:{center.sip_port}", number=number, play=media, calls=1, talk=4.0
    )


async def queue_reached(center: Center) -> str:
    queued = await center.event("CallQueued", within=25.0)
    return str(queued.data["queue"])


@pytest.mark.parametrize("way", ["rfc4733", "info", "tones"])
async def test_each_way_reaches_the_right_queue(center: Center, tmp_path: Path, way: str) -> None:
    """One key for sales by RFC 4733, by INFO and as tones from a phone without telephone-event."""
    all_said: dict[str, list[Digit | InbandDigit]] = {
        "rfc4733": [Digit("1")], "info": [], "tones": [InbandDigit("1")],
    }  # fmt: skip
    said = all_said[way]
    phone = await press(
        center, tmp_path, *said, telephone_event=way == "rfc4733", info="1" if way == "info" else ""
    )
    assert await queue_reached(center) == "sales_en"
    await phone.finished()


@pytest.mark.parametrize("way", ["rfc4733", "info", "tones"])
async def test_type_ahead_through_two_menus(center: Center, tmp_path: Path, way: str) -> None:
    """Two keys at once, before the second menu has begun, are one for each menu."""
    all_said: dict[str, list[Digit | InbandDigit]] = {
        "rfc4733": [Digit("2"), Digit("1")],
        "info": [],
        "tones": [InbandDigit("2", 0.06, 0.06), InbandDigit("1", 0.06, 0.06)],
    }
    info = "21" if way == "info" else ""
    event = way == "rfc4733"
    phone = await press(
        center, tmp_path, *all_said[way], number="3010", info=info, pause=0.05, telephone_event=event
    )
    assert await queue_reached(center) == "sales_en"
    await phone.finished()


@pytest.mark.parametrize("beside_info", ["rfc4733", "tones"])
async def test_a_key_by_two_ways_at_once_is_one(center: Center, tmp_path: Path, beside_info: str) -> None:
    """2 by INFO and in the audio is one key: counted twice, it would be the second menu's 2 as well."""
    event = beside_info == "rfc4733"
    said = (
        (Digit("2"), Tone(0, 0.4), Digit("1"))
        if event
        else (InbandDigit("2", 0.1, 0.4), InbandDigit("1", 0.1, 0.4))
    )
    phone = await press(center, tmp_path, *said, number="3010", info="21", pause=0.55, telephone_event=event)
    assert await queue_reached(center) == "sales_en"
    await phone.finished()
