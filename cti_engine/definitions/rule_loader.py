"""routing_rules/ beside the queues: dialled numbers, who comes first, profiles of agents, overflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cti_engine.core.definitions import DialledNumber, OverflowLink, PriorityRule, QueueDefinition
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import Scope
from cti_engine.core.ivr.names import CALL_NAMES, NOW_NAMES
from cti_engine.core.routing.model import ProfileQueue
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    Duration,
    Key,
    Keys,
    Many,
    Number,
    Short,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document

FLOW_ID = Text("the id of a flow", IDENTIFIER.pattern)
POINTS = Number(-1000, 1000)
HEAD_START = Duration(0, 3600)

DIALLED_NUMBER = Keys(
    (
        Key("flow", FLOW_ID, "the flow that answers"),
        Key("language", LANGUAGE, "the language it begins in"),
        Key("priority", POINTS, "points for each call on it", 0),
        Key("head_start", HEAD_START, "its calls count as having waited so long already", 0.0),
    )
)
DIALLED_NUMBERS = Keys(
    (
        Key(
            "dialled_numbers",
            Table(DIALLED_NUMBER, Text("a number or a SIP user", r"\+?[0-9*#]{1,20}|[a-z][a-z0-9_.-]{0,63}")),
            "what answers each number",
        ),
    )
)

PRIORITY = Keys(
    (
        Key("when", Text("a condition"), "asked as the call is queued"),
        Key("add", POINTS, "points", 0),
        Key("head_start", HEAD_START, "counts as having waited so long already", 0.0),
    )
)
PRIORITIES = Keys(
    (
        Key("priorities", Many(PRIORITY), "whose calls come first; all that hold are added up", ()),
        Key("re_caller_within", Duration(0, 86400),
            "who gave up or was cut off less than this ago gets the waiting time back; 0s: nobody", 0.0),
    )
)  # fmt: skip

PROFILE_QUEUE = Short(
    Keys(
        (
            Key("rank", Number(1, 100), "1 is served first"),
            Key("delay", Duration(0, 86400), "only calls that have waited so long", 0.0),
        )
    ),
    "rank",
)
PROFILE = Keys(
    (Key("queues", Table(PROFILE_QUEUE, least=1), "the queues that agents of this profile serve"),)
)
PROFILES = Keys((Key("profiles", Table(PROFILE), "ways of serving several queues"),))

LINK = Keys(
    (
        Key("queue", IDENTIFIER, "whose calls may wait in the lender too"),
        Key("lender", IDENTIFIER, "the queue whose agents help"),
        Key("open_wait", Duration(1, 86400), "opens when somebody has waited so long", None),
        Key(
            "open_level", Number(0, 1, decimal=True), "opens when the service level of the day is lower", None
        ),
        Key(
            "close_wait",
            Duration(0, 86400),
            "closes when nobody waits longer; default: half of open_wait",
            None,
        ),
        Key("close_level", Number(0, 1, decimal=True), "and the service level is higher", None),
        Key(
            "lend_above",
            Number(0, 1, decimal=True),
            "only while the lender's own service level is higher",
            0.0,
        ),
    )
)
OVERFLOW = Keys((Key("overflow", Many(LINK), "queues that help others, while it is needed"),))


def load_dialled_numbers(document: Document) -> dict[str, DialledNumber]:
    written = DIALLED_NUMBERS.read(document, document.root, ())
    return {number: DialledNumber(number, **values) for number, values in written["dialled_numbers"].items()}


@dataclass(frozen=True, slots=True)
class Priorities:
    rules: tuple[PriorityRule, ...]
    re_caller_within: float


def load_priorities(document: Document, call_scope: Scope) -> Priorities:
    written = PRIORITIES.read(document, document.root, ())
    scope: Scope = {**CALL_NAMES, **NOW_NAMES, **call_scope}
    rules = []
    for index, values in enumerate(written["priorities"]):
        path: Path = ("priorities", index, "when")
        condition, faults = read_condition(values["when"], scope) if values["when"] else (None, [])
        for fault in faults:
            document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
        if condition is not None:
            rules.append(PriorityRule(condition, values["add"], values["head_start"]))
    return Priorities(tuple(rules), written["re_caller_within"])


Queues = Mapping[str, QueueDefinition] | None  # None: their file could not be read


def load_profiles(document: Document, queues: Queues) -> dict[str, dict[str, ProfileQueue]]:
    written = PROFILES.read(document, document.root, ())
    for profile, values in written["profiles"].items():
        for queue in values["queues"]:
            _queue_named(document, ("profiles", profile, "queues", queue), queue, queues, key=True)
    return {
        profile: {
            queue: ProfileQueue(entry["rank"], round(entry["delay"] * 1000))
            for queue, entry in values["queues"].items()
        }
        for profile, values in written["profiles"].items()
    }


def load_overflow(document: Document, queues: Queues) -> tuple[OverflowLink, ...]:
    written = OVERFLOW.read(document, document.root, ())
    links = []
    for index, values in enumerate(written["overflow"]):
        path: Path = ("overflow", index)
        for key in ("queue", "lender"):
            _queue_named(document, (*path, key), values[key], queues)
        wait, level = values["open_wait"], values["open_level"]
        if wait is None and level is None:
            document.problem(path, "nothing opens this link", "open_wait: 60s or open_level: 0.7")
        if values["queue"] and values["queue"] == values["lender"]:
            document.problem((*path, "lender"), "a queue does not lend to itself")
        close_wait = values["close_wait"]
        if close_wait is None:
            close_wait = (wait or 0.0) / 2
        close_level = values["close_level"] if values["close_level"] is not None else level or 0.0
        if wait is not None and close_wait > wait:
            document.problem((*path, "close_wait"), "longer than open_wait: it would open and close at once")
        if level is not None and close_level < level:
            document.problem((*path, "close_level"), "lower than open_level: it would open and close at once")
        links.append(
            OverflowLink(
                values["queue"], values["lender"], wait, level, close_wait, close_level, values["lend_above"]
            )
        )
    return tuple(links)


def _queue_named(document: Document, path: Path, queue: str, queues: Queues, *, key: bool = False) -> None:
    if queue and queues is not None and queue not in queues:
        report = document.key_problem if key else document.problem
        report(path, f"there is no queue {queue}", did_you_mean(queue, queues))
