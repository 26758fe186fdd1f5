"""Which recogniser processes a center has: one for each engine and model that the languages of its flows need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from cti_engine.core.ivr.flow import Flow, Menu, OpenQuestion, Step
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.children import Entry
from cti_engine.runtime.places import Places
from cti_engine.runtime.supervisor import Service
from speech.recognition.config import RecogniserConfig
from speech.recognition.installed import NONE, VOSK, Choice, choose, prepare

RECOGNISER = Entry("speech.recognition.service")


@dataclass(frozen=True, slots=True)
class Recognisers:
    """`sockets` by language."""

    services: tuple[Service, ...]
    sockets: Mapping[str, str]


def spoken_languages(flows: Iterable[Flow]) -> list[str]:
    """Languages in which these flows take words, or open speech."""
    return sorted(
        {language for flow in flows for step in flow.steps.values() for language in _spoken(flow, step)}
    )


def _spoken(flow: Flow, step: Step) -> Iterator[str]:
    if isinstance(step, OpenQuestion):
        yield from flow.languages
    elif isinstance(step, Menu):
        for choice in step.choices.values():
            yield from (language for language, words in choice.words.items() if words)


def choices_for(languages: Iterable[str], settings: Settings) -> list[Choice]:
    """Who understands each language here; nobody when speech is switched off."""
    if not settings.speech.enabled:
        why = "switched off in config/speech.yaml"
        return [Choice(language, NONE, "", why, "enabled: true there") for language in languages]
    return choose(languages, Places(settings.var).models, settings.speech.models, settings.home)


def recognisers(choices: Iterable[Choice], settings: Settings) -> Recognisers:
    """Raises NoEngine when installed weights are not those that we know."""
    usable = [choice for choice in choices if choice.engine != NONE]
    prepare(usable)
    places = Places(settings.var)
    by_model: dict[tuple[str, str], list[Choice]] = {}
    for choice in usable:
        by_model.setdefault((choice.engine, choice.model), []).append(choice)
    services, sockets = [], {}
    for (engine, _), group in by_model.items():
        name = f"speech-{engine}-{'-'.join(choice.language for choice in group)}"
        address = str(places.run / f"{name}.sock")
        cores = os.cpu_count() or 1
        per_core = settings.speech.capacity.vosk if engine == VOSK else settings.speech.capacity.whisper
        config = RecogniserConfig(
            name,
            address,
            tuple(group),
            settings.speech,
            per_core * cores,
            cores,
            str(places.ready_file(name)),
        )
        # Not waited for: it is ready when the first caller is listened to, see speech/recognition/service.py.
        services.append(Service(name, RECOGNISER, partial(_always, config), ready=False))
        sockets.update({choice.language: address for choice in group})
    return Recognisers(tuple(services), sockets)


def _always(config: RecogniserConfig, ports: dict[str, int]) -> RecogniserConfig:
    return config
