"""sipp callers by how they send keys: the scenario `caller`, without telephone-event, or with SIP INFO beside it."""

from __future__ import annotations

from pathlib import Path

from tests.phones.sipp import SCENARIOS

_OFFER = "RTP/AVP 0 101"
_EVENT_LINES = ("a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16")
_PLAY = '  <nop>\n    <action><exec play_pcap_audio="media.pcap"/></action>\n  </nop>\n'
_INFO = """  <pause milliseconds="{pause}"/>
  <send retrans="500">
    <![CDATA[
      INFO [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
      [routes]
      From: "[name]" <sip:[ani]@[local_ip]:[local_port]>;tag=[call_number]from[pid]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: {cseq} INFO
      Max-Forwards: 70
      Content-Type: application/dtmf-relay
      Content-Length: [len]

      Signal={key}
      Duration=160
    ]]>
  </send>
  <recv response="200"/>
"""


def caller(
    folder: Path, *, telephone_event: bool = False, info: str = "", pause: float = 0.3, plays: bool = True
) -> Path:
    """A scenario's file; `info` are keys sent by INFO, each `pause` seconds after the one before."""
    text = (SCENARIOS / "caller.xml").read_text()
    if not telephone_event:
        text = text.replace(_OFFER, "RTP/AVP 0")
        for line in _EVENT_LINES:
            text = text.replace(f"      {line}\n", "")
        assert "telephone-event" not in text
    blocks = "".join(
        _INFO.format(pause=round(pause * 1000), cseq=2 + number, key=key) for number, key in enumerate(info)
    )
    assert _PLAY in text
    text = text.replace(_PLAY, (_PLAY if plays else "") + blocks).replace(
        "CSeq: 2 BYE", f"CSeq: {2 + len(info)} BYE"
    )
    path = folder / "caller_by_keys.xml"
    path.write_text(text)
    return path
