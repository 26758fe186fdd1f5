"""Each flow's shape, as every load looks at it: steps nobody reaches, loops that never wait, words that lead two ways,
secrets kept as secrets, files that are there.
"""

from __future__ import annotations

from pathlib import Path

from cti_engine.core.ivr.flow import Flow, Menu
from cti_engine.core.ivr.flow_graph import INSTANT, following, steps_reached
from cti_engine.definitions.flow_source import FlowSource
from cti_engine.definitions.problems import WARNING, has_errors
from cti_engine.definitions.problems import Path as Place
from cti_engine.definitions.sound_files import sound_fault


def check_flow(source: FlowSource, flow: Flow, home: Path) -> None:
    """One flow's graph: steps nobody reaches, loops that never wait; and the files that it plays."""
    if not has_errors(source.document.problems):  # a wrong name would make steps seem unreached
        reached = steps_reached(flow, [flow.start])
        for name in source.written["steps"]:
            if name not in reached:
                text = f"no step leads to {name}"
                source.document.problem(("steps", name), text, "delete it, or lead to it", severity=WARNING)
        _words_lead_one_way(source, flow)
    _secrets_stay_secret(source, flow)
    for name in _loops(flow):
        text = f"{name} can come back to itself without a prompt or a wait in between"
        hint = "add a say, menu or wait: a call that runs in circles is ended"
        source.document.problem(("steps", name), text, hint, severity=WARNING)
    for file, place in dict.fromkeys(source.files):
        fault = sound_fault(home, file)
        if fault:
            source.document.problem(place, *fault)


def _loops(flow: Flow) -> list[str]:
    """The first step of each loop of steps that take no time."""
    told: set[str] = set()
    loops = []
    for name, step in flow.steps.items():
        if name in told or not isinstance(step, INSTANT):
            continue
        around = steps_reached(flow, following(step), INSTANT)
        if name in around:
            loops.append(name)
            told |= around
    return loops


def _words_lead_one_way(source: FlowSource, flow: Flow) -> None:
    """What is said for two choices could only ever mean one of them."""
    for name, step in flow.steps.items():
        if not isinstance(step, Menu):
            continue
        leads_to: dict[tuple[str, str], str] = {}
        for key, choice in step.choices.items():
            for language, words in choice.words.items():
                for word in words:
                    first = leads_to.setdefault((language, word.casefold()), key)
                    if step.choices[first].go_to != choice.go_to:
                        place: Place = ("steps", name, "menu", "choices", key, "words", language)
                        text = f"“{word}” is said for {first} already"
                        source.document.problem(place, text, "a word leads one way: choose another")


def _secrets_stay_secret(source: FlowSource, flow: Flow) -> None:
    """A sensitive variable is filled by its question alone: anything else would be stored with the call."""
    for name, step in source.steps():
        place: Place = ("steps", name, step.verb)
        filled: list[tuple[str, Place]] = []
        if step.verb == "set":
            filled = [(variable, (*place, variable)) for variable in step.value]
        elif step.verb == "run":
            filled = [(variable, (*place, "into", variable)) for variable in step.value["into"]]
        elif step.verb == "listen" or (step.verb == "gather" and not step.value["sensitive"]):
            filled = [(step.value["into"], (*place, "into"))]
        elif step.verb == "survey" or (step.verb == "record" and step.value["answer"]):
            filled = [(step.value["answer"], (*place, "answer"))]
        for variable, where in filled:
            if variable in flow.sensitive:
                text = f"{variable} is sensitive elsewhere: here it would be stored"
                source.document.problem(where, text, "take another variable, or sensitive: true in a gather")
