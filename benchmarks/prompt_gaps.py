"""Prompts over RTP while recognisers are busy: real workers play to phones, and a capture says when each packet came.

The recogniser of these calls is the one under load, and hears them too.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.speech_callers import Answer, Load, Running
from cti_engine.core.commands import Listen
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from speech.recognition.engine import Phrases
from tests.phones.capture import Capture
from tests.phones.ports import free_ports
from tests.phones.rtp import RtpStream
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, World

PROMPTS = 4
"""Calls that hear a prompt, each by a worker of its own."""
QUIET = 10.0
"""Seconds without load before, for comparison."""
SETTLED = 3.0
"""Seconds after which all streams of the load run."""
LONGEST = 600.0
PORTS = 40


@dataclass(frozen=True, slots=True)
class Gaps:
    """Milliseconds between a prompt's packets at its phone, `quiet` and while `answers` were heard; packets lost.

    `busy`: cores that the recogniser took, and all of the machine.
    """

    quiet: list[float]
    loaded: list[float]
    lost: int
    answers: list[Answer]
    busy: tuple[float, float]


async def measure(
    folder: Path, recogniser: Running, language: str, menu: Phrases, load: Load, streams: int
) -> Gaps:
    """Raises AssertionError when a call cannot be made."""
    async with AsyncExitStack() as stack:
        worlds = [World(folder / f"world{number}") for number in range(PROMPTS)]
        first = free_ports(PROMPTS * PORTS)
        ports = range(first, first + PROMPTS * PORTS)
        slices = iter(range(first, first + PROMPTS * PORTS, PORTS))
        for world in worlds:
            world.folder.mkdir()
            stack.push_async_callback(world.stop)
            await _prompt_plays(world, next(slices), recogniser, language, menu)
        capture = Capture(folder / "capture", capture_filter="udp")
        await stack.enter_async_context(capture)
        began = time.time()
        await asyncio.sleep(QUIET)
        loaded, used, all_used = time.time(), recogniser.cpu_s(), _machine_s()
        answers = await asyncio.to_thread(load.run, streams)
        over = time.time()
        busy = ((recogniser.cpu_s() - used) / (over - loaded), (_machine_s() - all_used) / (over - loaded))
        await capture.caught_up()
        sent = [
            each
            for each in capture.rtp()
            if int(each.source.rpartition(":")[2]) in ports and len(each.packets) > QUIET
        ]
    assert len(sent) == PROMPTS, f"{len(sent)} prompts were sent, not {PROMPTS}"
    return Gaps(
        [gap for each in sent for gap in _gaps(each, began, loaded)],
        [gap for each in sent for gap in _gaps(each, loaded + SETTLED, over)],
        sum(each.lost for each in sent),
        answers,
        busy,
    )


async def _prompt_plays(
    world: World, rtp_port: int, recogniser: Running, language: str, menu: Phrases
) -> None:
    """A call that hears a prompt for longer than we measure, and is listened to meanwhile: its caller says nothing."""
    silence = tones.write(world.folder / "silence.wav", 0, 2.0)
    await world.start(recognisers={language: recogniser.address}, rtp_port=rtp_port, rtp_ports=PORTS)
    leg = await world.call_in(await world.phone(says=silence))
    prompt = tones.write(world.folder / "prompt.wav", 600, LONGEST)
    world.engine.send(*to_plain(PlayFiles(leg, "p1", (prompt,))))
    world.engine.order(Listen(NAME, leg, "s1", language, dict(menu)))


def _gaps(stream: RtpStream, begins: float, ends: float) -> list[float]:
    times = [packet.at for packet in stream.packets if begins <= packet.at <= ends]
    return [1000 * (later - at) for at, later in itertools.pairwise(times)]


def _machine_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)
