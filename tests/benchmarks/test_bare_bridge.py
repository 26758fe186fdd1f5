"""The baseline of `make bench-calls` does what it is measured for, and stays small."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.phones.baresip import Baresip
from tests.phones.child import Child
from tests.phones.ports import free_port, free_ports
from tests.phones.tones import tone_margin_db, tone_wav
from tests.phones.waiting import until

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bare_bridge.py"


def test_the_baseline_is_bare() -> None:
    """It has at most 60 lines: whatever is more would no longer be the least that pjsua2 needs."""
    assert len(SCRIPT.read_text().splitlines()) <= 60


async def test_it_bridges_and_records_two_calls_in_one_process(tmp_path: Path) -> None:
    """Two callers reach two agents through one process; all hear each other and four recordings are written."""
    sip_port, rtp_port, recordings = free_port(), free_ports(20), tmp_path / "recordings"
    recordings.mkdir()
    low, high = (
        tone_wav(tmp_path / "440.wav", 440, seconds=60),
        tone_wav(tmp_path / "880.wav", 880, seconds=60),
    )
    agent = Baresip("agent", "", "127.0.0.1", sip_port, tmp_path / "agent", play=high)
    callers = [
        Baresip(name, "", "127.0.0.1", sip_port, tmp_path / name, play=low, answer="manual")
        for name in ("one", "two")
    ]
    argv = [sys.executable, str(SCRIPT), str(sip_port), str(rtp_port), str(recordings), agent.address]
    async with agent, callers[0], callers[1], Child(argv, tmp_path, name="bare_bridge") as bridge:
        await bridge.logged("^ready")
        for caller in callers:
            await caller.dial("bridge")
            await caller.told("CALL_ESTABLISHED")
        for caller in callers:
            await caller.hears(1.0)
            await caller.hang_up()
        await agent.told("CALL_CLOSED", number=2)
        await until(
            lambda: all(path.stat().st_size > 16_000 for path in recordings.iterdir()), "closed recordings"
        )
    for caller in callers:
        assert tone_margin_db(caller.recordings()[0].heard, wanted=880, unwanted=440) > 20
    written = sorted(recordings.glob("*.wav"))
    assert len(written) == 4
    margins = sorted(tone_margin_db(path, wanted=440, unwanted=880) for path in written)
    assert margins[1] < -20 and margins[2] > 20, "two recordings hold the callers, two the agents"
