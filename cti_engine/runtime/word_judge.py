"""Judges what callers may say by the recognisers installed here: what sounds alike, and what none of them knows."""

from __future__ import annotations

from cti_engine.definitions.settings import Settings
from cti_engine.runtime.recognisers import choices_for
from speech.recognition import sounds
from speech.recognition.decoys import TOO_ALIKE
from speech.recognition.engine import NoEngine
from speech.recognition.installed import VOSK


class InstalledWords:
    """A `flow_review.WordJudge`. A Vosk model has a list of words and is loaded once, when it is asked first; Whisper
    spells what it hears. `settings` None: only sounds are judged.
    """

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings
        self._models: dict[str, object] = {}

    def alike(self, one: str, other: str, language: str) -> bool:
        plain = sounds.plain(one, language), sounds.plain(other, language)
        return sounds.distance(*plain, language) <= TOO_ALIKE

    def unknown(self, phrases: tuple[str, ...], language: str) -> tuple[str, ...]:
        if language not in self._models:
            self._models[language] = self._model_of(language)
        model = self._models[language]
        if model is None:
            return ()
        from speech.recognition.vosk_engine import VoskEngine

        assert isinstance(model, VoskEngine)
        return model.unknown({"": phrases})

    def _model_of(self, language: str) -> object:
        """None: there is none that has a list of words."""
        if self._settings is None:
            return None
        (choice,) = choices_for([language], self._settings)
        if choice.engine != VOSK:
            return None
        try:
            return choice.load((language,), 1)
        except NoEngine:
            return None  # `cti-engine speech status` says why
