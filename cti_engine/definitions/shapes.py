"""What a value in a file may look like: a shape reads a node into plain Python and prints its JSON Schema.

Reading always returns a value of the promised type: a bad one is a problem and its blank (empty text,
smallest number), so that everything else in the file is still looked at. Blank names are never looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import (
    BOOLEAN,
    DURATION,
    NUMBER,
    TEXT,
    parse_duration,
    print_duration,
    print_number,
)
from cti_engine.definitions.problems import Path
from cti_engine.definitions.yaml_source import Document, Node

Schema = dict[str, Any]


class Shape(Protocol):
    def read(self, document: Document, node: Node, path: Path) -> Any: ...

    def blank(self) -> Any: ...

    def schema(self) -> Schema: ...


def _found(node: Node) -> str:
    return f"found {node.raw!r}" if node.kind == "value" else f"found {_article(node.kind)}"


def _article(kind: str) -> str:
    return kind if kind == "nothing" else f"a {kind}"


@dataclass(frozen=True, slots=True)
class Text:
    """One scalar, as written. `pattern` is a regular expression, `what` says it to people."""

    what: str = "a text"
    pattern: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False  # what was found is not printed

    def read(self, document: Document, node: Node, path: Path) -> str:
        if node.kind != "value" or not node.raw.strip():
            hint = 'a text with { belongs in quotes: "{...}"' if node.kind == "mapping" else ""
            document.problem(path, f"expected {self.what}, {_found(node)}", hint)
        elif self.choices and node.raw not in self.choices:
            hint = did_you_mean(node.raw, self.choices) or f"one of {', '.join(self.choices)}"
            document.problem(path, f"{node.raw!r} is not {self.what}", hint)
        elif self.pattern and not re.fullmatch(self.pattern, node.raw):
            document.problem(path, f"expected {self.what}" + ("" if self.secret else f", {_found(node)}"))
        else:
            return node.raw
        return self.blank()

    def blank(self) -> str:
        return ""

    def schema(self) -> Schema:
        if self.choices:
            return {"enum": list(self.choices)}
        return {"type": ["string", "number"]} | ({"pattern": f"^({self.pattern})$"} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Number:
    """Within `least` and `most`; whole unless `decimal`."""

    least: float = 0
    most: float = 1_000_000
    decimal: bool = False

    def read(self, document: Document, node: Node, path: Path) -> Any:
        value = node.value
        kinds = (int, float) if self.decimal else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds):
            what = "a number" if self.decimal else "a whole number"
            document.problem(path, f"expected {what}, {_found(node)}")
        elif not self.least <= value <= self.most:
            limits = f"from {print_number(self.least)} to {print_number(self.most)}"
            document.problem(path, f"{node.raw} is out of range", limits)
        else:
            return float(value) if self.decimal else value
        return self.blank()

    def blank(self) -> Any:
        return float(self.least) if self.decimal else int(self.least)

    def schema(self) -> Schema:
        kind = "number" if self.decimal else "integer"
        return {"type": kind, "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Duration:
    """`20s`, `10m`; read as seconds."""

    least: float = 0.0
    most: float = 86400.0

    def read(self, document: Document, node: Node, path: Path) -> float:
        value = parse_duration(node.raw) if node.kind == "value" else None
        if value is None:
            hint = f"{node.raw}s or {node.raw}m" if isinstance(node.value, int) else "e.g. 20s, 10m, 1h"
            document.problem(path, f"expected a duration, {_found(node)}", hint)
        elif not self.least <= value <= self.most:
            limits = f"from {print_duration(self.least)} to {print_duration(self.most)}"
            document.problem(path, f"{node.raw} is out of range", limits)
        else:
            return value
        return self.blank()

    def blank(self) -> float:
        return self.least

    def schema(self) -> Schema:
        return {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$", "examples": ["20s", "10m"]}


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, document: Document, node: Node, path: Path) -> bool:
        if isinstance(node.value, bool):
            return node.value
        document.problem(path, f"expected true or false, {_found(node)}")
        return self.blank()

    def blank(self) -> bool:
        return False

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class AnyValue:
    """A literal of the condition language: number, duration, true/false or text."""

    def read(self, document: Document, node: Node, path: Path) -> Literal:
        value = node.value
        if isinstance(value, bool):
            return Literal(value, BOOLEAN)
        if isinstance(value, int | float):
            return Literal(value, NUMBER)
        if isinstance(value, str):
            seconds = parse_duration(value) if node.plain else None
            return Literal(value, TEXT) if seconds is None else Literal(seconds, DURATION)
        hint = 'a text with { belongs in quotes: "{...}"' if node.kind == "mapping" else ""
        document.problem(path, f"expected one value, {_found(node)}", hint)
        return self.blank()

    def blank(self) -> Literal:
        return Literal("", TEXT)

    def schema(self) -> Schema:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True)
class Many:
    """A list, of at least `least` items; one value alone is a list of one."""

    item: Shape
    least: int = 0

    def read(self, document: Document, node: Node, path: Path) -> tuple[Any, ...]:
        if isinstance(node.value, list):
            items = tuple(self.item.read(document, n, (*path, i)) for i, n in enumerate(node.value))
            if len(items) < self.least:
                document.problem(path, f"expected at least {self.least} in this list")
            return items
        if node.kind == "value":
            return (self.item.read(document, node, path),)
        document.problem(path, f"expected a list, {_found(node)}", "a list is written [a, b]")
        return self.blank()

    def blank(self) -> tuple[Any, ...]:
        return ()

    def schema(self) -> Schema:
        item = self.item.schema()
        return {"anyOf": [{"type": "array", "items": item, "minItems": self.least}, item]}


IDENTIFIER = Text("a name (letters, digits and _, a letter first)", r"[A-Za-z][A-Za-z0-9_]{0,63}")
LANGUAGE = Text("a language such as es or en", r"[a-z]{2}")


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping from names of the admin's choice to values of one shape."""

    value: Shape
    name: Text = IDENTIFIER
    least: int = 0

    def read(self, document: Document, node: Node, path: Path) -> dict[str, Any]:
        if not isinstance(node.value, dict):
            document.problem(path, f"expected a mapping (name: value), {_found(node)}")
            return {}
        if len(node.value) < self.least:
            document.problem(path, "nothing is written here", "write at least one line name: value")
        read = {}
        for name, child in node.value.items():
            if not re.fullmatch(self.name.pattern, name):
                document.key_problem((*path, name), f"expected {self.name.what}, found {name!r}")
            read[name] = self.value.read(document, child, (*path, name))
        return read

    def blank(self) -> dict[str, Any]:
        return {}

    def schema(self) -> Schema:
        return {
            "type": "object",
            "patternProperties": {f"^({self.name.pattern})$": self.value.schema()},
            "additionalProperties": False,
        }


class _Required:
    pass


REQUIRED = _Required()


@dataclass(frozen=True, slots=True)
class Key:
    """`default` is a read value (seconds, not `20s`); REQUIRED when there is none."""

    name: str
    shape: Shape
    doc: str
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys. What is not written gets its default."""

    keys: tuple[Key, ...]

    def read(self, document: Document, node: Node, path: Path) -> dict[str, Any]:
        if node.kind == "nothing":
            node = Node(node.line, node.column, {})
        if not isinstance(node.value, dict):
            document.problem(path, f"expected a mapping, {_found(node)}", f"keys: {', '.join(self.names)}")
            return self.blank()
        self.unknown(document, node.value, path, self.names)
        return {key.name: self._one(document, node.value, key, path) for key in self.keys}

    @staticmethod
    def unknown(document: Document, found: Mapping[str, Node], path: Path, known: tuple[str, ...]) -> None:
        for name in found:
            if name not in known:
                hint = did_you_mean(name, known) or f"keys: {', '.join(known)}"
                document.key_problem((*path, name), f"unknown key {name}", hint)

    @staticmethod
    def _one(document: Document, found: Mapping[str, Node], key: Key, path: Path) -> Any:
        if key.name in found:
            return key.shape.read(document, found[key.name], (*path, key.name))
        if isinstance(key.default, _Required):
            document.problem(path, f"{key.name} is missing", key.doc)
            return key.shape.blank()
        return key.default

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys)

    def blank(self) -> dict[str, Any]:
        return {k.name: k.shape.blank() if isinstance(k.default, _Required) else k.default for k in self.keys}

    def schema(self) -> Schema:
        required = [key.name for key in self.keys if isinstance(key.default, _Required)]
        return {
            "type": "object",
            "properties": {key.name: {"description": key.doc, **key.shape.schema()} for key in self.keys},
            "additionalProperties": False,
        } | ({"required": required} if required else {})


@dataclass(frozen=True, slots=True)
class Short:
    """A mapping that may be written as its one most important value: `enqueue: sales`."""

    full: Keys
    key: str

    def read(self, document: Document, node: Node, path: Path) -> dict[str, Any]:
        if node.kind != "value":
            return self.full.read(document, node, path)
        shape = next(key.shape for key in self.full.keys if key.name == self.key)
        return {**self.full.blank(), self.key: shape.read(document, node, path)}

    def blank(self) -> dict[str, Any]:
        return self.full.blank()

    def schema(self) -> Schema:
        shape = next(key.shape for key in self.full.keys if key.name == self.key)
        return {"anyOf": [shape.schema(), self.full.schema()]}
