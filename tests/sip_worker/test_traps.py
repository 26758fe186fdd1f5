"""Every known trap of the pjsua2 wheel: sprung on the bare wheel in a child, and survived by the worker.

Where the wheel one day stops failing, its half of a test says so, and the precaution can go.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
import socket
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cti_engine import sip_worker
from cti_engine.core.commands import EndLeg, StartRecording, StopRecording
from cti_engine.core.signals import (
    DigitPressed,
    InviteReceived,
    LegEnded,
    LegHeld,
    PlaybackEnded,
    RecordingEnded,
)
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.main import serve
from cti_engine.sip_worker.worker import Worker
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, Child, Phone, World, port_of

ABORTED = -signal.SIGABRT


async def start_raw(trap: str, *args: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.sip_worker.raw_wheel", trap, *args),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


async def spring(trap: str, *args: str) -> tuple[int | None, str]:
    """(exit code, what was shown) of the bare wheel in this trap."""
    process = await start_raw(trap, *args)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    shown = [line.removeprefix("shown: ") for line in out.decode().splitlines() if line.startswith("shown: ")]
    return process.returncode, "; ".join(shown)


async def conversation(world: World) -> tuple[str, Phone]:
    """A bridged caller and agent; the caller's leg and phone."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    caller = await world.phone(440)
    leg = await world.call_in(caller)
    await world.dialled()
    world.bridge(leg, "a1")
    return leg, caller


# --- asserts abort the process -----------------------------------------------------------------


async def test_exit_with_a_live_call(world: World) -> None:
    """The bare wheel aborts when Python exits with a call up; the worker ends its calls first and exits 0."""
    code, _ = await spring("exit_without_close")
    assert code == ABORTED
    _, caller = await conversation(world)
    world.worker.process.terminate()
    assert await world.worker.exits() == 0
    await caller.tells("state", "DISCONNECTED", 200)


async def test_call_from_another_thread(world: World, tmp_path: Path) -> None:
    """A thread that pjlib does not know aborts the process; the end of a playback comes in such a thread's
    place and is brought to ours before anything is called."""
    code, shown = await spring("unregistered_thread")
    assert (code, shown) == (ABORTED, "")
    await world.start()
    leg = await world.call_in(await world.phone())
    for name in ("one", "two", "three"):  # each end starts the next from the loop's thread
        world.engine.send(*to_plain(PlayFiles(leg, name, (tones.write(tmp_path / f"{name}.wav", 700, 0.1),))))
        assert (await world.engine.gets(PlaybackEnded, playback=name)).completed
    assert world.worker.process.is_alive()


def invite(to: str, number: int, here: tuple[str, int]) -> bytes:
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    via = f"{here[0]}:{here[1]}"
    return (
        f"INVITE sip:2000@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{number};rport\r\n"
        f"From: <sip:flood@{via}>;tag={number}\r\nTo: <sip:2000@{to}>\r\nCall-ID: flood{number}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:flood@{via}>\r\nMax-Forwards: 70\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    ).encode()


async def flood(to: str, seconds: float, rate: int, alive: Callable[[], bool]) -> None:
    """INVITEs that nobody signed, `rate` a second, for as long as the victim lives."""
    host, _, port = to.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        out.connect((host, int(port)))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in itertools.count():
            if loop.time() - begun > seconds or not alive():
                return
            try:
                out.send(invite(to, number, out.getsockname()))
            except ConnectionRefusedError:
                return
            await asyncio.sleep(max(0.0, begun + (number + 1) / rate - loop.time()))


async def test_flood_of_rejected_invites(world: World) -> None:
    """300 rejected INVITEs a second end the bare wheel; the worker brakes, keeps its call and takes the next."""
    raw = await start_raw("rejected_invites", "4")
    assert raw.stdout is not None
    while not (line := (await raw.stdout.readline()).decode()).startswith("shown: "):
        assert line
    await flood(line.split()[1], 3.5, 300, lambda: raw.returncode is None)
    await asyncio.wait_for(raw.communicate(), 30)
    assert raw.returncode not in (0, None)

    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    await flood(world.sip, 3.0, 300, world.worker.process.is_alive)
    phone.do("digits", "1", 0)
    await world.engine.gets(DigitPressed, leg=leg)
    phone.do("hangup")
    await world.engine.gets(LegEnded, leg=leg)
    await world.edge.sees(free=True)
    await world.call_in(phone)


async def test_fork_after_start(world: World) -> None:
    """A child forked from a running pjsua2 dies or hangs; the worker never has a child."""
    code, shown = await spring("fork_after_start")
    assert code == 0 and shown in ("child -11", "child -6", "child hangs")
    leg, _ = await conversation(world)
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, "a1"))
    world.engine.order(StopRecording(NAME, "r1"))
    await world.engine.gets(RecordingEnded)
    children = [
        path.read_text() for path in Path(f"/proc/{world.worker.process.pid}").glob("task/*/children")
    ]
    assert children and not any(children)


# --- memory and references ---------------------------------------------------------------------


async def test_parts_of_a_temporary_info(world: World) -> None:
    """`getInfo().media[0]` reads freed memory: the wheel gives wrong states; the worker binds infos first."""
    _, shown = await spring("info_of_a_temporary")
    assert int(shown.removeprefix("wrong ")) > 0
    for path in Path(str(sip_worker.__file__)).parent.glob("*.py"):
        assert not re.search(r"getInfo\(\)\s*[.\[]", path.read_text()), path
    _, caller = await conversation(world)
    caller.do("digits", "1", 0)
    await world.engine.gets(DigitPressed)
    assert not any(isinstance(one, LegHeld) for one in world.engine.signals)


async def test_message_after_the_callback(world: World) -> None:
    """`rdata` is another text after the callback; the worker's dialog, told later, is the INVITE's own."""
    _, shown = await spring("rdata_after_the_callback")
    assert shown != "same"
    await world.start()
    leg = await world.call_in(await world.phone())
    told = await world.engine.gets(InviteReceived, leg=leg)
    answered = next(one for one in world.engine.signals if getattr(one, "dialog", None) is not None)
    dialog = answered.dialog  # type: ignore[union-attr]
    assert dialog is not None and dialog.call_id == told.call_id
    assert dialog.remote_uri == "sip:+13105550123@example.org" and dialog.remote_tag and dialog.local_tag


async def test_dropped_call_object(world: World) -> None:
    """A Call that Python forgets is hung up; the worker's calls live through many garbage collections."""
    _, shown = await spring("dropped_reference")
    assert shown == "DISCONNECTED"
    _, caller = await conversation(world)
    for _ in range(3):
        caller.do("digits", "12", 1)
        await asyncio.sleep(0.3)  # heartbeats and ticks make garbage
    assert not any(isinstance(one, LegEnded) for one in world.engine.signals)


def faulty_serve(config: WorkerConfig, pipe: Connection, method: str) -> None:
    """A worker with a bug: the first call of one method of Worker fails."""
    sound = getattr(Worker, method)
    calls = itertools.count()

    def faulty(*args: object) -> None:
        if next(calls) == 0:
            raise ValueError("a bug in our code")
        sound(*args)

    setattr(Worker, method, faulty)
    serve(config, pipe)


async def start_faulty(world: World, method: str) -> None:
    config = world.config()
    await world.edge.start()
    await world.engine.start()
    world.worker = Child(faulty_serve, lambda pipe: (config, pipe, method))
    world.workers.append(world.worker)
    world.sip = await world.edge.sees(free=True)
    await world.engine.connected()


async def test_exception_in_on_incoming_call(world: World) -> None:
    """On the bare wheel the exception comes out of the pump or the call is lost; the worker answers 500 and
    takes the next call."""
    _, shown = await spring("exception_in_callback")
    assert "('DISCONNECTED', 500)" in shown
    await start_faulty(world, "_invited")
    phone = await world.phone()
    phone.call(world.sip)
    await phone.tells("state", "DISCONNECTED", 500)
    await world.call_in(phone)


async def test_exception_in_a_call_callback(world: World) -> None:
    """A bug in one callback loses that digit only: the call goes on, and the worker is replaced after it."""
    await start_faulty(world, "on_digit")
    phone = await world.phone()
    leg = await world.call_in(phone)
    phone.do("digits", "12", 0)
    await world.engine.gets(DigitPressed, digit="2")
    phone.do("hangup")
    await world.engine.gets(LegEnded, leg=leg)
    await world.worker.changes.until(
        lambda: world.worker.events[-1]["state"] == "dirty", lambda: world.worker.events, 5
    )


# --- media -------------------------------------------------------------------------------------


async def test_stale_audio_media(world: World, tmp_path: Path) -> None:
    """A port from before a re-INVITE connects without an error and carries nothing; the worker fetches anew."""
    _, shown = await spring("stale_audio", str(tmp_path))
    stale, fresh = (float(word) for word in shown.split())
    assert stale == 0.0 and fresh > 0.5
    leg, caller = await conversation(world)
    for held, order in ((True, "hold"), (False, "resume")):
        caller.do(order)
        await world.engine.gets(LegHeld, leg=leg, held=held)
    await asyncio.sleep(1.5)  # media flows
    heard = await caller.recording()
    assert tones.heard(heard[-tones.RATE :], 880) > 0.7


async def test_end_of_a_playlist(world: World, tmp_path: Path) -> None:
    """The wheel tells a playlist's end early, in a foreign thread, and loses its last piece; the worker's is
    heard whole and told after it."""
    _, shown = await spring("playlist_end", str(tmp_path))
    told, heard, thread = shown.split()
    assert float(told) < 0.9 and float(heard) < 0.9 and thread == "foreign"
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    files = [tones.write(tmp_path / f"{n}.wav", 1600, 3900 / 8000) for n in range(2)]
    world.engine.send(*to_plain(PlayFiles(leg, "p", tuple(files))))
    assert (await world.engine.gets(PlaybackEnded)).completed
    assert tones.heard(await phone.recording(), 1600, window=0.01) == pytest.approx(0.975, abs=0.03)


async def test_players_ended_at_their_end(world: World, tmp_path: Path) -> None:
    """Stopping a list just as its end is being told (the event thread then meets a player that we destroy)
    a hundred times leaves the worker sound."""
    await world.start()
    leg = await world.call_in(await world.phone())
    short = tones.write(tmp_path / "s.wav", 700, 0.04)
    for number in range(100):
        world.engine.send(*to_plain(PlayFiles(leg, f"p{number}", (short,))))
        await asyncio.sleep(0.03 + 0.0005 * number)  # around its end
    world.engine.order(EndLeg(NAME, leg))
    await world.engine.gets(LegEnded, leg=leg)
    await world.edge.sees(free=True)
    ended = [one for one in world.engine.signals if isinstance(one, PlaybackEnded)]
    assert [one.playback for one in ended] == [f"p{number}" for number in range(100)]
    assert {one.completed for one in ended} == {True, False}


async def test_recorder_that_is_not_fed(world: World, tmp_path: Path) -> None:
    """The wheel writes no time while unfed, and the header only at the end; the worker's file has both."""
    _, shown = await spring("unfed_recorder", str(tmp_path))
    header, seconds = shown.split()
    assert int(header) == 0 and float(seconds) == pytest.approx(1.0, abs=0.15)
    leg, _ = await conversation(world)
    world.bridge()  # nobody hears anybody
    world.phones[1].do("hold")  # and the caller's side is silent
    await world.engine.gets(LegHeld, leg=leg, held=True)
    world.engine.order(StartRecording(NAME, "r1", "r1", leg, "a1"))
    await asyncio.sleep(2.0)  # what is recorded
    world.engine.order(StopRecording(NAME, "r1"))
    assert (await world.engine.gets(RecordingEnded)).seconds == pytest.approx(2.0, abs=0.15)


async def test_no_sound_device(world: World) -> None:
    """Without a sound device no RTP is sent; the worker has the null device and sends from the answer on."""
    _, shown = await spring("no_device")
    without, null = (int(word) for word in shown.split())
    assert without == 0 and null > 40
    await conversation(world)
    await asyncio.sleep(1.0)  # media flows
    assert tones.heard(await world.phones[1].recording(), 880) > 0.7


async def test_idle_media_clock(world: World) -> None:
    """A second after a call the wheel stops its media clock unless something is connected: the ports of later
    calls are never removed, and a call that was only answered sends no RTP. The worker's clock never stops."""
    _, shown = await spring("idle_clock")
    left, with_a_clock = (int(word) for word in shown.split())
    assert left > 0 and with_a_clock == 0
    await world.start()
    phone = await world.phone()
    for answered_for in (0.0, 2.5):
        leg = await world.call_in(phone)
        await asyncio.sleep(answered_for)  # media flows, longer than the wheel's clock would
        phone.do("count")
        packets = int((await phone.tells("packets"))[1])
        phone.events.clear()
        phone.do("hangup")
        await world.engine.gets(LegEnded, leg=leg)
        await world.edge.sees(free=True)
    assert packets > 100


async def test_frame_kept_past_its_callback() -> None:
    """A tap's frame is overwritten after its callback; the worker's taps copy it (test_audio_tap.py)."""
    _, shown = await spring("frame_after_the_callback")
    same, of = (int(word) for word in shown.split(" of "))
    assert same < of


# --- limits and REFER --------------------------------------------------------------------------


async def test_fifth_call() -> None:
    """Four calls fill the wheel, the next raises: hence one interaction a worker, and no_leg_left."""
    _, shown = await spring("fifth_call")
    assert shown == "refused 70010"


async def test_refer_that_is_not_refused(world: World) -> None:
    """Left alone, pjsua2 dials a REFER's target by itself; the worker refuses and dials nobody."""
    _, shown = await spring("accepted_refer")
    assert shown == "dialled 1"
    leg, caller = await conversation(world)
    bait = await world.phone(600)
    caller.do("refer", f"sip:bait@{await bait.address()}")
    await caller.tells("transfer", 603)
    world.engine.order(EndLeg(NAME, leg))
    await world.engine.gets(LegEnded, leg=leg)
    assert not any(event[0] == "invite" for event in bait.events)
