"""RTP from changing sources becomes one stream, and nonsense is no RTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_engine.webrtc_gateway import rtp
from cti_engine.webrtc_gateway.rtp import FRAME, PCMU, SILENCE, Packet, Stream


def packet(sequence: int, ssrc: int = 1, timestamp: int | None = None) -> Packet:
    timestamp = sequence * FRAME if timestamp is None else timestamp
    return Packet(PCMU, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, b"\x00" * FRAME)


def sent(data: bytes) -> Packet:
    read = rtp.read(data)
    assert read is not None
    return read


def test_losses_stay_losses() -> None:
    """A gap in a source's numbers is the same gap in the stream, also across the wrap of 16 bits."""
    stream = Stream(7, (100, 1000))
    numbers = [65534, 65535, 0, 3, 4]
    out = [sent(stream.forward(packet(n), now=n / 50)) for n in numbers]
    assert [p.sequence for p in out] == [101, 102, 103, 106, 107]
    assert all(p.ssrc == 7 for p in out)


def test_a_new_source_goes_on_where_the_last_one_stopped() -> None:
    """A page that is loaded again has another SSRC and other numbers: the stream's next number follows, and its clock
    has gone on by the time that passed."""
    stream = Stream(7, (100, 1000))
    last = sent(stream.forward(packet(9, ssrc=1), now=1.0))
    first = sent(stream.forward(packet(50_000, ssrc=2), now=3.0))
    assert first.sequence == last.sequence + 1
    assert first.timestamp == last.timestamp + 2 * rtp.RATE


def test_silence_stands_in_without_a_jump() -> None:
    """Silence of our own between two packets of one source: numbers without a hole, and a marker where audio begins."""
    stream = Stream(7, (65534, 0))
    datas = [
        stream.forward(packet(9), now=1.0),
        stream.own(SILENCE, now=1.02),
        stream.own(SILENCE, now=1.04),
        stream.forward(packet(30), now=1.06),
    ]
    out = [sent(data) for data in datas]
    assert [p.sequence for p in out] == [65535, 0, 1, 2]
    assert [p.timestamp - out[0].timestamp for p in out] == [0, FRAME, 2 * FRAME, 3 * FRAME]
    assert [bool(data[1] & 0x80) for data in datas] == [True, True, False, True]


def test_a_late_packet_does_not_turn_the_stream_back() -> None:
    """What overtook each other on the way keeps its own number; whoever comes next follows the highest."""
    stream = Stream(7, (100, 0))
    out = [sent(stream.forward(packet(n), now=1.0)).sequence for n in (5, 7, 6)]
    assert out == [101, 103, 102]
    assert sent(stream.own(SILENCE, now=1.02)).sequence == 104


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x00" * 20,
        b"\x90" + b"\x00" * 11,
        b"\x8f" + b"\x00" * 11,
        b"\xa0" + b"\x00" * 10 + b"\xff",
    ],
)
def test_what_is_no_rtp(data: bytes) -> None:
    """Too brief, another version, or headers and padding longer than the packet."""
    assert rtp.read(data) is None


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever a port gets: a packet within its bytes, or None; never an error."""
    read = rtp.read(data)
    assert read is None or read.payload in data
