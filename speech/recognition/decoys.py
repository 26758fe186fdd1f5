"""Everyday words that callers say instead of what a menu offers: in a grammar they draw away what is not meant."""

from __future__ import annotations

from speech.recognition import sounds
from speech.recognition.engine import Phrases

# fmt: off
_WORDS: dict[str, tuple[str, ...]] = {
    "en": (
        "hello", "okay", "well", "please", "thanks", "thank you", "you", "so", "what", "wait", "right", "sorry",
        "maybe", "um", "uh", "the", "and", "but", "with", "because", "about", "there", "this", "that", "people",
        "think", "know", "just", "like", "going", "really", "something", "morning", "today", "again", "good",
        "bye", "oh", "yeah", "hmm", "he", "she", "they", "was", "were", "have", "music", "house", "car", "time",
    ),
    "es": (
        "hola", "bueno", "pues", "por favor", "gracias", "oiga", "qué", "espera", "perdón", "quizás", "eh", "este",
        "entonces", "pero", "porque", "con", "para", "como", "cuando", "donde", "gente", "creo", "quiero", "tengo",
        "estoy", "mañana", "hoy", "otra vez", "adiós", "ah", "mm", "ella", "ellos", "era", "fue", "hay", "música",
        "casa", "coche", "tiempo", "nada", "algo", "mucho", "muy", "también", "ahora", "después", "mira", "vale",
        "señor",
    ),
    "ko": (  # none of one syllable, and no bare verb: they would take any short word
        "안녕하세요", "여보세요", "감사합니다", "그리고", "그런데", "그래서", "우리", "사람", "생각", "지금",
        "오늘", "내일", "어제", "아침", "저녁", "시간", "음악", "노래", "친구", "엄마", "아빠", "학교", "회사",
        "정말", "진짜", "빨리", "같이", "다시", "먼저", "그러니까", "아무튼", "잠깐만요", "어디", "누구", "언제",
        "괜찮아요", "알겠습니다", "죄송합니다", "맞아요", "그렇구나", "사무실", "텔레비전", "날씨", "주말",
        "아이들", "할머니", "선생님", "자동차", "컴퓨터", "라디오",
    ),
}
# fmt: on

TOO_ALIKE = 0.34


def decoys(language: str, phrases: Phrases) -> tuple[str, ...]:
    """Those that sound like nothing in `phrases`."""
    spoken = [sounds.plain(phrase, language) for several in phrases.values() for phrase in several]
    return tuple(
        word
        for word in _WORDS.get(language, ())
        if all(sounds.distance(word, phrase, language) > TOO_ALIKE for phrase in spoken)
    )
