"""The whole path on real phones: INVITE, menu, queue, pop, ring, talk, record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.tones import tone_margin_db


@pytest.mark.timeout(180)
async def test_a_call_is_answered(tmp_path: Path) -> None:
    """A caller presses 2, reaches a support agent's real phone, both hear each other, the CDR holds it all."""
    async with Center(tmp_path) as center:
        desk, phone = await center.agent("john")
        caller = await center.caller()
        await caller.dial(center.number("2000"))
        await caller.told("CALL_ESTABLISHED")
        await caller.digits("2")
        await phone.told("CALL_ESTABLISHED")
        await desk.state("talking")
        await caller.hears(3.0)
        await caller.hang_up()
        await desk.wrap_up("solved", "all well")
        (cdr,) = await center.cdrs(1)
        assert (cdr["agent"], cdr["queue"], cdr["cause"]) == ("john", "support_en", "caller/hang_up")
        (agent_heard,) = phone.recordings()
        assert tone_margin_db(agent_heard.heard, CALLER_HZ, AGENT_HZ) >= 20.0
