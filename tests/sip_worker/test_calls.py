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
    TellTransfer,
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
from tests.sip_worker.world import NAME, Phone, World, port_of


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


async def refers(world: World, target: str) -> Phone:
    """An agent's phone (leg a1) in a call sends REFER."""
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    await world.call_in(await world.phone())
    await world.dialled(transfers=True)
    agent.do("refer", target)
    return agent


async def test_an_agents_refer_is_taken_told_and_reported(world: World) -> None:
    """202 and NOTIFY 100 at once, then what the engine says came of it; pjsua2 dials nobody, and the call goes on."""
    agent = await refers(world, "sip:+34911234567@cti.test;transport=udp")
    asked = await world.engine.gets(TransferAsked, leg="a1")
    assert (asked.target, asked.replaces) == ("+34911234567", "")
    await agent.tells("transfer", 100)
    world.engine.order(TellTransfer(NAME, "a1", 486))
    await agent.tells("transfer", 486)
    await world.edge.agents("maria")
    assert world.worker.events[-1]["legs"] == 2
    world.engine.order(EndLeg(NAME, "a1"))
    await world.engine.gets(LegEnded, leg="a1", by="local")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("sip:bob@elsewhere.example", 603),
        ("mailto:bob@cti.test", 603),
        ("sip:bob@cti.test?Subject=x", 603),
        ("sip:bob@cti.test;method=BYE", 603),
        ("sip:bob@cti.test?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2", 603),
        ("sip:bob%0d%0aX-CTI-Trunk%3a%20gold@cti.test", 400),
    ],
)
async def test_a_refer_that_asks_for_what_is_not_done(world: World, target: str, code: int) -> None:
    """It is refused, the engine hears nothing of it, and a proper one is taken afterwards."""
    agent = await refers(world, f"<{target}>")
    await agent.tells("transfer", code)
    agent.do("refer", "sip:201@cti.test")
    await world.engine.gets(TransferAsked, target="201")
    assert [each.target for each in world.engine.signals if isinstance(each, TransferAsked)] == ["201"]


async def test_a_second_refer_waits_for_the_first(world: World) -> None:
    """While one transfer is under way another gets 603; the first is told how it comes out all the same."""
    agent = await refers(world, "sip:201@cti.test")
    await agent.tells("transfer", 100)
    agent.do("refer", "sip:202@cti.test")
    await agent.gets("SIP/2.0 603 ", "REFER")
    world.engine.order(TellTransfer(NAME, "a1", 200))
    await agent.gets("NOTIFY ", "\r\n\r\nSIP/2.0 200 OK")
    assert [each.target for each in world.engine.signals if isinstance(each, TransferAsked)] == ["201"]


async def test_a_callers_refer_is_refused(world: World) -> None:
    """603: only an agent's phone transfers calls; no call of pjsua2's own is made."""
    await world.start()
    phone = await world.phone()
    await world.call_in(phone)
    phone.do("refer", "sip:boss@cti.test")
    await phone.tells("transfer", 603)
    assert not any(isinstance(each, TransferAsked) for each in world.engine.signals)
    assert world.worker.events[-1]["legs"] == 1


async def test_an_agents_second_line_comes_to_the_worker_of_the_call(world: World) -> None:
    """Its INVITE is told as a leg of this worker while a stranger's gets 503; a REFER whose Replaces names it is told
    with that leg.
    """
    agent = await world.phone(880)
    await world.start(edge_port=await port_of(agent))
    await world.call_in(await world.phone())
    await world.dialled(transfers=True)
    await world.edge.agents("maria")
    line = await world.phone(660)
    call_id = line.call(world.sip, dnis="201", source="account:maria")
    second = await world.engine.gets(InviteReceived, call_id=call_id)
    assert (second.source, second.dnis) == ("account:maria", "201")
    world.engine.order(AnswerLeg(NAME, second.leg))
    dialog = (await world.engine.gets(LegAnswered, leg=second.leg)).dialog
    tags = f"to-tag%3D{dialog.local_tag}%3Bfrom-tag%3D{dialog.remote_tag}"
    agent.do("refer", f"<sip:201@cti.test?Replaces={call_id}%3B{tags}>")
    asked = await world.engine.gets(TransferAsked, leg="a1")
    assert asked.replaces == second.leg
    stranger = await world.phone(550)
    stranger.call(world.sip, dnis="201", source="account:john")
    await stranger.tells("state", "DISCONNECTED", 503)


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
