"""Everything that flows can ever play, so that all of it is made before a caller waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ivr.flow import (
    Content,
    Fixed,
    Flow,
    Menu,
    Question,
    Record,
    Say,
    Spoken,
    Step,
    Transfer,
    Wait,
)
from cti_engine.core.ivr.phrases import USE_KEYS, beep
from cti_engine.core.ivr.speech import value_prompts
from cti_engine.core.ivr.spoken_values import NAME


def prompts_of(flow: Flow) -> set[Prompt]:
    """Of every step and language. Of values every fragment, see `spoken_values`."""
    return all_prompts([flow])


SIGNALS = frozenset({Prompt("tone", "ringing"), Prompt("tone", "zip")})
"""What is played to agents."""


def center_prompts(definitions: CenterDefinitions) -> set[Prompt]:
    """Of all flows, and what the core plays by itself; agents' names in the languages in which one is said."""
    flows = definitions.flows.values()
    names = {agent.name for agent in definitions.agents.values()}
    languages = {
        language for part, language in _parts(flows) if isinstance(part, Spoken) and part.form == NAME
    }
    people = {Prompt("text", name, language) for name in names for language in languages}
    notices = {
        Prompt("text", sentence, language)
        for notice in definitions.notices
        if notice.consent != "none"
        for language, sentence in notice.say.items()
        if language in languages_of(definitions)
    }
    return all_prompts(flows) | people | SIGNALS | notices


def languages_of(definitions: CenterDefinitions) -> set[str]:
    """In which callers are spoken to."""
    return {language for flow in definitions.flows.values() for language in flow.languages}


def all_prompts(flows: Iterable[Flow]) -> set[Prompt]:
    """What many flows say is worked out once: the fragments of an amount are hundreds."""
    return {prompt for part, language in _parts(flows) for prompt in _prompts(part, language)}


def _parts(flows: Iterable[Flow]) -> set[tuple[Fixed | Spoken, str]]:
    return {
        (part if isinstance(part, Fixed) else replace(part, name=""), language)
        for flow in flows
        for step in flow.steps.values()
        for content in _contents(flow, step)
        for language, utterances in content.items()
        for utterance in utterances
        for part in utterance
    }


def _contents(flow: Flow, step: Step) -> Iterator[Content]:
    match step:
        case Say() | Wait() | Transfer():
            yield step.content
        case Record(beep=True):
            for language in flow.languages:
                sound = beep(language)
                yield {sound.language: ((Fixed(sound.kind, sound.value),),)}
        case Question():
            yield step.prompt
            for each in (step.voice_prompt, step.no_input_prompt, step.no_match_prompt):
                if each is not None:
                    yield each
    if isinstance(step, Menu):
        spoken = [choice for choice in step.choices.values() if choice.words]
        yield from (choice.confirm for choice in spoken)
        if spoken:
            yield {
                language: ((Fixed("text", text),),)
                for language, text in USE_KEYS.items()
                if language in step.prompt
            }


def _prompts(part: Fixed | Spoken, language: str) -> Iterator[Prompt]:
    if isinstance(part, Fixed):
        yield Prompt(part.kind, part.value, language)
    else:
        yield from value_prompts(part, language)
