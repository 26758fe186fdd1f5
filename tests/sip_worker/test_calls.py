"""Legs of a real worker process with real SIP phones: taken, refused, dialled, held and ended."""

from __future__ import annotations

import pytest

from cti_engine.core.commands import (
    AnswerLeg,
    DialLeg,
    EndLeg,
    RejectLeg,
    SetAudioPaths,
    StopRecording,
)
from cti_engine.core.signals import (
    CommandRefused,
    InviteReceived,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegHeld,
    LegRinging,
    TransferAsked,
)
from tests.sip_worker.world import NAME, World, port_of


async def test_invite_is_answered_180_and_told(world: World) -> None:
    """A placed INVITE rings at once; the engine learns number, name, source and trusted headers."""
    await world.start()
    phone = await world.phone()
    call_id = phone.call(
        world.sip,
        dnis="1000",
        source="trunk:acme",
        P_Asserted_Identity='"Real Name" <sip:+13105559999@carrier.example>',
        Diversion="<sip:700@x>;reason=busy",
    )
    await phone.tells("state", "EARLY", 180)
    invite = await world.engine.gets(InviteReceived)
    assert invite.worker == NAME and invite.leg.startswith(f"{NAME}/")
    assert (invite.ani, invite.name, invite.dnis) == ("+13105559999", "Real Name", "1000")
    assert (invite.source, invite.call_id) == ("trunk:acme", call_id)
    assert invite.headers["Diversion"] == "<sip:700@x>;reason=busy"
    await world.edge.sees(free=False)


async def test_unsigned_invite_is_refused(world: World) -> None:
    """An INVITE that the edge did not sign gets 403, and the engine hears nothing of it."""
    await world.start()
    phone = await world.phone()
    phone.call(world.sip, signed=False)
    await phone.tells("state", "DISCONNECTED", 403)
    assert world.engine.signals == []
    await world.call_in(phone)  # and the worker takes the next one


async def test_second_caller_gets_busy(world: World) -> None:
    """One interaction at a time: a second INVITE is answered 503, so that the edge asks another worker."""
    await world.start()
    first, second = await world.phone(), await world.phone()
    leg = await world.call_in(first)
    second.call(world.sip)
    await second.tells("state", "DISCONNECTED", 503)
    world.engine.order(EndLeg(NAME, leg))
    assert (await world.engine.gets(LegEnded)).leg == leg


async def test_reject(world: World) -> None:
    """RejectLeg answers with its code; the leg has ended by us, and the worker is free again."""
    await world.start()
    phone = await world.phone()
    phone.call(world.sip)
    invite = await world.engine.gets(InviteReceived)
    world.engine.order(RejectLeg(NAME, invite.leg, 404, "nobody here"))
    ended = await world.engine.gets(LegEnded, leg=invite.leg)
    assert (ended.by, ended.sip_code) == ("local", 404)
    await phone.tells("state", "DISCONNECTED", 404)
    await world.edge.sees(free=True)


async def test_caller_cancels(world: World) -> None:
    """CANCEL before the answer ends the leg by the remote side with 487."""
    await world.start()
    phone = await world.phone()
    phone.call(world.sip)
    invite = await world.engine.gets(InviteReceived)
    await phone.tells("state", "EARLY")
    phone.do("hangup")
    ended = await world.engine.gets(LegEnded, leg=invite.leg)
    assert (ended.by, ended.sip_code) == ("remote", 487)
    await world.edge.sees(free=True)


async def test_bye_from_either_side(world: World) -> None:
    """A BYE from the phone is `remote`, ours is `local` and carries the Reason; then the worker is ready."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    phone.do("hangup")
    assert (await world.engine.gets(LegEnded, leg=leg)).by == "remote"
    await world.edge.sees(free=True)
    phone.events.clear()
    leg = await world.call_in(phone)
    world.engine.order(EndLeg(NAME, leg, reason="queue time-out"))
    assert (await world.engine.gets(LegEnded, leg=leg)).by == "local"
    await phone.tells("state", "DISCONNECTED")
    bye = [event for event in phone.events if event[0] == "message" and event[1].startswith("BYE")]
    assert 'Reason: Q.850;cause=16;text="queue time-out"' in bye[-1][1]
    await world.edge.sees(free=True)
    assert world.worker.events[-1]["done"] == 2


async def test_dial_through_the_edge(world: World) -> None:
    """DialLeg's INVITE goes to the edge with target, token and caller; ringing, answer and dialog are told."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    leg = await world.call_in(await world.phone())
    world.engine.order(
        DialLeg(NAME, "a1", "c1", "maria", "+13105550123", 'Ann "A" Ng', {"X-CTI-Token": "tok"})
    )
    ringing = await world.engine.gets(LegRinging, leg="a1")
    assert ringing.sip_code == 180 and ringing.dialog is not None and ringing.dialog.remote_tag
    dialog = (await world.engine.gets(LegAnswered, leg="a1")).dialog
    invite = str((await agent.tells("invite"))[1])
    assert invite.startswith("INVITE sip:maria@cti.test SIP/2.0")
    assert f"Route: <sip:127.0.0.1:{await port_of(agent)};lr>" in invite
    assert "X-CTI-Token: tok" in invite
    assert 'From: "Ann \\"A\\" Ng" <sip:+13105550123@cti.test>' in invite
    assert 'P-Asserted-Identity: "Ann \\"A\\" Ng" <sip:+13105550123@cti.test>' in invite
    assert f"Call-ID: {dialog.call_id}" in invite and f"tag={dialog.local_tag}" in invite
    assert dialog.remote_uri == "sip:maria@cti.test" and dialog.remote_tag
    assert dialog.remote_target.endswith(await agent.address())
    agent.do("hangup")
    assert (await world.engine.gets(LegEnded, leg="a1")).by == "remote"
    assert leg in str(world.engine.signals)


@pytest.mark.parametrize("code", [486, 480, 603])
async def test_dialled_phone_refuses(world: World, code: int) -> None:
    """A final answer before 200 is LegFailed with its code."""
    agent = await world.phone(880, answers=(180, code))
    await world.start(edge_port=await port_of(agent))
    await world.call_in(await world.phone())
    world.engine.order(DialLeg(NAME, "a1", "c1", "maria", "+1"))
    assert (await world.engine.gets(LegFailed, leg="a1")).sip_code == code


async def test_ringing_phone_is_cancelled(world: World) -> None:
    """EndLeg on a ringing dialled leg sends CANCEL: LegFailed 487, the phone stops ringing."""
    agent = await world.phone(880, answers=(180,))
    await world.start(edge_port=await port_of(agent))
    await world.call_in(await world.phone())
    world.engine.order(DialLeg(NAME, "a1", "c1", "maria", "+1"))
    await world.engine.gets(LegRinging, leg="a1")
    world.engine.order(EndLeg(NAME, "a1"))
    assert (await world.engine.gets(LegFailed, leg="a1")).sip_code == 487
    await agent.tells("state", "DISCONNECTED", 487)


async def test_phone_holds_and_resumes(world: World) -> None:
    """A phone's re-INVITE with sendonly is told as held, and taken back as not held."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    phone.do("hold")
    await world.engine.gets(LegHeld, leg=leg, held=True)
    phone.do("resume")
    await world.engine.gets(LegHeld, leg=leg, held=False)


async def test_refer_is_told_and_refused(world: World) -> None:
    """REFER gets 603 and is told with its target; no call of pjsua2's own is made."""
    await world.start()
    phone = await world.phone()
    leg = await world.call_in(phone)
    phone.do("refer", "sip:boss@cti.test?Replaces=abc%3Bto-tag%3D1")
    asked = await world.engine.gets(TransferAsked, leg=leg)
    assert (asked.target, asked.replaces) == ("sip:boss@cti.test", "abc;to-tag=1")
    await phone.tells("transfer", 603)
    assert world.worker.events[-1]["legs"] == 1


async def test_commands_that_cannot_be_done(world: World) -> None:
    """Each impossible command is refused with its code, and the call goes on."""
    agent = await world.phone(880, answers=(180,))
    await world.start(edge_port=await port_of(agent))
    leg = await world.call_in(await world.phone())
    order = world.engine.order
    order(EndLeg(NAME, "nobody"))
    order(AnswerLeg(NAME, leg))
    order(DialLeg(NAME, leg, "c1", "maria", "+1"))
    order(StopRecording(NAME, "none"))
    order(SetAudioPaths(NAME, ((leg, "nobody"),)))
    world.engine.send("PlayFiles", {"leg": leg, "playback": "p", "files": ["/nowhere.wav"]})
    world.engine.send("PlayFiles", {"leg": leg})
    world.engine.send("NoSuchCommand", {"leg": leg})
    refused = await world.engine.gets(CommandRefused, command="NoSuchCommand")
    codes = [(one.command, one.code) for one in world.engine.signals if isinstance(one, CommandRefused)]
    assert codes == [
        ("EndLeg", "no_such_leg"),
        ("AnswerLeg", "wrong_state"),
        ("DialLeg", "wrong_state"),
        ("StopRecording", "wrong_state"),
        ("PlayFiles", "bad_file"),
        ("PlayFiles", "failed"),
        ("NoSuchCommand", "failed"),
    ]
    assert refused.leg == leg
    order(EndLeg(NAME, leg))
    await world.engine.gets(LegEnded, leg=leg)


async def test_fifth_leg_is_refused(world: World) -> None:
    """An interaction has four legs; dialling one more is refused with no_leg_left."""
    agent = await world.phone(880, answers=(180,))
    await world.start(edge_port=await port_of(agent))
    await world.call_in(await world.phone())
    for number in range(4):
        world.engine.order(DialLeg(NAME, f"a{number}", "c1", "maria", "+1"))
    refused = await world.engine.gets(CommandRefused)
    assert (refused.leg, refused.code) == ("a3", "no_leg_left")
    await world.engine.gets(LegRinging, leg="a2")
