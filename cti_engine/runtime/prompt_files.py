"""The prompts of a center: its cache, with the voices of its settings and the recordings of its definitions."""

from __future__ import annotations

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places
from speech.engines import Engine, engines_in_order
from speech.prompt_cache import PromptCache


def engines_of(settings: Settings) -> tuple[Engine, ...]:
    return engines_in_order(settings.voices.engines, settings.voices.piper)


def prompt_cache(settings: Settings, definitions: CenterDefinitions) -> PromptCache:
    return PromptCache(
        Places(settings.var).prompts,
        base=settings.home,
        engines=engines_of(settings),
        recordings=definitions.recordings,
    )
