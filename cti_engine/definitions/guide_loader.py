"""guides/<guide>.yaml: what agents do and say, step by step; checked like flows, every problem with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cti_engine.core.customers.guides import NOTE, TICKET, Guide, GuideChoice, GuideField, GuideStep
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.expressions.values import Scope
from cti_engine.core.ivr.names import CALL_NAMES, NOW_NAMES
from cti_engine.definitions.problems import WARNING, Path
from cti_engine.definitions.segment_loader import condition_of
from cti_engine.definitions.shapes import IDENTIFIER, LANGUAGE, Flag, Key, Keys, Many, Number, Table, Text
from cti_engine.definitions.yaml_source import Document

TEXTS = Table(Text(), LANGUAGE)
STEP_NAME = Text("the name of a step", IDENTIFIER.pattern)
FIELD = Keys(
    (
        Key("label", TEXTS, "what it is called, by language"),
        Key("into", Text("note or ticket", choices=(NOTE, TICKET)),
            "note: among the customer's notes; ticket: into a ticket's fields", NOTE),
    )
)  # fmt: skip
CHOICE = Keys(
    (
        Key("label", TEXTS, "what the agent reads on the button, by language"),
        Key("go_to", STEP_NAME, "the step that follows; without, the step's next", ""),
    )
)
ASK = Keys(
    (
        Key(
            "field",
            Text("the name of a field", IDENTIFIER.pattern),
            "what the answer is about, one of fields:",
        ),
        Key("choices", Table(CHOICE), "the possible answers; without, a text", {}),
        Key("number", Flag(), "the answer is a number", False),
    )
)
STEP = Keys(
    (
        Key("say", TEXTS, "what is read to the customer, by language", {}),
        Key("do", TEXTS, "what the agent does, by language", {}),
        Key("ask", ASK, "a question whose answer is kept", None),
        Key("next", STEP_NAME, "the step that follows", ""),
        Key("end", Flag(), "the guide ends here", False),
    )
)
GUIDE = Keys(
    (
        Key("guide", IDENTIFIER, "its name, that of the file"),
        Key("name", TEXTS, "what agents read, by language"),
        Key(
            "languages",
            Many(LANGUAGE, least=1),
            "in which all of its texts are; the first where a call has another",
        ),
        Key("when", Text("a condition"), "which calls it is for; without: all", ""),
        Key("priority", Number(-1000, 1000), "of several guides for a call, the highest is taken", 0),
        Key("start", STEP_NAME, "the first step"),
        Key("fields", Table(FIELD), "what questions are about", {}),
        Key("steps", Table(STEP, least=1), "the steps by name"),
    )
)


def load_guides(documents: Iterable[Document], call_scope: Scope) -> dict[str, Guide]:
    """By name. Of two for all calls with one priority the second would never be taken."""
    guides: dict[str, Guide] = {}
    for_all: dict[int, str] = {}
    for document in documents:
        guide = load_guide(document, call_scope)
        if guide is None:
            continue
        guides[guide.id] = guide
        if (
            guide.when is None
            and not document.problems
            and (first := for_all.setdefault(guide.priority, guide.id)) != guide.id
        ):
            text = f"{first} is for all calls too, and is always taken instead"
            document.problem(("guide",), text, "write a when:, or another priority", severity=WARNING)
    return guides


def load_guide(document: Document, call_scope: Scope) -> Guide | None:
    """None when the file has no name to be known by."""
    written = GUIDE.read(document, document.root, ())
    if not written["guide"]:
        return None
    name = document.file.rpartition("/")[2].removesuffix(".yaml")
    if written["guide"] != name:
        document.problem(("guide",), f"the file is called {name}.yaml", f"guide: {name}, or rename the file")
    languages = written["languages"] or ("en",)
    texts = _Texts(document, languages)
    texts.look(("name",), written["name"], needed=True)
    for field, values in written["fields"].items():
        texts.look(("fields", field, "label"), values["label"], needed=True)
    steps = {
        step: _step(document, ("steps", step), values, written, texts)
        for step, values in written["steps"].items()
    }
    if written["start"]:
        _named(document, ("start",), written["start"], steps)
    scope: Scope = {**CALL_NAMES, **NOW_NAMES, **call_scope}
    guide = Guide(
        written["guide"],
        written["name"],
        languages,
        written["start"],
        steps,
        {id_: GuideField(id_, values["label"], values["into"]) for id_, values in written["fields"].items()},
        condition_of(document, ("when",), written["when"], scope),
        written["priority"],
    )
    if not document.problems:
        _check_ways(document, guide)
    return guide


class _Texts:
    """Every text has to be in every language that the guide has."""

    def __init__(self, document: Document, languages: tuple[str, ...]) -> None:
        self._document = document
        self._languages = languages

    def look(self, path: Path, texts: Mapping[str, str], *, needed: bool = False) -> None:
        if not texts and not needed:
            return
        for language in self._languages:
            if language not in texts:
                hint = f'{language}: "..."' if texts else "write it, by language"
                self._document.problem(path, f"there is no text in {language}", hint)
        for language in texts:
            if language not in self._languages:
                hint = f"languages: [{', '.join([*self._languages, language])}]"
                self._document.key_problem((*path, language), f"the guide does not speak {language}", hint)


def _step(
    document: Document, path: Path, values: dict[str, Any], guide: dict[str, Any], texts: _Texts
) -> GuideStep:
    steps, ask, next_, ends = guide["steps"], values["ask"], values["next"], values["end"]
    texts.look((*path, "say"), values["say"])
    texts.look((*path, "do"), values["do"])
    if not values["say"] and not values["do"] and ask is None:
        document.problem(path, "nothing is said, done or asked here", "say:, do: or ask:")
    if next_:
        _named(document, (*path, "next"), next_, steps)
    if ask is None:
        if not next_ and not ends:
            document.problem(path, "nothing follows this step", "next: STEP, or end: true")
        if next_ and ends:
            document.problem((*path, "next"), "a step that ends the guide has no next", "keep one of them")
        return GuideStep(values["say"], values["do"], next=next_)
    field = ask["field"]
    if field and field not in guide["fields"]:
        text, hint = f"there is no field {field}", closest_or_all(field, guide["fields"])
        document.problem(
            (*path, "ask", "field"), text, hint if guide["fields"] else "declare it under fields:"
        )
    if ask["choices"] and ask["number"]:
        document.problem((*path, "ask", "number"), "choices are texts", "keep one of them")
    choices = {}
    for value, choice in ask["choices"].items():
        place = (*path, "ask", "choices", value)
        texts.look((*place, "label"), choice["label"], needed=True)
        if choice["go_to"]:
            _named(document, (*place, "go_to"), choice["go_to"], steps)
        elif not next_ and not ends:
            document.problem(
                place, "nothing follows this answer", "go_to: STEP, or next: in the step, or end: true"
            )
        choices[value] = GuideChoice(choice["label"], choice["go_to"] or next_)
    if not choices and not next_ and not ends:
        document.problem(path, "nothing follows this step", "next: STEP, or end: true")
    if choices and next_ and all(choice["go_to"] for choice in ask["choices"].values()):
        text = "no answer leads there: each has its own go_to"
        document.problem((*path, "next"), text, "delete it", severity=WARNING)
    return GuideStep(values["say"], values["do"], field, choices, ask["number"], next_)


def _named(document: Document, path: Path, step: str, steps: Mapping[str, object]) -> None:
    if step not in steps:
        document.problem(path, f"there is no step {step}", closest_or_all(step, steps))


def _check_ways(document: Document, guide: Guide) -> None:
    """Steps that nobody reaches, and steps from which there is no way to an end."""
    reached, waiting = {guide.start}, [guide.start]
    while waiting:
        fresh = [each for each in guide.steps[waiting.pop()].ways if each not in reached]
        reached.update(fresh)
        waiting += fresh
    ending = {name for name, step in guide.steps.items() if _may_end(step)}
    while more := {
        name for name, step in guide.steps.items() if name not in ending and ending.intersection(step.ways)
    }:
        ending |= more
    for name in guide.steps:
        if name not in reached:
            text = f"no step leads to {name}"
            document.problem(("steps", name), text, "delete it, or lead to it", severity=WARNING)
        elif name not in ending:
            text = f"from {name} there is no way to an end"
            document.problem(("steps", name), text, "end: true in some step after it")


def _may_end(step: GuideStep) -> bool:
    if step.choices:
        return any(not choice.go_to for choice in step.choices.values())
    return not step.next
