"""How callers are understood: every threshold of speech recognition, as config/speech.yaml sets them.

Levels in dBFS (0 is a full-scale square wave), times in seconds, probabilities and confidences 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """When speech begins and ends.

    A frame of 20 ms may be speech when it is `above_noise` dB over the noise floor and over `quietest`; while a
    prompt plays also over `prompt_level - echo_loss`, by the margin that speech has over its mean (`echo_peaks`).
    """

    above_noise: float = 9.0
    quietest: float = -48.0
    prompt_level: float = -20.0
    echo_loss: float = 20.0
    echo_peaks: float = 11.0
    probability: float = 0.5
    ends_after: float = 0.28
    phrase_ends_after: float = 0.6


@dataclass(frozen=True, slots=True)
class VerdictSettings:
    """From `accept` on a choice is taken, from `confirm` on it is asked back, below that it was not understood.

    `distance`: how far (0 to 1) what was heard may be from a phrase and still stand for it.
    """

    accept: float = 0.85
    confirm: float = 0.3
    distance: float = 0.4


@dataclass(frozen=True, slots=True)
class CapacitySettings:
    """Turns of listening at once per core; one more is refused, and its caller goes on with keys."""

    vosk: int = 16
    whisper: int = 4


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """`models`: folders of Vosk models by language, over the installed ones; relative to the center's home."""

    enabled: bool = True
    voice: VoiceSettings = field(default_factory=VoiceSettings)
    verdict: VerdictSettings = field(default_factory=VerdictSettings)
    capacity: CapacitySettings = field(default_factory=CapacitySettings)
    models: Mapping[str, str] = field(default_factory=dict)
