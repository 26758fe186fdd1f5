"""The keys of a flow file: each verb with its value and the options that stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import TEXT
from cti_engine.core.ivr.spoken_values import CURRENCIES
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
CURRENCY = Text("a currency such as EUR", choices=tuple(sorted(CURRENCIES["en"])))
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

ASKING = (RETRIES, BARGE_IN, TIMEOUT, NO_INPUT, NO_MATCH, NO_INPUT_PROMPT, NO_MATCH_PROMPT)
"""What every question may say for itself, or take from the defaults."""
OPERATOR = Key("operator", STEP, "where 0 leads in every menu that has no 0 of its own", "")
DEFAULTS = Keys((*ASKING, OPERATOR))
PROMPT = Key("prompt", Content(), "what the caller is asked")
VOICE_PROMPT = Key("voice_prompt", Content(), "the same for callers who would rather speak", None)
VARIABLE = Text("a variable", IDENTIFIER.pattern)
VALUES = Table(AnyValue())

CHOICE_NAME = Text(
    "one key of the phone, 0-9, * or #, or a name where only words lead to it", r"[0-9*#]|[a-z]\w{0,63}"
)
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
        PROMPT,
        VOICE_PROMPT,
        Key("choices", Table(CHOICE, CHOICE_NAME, least=1), "what each key and its words do"),
        *ASKING,
    )
)
CONFIRM = Keys(
    (
        PROMPT,
        Key("yes", STEP, "where 1, or yes, leads"),
        Key("no", STEP, "where 2, or no, leads"),
        *ASKING,
    )
)
SURVEY = Keys(
    (
        PROMPT,
        VOICE_PROMPT,
        Key(
            "answer",
            VARIABLE,
            "the answer's name: a variable, an attribute of the call and what reports call it",
        ),
        Key(
            "scale",
            Text("two whole numbers such as 1-5 or 0-10", r"\d{1,2}-\d{1,2}"),
            "the lowest and highest answer",
            "1-5",
        ),
        *ASKING,
    )
)
GATHER = Keys(
    (
        PROMPT,
        Key("into", VARIABLE, "the variable that takes the digits"),
        Key("digits", Number(1, 32), "how many digits, when it is always so many", None),
        Key("least", Number(1, 32), "at least so many digits", None),
        Key("most", Number(1, 32), "after so many digits it is over", None),
        Key("terminator", ONE_KEY, "the key that ends it before", "#"),
        Key("between", Duration(0.5, 30), "after so long without a key it is over", 3.0),
        Key("luhn", Flag(), "the last digit is a check digit, as on cards", False),
        Key("pattern", Text("a regular expression"), "what the digits have to look like as a whole", ""),
        Key("sensitive", Flag(), "never stored, logged or said: a PIN, a card", False),
        *ASKING,
    )
)
OPEN = Keys(
    (
        PROMPT,
        Key("into", VARIABLE, "the variable that takes what was said"),
        Key("longest", Duration(1, 120), "how long the caller may speak", 20.0),
        *ASKING,
    )
)
LOOK_UP = Keys(
    (
        Key(
            "service", Text("the name of a service", IDENTIFIER.pattern), "a service of config/services.yaml"
        ),
        Key("with", VALUES, "what it is asked with, by name", {}),
        Key("into", Table(VARIABLE), "variables, and what its answer calls them", {}),
        Key("failed", STEP, "where to go without a good answer"),
        Key("deadline", Duration(0.1, 30), "no longer than this; the service's own if not written", None),
    )
)
CALLBACK = Keys(
    (
        Key("queue", Text("the id of a queue", IDENTIFIER.pattern),
            "the queue to wait in; if not written the one where the call waits, at its place", ""),
        Key("number", AnyValue(), "the number that is called", Literal("{call.ani}", TEXT)),
        Key("failed", STEP, "where to go when this number cannot be called, or an agent's phone rings already"),
        Key("within", Duration(60, 86400), "not called any more after so long", 14_400.0),
        Key("tries", Number(1, 10), "how often the number is called when nobody answers", 3),
        Key("retry_after", Duration(5, 86400), "the pause between two tries", 300.0),
    )
)  # fmt: skip
TRANSFER = Keys(
    (
        Key("agent", Text("an agent"), "an agent's id or extension, or a value as {extension}", ""),
        Key("number", Text("a number"), "a number or a value; a number of this center begins its flow", ""),
        Key("flow", Text("the id of a flow", IDENTIFIER.pattern), "this flow ends and that one begins", ""),
        Key("ring", Duration(3, 120), "how long the phone rings", 20.0),
        Key("trunk", Text("the name of a trunk", IDENTIFIER.pattern),
            "by which trunk; transfers.trunk of config/engine.yaml if not written", ""),
        Key("music", Text("a class of music such as default", r"[\w-]+"), "what the caller hears meanwhile", "default"),
        Key("busy", STEP, "where to go when the line, or the agent, is busy; `failed` if not written", ""),
        Key("no_answer", STEP, "where to go when nobody answers; `failed` if not written", ""),
        Key("failed", STEP, "where to go when it cannot be rung", ""),
    )
)  # fmt: skip
HOURS = Keys(
    (
        Key(
            "calendar",
            Text("the name of a calendar", IDENTIFIER.pattern),
            "a calendar of config/business_hours.yaml",
        ),
        Key("open", STEP, "the step while it is open"),
        Key("closed", STEP, "the step while it is closed"),
        Key("holiday", STEP, "the step on a holiday; closed if not written", ""),
    )
)
SEND = Short(
    Keys(
        (
            Key("message", IDENTIFIER, "the name of the message"),
            Key("data", VALUES, "what is told with it", {}),
        )
    ),
    "message",
)
RUN = Short(
    Keys(
        (
            Key("flow", Text("the id of a flow", IDENTIFIER.pattern), "the flow to go through"),
            Key("with", VALUES, "values for its variables", {}),
            Key("into", Table(VARIABLE), "variables of this flow, and what the other returns", {}),
        )
    ),
    "flow",
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
            Key("attributes", VALUES, "attributes of the call, set before it waits", {}),
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
LONGEST = Key("longest", Duration(2, 600), "how long the caller may speak", 120.0)
SILENCE = Key("silence", Duration(1, 60), "after so long without a voice it is over", 4.0)
END_KEY = Key("end_key", ONE_KEY, "the key that ends it", "#")
NOTHING_SAID = Key("no_input", STEP, "where to go when nothing was said; `next` if not written", "")
RECORD = Keys(
    (
        Key(
            "into", VARIABLE, "the variable that takes the file's path; its length goes into NAME_seconds", ""
        ),
        Key(
            "answer",
            VARIABLE,
            "the same for a spoken answer of a survey, which is an attribute of the call too",
            "",
        ),
        LONGEST,
        END_KEY,
        SILENCE,
        Key("beep", Flag(), "a beep says that it begins", True),
        NOTHING_SAID,
    )
)
VOICEMAIL = Short(
    Keys(
        (
            Key(
                "queue",
                Text("the id of a queue", IDENTIFIER.pattern),
                "a queue of routing_rules/queues.yaml, whose agents hear it",
            ),
            Key("prompt", Content(), "said before the beep", None),
            Key("review", Content(), "what offers 1 to keep it and 2 to record again", None),
            LONGEST,
            END_KEY,
            SILENCE,
            NOTHING_SAID,
            Key("priority", Number(-1000, 1000), "added to the call's priority; below 0 calls come first", 0),
        )
    ),
    "queue",
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
class Returned:
    """Values by name, or nothing at all."""

    def read(self, document: Document, node: Node, path: Path) -> dict[str, Any]:
        return {} if node.kind == "nothing" else VALUES.read(document, node, path)

    def blank(self) -> dict[str, Any]:
        return {}

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "null"}, VALUES.schema()]}


@dataclass(frozen=True, slots=True)
class Verb:
    """`options` stand beside the verb in the step."""

    value: Any
    options: Keys
    doc: str


VERBS = {
    "say": Verb(Content("text"), Keys((NEXT, BARGE_IN)), "speak a text"),
    "play": Verb(Content("sound"), Keys((NEXT, BARGE_IN)), "play sounds, files or numbers"),
    "menu": Verb(MENU, Keys(()), "ask for one key, or for a word"),
    "gather": Verb(GATHER, Keys((NEXT,)), "ask for digits"),
    "listen": Verb(OPEN, Keys((NEXT,)), "ask for anything, said freely"),
    "confirm": Verb(CONFIRM, Keys(()), "ask for yes or no"),
    "survey": Verb(SURVEY, Keys((NEXT,)), "ask one question of a survey, answered by a number"),
    "set": Verb(Table(AnyValue(), SETTABLE, least=1), Keys((NEXT,)), "set variables and call attributes"),
    "branch": Verb(Many(CASE, least=1), Keys((NEXT,)), "go where a condition holds"),
    "hours": Verb(HOURS, Keys(()), "go where the calendar says: open, closed or a holiday"),
    "look_up": Verb(LOOK_UP, Keys((NEXT,)), "ask a service over HTTP"),
    "send": Verb(SEND, Keys((NEXT,)), "tell other programs"),
    "run": Verb(RUN, Keys((NEXT,)), "go through another flow and come back"),
    "return": Verb(Returned(), Keys(()), "back to the flow that ran this one"),
    "record": Verb(RECORD, Keys((NEXT,)), "record the caller into a file"),
    "voicemail": Verb(VOICEMAIL, Keys((NEXT,)), "record a message, which waits in a queue for an agent"),
    "enqueue": Verb(ENQUEUE, Keys(()), "wait for an agent of a queue"),
    "callback": Verb(CALLBACK, Keys((NEXT,)), "call the caller back, who keeps the place"),
    "transfer": Verb(TRANSFER, Keys(()), "ring an agent or a number, or begin another flow"),
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
        Key("currency", CURRENCY, "of values read as money, where they name no other", ""),
        Key("start", STEP, "the first step"),
        Key("variables", Table(AnyValue()), "values of the flow's own, with their first value", {}),
        Key("defaults", DEFAULTS, "what menus do when they do not say it themselves", DEFAULTS.blank()),
        Key("steps", Table(StepShape(), least=1), "the steps by name"),
    )
)
