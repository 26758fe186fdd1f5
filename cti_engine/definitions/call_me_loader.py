"""`call_me:` of config/engine.yaml: what the company's web site may ask for. Not written, it may ask for nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cti_engine.core.definitions import CallbackRules, CallMeRules
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.expressions.values import Type
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import IDENTIFIER, Key, Keys, Many, Text
from cti_engine.definitions.yaml_source import Document

CALL_RATE = Text("a rate such as 3/h or 10/m", r"[1-9]\d{0,4}/[smh]")
ORIGIN = Text("an origin such as https://www.example.org", r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
CALL_ME = Keys(
    (
        Key("queues", Many(Text("the id of a queue", IDENTIFIER.pattern), least=1), "queues that may be asked for"),
        Key("number", Text("a number", r"\+?[0-9]{1,15}"),
            "the number that the called phone shows; it counts as the one dialled", ""),
        Key("origins", Many(ORIGIN), "pages whose scripts may ask; without any only a server may", ()),
        Key("hours", Text("the name of a calendar", IDENTIFIER.pattern),
            "a calendar of config/business_hours.yaml: closed, nothing may be asked for; without, at any hour", ""),
        Key("attributes", Many(IDENTIFIER), "attributes of the call, of config/attributes.yaml, that may be given", ()),
        Key("per_number", CALL_RATE, "how often one number may be asked for", "3/h"),
        Key("per_address", CALL_RATE, "how often one address may ask; more for a server that asks for all", "10/m"),
    )
)  # fmt: skip
PLACE: Path = ("call_me",)


def load_call_me(
    document: Document,
    written: dict[str, Any] | None,
    callbacks: CallbackRules,
    queues: Collection[str] | None,
    calendars: Collection[str] | None,
    attributes: dict[str, Type],
) -> CallMeRules | None:
    """The core's half of it. What is None could not be read, and is not looked at; `attributes` by `call.NAME`."""
    if written is None:
        return None
    if not callbacks.numbers:
        text = "no number may be called: callbacks.numbers is empty"
        document.problem(PLACE, text, 'add callbacks: {numbers: ["+346", "+349"], trunk: NAME}')
    for index, queue in enumerate(written["queues"]):
        if queue and queues is not None and queue not in queues:
            document.problem(
                (*PLACE, "queues", index), f"there is no queue {queue}", closest_or_all(queue, queues)
            )
    hours = written["hours"]
    if hours and calendars is not None and hours not in calendars:
        document.problem((*PLACE, "hours"), f"there is no calendar {hours}", closest_or_all(hours, calendars))
    types: dict[str, Type] = {}
    for index, name in enumerate(written["attributes"]):
        declared = attributes.get(f"call.{name}")
        if name and declared is None:
            known = [each.removeprefix("call.") for each in attributes]
            document.problem(
                (*PLACE, "attributes", index),
                f"{name} is not a declared attribute",
                closest_or_all(name, known),
            )
        elif declared is not None:
            types[name] = declared
    return CallMeRules(tuple(written["queues"]), written["number"], hours, types)
