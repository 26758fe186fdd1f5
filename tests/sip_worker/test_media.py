"""What is heard: prompts, digits, bridges and recordings, measured as tones in what real phones record."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pjsua2.pjsua2 as pj
import pytest

from cti_engine.core.commands import (
    EndLeg,
    PauseRecording,
    SendDigits,
    SetAudioPaths,
    StartRecording,
    StopPlayback,
    StopRecording,
)
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.signals import (
    CommandRefused,
    DigitPressed,
    LegEnded,
    LegHeld,
    PlaybackEnded,
    RecordingEnded,
)
from cti_engine.sip_worker.prompts import FILES_MAX
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, World, port_of


def play(world: World, leg: str, playback: str, *files: str, **how: bool) -> None:
    world.engine.send(*to_plain(PlayFiles(leg, playback, files, **how)))


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


async def seconds_pass(seconds: float) -> None:
    """Media needs time to flow: this is the content of a test, not a wait for something to happen."""
    await asyncio.sleep(seconds)


async def bridged(world: World) -> tuple[str, str]:
    """A caller (440 Hz) and an agent (880 Hz) who hear each other."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    leg = await world.call_in(await world.phone(440))
    await world.dialled()
    world.bridge(leg, "a1")
    return leg, "a1"


async def test_playlist_is_heard_whole_and_without_gaps(world: World, tmp_path: Path) -> None:
    """Three files are heard one after the other to their full length; then the end is told, once."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    files = [tones.write(tmp_path / f"{hz}.wav", hz, 0.63) for hz in (600, 1000, 1400)]
    play(world, leg, "p1", *files)
    ended = await world.engine.gets(PlaybackEnded, playback="p1")
    assert ended.completed and ended.leg == leg
    heard = await phone.recording()
    for hz in (600, 1000, 1400):
        assert tones.heard(heard, hz, window=0.01) == pytest.approx(0.63, abs=0.05)
    loud = [start for start in range(0, len(heard) - 80, 80) if abs(heard[start : start + 80]).max() > 0.05]
    assert (loud[-1] - loud[0] + 80) / tones.RATE == pytest.approx(3 * 0.63, abs=0.05)
    assert sum(isinstance(one, PlaybackEnded) for one in world.engine.signals) == 1


async def test_music_goes_on_until_it_is_stopped(world: World, tmp_path: Path) -> None:
    """A repeated list does not end by itself; stopped, it is told as not completed; stopping twice is harmless."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    play(world, leg, "music", tones.write(tmp_path / "m.wav", 700, 0.5), repeat=True)
    await seconds_pass(2.0)
    assert not any(isinstance(one, PlaybackEnded) for one in world.engine.signals)
    world.engine.order(StopPlayback(NAME, leg, "music"))
    world.engine.order(StopPlayback(NAME, leg, "music"))
    assert not (await world.engine.gets(PlaybackEnded, playback="music")).completed
    await seconds_pass(0.5)
    heard = await phone.recording()
    assert 1.2 < tones.heard(heard, 700) < 2.4
    assert not any(isinstance(one, CommandRefused) for one in world.engine.signals)


async def test_new_prompts_replace_what_plays(world: World, tmp_path: Path) -> None:
    """PlayFiles on a leg that plays stops the old list, tells it, and only the new one is heard on."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    play(world, leg, "old", tones.write(tmp_path / "o.wav", 700, 5.0))
    play(world, leg, "new", tones.write(tmp_path / "n.wav", 1300, 0.6))
    assert not (await world.engine.gets(PlaybackEnded, playback="old")).completed
    assert (await world.engine.gets(PlaybackEnded, playback="new")).completed
    heard = await phone.recording()
    assert tones.heard(heard, 700) < 0.2 and tones.heard(heard, 1300) == pytest.approx(0.6, abs=0.1)


async def test_digit_stops_the_prompt_that_allows_it(world: World, tmp_path: Path) -> None:
    """With stop_on_digit the digit is told first and the prompt ends by it; without, it plays on."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    long = tones.write(tmp_path / "l.wav", 700, 5.0)
    play(world, leg, "deaf", long)
    phone.do("digits", "1", 0)
    await world.engine.gets(DigitPressed, digit="1")
    play(world, leg, "barge", long, stop_on_digit=True)
    await world.engine.gets(PlaybackEnded, playback="deaf", completed=False)
    phone.do("digits", "2", 0)
    await world.engine.gets(PlaybackEnded, playback="barge", completed=False)
    kinds = [type(one).__name__ for one in world.engine.signals[-2:]]
    assert kinds == ["DigitPressed", "PlaybackEnded"]


async def test_digits_by_rfc_4733_and_info(world: World) -> None:
    """All keys of both methods are told once, in order."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    phone.do("digits", "1290*#", 0)
    await world.engine.gets(DigitPressed, digit="#", method="rfc4733")
    phone.do("digits", "5", 1)
    await world.engine.gets(DigitPressed, digit="5", method="info")
    digits = [one for one in world.engine.signals if isinstance(one, DigitPressed)]
    assert "".join(one.digit for one in digits) == "1290*#5"
    assert {one.leg for one in digits} == {leg}


async def test_files_that_cannot_be_played(world: World, tmp_path: Path) -> None:
    """Missing, empty, garbage and too many files are refused as bad_file; what played plays on."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    good = tones.write(tmp_path / "g.wav", 700, 0.5)
    play(world, leg, "music", good, repeat=True)
    garbage = tmp_path / "garbage.wav"
    garbage.write_bytes(os.urandom(5000))
    empty = tmp_path / "empty.wav"
    empty.touch()
    header = tmp_path / "header.wav"
    header.write_bytes(Path(good).read_bytes()[:44])
    for bad in ([str(garbage)], [str(empty)], [str(header)], [str(tmp_path)], [], [good] * (FILES_MAX + 1)):
        play(world, leg, "bad", *bad)
    play(world, leg, "last", "/nowhere.wav")
    await world.engine.gets(CommandRefused, text="/nowhere.wav: Not found (PJ_ENOTFOUND)")
    refused = [one for one in world.engine.signals if isinstance(one, CommandRefused)]
    assert [one.code for one in refused] == ["bad_file"] * 7
    assert not any(isinstance(one, PlaybackEnded) for one in world.engine.signals)


async def test_bridge_carries_both_ways(world: World) -> None:
    """Each phone hears the other's tone at least 20 dB over its own."""
    await bridged(world)
    caller, agent = world.phones[1], world.phones[0]
    await seconds_pass(2.0)
    at_caller, at_agent = await asyncio.gather(caller.recording(), agent.recording())
    assert tones.heard(at_caller, 880) > 1.5 and tones.heard(at_agent, 440) > 1.5
    assert tones.level(at_caller, 880) - tones.level(at_caller, 440) > 20
    assert tones.level(at_agent, 440) - tones.level(at_agent, 880) > 20


async def test_matrix_is_replaced_whole(world: World) -> None:
    """One direction taken out of the matrix is silent while the other goes on."""
    leg, agent_leg = await bridged(world)
    caller, agent = world.phones[1], world.phones[0]
    world.engine.order(SetAudioPaths(NAME, ((leg, agent_leg),)))
    await seconds_pass(2.0)
    at_caller, at_agent = await asyncio.gather(caller.recording(), agent.recording())
    assert tones.heard(at_agent, 440) > 1.5
    assert tones.heard(at_caller, 880) < 0.5


async def test_matrix_survives_hold_and_resume(world: World) -> None:
    """A re-INVITE makes new ports in pjsua2: after hold and resume both sides hear each other again."""
    leg, _ = await bridged(world)
    caller, agent = world.phones[1], world.phones[0]
    caller.do("hold")
    await world.engine.gets(LegHeld, leg=leg, held=True)
    caller.do("resume")
    await world.engine.gets(LegHeld, leg=leg, held=False)
    await seconds_pass(2.0)
    at_caller, at_agent = await asyncio.gather(caller.recording(), agent.recording())
    assert tones.heard(at_caller[-2 * tones.RATE :], 880) > 1.4
    assert tones.heard(at_agent[-2 * tones.RATE :], 440) > 1.4


async def test_recording_is_stereo_and_gap_free(world: World) -> None:
    """Caller left, agent right, each 20 dB over the other; the length is the time recorded, over a hold too."""
    leg, agent_leg = await bridged(world)
    begun = asyncio.get_running_loop().time()
    world.engine.order(StartRecording(NAME, "r1", "2026/11/r1", leg, agent_leg))
    await seconds_pass(1.5)
    world.phones[1].do("hold")
    await world.engine.gets(LegHeld, leg=leg, held=True)
    await seconds_pass(1.0)
    world.phones[1].do("resume")
    await world.engine.gets(LegHeld, leg=leg, held=False)
    await seconds_pass(1.0)
    world.engine.order(StopRecording(NAME, "r1"))
    lasted = asyncio.get_running_loop().time() - begun
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert ended.path == str(world.folder / "recordings/2026/11/r1.wav")
    left, right = tones.read(ended.path)
    assert ended.seconds == len(left) / tones.RATE == pytest.approx(lasted, abs=0.25)
    assert tones.heard(right, 880) > 2.4
    first = slice(0, int(1.4 * tones.RATE))
    assert tones.level(left[first], 440) - tones.level(left[first], 880) > 20
    assert tones.level(right[first], 880) - tones.level(right[first], 440) > 20
    world.engine.order(EndLeg(NAME, leg))
    world.engine.order(EndLeg(NAME, agent_leg))
    await world.edge.sees(free=True)
    assert [path.name for path in (world.folder / "recordings" / ".parts").glob("*/*.wav")] == ["silence.wav"]


async def test_a_paused_recording_holds_silence_and_its_time(world: World) -> None:
    """What is said in the pause is in neither channel; the file is as long as the recording lasted."""
    leg, agent_leg = await bridged(world)
    begun = asyncio.get_running_loop().time()
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, agent_leg))
    await seconds_pass(1.0)
    world.engine.order(PauseRecording(NAME, "r1", True))
    await seconds_pass(1.5)
    world.engine.order(PauseRecording(NAME, "r1", False))
    await seconds_pass(1.0)
    world.engine.order(StopRecording(NAME, "r1"))
    lasted = asyncio.get_running_loop().time() - begun
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert ended.seconds == pytest.approx(lasted, abs=0.25)
    pause = slice(int(1.2 * tones.RATE), int(2.3 * tones.RATE))
    for side, hz in zip(tones.read(ended.path), (440, 880), strict=True):
        assert abs(side[pause]).max() < 0.01
        assert tones.heard(side[: pause.start], hz) > 0.8 and tones.heard(side[pause.stop :], hz) > 0.6
    world.engine.order(PauseRecording(NAME, "r1", True))
    await world.engine.gets(CommandRefused, command="PauseRecording", code="wrong_state", recording="r1")


async def test_keys_are_pressed_towards_a_phone(world: World) -> None:
    """The phone gets each key once, in order, as a telephone event, because it has offered those."""
    leg, _ = await bridged(world)
    world.engine.order(SendDigits(NAME, leg, "12*#"))
    await world.phones[1].tells("digit", "#", pj.PJSUA_DTMF_METHOD_RFC2833)
    assert [event[1] for event in world.phones[1].events if event[0] == "digit"] == list("12*#")


async def test_recording_ends_with_the_last_leg(world: World) -> None:
    """A recording that nobody stopped is closed and told when the interaction is over."""
    leg, agent_leg = await bridged(world)
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, agent_leg))
    await seconds_pass(1.0)
    world.phones[1].do("hangup")
    await world.engine.gets(LegEnded, leg=leg)
    world.phones[0].do("hangup")
    assert (await world.engine.gets(RecordingEnded, recording="r1")).seconds > 0.8


async def test_recording_of_a_killed_worker_is_finished_by_the_next(world: World) -> None:
    """A worker killed with -9 loses no more than the last quarter second of a recording."""
    leg, agent_leg = await bridged(world)
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, agent_leg))
    await seconds_pass(2.0)
    world.worker.kill()
    await world.start_worker()
    ended = await world.engine.gets(RecordingEnded, recording="r1")
    assert ended.seconds > 1.5
    left, right = tones.read(ended.path)
    assert tones.heard(left, 440) > 1.4 and tones.heard(right, 880) > 1.4


async def test_disk_full_leaves_the_call_alone(world: World) -> None:
    """On a full disk the recording is told as lost or refused, and both sides go on hearing each other."""
    small = world.folder / "small"
    small.mkdir()
    await run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small))
    try:
        agent = await world.phone(880)
        await world.start(edge_port=await port_of(agent), recordings=str(small))
        leg = await world.call_in(await world.phone(440))
        await world.dialled()
        world.bridge(leg, "a1")
        world.engine.order(StartRecording(NAME, "r1", "r1", leg, "a1"))
        await seconds_pass(2.5)
        world.engine.order(StopRecording(NAME, "r1"))
        ended = await world.engine.gets(RecordingEnded, recording="r1")
        assert (ended.path, ended.seconds) == ("", 0.0)
        world.engine.order(StartRecording(NAME, "r2", "r2", leg, "a1"))
        await seconds_pass(1.0)
        at_caller = await world.phones[1].recording()
        assert tones.heard(at_caller, 880) > 3.0
        await world.engine.gets(LegEnded, leg=leg)
    finally:
        world.worker.kill()
        await run("umount", "-l", str(small))


async def test_a_poor_line_is_told_before_anybody_answers(world: World) -> None:
    """Every fourth packet of the caller is lost on the way: after some seconds the engine knows."""
    await world.start()
    leg = await world.call_in(await world.phone(loses=25))
    told = await world.engine.gets(LineChanged, leg=leg, timeout=12)
    assert told.poor and 0.15 < told.loss < 0.35 and told.mos < 3.0 and told.jitter < 20
