"""The tap on a real endpoint that calls itself: what comes, that it comes only while wanted, and that nothing stays.

The endpoint lives in a child (`python -m tests.sip_worker.tap_endpoint CASE`), because it cannot be started twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


async def tap(case: str) -> dict[str, Any]:
    """What the child found out in this case; it must not have died of it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.sip_worker.tap_endpoint", case),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    out, _ = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, out
    found: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return found


async def test_frames_carry_what_the_leg_says() -> None:
    """Two listeners get the same frames of 320 bytes, one per 20 ms, in the loop's thread, with the caller's tone."""
    found = await tap("listen")
    assert found["sizes"] == [320] and found["same"] and found["in_loop"]
    assert 45 <= found["frames"] <= 56  # of one second
    assert found["tone_share"] > 0.8


async def test_nothing_comes_after_stop_and_nothing_stays() -> None:
    """After stop there is neither a frame nor a port; a listener that goes leaves the other one alone."""
    found = await tap("stop")
    assert found["after_stop"] == 0 and found["ports_left"] == 0 and found["clean"]
    assert found["other_goes_on"] > 5


async def test_tap_follows_a_hold() -> None:
    """A re-INVITE makes a new port in pjsua2: after hold and resume the frames carry the tone again."""
    assert (await tap("hold"))["tone_share"] > 0.8


async def test_taps_come_and_go_under_load() -> None:
    """Hundreds of taps made and dropped at once, while the media clock runs, neither crash, fault nor leak a port."""
    found = await tap("churn")
    assert found["taps"] > 80 and found["ports_left"] == 0 and found["faults"] == 0
