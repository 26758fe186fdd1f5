"""A worker's life: what it does while the engine is away, how it drains, stops, wears out and is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from cti_engine.core.commands import AnswerLeg, EndLeg, SetAudioPaths
from cti_engine.core.signals import (
    CommandRefused,
    DigitPressed,
    InviteReceived,
    LegAnswered,
    LegEnded,
    PlaybackEnded,
)
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, World, port_of


async def gone(world: World) -> None:
    """The engine is away and the worker has noticed (its socket is closed)."""
    await world.engine.stop()
    await asyncio.sleep(0)


async def test_signals_wait_for_the_engine(world: World, tmp_path: Path) -> None:
    """With the engine away music goes on, digits and a new state are kept, and arrive later in order."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    music = tones.write(tmp_path / "m.wav", 700, 0.5)
    world.engine.send(*to_plain(PlayFiles(leg, "music", (music,), repeat=True)))
    phone.do("digits", "1", 0)
    await world.engine.gets(DigitPressed, digit="1")
    await gone(world)
    phone.do("digits", "234", 0)
    await asyncio.sleep(1.5)  # the length of the outage
    await world.engine.start()
    await world.engine.gets(DigitPressed, digit="4")
    assert world.engine.hellos[-1].body["legs"] == [leg]
    phone.do("hangup")
    await world.engine.gets(LegEnded, leg=leg)
    told = [type(one).__name__ for one in world.engine.signals]
    assert told == ["InviteReceived", "LegAnswered"] + 4 * ["DigitPressed"] + ["PlaybackEnded", "LegEnded"]
    assert tones.heard(await phone.recording(), 700) > 1.4


async def test_new_call_while_the_engine_is_away(world: World) -> None:
    """An INVITE gets 180 and is kept; the engine that comes back learns of it and can answer it."""
    await world.start()
    await gone(world)
    phone = await world.phone()
    phone.call(world.sip)
    await phone.tells("state", "EARLY", 180)
    await world.engine.start()
    leg = (await world.engine.gets(InviteReceived)).leg
    await world.engine.connected()
    world.engine.order(AnswerLeg(NAME, leg))
    await world.engine.gets(LegAnswered, leg=leg)


async def test_bridged_partner_is_ended_while_the_engine_is_away(world: World) -> None:
    """One side of a conversation hangs up: the worker ends the other side, and both are told later."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    caller = await world.phone()
    leg = await world.call_in(caller)
    await world.dialled()
    world.bridge(leg, "a1")
    world.engine.order(EndLeg(NAME, "marker"))
    await world.engine.gets(CommandRefused, leg="marker")  # so that the bridge is set
    await gone(world)
    caller.do("hangup")
    await agent.tells("state", "DISCONNECTED")
    await world.engine.start()
    assert (await world.engine.gets(LegEnded, leg=leg)).by == "remote"
    assert (await world.engine.gets(LegEnded, leg="a1")).by == "local"


async def test_a_caller_on_hold_is_not_released_while_the_engine_is_away(world: World) -> None:
    """Who was put on hold before is in a conversation still: no apology, no BYE, and the partner's end is the end."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent), engine_away_release=0.3)
    caller = await world.phone()
    leg = await world.call_in(caller)
    await world.dialled()
    world.bridge(leg, "a1")
    world.engine.order(SetAudioPaths(NAME, ()))
    world.engine.order(EndLeg(NAME, "marker"))
    await world.engine.gets(CommandRefused, leg="marker")  # so that the hold is set
    await gone(world)
    beats = len(world.worker.events)
    await world.worker.changes.until(
        lambda: len(world.worker.events) > beats + 3, lambda: world.worker.events, 8
    )
    assert world.worker.events[-1]["legs"] == 2
    agent.do("hangup")
    await caller.tells("state", "DISCONNECTED")


async def test_connected_engine_decides_everything(world: World) -> None:
    """While the engine is there the worker ends no partner and releases nobody."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent), engine_away_release=0.2, max_length=0.5)
    caller = await world.phone()
    leg = await world.call_in(caller)
    await world.dialled()
    world.bridge(leg, "a1")
    caller.do("hangup")
    await world.engine.gets(LegEnded, leg=leg)
    beats = len(world.worker.events)
    await world.worker.changes.until(
        lambda: len(world.worker.events) > beats + 3, lambda: world.worker.events, 8
    )
    assert world.worker.events[-1]["legs"] == 1
    assert [one for one in world.engine.signals if isinstance(one, LegEnded) and one.leg == "a1"] == []


async def test_waiting_caller_hears_an_apology_and_is_released(world: World, tmp_path: Path) -> None:
    """An unbridged caller whom no engine comes back for hears the apology whole, then gets BYE."""
    apology = (tones.write(tmp_path / "sorry.wav", 1300, 0.8),)
    await world.start(engine_away_release=1.0, apology=apology)
    phone = await world.phone()
    leg = await world.call_in(phone)
    await gone(world)
    await phone.tells("state", "DISCONNECTED")
    await world.engine.start()
    ended = await world.engine.gets(LegEnded, leg=leg)
    assert ended.by == "local"
    assert not any(isinstance(one, PlaybackEnded) for one in world.engine.signals)
    assert 0.5 < tones.heard(await phone.recording(), 1300) < 1.0


async def test_engine_that_comes_back_keeps_the_caller(world: World, tmp_path: Path) -> None:
    """An apology that has begun is cut off when the engine is back, and the call goes on."""
    apology = (tones.write(tmp_path / "sorry.wav", 1300, 30.0),)
    await world.start(engine_away_release=0.5, apology=apology)
    phone = await world.phone()
    leg = await world.call_in(phone)
    await gone(world)
    await asyncio.sleep(2.5)  # the apology plays
    await world.engine.start()
    await world.engine.connected()
    world.engine.order(EndLeg(NAME, "marker"))
    await world.engine.gets(CommandRefused, leg="marker")
    assert world.worker.events[-1]["legs"] == 1
    phone.do("digits", "1", 0)
    await world.engine.gets(DigitPressed, leg=leg)
    await asyncio.sleep(1.0)  # silence is what we listen for
    heard = await phone.recording()
    assert tones.heard(heard, 1300) > 0.5
    assert tones.heard(heard[-tones.RATE // 2 :], 1300) == 0


async def test_bridged_call_ends_at_its_maximum_length(world: World) -> None:
    """With the engine away a conversation is ended at its maximum length."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent), max_length=2.0)
    leg = await world.call_in(await world.phone())
    await world.dialled()
    world.bridge(leg, "a1")
    await gone(world)
    await agent.tells("state", "DISCONNECTED")
    await world.engine.start()
    assert (await world.engine.gets(LegEnded, leg=leg)).by == "local"


async def test_sigterm_sends_bye_and_tells(world: World) -> None:
    """SIGTERM hangs up every leg, the engine still learns it, and the exit code is 0."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    phone = await world.phone()
    leg = await world.call_in(phone)
    await world.dialled()
    pid = world.worker.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert await world.worker.exits() == 0
    await phone.tells("state", "DISCONNECTED", 200)
    await agent.tells("state", "DISCONNECTED", 200)
    assert (await world.engine.gets(LegEnded, leg=leg)).by == "shut_down"
    assert (await world.engine.gets(LegEnded, leg="a1")).by == "shut_down"


async def test_stop_order_rejects_a_ringing_caller(world: World) -> None:
    """`stop` on the pipe answers 503 to a caller who was not answered yet, and exits 0."""
    await world.start()
    phone = await world.phone()
    phone.call(world.sip)
    await world.engine.gets(InviteReceived)
    world.worker.pipe.send({"do": "stop"})
    assert await world.worker.exits() == 0
    await phone.tells("state", "DISCONNECTED", 503)


async def test_drain_finishes_the_interaction_first(world: World) -> None:
    """`drain` takes the worker out of placement, lets the call go on, and ends the process after it."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    world.worker.pipe.send({"do": "drain"})
    await world.worker.changes.until(
        lambda: world.worker.events[-1]["state"] == "draining", lambda: world.worker.events, 5
    )
    phone.do("digits", "7", 0)
    await world.engine.gets(DigitPressed, leg=leg)
    phone.do("hangup")
    assert await world.worker.exits() == 0
    assert world.edge.slots[-1]["free"] is False


async def test_worker_whose_supervisor_died_drains(world: World) -> None:
    """The end of the control pipe means drain: the call in progress goes on, then the process ends."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    world.worker._loop.remove_reader(world.worker.pipe.fileno())
    world.worker.pipe.close()
    await world.edge.sees(free=False)
    phone.do("digits", "7", 0)
    await world.engine.gets(DigitPressed, leg=leg)
    phone.do("hangup")
    assert await world.worker.exits() == 0


async def test_worn_out_worker_is_dirty(world: World) -> None:
    """After its last allowed interaction a worker says dirty and takes no more calls."""
    await world.start(reuse_limit=2)
    phone = await world.phone()
    for free in (True, False):
        leg = await world.call_in(phone)
        phone.do("hangup")
        await world.engine.gets(LegEnded, leg=leg)
        if free:
            await world.edge.sees(free=True)
    await world.worker.changes.until(
        lambda: world.worker.events[-1]["state"] == "dirty", lambda: world.worker.events, 5
    )
    assert world.edge.slots[-1]["free"] is False


async def test_nothing_is_left_after_many_interactions(world: World, tmp_path: Path) -> None:
    """After twenty calls with prompts the process has as many file descriptors as after the second."""
    await world.start()
    phone = await world.phone()
    tone = tones.write(tmp_path / "t.wav", 700, 3.0)

    async def one_call() -> int:
        leg = await world.call_in(phone)
        world.engine.send(*to_plain(PlayFiles(leg, "p", (tone,))))
        phone.do("digits", "1", 1)
        await world.engine.gets(DigitPressed, leg=leg)
        phone.do("hangup")
        await world.engine.gets(LegEnded, leg=leg)
        await world.edge.sees(free=True)
        return len(list(Path(f"/proc/{world.worker.process.pid}/fd").iterdir()))

    await one_call()
    before = await one_call()
    for _ in range(18):
        after = await one_call()
    assert after <= before
    assert world.worker.events[-1]["done"] == 20
