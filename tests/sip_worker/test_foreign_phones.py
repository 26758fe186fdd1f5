"""The worker between phones that share no code with it: sipp calls, baresip stands behind the edge."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from cti_engine.core.commands import AnswerLeg, EndLeg, StartRecording
from cti_engine.core.signals import (
    DigitPressed,
    InviteReceived,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegHeld,
    LegRinging,
    RecordingEnded,
)
from cti_engine.wire.tokens import SIGNATURE_HEADER, SOURCE_HEADER, edge_signature
from tests.phones.baresip import Baresip
from tests.phones.media import Digit, Tone, write_pcap
from tests.phones.sipp import SCENARIOS, Sipp
from tests.phones.tones import tone_margin_db, tone_wav
from tests.sip_worker.world import NAME, SECRET, World

CALL_ID = "placed-by-the-edge"


def placed_scenario(name: str, folder: Path) -> Path:
    """A caller's scenario whose INVITE carries the edge's signature."""
    return signed(SCENARIOS / f"{name}.xml", folder)


def signed(scenario: Path, folder: Path) -> Path:
    """A copy of the scenario whose INVITE carries the edge's signature."""
    lines = (
        f"Call-ID: [call_id]\n      {SOURCE_HEADER}: guest\n"
        f"      {SIGNATURE_HEADER}: {edge_signature(SECRET, CALL_ID, 'guest')}\n"
    )
    path = folder / f"{scenario.stem}.xml"
    path.write_text(scenario.read_text().replace("Call-ID: [call_id]\n", lines, 1))
    return path


async def test_sipp_talks_to_baresip(world: World, tmp_path: Path) -> None:
    """Tones both ways, digits both ways, a stereo recording, and the caller's BYE: all as with our own phones."""
    said = write_pcap(tmp_path / "said.pcap", Tone(440, 1.0), Digit("7"), Tone(440, 2.0))
    async with Baresip(
        "agent", "", "127.0.0.1", 5060, tmp_path / "agent", play=tone_wav(tmp_path / "880.wav", 880)
    ) as agent:
        await world.start(edge_port=agent.sip_port)
        caller = Sipp(
            *(placed_scenario("caller", tmp_path), tmp_path / "sipp"),
            to=world.sip, number="2000", name="Sipp", calls=1, talk=3.2, play=said, extra=("-cid_str", CALL_ID),
        )  # fmt: skip
        async with caller:
            invite = await world.engine.gets(InviteReceived)
            assert (invite.ani, invite.name, invite.dnis) == ("+12135550100", "Sipp", "2000")
            world.engine.order(AnswerLeg(NAME, invite.leg))
            world.dial("agent", invite.ani, "Sipp")
            await world.engine.gets(LegAnswered, leg="a1")
            world.bridge(invite.leg, "a1")
            world.engine.order(StartRecording(NAME, "r1", "r1", invite.leg, "a1"))
            assert (await agent.told("CALL_ESTABLISHED")).peer == "sip:+12135550100@cti.test"
            await agent.digits("5")
            await world.engine.gets(DigitPressed, leg="a1", digit="5", method="rfc4733")
            await world.engine.gets(DigitPressed, leg=invite.leg, digit="7", method="rfc4733")
            assert (await world.engine.gets(LegEnded, leg=invite.leg)).by == "remote"
            world.engine.order(EndLeg(NAME, "a1"))
            await agent.told("CALL_CLOSED")
            assert (await caller.finished()).successful == 1
        heard = agent.recordings()[0].heard
        recording = Path((await world.engine.gets(RecordingEnded)).path)
    assert tone_margin_db(heard, wanted=440, unwanted=880) > 20
    assert tone_margin_db(recording, wanted=440, unwanted=880, channel=0) > 20
    assert tone_margin_db(recording, wanted=880, unwanted=440, channel=1) > 20


async def test_baresip_rings_and_refuses(world: World, tmp_path: Path) -> None:
    """A baresip that rings and hangs up is told as ringing, then as failed with 486."""
    async with Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent", answer="manual") as agent:
        await world.start(edge_port=agent.sip_port)
        await world.call_in(await world.phone())
        world.dial("agent", "+1", "Ann")
        await world.engine.gets(LegRinging, leg="a1")
        await agent.told("CALL_INCOMING")
        await agent.hang_up()
        assert (await world.engine.gets(LegFailed, leg="a1")).sip_code == 486


async def test_baresip_hangs_up(world: World, tmp_path: Path) -> None:
    """An answered baresip that hangs up ends its leg by the remote side."""
    async with Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent") as agent:
        await world.start(edge_port=agent.sip_port)
        await world.call_in(await world.phone())
        world.dial("agent", "+1", "Ann")
        await world.engine.gets(LegAnswered, leg="a1")
        await agent.told("CALL_ESTABLISHED")
        await agent.hang_up()
        assert (await world.engine.gets(LegEnded, leg="a1")).by == "remote"


async def test_baresip_vanishes(world: World, tmp_path: Path) -> None:
    """A phone killed in mid-call says no BYE: without RTP its leg ends by media_timeout, once, and at once; the
    caller's leg, whose RTP comes, and a silent phone that holds stay."""
    async with Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent") as agent:
        await world.start(edge_port=agent.sip_port, media_timeout=1.2)
        leg = await world.call_in(await world.phone())
        world.dial("agent", "+1", "Ann")
        await world.engine.gets(LegAnswered, leg="a1")
        world.bridge(leg, "a1")
        await agent.told("CALL_ESTABLISHED")
        await agent.hold()
        await world.engine.gets(LegHeld, leg="a1", held=True)
        beats = len(world.worker.events)
        await world.worker.changes.until(
            lambda: len(world.worker.events) > beats + 3, lambda: world.worker.events, 8
        )  # two seconds and more in which the phone holds and sends nothing
        await agent.resume()
        await world.engine.gets(LegHeld, leg="a1", held=False)
        assert not any(isinstance(one, LegEnded) for one in world.engine.signals)
        os.kill(agent.pid, signal.SIGKILL)
        await world.engine.gets(LegEnded, timeout=3.0, leg="a1", by="media_timeout")
        world.engine.order(EndLeg(NAME, leg))
        await world.engine.gets(LegEnded, leg=leg, by="local")
    assert [one.leg for one in world.engine.signals if isinstance(one, LegEnded)] == ["a1", leg]


async def test_worker_left_alone_ends_by_itself(world: World, tmp_path: Path) -> None:
    """Supervisor and engine are gone and so are both phones: no RTP ends the call, and the worker ends after it."""
    async with Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent") as agent:
        await world.start(edge_port=agent.sip_port, media_timeout=1.2)
        phone = await world.phone()
        leg = await world.call_in(phone)
        world.dial("agent", "+1", "Ann")
        await world.engine.gets(LegAnswered, leg="a1")
        world.bridge(leg, "a1")
        await agent.told("CALL_ESTABLISHED")
        await world.engine.stop()
        world.worker.pipe.close()
        os.kill(agent.pid, signal.SIGKILL)
        phone.kill()
        assert await world.worker.exits(timeout=45.0) == 0
