"""Messages: the caller alone, ended by silence and kept where somebody spoke; told by voice, not by level."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from cti_engine.core.commands import StartRecording, StopRecording
from cti_engine.core.signals import RecordingEnded
from cti_engine.sip_worker.message_voice import MessageEnd, Voice, says_something
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, Phone, World
from tests.speech.callers import Samples, at_level, frames, noise, recorded, silence, written
from tests.speech.callers import tones as line_tones

SENTENCE = "demo-congrats"
QUIET, LOUD = -46.0, -20.0
"""dBFS: a caller far from the phone, and a street or a fax."""


async def seconds_pass(seconds: float) -> None:
    """Media needs time to flow: this is the content of a test, not a wait for something to happen."""
    await asyncio.sleep(seconds)


async def speaker(world: World, level: float = LOUD) -> Phone:
    """A phone that speaks for as long as it is listened to."""
    says = written(world.folder / "says.wav", at_level(recorded("en", SENTENCE), level))
    return await world.phone(says=says)


def loudness(path: str) -> float:
    """dBFS, of one mono file."""
    (samples,) = tones.read(path)
    return float(10 * np.log10((samples**2).mean() + 1e-12))


@pytest.mark.parametrize(
    ("name", "speaks"),
    [("quiet voice", True), ("word", True), ("noise", False), ("fax", False), ("nothing", False)],
)
def test_a_voice_is_told_from_what_is_loud(name: str, speaks: bool, tmp_path: Path) -> None:
    """A caller 26 dB below the prompts has left a message, and so has one who says two words; a street, a fax tone and
    an open line have not."""
    sound: Samples = {
        "quiet voice": at_level(recorded("en", SENTENCE)[:40_000], QUIET),
        "word": np.concatenate([silence(2), at_level(recorded("en", "call-forwarding"), -30.0), silence(2)]),
        "noise": noise(8.0, LOUD),
        "fax": line_tones(8.0, LOUD, 2100.0),
        "nothing": silence(8.0),
    }[name]
    assert says_something(Path(written(tmp_path / "message.wav", sound))) is speaks


async def test_a_voice_puts_the_silence_off() -> None:
    """However quiet it is; noise does not, and without frames (on hold) it is silent too."""
    over = asyncio.Event()
    end = MessageEnd(60.0, 1.5, over.set)
    for pcm in frames(at_level(recorded("en", SENTENCE)[:32_000], QUIET)):
        assert not over.is_set()
        end.audio(pcm)
        await seconds_pass(0.02)
    for pcm in frames(noise(4.0, LOUD)):
        end.audio(pcm)
        await seconds_pass(0.02)
        if over.is_set():
            return
    raise AssertionError("noise was taken for a voice")


def test_the_voice_is_counted_in_any_frames() -> None:
    """Cut as it comes, the same seconds of voice are found."""
    pcm = b"".join(frames(at_level(recorded("en", SENTENCE)[:24_000], -30.0)))
    counts = set()
    for size in (320, 512, 4096):
        voice = Voice()
        for place in range(0, len(pcm), size):
            voice.hear(pcm[place : place + size])
        counts.add(round(voice.seconds, 3))
    assert len(counts) == 1 and counts.pop() > 1.5


async def test_a_message_is_one_mono_file_of_the_caller(world: World) -> None:
    """It ends by itself after the longest time, without any order, and its folder keeps nothing."""
    await world.start()
    leg = await world.call_in(await speaker(world))
    world.engine.order(StartRecording(NAME, "r1", "c1-r1", leg, longest=2.5, silence=4.0))
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert ended.path == str(world.folder / "recordings/c1-r1.wav")
    assert ended.seconds == pytest.approx(2.5, abs=0.25)
    assert loudness(ended.path) > LOUD - 10


@pytest.mark.parametrize("hz", [0, 440])
async def test_a_message_ends_with_silence_and_says_nothing(world: World, hz: float) -> None:
    """Who never speaks is not waited for until the longest time, and leaves no file; nor does a tone."""
    await world.start()
    leg = await world.call_in(await world.phone(hz))
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, longest=60.0, silence=1.0))
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert (ended.path, ended.seconds) == ("", 0.0)
    assert not (world.folder / "recordings/r1.wav").exists()


async def test_a_message_is_stopped_by_order_and_by_hanging_up(world: World) -> None:
    """Both close the file and tell it."""
    await world.start()
    caller = await speaker(world)
    leg = await world.call_in(caller)
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, longest=60.0, silence=4.0))
    await seconds_pass(2.5)
    world.engine.order(StopRecording(NAME, "r1"))
    assert (await world.engine.gets(RecordingEnded, recording="r1")).seconds > 2.0
    world.engine.order(StartRecording(NAME, "r2", "r2", leg, longest=60.0, silence=4.0))
    await seconds_pass(2.5)
    caller.do("hangup")
    ended = await world.engine.gets(RecordingEnded, recording="r2")
    assert ended.seconds > 2.0 and loudness(ended.path) > LOUD - 10


async def test_a_message_of_a_killed_worker_is_finished_by_the_next(world: World) -> None:
    """Killed with -9 while the caller speaks: the message is there, but for the last quarter second."""
    await world.start()
    leg = await world.call_in(await speaker(world))
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, longest=60.0, silence=4.0))
    await seconds_pass(3.0)
    world.worker.kill()
    await world.start_worker()
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert ended.seconds > 2.5 and loudness(ended.path) > LOUD - 10
