"""Vosk: streams, and takes each menu's words as a grammar at run time. One model, many recognisers in threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from speech.recognition import sounds
from speech.recognition.decoys import decoys
from speech.recognition.engine import NOTHING, RATE, Heard, NoEngine, NoWords, Phrases, Recogniser, Word

_UNKNOWN = ("[unk]", "<UNK>")
AROUND = 0.55
"""Seconds of an utterance that are silence before and after it."""
_CHUNK = 1600
"""Bytes of 100 ms: less at a time costs more in all."""


class VoskEngine:
    """Raises NoEngine when the model cannot be loaded. Loading takes seconds."""

    name = "vosk"
    streams = True

    def __init__(self, language: str, model: Path) -> None:
        import vosk

        vosk.SetLogLevel(-1)
        self.languages = (language,)
        self._recogniser: Any = vosk.KaldiRecognizer
        try:
            self._model = vosk.Model(str(model))
        except Exception as error:  # vosk raises plain Exception
            raise NoEngine(f"the Vosk model {model} cannot be loaded: {error}") from None
        self._symbol = next((one for one in _UNKNOWN if self.knows(one)), "")

    def knows(self, word: str) -> bool:
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def unknown(self, phrases: Phrases) -> tuple[str, ...]:
        words = {
            word for several in phrases.values() for phrase in several for word in self._plain(phrase).split()
        }
        return tuple(sorted(word for word in words if not self.knows(word)))

    def start(self, language: str, phrases: Phrases) -> Recogniser:
        if not phrases:
            return _VoskRecogniser(self._recogniser(self._model, RATE), ())
        missing = set(self.unknown(phrases))
        usable = [
            plain
            for several in phrases.values()
            for phrase in several
            if (plain := self._plain(phrase)) and not missing & set(plain.split())
        ]
        if not usable:
            raise NoWords(f"the model knows none of {', '.join(sorted(missing)) or 'no words'}")
        others = [word for word in decoys(language, phrases) if all(map(self.knows, word.split()))]
        grammar = [*usable, *others, *([self._symbol] if self._symbol else [])]
        recogniser = self._recogniser(self._model, RATE, json.dumps(grammar, ensure_ascii=False))
        return _VoskRecogniser(recogniser, (*others, *_UNKNOWN))

    def _plain(self, phrase: str) -> str:
        return sounds.plain(phrase, self.languages[0])


class _VoskRecogniser:
    """What Vosk takes for several utterances is one to us: who listens says when speech is over."""

    def __init__(self, recogniser: Any, not_meant: tuple[str, ...]) -> None:
        self._recogniser = recogniser
        self._recogniser.SetWords(True)
        self._not_meant = frozenset(not_meant)
        self._words: list[Word] = []
        self._fed = 0
        self._waiting = bytearray()
        self._partial = ""

    def feed(self, pcm: bytes) -> str:
        self._waiting += pcm
        self._fed += len(pcm)
        if len(self._waiting) >= _CHUNK:
            self._take()
        return self._partial

    def _take(self) -> None:
        if self._recogniser.AcceptWaveform(bytes(self._waiting)):
            self._result(self._recogniser.Result())
            now = ""
        else:
            now = str(json.loads(self._recogniser.PartialResult()).get("partial", ""))
        self._waiting.clear()
        before = [word.text for word in self._words]
        self._partial = " ".join([*before, *(word for word in now.split() if word not in _UNKNOWN)])

    def final(self) -> Heard:
        if self._waiting:
            self._take()
        self._result(self._recogniser.FinalResult())
        meant = [word for word in self._words if word.text not in self._not_meant]
        if not meant:
            return NOTHING
        # What is not meant takes its share of the whole by the time that it was spoken, and so does speech of which
        # no word was made: a short word in a long sentence is not a choice.
        spoken = max(sum(word.end - word.start for word in self._words), self._fed / 2 / RATE - AROUND)
        ours = sum((word.end - word.start) * word.confidence for word in meant)
        return Heard(
            " ".join(word.text for word in meant), ours / spoken if spoken else 0.0, tuple(self._words)
        )

    def _result(self, result: str) -> None:
        for word in json.loads(result).get("result", ()):
            self._words.append(Word(word["word"], word["start"], word["end"], word["conf"]))
