"""Robot phones against baresip: real SIP and RTP, with nothing of the center in between."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from cti_engine.runtime.demo.facts import (
    AgentLine,
    CallOver,
    Fact,
    HangUpAll,
    Joined,
    LineOver,
    PhoneConfig,
    PhoneReady,
    Place,
)
from cti_engine.runtime.demo.robot_phone import phone_process
from cti_engine.runtime.demo.scripts import DEMO_CALLERS, CallScript, draw_manner
from tests.phones.baresip import Baresip
from tests.phones.ports import free_port, free_ports
from tests.phones.tones import tone_margin_db, tone_wav
from tests.phones.waiting import until

LUCIA = DEMO_CALLERS[0]
_F = TypeVar("_F", bound=Fact)


class Robot:
    """A phone process and what it told."""

    def __init__(self, config: PhoneConfig) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=phone_process, args=(config, theirs))
        self.process.start()
        theirs.close()
        self.facts: list[Fact] = []

    async def told(self, kind: type[_F], *, within: float = 10.0) -> _F:
        def look() -> _F | None:
            while self.pipe.poll(0):
                self.facts.append(self.pipe.recv())
            return next((fact for fact in self.facts if isinstance(fact, kind)), None)

        fact = await until(look, f"{kind.__name__} from the robot, who told {self.facts}", within=within)
        assert fact is not None
        return fact

    async def exited(self) -> int | None:
        await until(lambda: not self.process.is_alive(), "the robot's end", within=10.0)
        return self.process.exitcode


def config(tmp_path: Path, port: int, *, seed: str = "1", lines: tuple[AgentLine, ...] = ()) -> PhoneConfig:
    voice = str(tone_wav(tmp_path / "voice.wav", 440, seconds=10))
    return PhoneConfig(
        "robot", seed, "127.0.0.1", port, "cti", free_ports(100), lines, {"es": voice, "en": voice}
    )


@pytest.fixture
def robots() -> Iterator[list[Robot]]:
    made: list[Robot] = []
    yield made
    for robot in made:
        robot.process.kill()
        robot.process.join()


async def test_a_caller_presses_its_key_talks_and_hangs_up(tmp_path: Path, robots: list[Robot]) -> None:
    """The robot calls under its customer's number, presses the menu key, is silent until an agent is there, then
    both hear each other; it hangs up by itself and tells what it saw."""
    high = tone_wav(tmp_path / "880.wav", 880)
    async with Baresip("1000", "", "127.0.0.1", 5060, tmp_path / "menu", play=high) as menu:
        robot = Robot(config(tmp_path, menu.sip_port))
        robots.append(robot)
        await robot.told(PhoneReady)
        robot.pipe.send(Place(CallScript(LUCIA, "1000", ((0.5, "1"),), 30.0, 2.5)))
        established = await menu.told("CALL_ESTABLISHED")
        pressed = await menu.told("CALL_DTMF_START")
        robot.pipe.send(Joined(LUCIA.number))
        over = await robot.told(CallOver)
        await menu.told("CALL_CLOSED")
        assert established.peer == f"sip:{LUCIA.number}@cti"
        assert pressed.param == "1"
        assert over == CallOver(LUCIA.number, 200, over.reason, True, True, True, True)
        assert tone_margin_db(menu.recordings()[0].heard, wanted=440, unwanted=880) > 20


async def test_a_caller_without_patience_gives_up(tmp_path: Path, robots: list[Robot]) -> None:
    """When no agent comes within its patience the robot hangs up; it has heard nobody and was never joined."""
    async with Baresip("1000", "", "127.0.0.1", 5060, tmp_path / "menu", record=False) as menu:
        robot = Robot(config(tmp_path, menu.sip_port))
        robots.append(robot)
        robot.pipe.send(Place(CallScript(LUCIA, "1000", (), 1.0, 60.0)))
        over = await robot.told(CallOver, within=15)
        assert (over.answered, over.joined, over.heard, over.hung_up) == (True, False, False, True)
        await menu.told("CALL_CLOSED")


async def test_a_refused_call_is_told(tmp_path: Path, robots: list[Robot]) -> None:
    """A call that the other side rejects is told with its SIP code, and the phone is free for the next one."""
    async with Baresip(
        "1000", "", "127.0.0.1", 5060, tmp_path / "menu", answer="manual", record=False
    ) as menu:
        robot = Robot(config(tmp_path, menu.sip_port))
        robots.append(robot)
        robot.pipe.send(Place(CallScript(LUCIA, "1000", (), 9.0, 9.0)))
        await menu.told("CALL_INCOMING")
        await menu.hang_up()
        over = await robot.told(CallOver)
        assert (over.sip_code, over.answered, over.hung_up) == (486, False, False)
        robot.facts.clear()
        robot.pipe.send(Place(CallScript(DEMO_CALLERS[1], "1000", (), 1.0, 9.0)))
        await menu.told("CALL_INCOMING", number=2)
        await menu.accept()
        assert (await robot.told(CallOver)).answered


async def test_an_agents_phone_answers_and_talks(tmp_path: Path, robots: list[Robot]) -> None:
    """A robot agent's phone rings, answers after its moment, is heard and hears, and tells how long it talked."""
    seed = next(
        str(n) for n in itertools.count()
        if (manner := draw_manner(Random(str(n)))).answer_after and manner.answer_after < 2 and manner.talk is None
    )  # fmt: skip
    high = tone_wav(tmp_path / "880.wav", 880)
    robot = Robot(config(tmp_path, free_port(), seed=seed, lines=(AgentLine("maria", "secret"),)))
    robots.append(robot)
    ready = await robot.told(PhoneReady)
    async with Baresip(LUCIA.number, "", "127.0.0.1", 5060, tmp_path / "caller", play=high) as caller:
        await caller.dial(f"sip:maria@127.0.0.1:{ready.sip_port}")
        ringing = await caller.told("CALL_RINGING")
        answered = await caller.told("CALL_ESTABLISHED")
        await caller.hears(2.0)
        await caller.hang_up()
        over = await robot.told(LineOver)
        assert 0.9 < answered.at - ringing.at < 3.0
        assert (over.user, over.number, over.answered, over.heard) == ("maria", LUCIA.number, True, True)
        assert 1.5 < over.talked < 6.0
        assert tone_margin_db(caller.recordings()[0].heard, wanted=440, unwanted=880) > 20


@pytest.mark.parametrize("how", ["told", "demo killed"])
async def test_the_end_is_orderly(tmp_path: Path, robots: list[Robot], how: str) -> None:
    """Told to leave, or left alone by a demo that died, the phone says BYE and its process ends without a crash;
    Ctrl-C alone does not touch it, because the demo decides."""
    async with Baresip("1000", "", "127.0.0.1", 5060, tmp_path / "menu", record=False) as menu:
        robot = Robot(config(tmp_path, menu.sip_port))
        robots.append(robot)
        await robot.told(PhoneReady)
        assert robot.process.pid is not None
        os.kill(robot.process.pid, signal.SIGINT)
        robot.pipe.send(Place(CallScript(LUCIA, "1000", (), 60.0, 60.0)))
        await menu.told("CALL_ESTABLISHED")
        if how == "told":
            robot.pipe.send(HangUpAll())
        else:
            robot.pipe.close()
        await menu.told("CALL_CLOSED", within=3.0)
        assert await robot.exited() == 0


async def test_an_agents_phone_leaves_a_conversation_in_order(tmp_path: Path, robots: list[Robot]) -> None:
    """Told to leave in the middle of a conversation, an agent's phone says BYE and ends without a crash."""
    seed = next(str(n) for n in itertools.count() if draw_manner(Random(str(n))).talk is None)
    robot = Robot(config(tmp_path, free_port(), seed=seed, lines=(AgentLine("maria", "secret"),)))
    robots.append(robot)
    ready = await robot.told(PhoneReady)
    async with Baresip(LUCIA.number, "", "127.0.0.1", 5060, tmp_path / "caller", record=False) as caller:
        await caller.dial(f"sip:maria@127.0.0.1:{ready.sip_port}")
        await caller.told("CALL_ESTABLISHED")
        robot.pipe.send(HangUpAll())
        await caller.told("CALL_CLOSED", within=3.0)
        assert (await robot.told(LineOver)).answered
        assert await robot.exited() == 0
