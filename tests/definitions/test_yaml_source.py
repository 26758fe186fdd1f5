"""Reading YAML with places: scalars as people mean them, bounds against hostile files."""

from __future__ import annotations

import pytest

from cti_engine.definitions.yaml_source import MAX_BYTES, MAX_DEPTH, MAX_NODES, Document, Node, read_yaml


def _read(text: str) -> Document:
    return read_yaml("a.yaml", text.encode())


def _value(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: _value(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_value(child) for child in node.value]
    return node.value


def test_scalars_are_what_people_mean() -> None:
    """No sexagesimal times, no dates, no Norwegian `no` as a key, no octal numbers; yes and no are booleans."""
    document = _read(
        "{time: 09:30, date: 2026-11-22, on: on, no: yes, code: 0034, plus: +34911, n: -7, d: 0.8, big: 1e9, "
        'quoted: "1", nothing: ~, empty: , twelve: 12, hex: 0x1F}'
    )
    assert document.problems == []
    assert _value(document.root) == {
        "time": "09:30", "date": "2026-11-22", "on": "on", "no": True, "code": "0034", "plus": "+34911",
        "n": -7, "d": 0.8, "big": "1e9", "quoted": "1", "nothing": None, "empty": None, "twelve": 12, "hex": "0x1F",
    }  # fmt: skip


def test_every_node_knows_its_place() -> None:
    """A scalar's own place; a block's place is its key's, which is where people look."""
    document = _read("a:\n  b: one\n  c:\n    - x\n    - y: 2\n")
    places = {
        path: (document.at(path).line, document.at(path).column)
        for path in [("a",), ("a", "b"), ("a", "c"), ("a", "c", 0), ("a", "c", 1, "y"), ("a", "nobody")]
    }
    assert places == {
        ("a",): (1, 1), ("a", "b"): (2, 6), ("a", "c"): (3, 3), ("a", "c", 0): (4, 7),
        ("a", "c", 1, "y"): (5, 10), ("a", "nobody"): (1, 1),
    }  # fmt: skip


def test_anchors_and_merges_are_fine() -> None:
    """A queue may take over what another one says, and overrule it."""
    document = _read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}], x: 5}\nd: *a\n")
    assert document.problems == []
    assert _value(document.root) == {
        "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 5, "y": 2, "z": 4}, "d": {"x": 1, "y": 2}
    }  # fmt: skip


def test_a_duplicate_key_is_told_and_the_first_counts() -> None:
    """The second of two equal keys is a problem with both lines."""
    document = _read("a: 1\nb: 2\na: 3\n")
    assert [str(problem) for problem in document.problems] == [
        "a.yaml:3: a: a stands here twice, first in line 1 (keep one of them)"
    ]
    assert _value(document.root) == {"a": 1, "b": 2}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, f"more than {MAX_NODES} values"),
        ("[" * 100_000, f"nested deeper than {MAX_DEPTH}"),
        ("a: " + "{b: " * 2000, f"nested deeper than {MAX_DEPTH}"),
        ("x" * (MAX_BYTES + 1), "larger than 8192 KiB"),
        ("a: *b", "*b is used before &b"),
        ("a: &a {b: *a}", "*a stands inside itself"),
        ("<<: 5", "<< takes a mapping"),
        ("", "the file is empty"),
        ("a: 1\n---\nb: 1\n", "a second document in one file"),
        ("{[a]: 1}", "a key has to be one word"),
        ("a:\n\tb: 1", "found character that cannot start any token"),
        ("a: \x01", "control characters are not allowed"),
        ('a: "\\UFFFFFFFF"', ""),
    ],
)
def test_hostile_and_broken_files_are_one_problem(text: str, says: str) -> None:
    """Bombs, depth, size, recursion, bad syntax: refused early, in one line."""
    document = _read(text)
    assert document.unreadable
    assert len(document.problems) == 1
    assert says in document.problems[0].text
    assert _value(document.root) == {}
