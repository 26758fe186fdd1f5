"""What may stand in a test of a flow (`ivr_flows/<flow>.test.yaml`): what is given, and a script in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.definitions.flow_keys import VALUES, Nothing
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
    Schema,
    Shape,
    Short,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document, Node

NAME = Text("a name such as call.segment", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
SAID = Text("what is said")
MOMENT = Text(
    'a local date and time such as "2026-12-25 10:00"', r"\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
)


@dataclass(frozen=True, slots=True)
class FoundValue:
    """What stands under a name: one value, or a list of them as `call.region_languages` is."""

    def read(self, document: Document, node: Node, path: Path) -> Any:
        if isinstance(node.value, list):
            return [item.value for item in Many(AnyValue()).read(document, node, path)]
        return AnyValue().read(document, node, path).value

    def blank(self) -> str:
        return ""

    def schema(self) -> Schema:
        return Many(AnyValue()).schema()


ANSWER = Keys(
    (
        Key("answer", VALUES, "what the service answers", None),
        Key("after", Duration(0, 60), "so long after it was asked", 0.2),
        Key("fails", Flag(), "there is no good answer", False),
    )
)
GIVEN = Keys(
    (
        Key("at", MOMENT, "when the call comes, local time", ""),
        Key("language", LANGUAGE, "the call's language; the flow's first if not written", ""),
        Key("speech", Flag(), "somebody recognises speech", True),
        Key("callback", Flag(), "a callback is possible", True),
        Key("transfer", Text("what comes of a transfer", choices=("answered", "busy", "no_answer", "failed")),
            "what comes of a transfer", "answered"),
        Key("names", Table(FoundValue(), NAME), "call.*, queue.*, hours.* as they are found", {}),
        Key("services", Table(ANSWER), "what each service does", {}),
    )
)  # fmt: skip
ENTERS = Short(
    Keys(
        (
            Key("queue", IDENTIFIER, "the queue that the call enters"),
            Key("priority", AnyValue(), "with these points", None),
            Key("treatment", IDENTIFIER, "with this flow while it waits", ""),
        )
    ),
    "queue",
)
SENDS = Short(
    Keys((Key("message", IDENTIFIER, "the message"), Key("data", VALUES, "what must be in it", {}))),
    "message",
)
ASKS = Short(
    Keys((Key("service", IDENTIFIER, "the service"), Key("with", VALUES, "what must be asked", {}))),
    "service",
)
CALLS_BACK = Short(
    Keys((Key("number", Text("a number"), "the number"), Key("queue", IDENTIFIER, "the step's queue", ""))),
    "number",
)

ITEMS: dict[str, tuple[Shape, str]] = {
    "hears": (Many(SAID, least=1), "the caller hears this, at once or after a while; in this order"),
    "hears_not": (Many(SAID, least=1), "nothing of this has been heard in the whole call so far"),
    "presses": (Text("keys of the phone", r"[0-9*#]+"), "keys, one after the other"),
    "says": (SAID, "words that are well understood"),
    "mumbles": (SAID, "words that are not surely understood: the flow asks back"),
    "makes_noise": (Nothing(), "something is heard that is no speech"),
    "is_silent": (Nothing(), "until the flow asks again or goes on"),
    "speaks": (Duration(0, 600), "so long, while a message is recorded"),
    "waits": (Duration(0, 86400), "so long"),
    "hangs_up": (Nothing(), "the caller is gone"),
    "step": (IDENTIFIER, "the flow stands in this step now"),
    "sets": (Table(AnyValue(), NAME, least=1), "variables and call attributes that have these values now"),
    "asks": (ASKS, "a service has been asked"),
    "sends": (SENDS, "a message has been sent"),
    "answers": (
        Table(AnyValue(), least=1),
        "questions of a survey that have these answers; a spoken one as 8s",
    ),
    "calls_back": (CALLS_BACK, "a callback to this number has been asked for"),
    "transfers": (
        Text("an agent, a number or a flow"),
        "the call is transferred to this agent, number or flow; where nobody answers the flow goes on",
    ),
    "enters": (ENTERS, "the call goes into a queue"),
    "leaves": (IDENTIFIER, "a message waits in this queue"),
    "ends": (Text("how", choices=("flow_ended", "flow_fault")), "the flow ends the call"),
    "within": (Duration(0, 86400), "no more time than this has passed since the call came"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a script; `verb` is empty when it could not be read."""

    verb: str
    value: Any
    path: Path


@dataclass(frozen=True, slots=True)
class ItemShape:
    """A mapping with one verb, or a verb without a value as a word."""

    def read(self, document: Document, node: Node, path: Path) -> Item:
        if node.kind == "value" and isinstance(ITEMS.get(node.raw, (None,))[0], Nothing):
            return Item(node.raw, None, path)
        found = node.value
        if not isinstance(found, dict) or len(found) != 1:
            document.problem(path, "expected one verb with its value", f"verbs: {', '.join(ITEMS)}")
            return self.blank()
        verb, value = next(iter(found.items()))
        if verb not in ITEMS:
            hint = did_you_mean(verb, ITEMS) or f"verbs: {', '.join(ITEMS)}"
            document.key_problem((*path, verb), f"unknown verb {verb}", hint)
            return self.blank()
        return Item(verb, ITEMS[verb][0].read(document, value, (*path, verb)), path)

    def blank(self) -> Item:
        return Item("", None, ())

    def schema(self) -> Schema:
        words = [verb for verb, (shape, _) in ITEMS.items() if isinstance(shape, Nothing)]
        return {
            "anyOf": [
                {"enum": words},
                *(
                    {
                        "type": "object",
                        "properties": {verb: {"description": doc, **shape.schema()}},
                        "required": [verb],
                        "additionalProperties": False,
                    }
                    for verb, (shape, doc) in ITEMS.items()
                ),
            ]
        }


TEST = Keys(
    (
        Key("given", GIVEN, "what is so in this test; the file's given comes before", GIVEN.blank()),
        Key("do", Many(ItemShape(), least=1), "the script, in order"),
    )
)
FLOW_TESTS = Keys(
    (
        Key("flow", IDENTIFIER, "the flow that is tried"),
        Key("given", GIVEN, "what is so in all tests", GIVEN.blank()),
        Key("tests", Table(TEST, Text("a name", r".{1,120}"), least=1), "the tests by name"),
    )
)
