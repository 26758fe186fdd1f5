"""What a menu makes of what was heard: accept, confirm or reject. Pure and deterministic.

The engine's own confidence is a weak vote. What counts with it: how near the text is to a phrase, how much of
what was said that phrase is, whether a second look without the grammar agrees, and whether a decoy is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.core.listening import VerdictSettings
from speech.recognition import sounds
from speech.recognition.decoys import decoys
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
    confidence = heard.confidence * (1 - away) * (0.5 + 0.5 * share)
    if heard.second is not None:
        confidence *= _agreement(heard.second, phrase, language, phrases)
    confidence = round(confidence, 3)
    if confidence < settings.confirm:
        return Decision(REJECT, "", text, confidence)
    enough = settings.accept_alone if heard.second is None else settings.accept
    return Decision(ACCEPT if confidence >= enough else CONFIRM, choice, phrase, confidence)


FAR = 0.75
"""From this distance on a second look disagrees wholly."""
DOUBTED = 0.4
"""What is left of the confidence then: enough to ask back when the first look was sure."""


def _agreement(second: str, phrase: str, language: str, phrases: Phrases) -> float:
    text = sounds.once(sounds.plain(second, language))
    if not text:
        return DOUBTED
    wanted = sounds.plain(phrase, language)
    away, share = sounds.spotted(text, wanted, language)
    if any(sounds.distance(text, word, language) < away for word in decoys(language, phrases)):
        return DOUBTED
    return DOUBTED + (1 - DOUBTED) * max(0.0, 1 - away / FAR) * (0.4 + 0.6 * share)
