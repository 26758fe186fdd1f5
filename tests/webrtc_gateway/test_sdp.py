"""Offers of workers are answered with PCMU, or refused in words."""

from __future__ import annotations

import pytest

from cti_engine.webrtc_gateway.sdp import NoAudio, Offer, answer, read_offer

PJSIP = b"""v=0\r
o=- 3972 3972 IN IP4 10.0.0.5\r
s=pjmedia\r
b=AS:84\r
t=0 0\r
a=X-nat:0\r
m=audio 20004 RTP/AVP 8 0 120\r
c=IN IP4 10.0.0.6\r
b=TIAS:64000\r
a=rtcp:20005 IN IP4 10.0.0.6\r
a=sendrecv\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:120 telephone-event/8000\r
a=fmtp:120 0-16\r
m=video 0 RTP/AVP 31\r
c=IN IP4 10.0.0.7\r
a=sendonly\r
"""


def test_a_worker_is_read() -> None:
    """The audio stream's address before the session's, other streams without effect."""
    assert read_offer(PJSIP) == Offer("10.0.0.6", 20004, "sendrecv")


def test_an_answer_mirrors_the_offer() -> None:
    """PCMU alone, and the direction seen from our side."""
    text = answer(Offer("10.0.0.6", 20004, "sendonly"), "10.0.0.9", 4000, 2)
    assert b"m=audio 4000 RTP/AVP 0\r\n" in text
    assert read_offer(text) == Offer("10.0.0.9", 4000, "recvonly")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"v=0\r\nm=video 9 RTP/AVP 96\r\nc=IN IP4 10.0.0.1\r\n",
        b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 9 RTP/AVP 8 9\r\n",
        b"v=0\r\nm=audio 9 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 phones.example\r\nm=audio 9 RTP/AVP 0\r\n",
        b"v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 99999 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio x RTP/AVP 0\r\nc=IN\r\na=\xff\r\n",
    ],
)
def test_no_audio_for_us(body: bytes) -> None:
    """No body, no audio, a port of 0, other codecs, no address: each is refused in words."""
    with pytest.raises(NoAudio):
        read_offer(body)
