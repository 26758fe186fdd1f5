"""A YAML file as nodes that know their line and column; a bad file is a Problem, never a crash.

Built from PyYAML's events, so depth, size and aliases are bounded before anything is built. Scalars follow
YAML 1.2 (a `09:30`, an `on` or a date is text), with `yes` and `no` as booleans too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cti_engine.definitions.problems import ERROR, Path, Problem, print_path

try:
    from yaml import CSafeLoader as _Loader  # some 50 times faster
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 24
MAX_NODES = 400_000  # 10,000 agents with 30 values each

Scalar = None | bool | int | float | str
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,15}")


@dataclass(frozen=True, slots=True)
class Node:
    """`value` is a scalar, a list of nodes or a dict of nodes; `raw` the scalar as written.

    `plain`: written without quotes. `size`: nodes in it, aliases counted where they are used.
    `keys` has the place of each key of a mapping.
    """

    line: int
    column: int
    value: Scalar | list[Node] | dict[str, Node]
    raw: str = ""
    plain: bool = False
    size: int = 1
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`mapping`, `list`, `nothing` or `value`."""
        if isinstance(self.value, dict):
            return "mapping"
        if isinstance(self.value, list):
            return "list"
        return "nothing" if self.value is None else "value"


@dataclass(slots=True)
class Document:
    """One file. Problems gather here; once it is `unreadable` its root is an empty mapping, and no more come."""

    file: str
    root: Node
    problems: list[Problem] = field(default_factory=list)
    unreadable: bool = False

    def give_up(self, line: int, column: int, text: str, hint: str = "") -> None:
        """The whole file cannot be read."""
        self.add(line, column, (), text, hint, ERROR)
        self.root = Node(0, 0, {})
        self.unreadable = True

    def at(self, path: Path) -> Node:
        """The node at `path`, or the deepest one on the way that exists."""
        node = self.root
        for part in path:
            value = node.value
            if isinstance(value, dict):
                child = value.get(str(part))
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                child = value[part]
            else:
                child = None
            if child is None:
                break
            node = child
        return node

    def problem(
        self, path: Path, text: str, hint: str = "", *, severity: str = ERROR, offset: int = 0
    ) -> None:
        """A problem with what stands at `path`; `offset` characters into a scalar."""
        node = self.at(path)
        column = node.column + offset + (1 if offset and not node.plain else 0)
        self.add(node.line, column, path, text, hint, severity)

    def key_problem(self, path: Path, text: str, hint: str = "") -> None:
        """A problem with the key at the end of `path` itself."""
        parent = self.at(path[:-1])
        line, column = parent.keys.get(str(path[-1]), (parent.line, parent.column))
        self.add(line, column, path, text, hint, ERROR)

    def add(self, line: int, column: int, path: Path, text: str, hint: str, severity: str) -> None:
        if not self.unreadable:
            self.problems.append(Problem(self.file, line, column, print_path(path), severity, text, hint))


class _Unreadable(Exception):
    def __init__(self, line: int, column: int, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.place = line, column
        self.text = text
        self.hint = hint


def read_yaml(file: str, content: bytes) -> Document:
    """Never raises. `file` is the name that problems carry."""
    document = Document(file, Node(0, 0, {}))
    try:
        document.root = _Builder(document, content).whole()
    except _Unreadable as error:
        document.give_up(*error.place, error.text, error.hint)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        text = str(error.problem or error.context)
        if "maximum nesting depth" in text:  # libyaml has a limit of its own, and reads ahead
            document.give_up(line, column, f"nested deeper than {MAX_DEPTH}", "")
        else:
            document.give_up(line, column, text, _syntax_hint(content, line))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        document.give_up(1, 1, " ".join(str(error).split()), "save the file as plain UTF-8 text")
    return document


def _syntax_hint(content: bytes, line: int) -> str:
    lines = content.splitlines()
    text = lines[line - 1] if line <= len(lines) else b""
    if b"\t" in text:
        return "indent with spaces, not with tabs"
    if text.count(b": ") > 1 or b"{" in text or b"[" in text:
        return "a text or condition with : # { or [ in it belongs in quotes"
    return ""


class _Builder:
    """Recursive descent over the events of one document."""

    def __init__(self, document: Document, content: bytes) -> None:
        if len(content) > MAX_BYTES:
            raise _Unreadable(1, 1, f"larger than {MAX_BYTES // 1024} KiB")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise _Unreadable(line, 1, "not UTF-8 text", "save the file as UTF-8") from None
        self._document = document
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()

    def whole(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _Unreadable(*_place(event), "a second document in one file", "delete the ---")
                root = self._node(next(self._events), (), None)
        if root is None or root.value is None:
            raise _Unreadable(1, 1, "the file is empty", "write it, or delete it")
        return root

    def _node(self, event: Any, path: Path, key: tuple[int, int] | None) -> Node:
        """`key`: the place of the key before it, which is where people look for a block."""
        line, column = _place(event)
        if len(path) > MAX_DEPTH:
            raise _Unreadable(line, column, f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), line, column)
        anchor = event.anchor
        if anchor:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, line, column)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(path, *(key or (line, column)))
        else:
            node = self._mapping(path, *(key or (line, column)))
        if anchor:
            self._open.discard(anchor)
            self._anchors[anchor] = node
        if node.size > MAX_NODES:
            raise _Unreadable(line, column, f"more than {MAX_NODES} values")
        return node

    def _alias(self, anchor: str, line: int, column: int) -> Node:
        if anchor in self._open:
            raise _Unreadable(line, column, f"*{anchor} stands inside itself", "write it out")
        if anchor not in self._anchors:
            raise _Unreadable(line, column, f"*{anchor} is used before &{anchor}", f"put &{anchor} first")
        return self._anchors[anchor]

    def _list(self, path: Path, line: int, column: int) -> Node:
        items: list[Node] = []
        size = 1
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*path, len(items)), None))
            size += items[-1].size
            self._bounded(size, line, column)
        return Node(line, column, items, size=size)

    def _mapping(self, path: Path, line: int, column: int) -> Node:
        values: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        merged: list[Node] = []
        size = 1
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            place = _place(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Unreadable(*place, "a key has to be one word", "a text with { or [ belongs in quotes")
            key = str(event.value)
            node = self._node(next(self._events), (*path, key), place)
            size += node.size
            self._bounded(size, line, column)
            if key == "<<" and event.implicit[0]:
                merged.append(node)
            elif key in values:
                text = f"{key} stands here twice, first in line {places[key][0]}"
                self._document.add(*place, (*path, key), text, "keep one of them", ERROR)
            else:
                values[key], places[key] = node, place
        for node in merged:
            self._merge(node, values, places)
        return Node(line, column, values, size=size, keys=places)

    def _bounded(self, size: int, line: int, column: int) -> None:
        if size > MAX_NODES:
            raise _Unreadable(line, column, f"more than {MAX_NODES} values")

    def _merge(self, node: Node, values: dict[str, Node], places: dict[str, tuple[int, int]]) -> None:
        """`<<: *anchor` or `<<: [*one, *other]`: keys that are not there yet."""
        for source in node.value if isinstance(node.value, list) else [node]:
            if not isinstance(source.value, dict):
                raise _Unreadable(node.line, node.column, "<< takes a mapping", "write <<: *name")
            for key, value in source.value.items():
                values.setdefault(key, value)
                places.setdefault(key, source.keys[key])


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(event: Any, line: int, column: int) -> Node:
    text = str(event.value)
    plain = bool(event.implicit[0]) and event.style in (None, "")
    return Node(line, column, _resolved(text) if plain else text, raw=text, plain=plain)


def plain_node(text: str) -> Node:
    """A value from elsewhere (an environment variable) as if it stood in a file without quotes."""
    return Node(0, 0, _resolved(text), raw=text, plain=True)


def _resolved(text: str) -> Scalar:
    if text in ("", "~", "null"):
        return None
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
