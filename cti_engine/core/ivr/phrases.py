"""What flows say and understand by themselves, by language: yes and no, the operator, "did you say ...?".

A language that is not here has no question back: who was not clearly understood is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping

from cti_engine.core.commands import Prompt

Words = Mapping[str, tuple[str, ...]]

YES: Words = {
    "en": ("yes", "yeah", "yes please", "correct", "that is right"),
    "es": ("sí", "si", "correcto", "claro", "eso es"),
    "ko": ("네", "예", "맞아요"),
}
NO: Words = {
    "en": ("no", "nope", "wrong", "no thanks"),
    "es": ("no", "no gracias", "para nada"),
    "ko": ("아니요", "아니오"),
}
OPERATOR: Words = {
    "en": ("operator", "agent", "representative"),
    "es": ("operador", "operadora", "agente"),
    "ko": ("상담원",),
}
DID_YOU_SAY: Mapping[str, str] = {
    "en": "Did you say {}? Say yes or press one. If not, say no or press two.",
    "es": "¿Ha dicho {}? Diga sí o marque uno. Si no, diga no o marque dos.",
    "ko": "{} 맞습니까? 맞으면 네, 아니면 아니요라고 말씀해 주세요.",
}
USE_KEYS: Mapping[str, str] = {
    "en": "I cannot hear you well at the moment. Please use the keys of your phone.",
    "es": "En este momento no le oigo bien. Por favor, use las teclas de su teléfono.",
    "ko": "지금은 전화기 버튼을 눌러 주세요.",
}
REVIEW: Mapping[str, str] = {
    "en": "To keep your message, press one or hang up. To record it again, press two.",
    "es": "Para guardar su mensaje, marque uno o cuelgue. Para grabarlo de nuevo, marque dos.",
    "ko": "메시지를 저장하려면 1번, 다시 녹음하려면 2번을 눌러 주세요.",
}
YES_KEY, NO_KEY = "1", "2"
KEEP_KEY, AGAIN_KEY = "1", "2"


def beep(language: str) -> Prompt:
    """Where the sound is not installed a voice says that it begins."""
    return Prompt("sound", "beep", language if language in ("en", "es") else "en")
