"""The toolkit proves itself: phones call each other without anything of ours between them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.phones.baresip import Baresip
from tests.phones.capture import Capture
from tests.phones.child import Child, MissingTool, tool
from tests.phones.media import Digit, Tone, write_pcap
from tests.phones.rtp import RtpPacket, streams
from tests.phones.sipp import Sipp
from tests.phones.tones import tone, tone_margin_db, tone_wav, write_wav
from tests.phones.waiting import until


async def test_two_phones_hear_each_others_tone_and_nothing_is_lost(tmp_path: Path) -> None:
    """Each phone's recording holds the other's tone over its own, and the capture has two streams without loss."""
    low, high = tone_wav(tmp_path / "440.wav", 440), tone_wav(tmp_path / "880.wav", 880)
    caller = Baresip("caller", "", "127.0.0.1", 5060, tmp_path / "caller", play=low)
    agent = Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent", play=high, answer="manual")
    async with Capture(tmp_path) as capture, caller, agent:
        await caller.dial(agent.address)
        ringing = await caller.told("CALL_RINGING")
        await agent.told("CALL_INCOMING")
        await agent.accept()
        established = await caller.told("CALL_ESTABLISHED")
        await caller.digits("5")
        pressed = await agent.told("CALL_DTMF_START")
        await until(
            lambda: (
                len(capture.rtp(ports=agent.rtp_ports)) == 2
                and all(len(s.packets) > 75 for s in capture.rtp(ports=agent.rtp_ports))
            ),
            "1.5 s of talk",
        )
        await agent.hang_up()
        await caller.told("CALL_CLOSED")
        await agent.told("CALL_CLOSED")
        await capture.caught_up()

    assert pressed.param == "5"
    (invite,) = capture.sip(method="INVITE", status=0, to_port=agent.sip_port)
    of_call = capture.sip(call_id=invite.call_id)
    assert [(sip.status, sip.method) for sip in of_call] == [
        (0, "INVITE"), (180, "INVITE"), (200, "INVITE"), (0, "ACK"), (0, "BYE"), (200, "BYE"),
    ]  # fmt: skip
    rang, answered = of_call[1].at, of_call[2].at
    assert 0 <= ringing.at - rang < 0.1, "a phone's events come as soon as they happen"
    assert 0 <= established.at - answered < 0.1

    both = capture.rtp(ports=agent.rtp_ports)
    assert len(both) == 2
    assert [stream.lost for stream in both] == [0, 0]
    assert all(len(stream.packets) > 60 for stream in both)
    assert tone_margin_db(caller.recordings()[0].heard, wanted=880, unwanted=440) > 20
    assert tone_margin_db(agent.recordings()[0].heard, wanted=440, unwanted=880) > 20


async def test_sipp_speaks_and_presses_a_key_that_baresip_understands(tmp_path: Path) -> None:
    """The pcap's tone is heard and its RFC 4733 digit is one key press at a phone that is not sipp."""
    said = write_pcap(tmp_path / "said.pcap", Tone(440, 0.6), Digit("7"), Tone(440, 1.5))
    async with (
        Baresip("agent", "", "127.0.0.1", 5060, tmp_path / "agent") as agent,
        Capture(tmp_path) as capture,
    ):
        async with Sipp(
            "caller",
            tmp_path / "sipp",
            to=f"127.0.0.1:{agent.sip_port}",
            number="agent",
            calls=1,
            talk=2.2,
            play=said,
        ) as caller:
            figures = await caller.finished(within=15)
        await agent.told("CALL_CLOSED")
        await capture.caught_up()
        (stream,) = [
            s for s in capture.rtp(ports=agent.rtp_ports) if s.source.endswith(f":{caller.media_port}")
        ]
    assert (figures.successful, figures.failed) == (1, 0)
    assert [event.param for event in agent.events if event.type == "CALL_DTMF_START"] == ["7"]
    assert tone_margin_db(agent.recordings()[0].heard, wanted=440, unwanted=880) > 20
    assert stream.lost == 0
    assert {packet.payload_type for packet in stream.packets} == {0, 101}


@pytest.mark.parametrize(
    ("caller", "agent", "successful"),
    [
        ("caller_silent", "agent_silent", (1, 1)),
        ("caller_silent", "agent_busy", (0, 1)),
        ("caller_silent", "agent_rejects", (0, 1)),
        ("caller_cancels", "agent_rings", (1, 1)),
    ],
)
async def test_sipp_callers_and_agents_play_their_parts(
    tmp_path: Path, caller: str, agent: str, successful: tuple[int, int]
) -> None:
    """Every agent scenario ends as named; a caller that wanted an answer and was refused counts as failed."""
    there = Sipp(agent, tmp_path / "agent", calls=1, ring=0.1)
    here = Sipp(caller, tmp_path / "caller", to=there.address, calls=1, talk=0.1, ring=0.1)
    async with there, here:
        mine, theirs = await here.over(within=15), await there.over(within=15)
    assert (mine.successful, theirs.successful) == successful
    assert mine.failed == 1 - successful[0]


async def test_an_agent_of_sipp_hangs_up(tmp_path: Path) -> None:
    """The BYE of an agent ends a caller who stays."""
    said = write_pcap(tmp_path / "said.pcap", Tone(440, 0.5))
    agent = Sipp("agent_hangs_up", tmp_path / "agent", calls=1, talk=0.3)
    caller = Sipp("caller_stays", tmp_path / "caller", to=agent.address, calls=1, play=said)
    async with agent, caller:
        assert (await caller.finished(within=15)).successful == 1
        assert (await agent.finished(within=15)).successful == 1


async def test_sipp_registers_with_digest(tmp_path: Path) -> None:
    """A REGISTER is answered 401 and comes again with credentials."""
    keys = {"contact": "127.0.0.1:7777", "expires": "60"}
    registrar = Sipp("registrar", tmp_path / "registrar", calls=1)
    phone = Sipp(
        "register",
        tmp_path / "phone",
        to=registrar.address,
        number="maria",
        password="secret",
        calls=1,
        keys=keys,
    )
    async with registrar, phone:
        await phone.finished(within=15)
    assert 'username="maria"' in registrar.messages()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_registers_over_udp_and_tcp(tmp_path: Path, transport: str) -> None:
    """A phone with a password is ready when its registrar has taken it, over either transport."""
    # It forgets a call at once, so that the same phone can come back and un-register.
    registrar = Sipp("registrar", tmp_path / "sipp", transport=transport, extra=("-deadcall_wait", "0"))
    phone = Baresip("maria", "secret", "127.0.0.1", registrar.port, tmp_path / "phone", transport=transport)
    async with registrar, phone:
        assert "200 OK" in phone.log()


async def test_capture_reads_sip_over_tcp(tmp_path: Path) -> None:
    """Messages on a TCP connection are cut apart by their lengths."""
    async with Capture(tmp_path) as capture:
        async with (
            Sipp("agent_silent", tmp_path / "agent", calls=3, transport="tcp") as agent,
            Sipp(
                "caller_silent",
                tmp_path / "caller",
                to=agent.address,
                calls=3,
                rate=3,
                talk=0.1,
                transport="tcp",
            ) as caller,
        ):
            await caller.finished(within=15)
        await capture.caught_up()
    assert len(capture.sip(method="INVITE", status=0, to_port=agent.port)) == 3
    assert len(capture.sip(method="BYE", status=200, source_port=agent.port)) == 3


def test_loss_and_gaps_come_from_numbers_and_times() -> None:
    """Two numbers missing over the 16-bit wrap are two lost; the gap is where they are missing."""
    numbers = [65533, 65534, 1, 2]
    (stream,) = streams(
        RtpPacket(at=100 + ((number - 65533) % 65536) * 0.02, source="a:1", to="b:2", ssrc=1, sequence=number,
                  payload_type=0, payload=b"")
        for number in numbers
    )  # fmt: skip
    assert stream.lost == 2
    assert stream.longest_gap_ms == pytest.approx(60)


def test_a_tone_stands_over_silence_and_a_wrong_tone_below(tmp_path: Path) -> None:
    """The margin is positive for the tone that is there and negative for the one that is not."""
    wav = write_wav(tmp_path / "a.wav", tone(440, 1))
    assert tone_margin_db(wav, 440, 880) > 60
    assert tone_margin_db(wav, 880, 440) < -60
    assert tone_margin_db(write_wav(tmp_path / "b.wav", tone(440, 0.05)), 440, 880) == 0


async def test_a_child_that_ends_early_says_so(tmp_path: Path) -> None:
    """Waiting for a log line of a dead child fails at once, with its log."""
    async with Child(["/bin/sh", "-c", "echo broken; exit 7"], tmp_path, name="sh") as child:
        with pytest.raises(AssertionError, match=r"(?s)ended \(7\).*broken"):
            await child.logged("ready", within=5)


async def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    """A child that ignores TERM is gone after the grace."""
    async with Child(
        ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"], tmp_path, name="sh"
    ) as sh:
        await sh.logged("up")
        assert await asyncio.wait_for(sh.stop(within=0.2), 5) == -9


def test_a_missing_tool_is_named() -> None:
    """A test without its tool fails and says what to install."""
    with pytest.raises(MissingTool, match="no-such-phone is not installed"):
        tool("no-such-phone")
