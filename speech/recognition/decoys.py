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
    "ko": (
        "안녕하세요", "여보세요", "감사합니다", "그리고", "그런데", "그래서", "우리", "나", "너", "저", "이것", "그것",
        "사람", "생각", "지금", "오늘", "내일", "어제", "아침", "저녁", "밥", "물", "집", "차", "시간", "음악", "노래", "친구",
        "엄마", "아빠", "학교", "회사", "정말", "진짜", "많이", "조금", "빨리", "같이", "다시", "먼저", "좋아", "싫어",
        "있다", "없다", "하다", "가다", "오다", "보다", "뭐", "왜",
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
