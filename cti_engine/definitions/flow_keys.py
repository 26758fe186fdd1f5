"""The keys of a flow file: each verb with its value and the options that stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    AnyValue,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Schema,
    Short,
    Table,
    Text,
)
from cti_engine.definitions.texts import Content
from cti_engine.definitions.yaml_source import Document, Node

STEP = Text("the name of a step", IDENTIFIER.pattern)
ONE_KEY = Text("one key of the phone, 0-9, * or #", r"[0-9*#]")
CONDITION = Text("a condition")

NEXT = Key("next", STEP, "the step that follows", "")
BARGE_IN = Key("barge_in", Flag(), "a key may interrupt what is said", None)
RETRIES = Key("retries", Number(0, 9), "how often the menu is asked again", None)
TIMEOUT = Key("timeout", Duration(1, 60), "how long to wait for a key after the prompt", None)
NO_INPUT = Key("no_input", STEP, "where to go when no key came at all", "")
NO_MATCH = Key("no_match", STEP, "where to go when the keys were wrong", "")
NO_INPUT_PROMPT = Key("no_input_prompt", Content(), "said before asking again, no key came", None)
NO_MATCH_PROMPT = Key("no_match_prompt", Content(), "said before asking again, the key was wrong", None)

DEFAULTS = Keys((RETRIES, BARGE_IN, TIMEOUT, NO_INPUT, NO_MATCH, NO_INPUT_PROMPT, NO_MATCH_PROMPT))

CHOICE = Short(
    Keys(
        (
            Key("go_to", STEP, "the step that this key leads to"),
            Key("label", Table(Text(), LANGUAGE), "what the agent reads, by language", {}),
            Key("words", Table(Many(Text()), LANGUAGE), "what the caller may say instead, by language", {}),
        )
    ),
    "go_to",
)
MENU = Keys(
    (
        Key("prompt", Content(), "what the caller is asked"),
        Key("choices", Table(CHOICE, ONE_KEY, least=1), "what each key does"),
        *DEFAULTS.keys,
    )
)
CASE = Keys(
    (
        Key("when", CONDITION, 'a condition such as call.segment == "gold"', ""),
        Key("go_to", STEP, "the step if it holds", ""),
        Key("else", STEP, "the step if no condition holds; the last entry", ""),
    )
)
SETTABLE = Text(
    "a variable, or call.NAME for an attribute of the call", r"(call\.)?[A-Za-z][A-Za-z0-9_]{0,63}"
)
ENQUEUE = Short(
    Keys(
        (
            Key(
                "queue", Text("the id of a queue", IDENTIFIER.pattern), "a queue of routing_rules/queues.yaml"
            ),
            Key("treatment", STEP, "the flow that plays while waiting; the queue's own if not written", ""),
            Key("priority", Number(-1000, 1000), "added to the call's priority", 0),
        )
    ),
    "queue",
)
WAIT = Short(
    Keys(
        (
            Key("for", Duration(1, 3600), "how long"),
            Key("music", Text("a class of music such as default", r"[\w-]+"), "which music", "default"),
        )
    ),
    "for",
)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A verb that needs no value."""

    def read(self, document: Document, node: Node, path: Path) -> None:
        if node.value not in (None, {}):
            document.problem(path, f"{path[-1]} takes no value", f"write {path[-1]}: alone")

    def blank(self) -> None:
        return None

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "null"}, {"type": "object", "maxProperties": 0}]}


@dataclass(frozen=True, slots=True)
class Verb:
    """`options` stand beside the verb in the step."""

    value: Any
    options: Keys
    doc: str


VERBS = {
    "say": Verb(Content("text"), Keys((NEXT, BARGE_IN)), "speak a text"),
    "play": Verb(Content("sound"), Keys((NEXT, BARGE_IN)), "play sounds, files or numbers"),
    "menu": Verb(MENU, Keys(()), "ask for one key"),
    "set": Verb(Table(AnyValue(), SETTABLE, least=1), Keys((NEXT,)), "set variables and call attributes"),
    "branch": Verb(Many(CASE, least=1), Keys((NEXT,)), "go where a condition holds"),
    "enqueue": Verb(ENQUEUE, Keys(()), "wait for an agent of a queue"),
    "wait": Verb(WAIT, Keys((NEXT,)), "play music for a time"),
    "language": Verb(LANGUAGE, Keys((NEXT,)), "go on in another language"),
    "hang_up": Verb(Nothing(), Keys(()), "end the call"),
}


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """`verb` is empty when none could be read."""

    verb: str
    value: Any
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepShape:
    """A mapping with one verb and its options."""

    def read(self, document: Document, node: Node, path: Path) -> WrittenStep:
        if not isinstance(node.value, dict):
            document.problem(path, "expected a step with one verb", f"verbs: {', '.join(VERBS)}")
            return self.blank()
        verbs = [key for key in node.value if key in VERBS]
        if not verbs:
            self._no_verb(document, node.value, path)
            return self.blank()
        if len(verbs) > 1:
            text = f"{' and '.join(verbs)} in one step"
            document.key_problem((*path, verbs[1]), text, "one verb per step; join steps with next")
        name = verbs[0]
        verb = VERBS[name]
        rest = Node(node.line, node.column, {k: n for k, n in node.value.items() if k not in VERBS})
        options = verb.options.read(document, rest, path)
        return WrittenStep(name, verb.value.read(document, node.value[name], (*path, name)), options)

    @staticmethod
    def _no_verb(document: Document, found: dict[str, Node], path: Path) -> None:
        for key in found:
            hint = did_you_mean(key, VERBS)
            if hint:
                document.key_problem((*path, key), f"unknown verb {key}", hint)
                return
        document.problem(path, "a step needs a verb", f"verbs: {', '.join(VERBS)}")

    def blank(self) -> WrittenStep:
        return WrittenStep("", None, {})

    def schema(self) -> Schema:
        return {"anyOf": [self._verb_schema(name, verb) for name, verb in VERBS.items()]}

    @staticmethod
    def _verb_schema(name: str, verb: Verb) -> Schema:
        value = verb.value.schema()
        options = verb.options.schema()["properties"]
        return {
            "type": "object",
            "properties": {name: {"description": verb.doc, **value}, **options},
            "required": [name],
            "additionalProperties": False,
        }


FLOW = Keys(
    (
        Key("flow", IDENTIFIER, "the flow's id, the same as the file's name"),
        Key("description", Text(), "what it is for", ""),
        Key("languages", Many(LANGUAGE, least=1), "every text is there in each of these"),
        Key("start", STEP, "the first step"),
        Key("variables", Table(AnyValue()), "values of the flow's own, with their first value", {}),
        Key("defaults", DEFAULTS, "what menus do when they do not say it themselves", DEFAULTS.blank()),
        Key("steps", Table(StepShape(), least=1), "the steps by name"),
    )
)
