"""From a test file to `FlowTest`s: problems with file and line, names of flows looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.definitions.flow_test_keys import FLOW_TESTS, GIVEN, Item
from cti_engine.definitions.problems import Problem
from cti_engine.definitions.yaml_source import Document, Node, read_yaml

MONDAY_MORNING = datetime(2026, 11, 30, 10, 0, tzinfo=UTC).timestamp()
"""When nothing else is said, a test's call comes on a Monday at ten."""
SUFFIX = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Service:
    """`answer` None: it fails."""

    answer: Mapping[str, object] | None
    after: float


@dataclass(frozen=True, slots=True)
class Given:
    """`at`: local time as if it were UTC, seconds. `names`: what is found under a name, beside the clock's."""

    at: float = MONDAY_MORNING
    language: str = ""
    speech: bool = True
    names: Mapping[str, object] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    callback: bool = True
    transfer: str = "answered"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a script and where it stands."""

    verb: str
    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class FlowTest:
    file: str
    flow: str
    name: str
    line: int
    given: Given
    script: tuple[Line, ...]


def load_flow_tests(home: FilePath, flows: Collection[str]) -> tuple[list[FlowTest], list[Problem]]:
    """All of `ivr_flows/*.test.yaml`, in the order of files and lines. With an error in a file none of it."""
    tests: list[FlowTest] = []
    problems: list[Problem] = []
    for path in sorted((home / "ivr_flows").glob(f"*{SUFFIX}")):
        name = f"ivr_flows/{path.name}"
        document = Document(name, Node(0, 0, {}))
        try:
            document = read_yaml(name, path.read_bytes())
        except OSError as error:
            document.give_up(0, 0, f"cannot be read: {error.strerror}")
        found = list(_tests(document, flows))
        problems += sorted(set(document.problems))
        tests += [] if document.problems else found
    return tests, problems


def _tests(document: Document, flows: Collection[str]) -> Iterator[FlowTest]:
    written = FLOW_TESTS.read(document, document.root, ())
    flow = written["flow"]
    if flow and flow not in flows:
        document.problem(("flow",), f"there is no flow {flow}", did_you_mean(flow, flows))
    stem = FilePath(document.file).name.removesuffix(SUFFIX)
    if flow and flow != stem:
        document.problem(("flow",), f"the flow is {flow}, the file is {stem}{SUFFIX}", f"write flow: {stem}")
    for name, test in written["tests"].items():
        path = ("tests", name)
        given = _given(document, written["given"], test["given"], (*path, "given"))
        lines = tuple(
            Line(item.verb, _plain(item), document.at(item.path).line) for item in test["do"] if item.verb
        )
        yield FlowTest(document.file, flow, name, document.at(path).line, given, lines)


def _plain(item: Item) -> Any:
    """Literals as their values."""
    value = item.value
    if item.verb in ("sets", "answers"):
        return {name: literal.value for name, literal in value.items()}
    for key in ("data", "with"):
        if item.verb in ("sends", "asks") and key in value:
            value = {**value, key: {name: literal.value for name, literal in value[key].items()}}
    if item.verb == "enters" and value["priority"] is not None:
        value = {**value, "priority": value["priority"].value}
    return value


def _given(document: Document, common: dict[str, Any], own: dict[str, Any], path: tuple[str, ...]) -> Given:
    blank = GIVEN.blank()
    chosen = {
        key: own[key] if own[key] != blank[key] else common[key]
        for key in ("at", "language", "speech", "callback", "transfer")
    }
    at = MONDAY_MORNING
    if chosen["at"]:
        try:
            at = datetime.fromisoformat(chosen["at"]).replace(tzinfo=UTC).timestamp()
        except ValueError:
            document.problem((*path, "at"), f"there is no {chosen['at']}", "year-month-day hour:minute")
    services = {
        name: Service(
            None if each["fails"] or each["answer"] is None else _values(each["answer"]), each["after"]
        )
        for name, each in {**common["services"], **own["services"]}.items()
    }
    names = {**common["names"], **own["names"]}
    return Given(
        at, chosen["language"], chosen["speech"], names, services, chosen["callback"], chosen["transfer"]
    )


def _values(literals: Mapping[str, Any]) -> dict[str, object]:
    return {name: literal.value for name, literal in literals.items()}
