"""A flow file after its first pass: its shapes are read, its names are not looked up yet.

First `read_flow` for each file, so that all call attributes that flows set are known, then `flow_loader.build_flow`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import NUMBER, TEXT, UNKNOWN, Scope, Type
from cti_engine.core.ivr import flow as core
from cti_engine.core.ivr.names import FLOW_NAMES, SHORT_NAMES
from cti_engine.definitions.flow_keys import FLOW, WrittenStep
from cti_engine.definitions.problems import Path
from cti_engine.definitions.texts import TemplateError, parse_template
from cti_engine.definitions.yaml_source import Document


@dataclass(slots=True)
class FlowSource:
    """A flow file after the first pass. `version` is the hash of its content."""

    id: str
    version: str
    document: Document
    written: dict[str, Any]
    variables: dict[str, Type] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)  # WAV files that it plays, and where

    def steps(self) -> Iterator[tuple[str, WrittenStep]]:
        yield from self.written["steps"].items()

    def runs(self) -> set[str]:
        """The flows that it runs."""
        return {step.value["flow"] for _, step in self.steps() if step.verb == "run"}


def read_flow(document: Document, content: bytes) -> FlowSource:
    """The shapes of everything; names are not looked up yet."""
    written = FLOW.read(document, document.root, ())
    source = FlowSource(written["flow"], hashlib.sha256(content).hexdigest()[:12], document, written)
    stem = PurePath(document.file).stem
    if source.id and source.id != stem:
        document.problem(
            ("flow",), f"the flow is {source.id}, the file is {stem}.yaml", f"write flow: {stem}"
        )
    source.id = stem
    return source


def attribute_types(sources: Iterable[FlowSource], declared: Scope) -> dict[str, Type]:
    """Types of all names but variables: `declared` ones and call attributes that flows set.

    Finds each flow's variables on the way. Setting one name to two types is a problem.
    """
    scope = {**FLOW_NAMES, **declared}
    for source in sources:
        for name, value in source.written["variables"].items():
            source.variables[name] = value.type
        for path, name, value in _settings(source):
            types = scope if name.startswith("call.") else source.variables
            found = _type_of(value, scope, source.variables)
            known = types.setdefault(name, found)
            if known != found and UNKNOWN not in (known, found):
                source.document.problem(
                    path,
                    f"{name} is a {known} elsewhere, a {found} here",
                    "one kind for each name: take another name",
                )
    return scope


def _settings(source: FlowSource) -> Iterator[tuple[Path, str, Literal]]:
    for step_name, step in source.steps():
        path: Path = ("steps", step_name, step.verb)
        if step.verb == "set":
            for name, value in step.value.items():
                yield (*path, name), name, value
        elif step.verb == "enqueue":
            for name, value in step.value["attributes"].items():
                yield (*path, "attributes", name), f"call.{name}", value
        elif step.verb == "survey" and step.value["answer"]:
            answer = step.value["answer"]
            yield (*path, "answer"), answer, Literal(0, NUMBER)
            yield (*path, "answer"), f"call.{answer}", Literal(0, NUMBER)
        elif step.verb == "record":
            for key in ("into", "answer"):
                if name := step.value[key]:
                    yield (*path, key), name, Literal("", TEXT)
                    yield (*path, key), f"{name}_seconds", Literal(0.0, NUMBER)
            if step.value["answer"]:
                yield (*path, "answer"), f"call.{step.value['answer']}", Literal("", TEXT)
        elif step.verb in ("gather", "listen") and step.value["into"]:
            yield (*path, "into"), step.value["into"], Literal("", TEXT)


def _type_of(value: Literal, scope: Scope, variables: Scope) -> Type:
    """A lone `{name}` has the type of the name; any other text is a text."""
    if value.type == TEXT:
        try:
            parts = parse_template(str(value.value))
        except TemplateError:
            return TEXT  # told where it is built
        if len(parts) == 1 and isinstance(parts[0], core.Spoken):
            name = parts[0].name
            return variables.get(name) or scope.get(SHORT_NAMES.get(name, name)) or TEXT
    return value.type


def version_of(source: FlowSource, flows: Mapping[str, FlowSource]) -> str:
    """Of the flow with all that it runs: a change in one of those is a change of this one too."""
    reached: dict[str, str] = {}
    waiting = [source]
    while waiting:
        each = waiting.pop()
        if each.id not in reached:
            reached[each.id] = each.version
            waiting += [flows[name] for name in each.runs() if name in flows]
    if len(reached) == 1:
        return source.version
    del reached[source.id]
    together = " ".join([source.version, *(f"{id_}:{reached[id_]}" for id_ in sorted(reached))])
    return hashlib.sha256(together.encode()).hexdigest()[:12]
