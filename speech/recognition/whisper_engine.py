"""Whisper by utterance (faster-whisper, int8): one encoding, and what the menu's phrases are worth over it.

A decode that may only use the tokens of the phrases proposes some, each of which is then scored by its likelihood.
A second decode may say anything and so tells what was not meant.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from speech.recognition import sounds
from speech.recognition.engine import NOTHING, RATE, Heard, NoEngine, NoWords, Phrases, Recogniser

WINDOWS = (5.0, 10.0, 30.0)
"""Seconds that are encoded, the shortest that holds the utterance: time goes with it, not with the speech."""
LEAD = 0.2
"""Seconds of silence put before the utterance: without them first sounds get lost."""
BEAM, TOKENS, FREE_TOKENS = 5, 12, 10
STRAY = 8.0
"""What a hypothesis loses of its log probability per distance of 1 to a phrase."""
LIKELY, LEAD_MOST = 2, 8.0
"""So many choices' phrases are scored by themselves; and how far (nats) the best can be ahead of the next."""
IN_SENTENCE = 0.4
"""What is left of the confidence in a phrase that is next to nothing of what was said; half of it is enough for all."""
OPEN_TOKENS = 120


class WhisperEngine:
    """`languages`: those it serves; one of them for an English-only model. Raises NoEngine."""

    name = "whisper"
    streams = False

    def __init__(self, languages: tuple[str, ...], model: Path, threads: int = 1) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise NoEngine(f"faster-whisper is not installed: {error}") from None
        try:
            self._whisper: Any = WhisperModel(
                str(model),
                device="cpu",
                compute_type="int8",
                cpu_threads=1,
                num_workers=threads,
                local_files_only=True,
            )
        except Exception as error:  # CTranslate2 raises RuntimeError, ValueError and others
            raise NoEngine(f"the Whisper model {model} cannot be loaded: {error}") from None
        self.languages = languages
        self._lock = threading.Lock()  # its feature extractor and tokenizer are Python objects of one thread
        self._suppressed = lru_cache(maxsize=256)(self._tokens_outside)
        self.recognise(
            bytes(RATE), languages[0], {"": ("one",)}
        )  # the first takes a second longer: not a caller's

    def unknown(self, phrases: Phrases) -> tuple[str, ...]:
        """None: it spells any word."""
        return ()

    def start(self, language: str, phrases: Phrases) -> Recogniser:
        if phrases and not any(sounds.plain(p, language) for several in phrases.values() for p in several):
            raise NoWords("there is no word in any phrase")
        return _WhisperRecogniser(self, language, phrases)

    def recognise(self, pcm: bytes, language: str, phrases: Phrases) -> Heard:
        """A whole utterance; about 0.3 s of one core."""
        encoded, start, eot = self._encode(pcm, language)
        if not phrases:
            text, score = self._free(encoded, start, OPEN_TOKENS)
            return Heard(text, math.exp(min(0.0, score))) if text else NOTHING
        spoken = tuple(sorted({sounds.plain(p, language) for several in phrases.values() for p in several}))
        result = self._whisper.model.generate(
            encoded,
            [start],
            suppress_tokens=self._suppressed(language, spoken, eot),
            beam_size=BEAM,
            num_hypotheses=BEAM,
            length_penalty=0,
            return_scores=True,
            max_length=len(start) + TOKENS,
        )[0]
        hypotheses = [
            (sounds.once(sounds.plain(self._text(tokens), language)), float(score))
            for tokens, score in zip(result.sequences_ids, result.scores, strict=True)
        ]
        free, _ = self._free(encoded, start, FREE_TOKENS)
        likely = _likely(hypotheses, phrases, language)
        if not likely:
            return NOTHING
        scores = self._scores(encoded, start, likely, language)
        best = max(likely, key=lambda phrase: scores[phrase])
        others = [score for phrase, score in scores.items() if phrase != best]
        lead = scores[best] - max(others) if others else LEAD_MOST
        away, share = sounds.spotted(sounds.once(sounds.plain(free, language)), best, language)
        return Heard(best, confidence(scores[best], min(lead, LEAD_MOST), away, share))

    def _scores(
        self, encoded: Any, start: list[int], phrases: Sequence[str], language: str
    ) -> dict[str, float]:
        """The log probability of each phrase given the audio, with a small and with a capital first letter."""
        from ctranslate2 import StorageView

        with self._lock:
            tokenizer = self._tokenizer(language)
            spelt = [tokenizer.encode(" " + form) for p in phrases for form in (p, p.capitalize())]
        several = StorageView.from_array(np.repeat(np.asarray(encoded), len(spelt), axis=0))
        aligned = self._whisper.model.align(several, start[:-1], spelt, [2 * several.shape[1]] * len(spelt))
        sums = [sum(math.log(max(p, 1e-9)) for p in one.text_token_probs) for one in aligned]
        return {
            phrase: float(np.logaddexp(small, capital))
            for phrase, small, capital in zip(phrases, sums[::2], sums[1::2], strict=True)
        }

    def _encode(self, pcm: bytes, language: str) -> tuple[Any, list[int], int]:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        window = next((w for w in WINDOWS if len(samples) / RATE + LEAD < w), WINDOWS[-1])
        sound = np.zeros(int(window * 2 * RATE), np.float32)
        wide = resample_poly(samples, 2, 1)[: len(sound) - int(LEAD * 2 * RATE)]
        sound[int(LEAD * 2 * RATE) :][: len(wide)] = wide
        with self._lock:
            features = self._whisper.feature_extractor(sound, padding=0)[:, : int(window * 100)]
            tokenizer = self._tokenizer(language)
            start = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        return self._whisper.encode(features), start, int(tokenizer.eot)

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        whisper = self._whisper
        return Tokenizer(
            whisper.hf_tokenizer, whisper.model.is_multilingual, task="transcribe", language=language
        )

    def _tokens_outside(self, language: str, spoken: tuple[str, ...], eot: int) -> list[int]:
        """Every token but those that spell a phrase, with a small or a capital first letter."""
        with self._lock:
            tokenizer = self._tokenizer(language)
            inside = {eot}
            for phrase in spoken:
                for form in (phrase, phrase.capitalize(), phrase.title()):
                    inside.update(tokenizer.encode(" " + form))
            return [
                token for token in range(self._whisper.hf_tokenizer.get_vocab_size()) if token not in inside
            ]

    def _free(self, encoded: Any, start: list[int], tokens: int) -> tuple[str, float]:
        result = self._whisper.model.generate(
            encoded, [start], beam_size=1, return_scores=True, max_length=len(start) + tokens
        )[0]
        return self._text(result.sequences_ids[0]), float(result.scores[0])

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self._whisper.hf_tokenizer.decode(list(tokens))).strip()


def _likely(hypotheses: list[tuple[str, float]], phrases: Phrases, language: str) -> list[str]:
    """The phrases of different choices that explain the hypotheses best, at most LIKELY."""
    found: dict[str, float] = {}
    for several in phrases.values():
        scores = {
            phrase: max(
                (
                    score - STRAY * sounds.distance(text, phrase, language)
                    for text, score in hypotheses
                    if text
                ),
                default=-math.inf,
            )
            for phrase in (sounds.plain(each, language) for each in several)
            if phrase
        }
        if scores:
            best = max(scores, key=lambda phrase: scores[phrase])
            found[best] = scores[best]
    heard = sorted((phrase for phrase in found if found[phrase] > -math.inf), key=lambda each: -found[each])
    return heard[:LIKELY]


def confidence(score: float, lead: float, away: float, share: float) -> float:
    """0 to 1, of the phrase's `score` (its log probability) and its `lead` over the next one, both in nats, and
    `away`, the distance (0 to 1) from it of the nearest stretch of the free text, which is a `share` of that.

    A logistic regression on the words of the tuning speakers, its constant moved until sound without a menu's word was
    asked back no more often than by the rule before it (docs/measurements.md). A phrase within a sentence is never
    surer than to be asked back.
    """
    sure = 1 / (1 + math.exp(-(4.95 + 0.5 * score + 0.26 * lead - 4.1 * away)))
    return sure * (IN_SENTENCE + (1 - IN_SENTENCE) * min(1.0, share / 0.5))


class _WhisperRecogniser:
    def __init__(self, engine: WhisperEngine, language: str, phrases: Phrases) -> None:
        self._engine, self._language, self._phrases = engine, language, phrases
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> str:
        self._pcm += pcm
        return ""

    def final(self) -> Heard:
        return self._engine.recognise(bytes(self._pcm), self._language, self._phrases)
