"""The worker's pure parts: matrix difference, header texts, files of a recording, policy alone, flood brake."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from cti_engine.sip_worker import away, sip_text, stereo
from cti_engine.sip_worker.away import LegNow, Partners, Release
from cti_engine.sip_worker.conference import difference
from cti_engine.sip_worker.flood import REJECTS_A_WINDOW, WINDOW, FloodBrake
from cti_engine.sip_worker.media_watch import LOOKS, MediaWatch
from cti_engine.sip_worker.recorder import target_of
from cti_engine.sip_worker.sip_text import Headers
from tests.sip_worker import tones

INVITE = (
    "INVITE sip:2000@10.0.0.1:5070 SIP/2.0\r\n"
    "v: SIP/2.0/UDP 10.0.0.9\r\n"
    'f: "Ana \\"la jefa\\", S.A." <sip:+34600%20@a.b>;x=y;tag=t1\r\n'
    "To: sip:2000@cti.test;z=1\r\n"
    "i: c1\r\n"
    "Record-Route: <sip:p1;lr>, <sip:p2;lr;x=1,2>\r\n"
    "Record-Route:\r\n <sip:p3;lr>\r\n"
    "Contact: <sip:ana@10.0.0.9:5090;transport=udp>;expires=3\r\n"
    "Diversion: <sip:1@x>;reason=busy\r\n"
    "User-to-User: 56a3;encoding=hex\r\n\r\nFrom: body"
)


# --- who hears whom ----------------------------------------------------------------------------


def test_matrix_difference_touches_only_what_changes() -> None:
    """Going from one bridge to another keeps the common path and names what to connect and disconnect."""
    connect, disconnect = difference({("a", "b"), ("b", "a")}, {("a", "b"), ("c", "a")})
    assert connect == {("c", "a")}
    assert disconnect == {("b", "a")}


# --- SIP texts ---------------------------------------------------------------------------------


def test_dialog_of_an_incoming_invite() -> None:
    """As callee the route set keeps the INVITE's order; compact, folded and list headers are read."""
    dialog = sip_text.dialog_as_callee(Headers(INVITE), "ours")
    assert dialog.call_id == "c1"
    assert (dialog.local_uri, dialog.local_tag) == ("sip:2000@cti.test", "ours")
    assert (dialog.remote_uri, dialog.remote_tag) == ("sip:+34600%20@a.b", "t1")
    assert dialog.remote_target == "sip:ana@10.0.0.9:5090;transport=udp"
    assert dialog.route_set == ("<sip:p1;lr>", "<sip:p2;lr;x=1,2>", "<sip:p3;lr>")


def test_dialog_of_a_dialled_leg() -> None:
    """As caller the route set is the answer's Record-Route reversed, and the CSeq is above any in use."""
    answer = INVITE.replace("INVITE sip:2000@10.0.0.1:5070 SIP/2.0", "SIP/2.0 200 OK")
    dialog = sip_text.dialog_as_caller(Headers(answer.replace("z=1", "tag=theirs")))
    assert (dialog.local_tag, dialog.remote_tag) == ("t1", "theirs")
    assert dialog.route_set == ("<sip:p3;lr>", "<sip:p2;lr;x=1,2>", "<sip:p1;lr>")
    assert dialog.local_cseq > 2**15


def test_who_calls_and_what_was_dialled() -> None:
    """Display name, ANI and DNIS come out unescaped."""
    headers = Headers(INVITE)
    name, uri, _ = sip_text.split_address(headers.get("from"))
    assert name == 'Ana "la jefa", S.A.'
    assert sip_text.user_of(uri) == "+34600 "
    assert sip_text.user_of(headers.request_uri) == "2000"
    assert sip_text.user_of("tel:+1-310;phone-context=x") == "+1-310"


def test_headers_for_the_core_depend_on_trust() -> None:
    """Diversion counts only from a trunk; User-to-User from anybody."""
    assert sip_text.headers_for_core(Headers(INVITE), trusted=False) == {"User-to-User": "56a3;encoding=hex"}
    assert sip_text.headers_for_core(Headers(INVITE), trusted=True)["Diversion"] == "<sip:1@x>;reason=busy"


def test_no_text_smuggles_in_a_header() -> None:
    """Names, numbers and reasons with line ends or quotes stay inside their own header."""
    value = sip_text.address('Eve" <sip:x>\r\nX: y', "1\r\n2", "r.test")
    assert value == '"Eve\\" <sip:x>X: y" <sip:1%0D%0A2@r.test>'
    assert sip_text.reason_header(486, 'no "way"\r\n') == "SIP;cause=486;text=\"no 'way'\""
    assert sip_text.reason_header(0, "done") == 'Q.850;cause=16;text="done"'


@pytest.mark.parametrize("text", ["", "\r\n\r\n", "INVITE", ":\r\n:::", 'INVITE x SIP/2.0\r\nFrom: "<;,'])
def test_nonsense_is_read_as_nothing(text: str) -> None:
    """Malformed messages never raise: what cannot be read is empty."""
    headers = Headers(text)
    dialog = sip_text.dialog_as_callee(headers, "")
    assert dialog.call_id == "" and dialog.remote_tag == ""
    assert sip_text.headers_for_core(headers, trusted=True) == {}


# --- recordings --------------------------------------------------------------------------------


def test_interleave_fills_up_the_shorter_side(tmp_path: Path) -> None:
    """Caller is left, agent right; the stereo file is as long as the longer side."""
    left = Path(tones.write(tmp_path / "l.wav", 440, 5.0))
    right = Path(tones.write(tmp_path / "r.wav", 880, 2.0))
    seconds = stereo.interleave(left, right, tmp_path / "deep" / "x.wav")
    assert seconds == 5.0
    one, other = tones.read(tmp_path / "deep" / "x.wav")
    assert len(one) == len(other) == 5 * tones.RATE
    assert tones.level(one, 440) > -12 and tones.level(one, 880) < -60
    assert tones.level(other[: 2 * tones.RATE], 880) > -12 and tones.level(other, 440) < -60
    assert not other[2 * tones.RATE :].any()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.wav"]


def test_interleave_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A side that is missing raises OSError, and no half-written file stays."""
    left = Path(tones.write(tmp_path / "l.wav", 440, 0.1))
    with pytest.raises(OSError, match=r"gone\.wav"):
        stereo.interleave(left, tmp_path / "gone.wav", tmp_path / "x.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["l.wav"]


def test_header_of_a_crashed_recording_is_mended(tmp_path: Path) -> None:
    """A file whose lengths were never written, cut inside a sample, becomes a readable WAV."""
    path = Path(tones.write(tmp_path / "x.wav", 440, 1.0))
    raw = bytearray(path.read_bytes()[:-1])
    raw[4:8] = raw[40:44] = struct.pack("<I", 0)
    path.write_bytes(raw)
    assert not stereo.is_closed(path)
    assert stereo.repair(path) == pytest.approx(1.0, abs=0.001)
    assert stereo.is_closed(path)
    with wave.open(str(path)) as file:
        assert file.getnframes() == 7999
    assert tones.level(tones.read(path)[0], 440) > -12


def test_file_without_a_header_is_told(tmp_path: Path) -> None:
    """Nothing can be mended where not even the header was written."""
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF")
    assert not stereo.is_closed(path)
    with pytest.raises(ValueError, match="no WAV header"):
        stereo.repair(path)


def test_recording_name_stays_in_its_folder(tmp_path: Path) -> None:
    """Sub-folders are fine; leading out of the recordings folder is refused."""
    assert target_of(tmp_path, "2026/11/c1") == tmp_path / "2026" / "11" / "c1.wav"
    for name in ("", "../x", "/etc/x", "a/../../x"):
        with pytest.raises(ValueError, match="not inside"):
            target_of(tmp_path, name)


# --- alone -------------------------------------------------------------------------------------


def leg(*partners: str, incoming: bool = True, answered: bool = True, since: float = 0.0) -> LegNow:
    return LegNow(incoming, answered, since, frozenset(partners))


def test_bridged_leg_goes_with_its_partner() -> None:
    """When one of a bridged pair ends, the other is ended."""
    assert away.left_behind("agent", {"caller": leg("agent")}) == ["caller"]


def test_third_party_keeps_the_conference_alive() -> None:
    """Who still hears somebody is not ended."""
    legs = {"caller": leg("agent", "boss"), "boss": leg("agent", "caller", incoming=False)}
    assert away.left_behind("agent", legs) == []


def test_ringing_agent_goes_with_the_caller() -> None:
    """An agent's phone does not ring on for a caller who has left."""
    assert away.left_behind("caller", {"agent": leg(incoming=False, answered=False)}) == ["agent"]


def test_waiting_caller_outlives_a_failed_agent_leg() -> None:
    """A caller who was not bridged yet keeps waiting when the agent's phone fails."""
    assert away.left_behind("agent", {"caller": leg()}) == []


def test_unbridged_caller_is_released_in_time() -> None:
    """The wait counts from the engine's leaving or the call's begin, whichever is later."""
    legs = {"early": leg(), "late": leg(since=130.0), "ringing": leg(answered=False)}
    assert away.due(legs, 100.0, 159.9, 60.0, 3600.0) == []
    assert away.due(legs, 100.0, 160.0, 60.0, 3600.0) == [
        Release("early", True, "engine away"),
        Release("ringing", False, "engine away"),
    ]
    assert Release("late", True, "engine away") in away.due(legs, 100.0, 190.0, 60.0, 3600.0)


def test_bridged_call_lasts_to_its_maximum() -> None:
    """A conversation is not touched before its maximum length."""
    legs = {"caller": leg("agent"), "agent": leg("caller", incoming=False)}
    assert away.due(legs, 100.0, 3599.0, 60.0, 3600.0) == []
    assert [one.leg for one in away.due(legs, 100.0, 3600.0, 60.0, 3600.0)] == ["caller", "agent"]


# --- flood -------------------------------------------------------------------------------------


def test_brake_pauses_for_the_rest_of_the_window() -> None:
    """The limit of rejects in one window pauses the pump; slow rejects never do."""
    now, pauses = [0.0], list[float]()
    brake = FloodBrake(pauses.append, lambda: now[0])
    for _ in range(3 * REJECTS_A_WINDOW):
        now[0] += WINDOW / (REJECTS_A_WINDOW - 2)
        brake.rejected()
    assert pauses == []
    now[0] += WINDOW
    for _ in range(REJECTS_A_WINDOW):
        brake.rejected()
    assert pauses == [pytest.approx(WINDOW)]


# --- phones that vanish ------------------------------------------------------------------------


def test_a_leg_is_silent_after_the_time_out() -> None:
    """A leg is told when no packet came in LOOKS intervals, which are the time-out; any packet starts it anew."""
    watch = MediaWatch(30.0)
    assert watch.interval * LOOKS == 30.0
    counts = [5] * LOOKS + [6] * LOOKS
    assert [watch.silent({"a": count}) for count in counts] == [[]] * len(counts)
    assert watch.silent({"a": 6}) == ["a"]


def test_silence_is_not_counted_on_hold() -> None:
    """What a leg did not send while it held does not count when it is taken back, and legs do not mix."""
    watch = MediaWatch(6.0)
    for _ in range(LOOKS):
        assert watch.silent({"a": 0, "b": 0}) == []
    assert watch.silent({"a": None, "b": 0}) == ["b"]
    for _ in range(LOOKS):
        assert watch.silent({"a": 0}) == []
    assert watch.silent({"a": 0}) == ["a"]


def test_who_is_on_hold_keeps_the_partner() -> None:
    """Hearing each other once is enough, until one of them is over."""
    partners = Partners()
    partners.bridged([("caller", "agent"), ("agent", "caller")])
    partners.bridged([])
    assert partners.of("caller") == frozenset({"agent"})
    assert partners.of("agent") == frozenset({"caller"})
    partners.over("agent")
    assert partners.of("caller") == frozenset() == partners.of("nobody")


def test_who_only_listens_is_nobodys_partner() -> None:
    """A supervisor hears both and is heard by none: when the agent goes, the caller is not left with a silent phone."""
    partners = Partners()
    partners.bridged([("caller", "agent"), ("agent", "caller"), ("caller", "boss"), ("agent", "boss")])
    assert partners.of("boss") == frozenset()
    partners.over("agent")
    assert partners.of("caller") == frozenset()
