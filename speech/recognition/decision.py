"""What a menu makes of what was heard: accept, confirm or reject. Pure and deterministic.

What counts with the engine's own confidence: how near the text is to a phrase, and how much of what was said that
phrase is.
"""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.core.listening import VerdictSettings
from speech.recognition import sounds
from speech.recognition.engine import Heard, Phrases

ACCEPT, CONFIRM, REJECT = "accept", "confirm", "reject"


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: str
    choice: str
    text: str
    confidence: float


def decide(heard: Heard, language: str, phrases: Phrases, settings: VerdictSettings) -> Decision:
    """`choice` is empty when rejected, and for open speech (`phrases` empty), which is accepted if there is any."""
    text = sounds.once(sounds.plain(heard.text, language))
    if not phrases:
        return Decision(ACCEPT if text else REJECT, "", heard.text.strip(), heard.confidence)
    found = [
        (*sounds.spotted(text, sounds.plain(phrase, language), language), choice, phrase)
        for choice, several in phrases.items()
        for phrase in several
    ]
    if not text or not found:
        return Decision(REJECT, "", text, 0.0)
    away, share, choice, phrase = min(found, key=lambda one: (one[0] - 0.1 * one[1], -len(one[3])))
    if away > settings.distance:
        return Decision(REJECT, "", text, 0.0)
    confidence = round(heard.confidence * (1 - away) * (0.5 + 0.5 * share), 3)
    if confidence < settings.confirm:
        return Decision(REJECT, "", text, confidence)
    return Decision(ACCEPT if confidence >= settings.accept else CONFIRM, choice, phrase, confidence)
