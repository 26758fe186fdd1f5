"""The prompts of a center: its cache, with the voices of its settings and the recordings of its definitions."""

from __future__ import annotations

from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.prompt_inventory import center_prompts
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places
from speech.engines import Engine, engines_in_order
from speech.prompt_cache import PromptCache

APOLOGY = {
    "es": "Lo sentimos, tenemos un problema técnico. Por favor, llame más tarde.",
    "en": "We are sorry, we have a technical problem. Please call again later.",
}


def apology_prompts() -> list[Prompt]:
    """What an unbridged caller hears when the engine stays away (decision 6)."""
    return [Prompt("text", text, language) for language, text in sorted(APOLOGY.items())]


def prompts_of(definitions: CenterDefinitions) -> list[Prompt]:
    """All that this center can say, in an order that stays."""
    return sorted({*center_prompts(definitions), *apology_prompts()}, key=repr)


def engines_of(settings: Settings) -> tuple[Engine, ...]:
    return engines_in_order(settings.voices.engines, settings.voices.piper)


def prompt_cache(settings: Settings, definitions: CenterDefinitions) -> PromptCache:
    return PromptCache(
        Places(settings.var).prompts,
        base=settings.home,
        engines=engines_of(settings),
        recordings=definitions.recordings,
    )
