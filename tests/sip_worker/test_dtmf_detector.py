"""The detector against the limits of ITU-T Q.24, on synthetic keys; the full table is `make bench-dtmf`."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.key_tones import ALL_KEYS, Press, heard, keys, pressed
from cti_engine.sip_worker.dtmf_detector import DtmfDetector


def hits(press: Press, rounds: int = 4) -> float:
    """The share of all keys that are recognised as themselves and as nothing else."""
    rng = np.random.default_rng(24)
    tried = [key for key in ALL_KEYS for _ in range(rounds)]
    return sum(keys(pressed(key, press, rng)) == key for key in tried) / len(tried)


@pytest.mark.parametrize(
    "press",
    [
        Press(seconds=0.04),
        Press(seconds=2.0),
        Press(level=-25.0),
        Press(level=-3.0),
        Press(twist=4.0),
        Press(twist=-8.0),
        Press(offset=0.015, offset_hz=2.0, seconds=0.04),
        Press(offset=-0.015, offset_hz=2.0, seconds=0.04),
        Press(noise=20.0),
        Press(noise=15.0),
        Press(law="u"),
        Press(law="a"),
        Press(seconds=0.1, gap_at=0.045, gap=0.01),
    ],
    ids=str,
)
def test_what_must_be_a_key(press: Press) -> None:
    """Levels, twist, duration, frequencies, noise, G.711 and a gap of 10 ms within the limits: each key, once."""
    assert hits(press) == 1.0


@pytest.mark.parametrize(
    "press",
    [
        Press(seconds=0.02),
        Press(seconds=0.02, noise=20.0),
        Press(level=-55.0),
        Press(twist=12.0),
        Press(twist=-14.0),
        Press(offset=0.035),
        Press(offset=-0.035),
    ],
    ids=str,
)
def test_what_must_be_none(press: Press) -> None:
    """Too short, too faint, too uneven or off the frequencies: never that key."""
    assert hits(press) == 0.0


def test_a_pause_of_40_ms_parts_equal_keys() -> None:
    """Ten times the same key of 50 ms with pauses of 40 ms is ten keys."""
    rng = np.random.default_rng(1)
    one = pressed("5", Press(), rng)
    loud = np.flatnonzero(one)
    tone = one[loud[0] : loud[-1] + 1]
    audio = np.concatenate([np.concatenate([np.zeros(320, np.int16), tone]) for _ in range(10)])
    assert keys(np.concatenate([audio, np.zeros(1600, np.int16)])) == "5" * 10


def test_start_and_duration() -> None:
    """A key is told when it is recognised and when it is over; both times are exact to some 10 ms."""
    rng = np.random.default_rng(2)
    audio = pressed("9", Press(seconds=0.3), rng)
    begun = np.flatnonzero(audio)[0] / 8000
    first, last = heard(audio)
    assert (first.key, first.seconds, last.key) == ("9", 0.0, "9")
    assert first.start == last.start == pytest.approx(begun, abs=0.01)
    assert last.seconds == pytest.approx(0.3, abs=0.015)


def test_one_tone_alone_is_no_key() -> None:
    """A whistle at a tone of either group, or both tones of one group, is no key."""
    at = np.arange(4000) / 8000
    for hertz in ((697,), (1336,), (697, 852), (1209, 1477), (770, 1336, 1633)):
        audio = sum(6000 * np.sin(2 * np.pi * one * at) for one in hertz)
        assert keys(np.asarray(audio, np.int16)) == ""


def test_any_cut_of_the_stream_gives_the_same_keys() -> None:
    """Frames of 20 ms or of 5 ms or all at once: the detector tells the same; other lengths are refused."""
    rng = np.random.default_rng(3)
    audio = np.concatenate([pressed(key, Press(), rng) for key in "147*"])
    told = []
    for size in (40, 160, 800, len(audio)):
        detector = DtmfDetector()
        told.append(
            [
                tone
                for at in range(0, len(audio), size)
                for tone in detector.feed(audio[at : at + size].tobytes())
            ]
        )
    assert told[0] == told[1] == told[2] == told[3]
    with pytest.raises(ValueError, match="5 ms"):
        DtmfDetector().feed(bytes(7))
