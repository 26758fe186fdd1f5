"""The whole demo in a whole center: robots call, robots answer, and the record agrees with what they saw."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from cti_engine.runtime.demo.beside import start_beside
from cti_engine.runtime.demo.scripts import DEMO_CALLERS
from cti_engine.runtime.running_center import CannotJoin, find_center
from tests.e2e.world import ROOT, Center
from tests.phones.child import Child
from tests.phones.waiting import until


@pytest.mark.timeout(240)
async def test_the_demo_joins_a_running_center(tmp_path: Path) -> None:
    """Robot agents register and log in, except where somebody has a phone of their own; robot callers are
    answered and heard, hang up in order on Ctrl-C, and what they tell of their calls is what the engine has stored."""
    async with Center(tmp_path) as center:
        await center.agent("john")
        demo = Child(
            [sys.executable, "-m", "cti_engine", "--home", str(center.home), "--var", str(center.var), "demo",
             "--calls-per-minute", "30", "--seed", "2"],
            tmp_path, name="demo", env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        async with demo:
            await demo.logged(r"2 robot agents \(maria, ana\).*Left to their own phones: john", within=60)

            def talked() -> bool:
                return any(
                    cdr["talk_s"] > 5 and cdr["agent"] in ("maria", "ana") for cdr in center.store.cdrs()
                )

            await until(talked, "a call answered by a robot", within=100, every=0.2)
            await demo.send(signal.SIGINT)
            assert await demo.ended(within=15) == 0
            told = demo.log()
            assert "talked to maria in " in told or "talked to ana in " in told
            assert "what became of it" in told and "heard the caller" in told
            assert "Assertion" not in told and "Traceback" not in told
            (row,) = [line for line in told.splitlines() if "│ talked" in line]
            heard, _, calls = row.strip("│ ").split("│")[-1].strip().partition(" of ")
            assert heard == calls
        taken = [line for line in told.splitlines() if " dialled " in line and "was refused" not in line]
        facts = center.store.events_since(0, 10_000)
        arrived = [fact.data["ani"] for fact in facts if fact.event == "CallArrived"]
        assert len(arrived) == len([fact for fact in facts if fact.event == "CallEnded"]) == len(taken) >= 1
        assert set(arrived) <= {caller.number for caller in DEMO_CALLERS}


def test_a_center_that_is_not_there(tmp_path: Path) -> None:
    """Without a running center, or without its passwords, the demo says in one line what to do."""
    with pytest.raises(CannotJoin, match=r"run\.json is not there: is the center running"):
        find_center(tmp_path / "run.json")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CannotJoin, match="cannot be read"):
        find_center(tmp_path / "run.json")
    (tmp_path / "run.json").write_text(
        '{"host": "127.0.0.1", "realm": "cti", "home": "/x", "var": "/x", "accounts": "%s", "ports": {"sip_port": 1, '
        '"console_port": 2}}' % (tmp_path / "accounts.txt")
    )
    with pytest.raises(CannotJoin, match=r"accounts\.txt is not there"):
        find_center(tmp_path / "run.json")
    (tmp_path / "accounts.txt").write_text("# nobody\n")
    with pytest.raises(CannotJoin, match="names no agent or no supervisor"):
        find_center(tmp_path / "run.json")


def test_beside_a_center_it_ends_with_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The demo that `run --demo` starts says what is wrong by itself, and is gone when the center has stopped."""
    with start_beside(tmp_path) as start:
        start()
        deadline = time.monotonic() + 20
        said = ""
        while "No center runs here" not in said and time.monotonic() < deadline:
            time.sleep(0.05)
            said += capfd.readouterr().out
    assert "No center runs here" in said
