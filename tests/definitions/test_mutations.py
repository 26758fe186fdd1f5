"""Whatever an admin does to the files, loading gives a set or problems, and never an error."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.expressions.values import kind
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import has_errors
from cti_engine.definitions.report import as_plain, as_text
from cti_engine.definitions.settings import load_settings
from cti_engine.definitions.yaml_source import read_yaml
from tests.core_ivr.caller import Caller
from tests.definitions.homes import FOLDERS, ROOT, shipped_home

FILES = sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).glob("*.yaml"))
_SNIPPETS = [
    *[
        "",
        " ",
        "\n",
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "#",
        "&a ",
        "*a",
        "<<: *queue",
        "? ",
        "| ",
    ],
    *[
        "null",
        "true",
        "-1",
        "1e9",
        "9" * 20,
        "0x1F",
        "20s",
        "2026-11-22",
        "{call.ani}",
        "menu",
        "next",
        "go_to: ",
    ],
    *["\x00", "\ufeff", "\udc80", "ñ", "---\n", "...\n", "%YAML 9.9\n", '"\\U00110000"', "? {a: b} : c"],
    *["!!binary x", "!!python/object:os.system x", "!!set {x}"],
]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """A few edits of the kinds that hands and bad editors make."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 25)))
        lines = text.splitlines(keepends=True) or [""]
        line = draw(st.integers(0, len(lines) - 1))
        text = draw(
            st.sampled_from(
                [
                    text[:at] + text[end:],
                    text[:at] + draw(st.sampled_from(_SNIPPETS)) + text[end:],
                    "".join(lines[:line] + lines[line + 1 :]),
                    "".join(lines[: line + 1] + lines[line:]),
                    "".join([*lines[:line], "  " + lines[line], *lines[line + 1 :]]),
                    "".join([*lines[:line], lines[line].lstrip(), *lines[line + 1 :]]),
                ]
            )
        )
    return text


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_mutated_files_give_a_set_or_problems(data: st.DataObject) -> None:
    """Any edit of any file: a set without errors, whose flows run; or errors, each with a line."""
    file = data.draw(st.sampled_from(FILES))
    content = data.draw(mutated((ROOT / file).read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        home = shipped_home(Path(folder))
        (home / file).write_bytes(content.encode("utf-8", "surrogatepass"))
        definitions, problems = load_definitions(home, review=True)
        installation, setting_problems = load_settings(home, {}, {})
    assert (definitions is None) == has_errors(problems)
    assert (installation is None) == has_errors(setting_problems)
    for problem in problems + setting_problems:
        assert problem.text and "\n" not in str(problem)
        assert problem.line > 0 or not problem.path
    assert len(as_plain(problems)) == len(problems) and (as_text(problems) or not problems)
    if definitions is not None:
        for flow in definitions.flows.values():
            caller = Caller(flow, "es")
            assert caller.actions and caller.state.step in flow.steps
            assert all(kind(value) for value in flow.variables.values())


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """A file of noise is a document, or one problem."""
    document = read_yaml("noise.yaml", content)
    if document.unreadable:
        assert len(document.problems) == 1 and document.root.value == {}
    else:
        assert document.root.kind != "nothing"


_KEYS = [
    *["say", "play", "menu", "set", "branch", "wait", "enqueue", "next", "prompt", "choices", "1", "go_to"],
    *["when", "else", "sound", "number", "for", "es", "words", "x"],
]
_yaml_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["say", "1", "es", "x: y", "{a}"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["menu", "a", "b"]), _yaml_like, min_size=1), _yaml_like)
@settings(max_examples=200, deadline=None)
def test_any_structure_under_steps_and_defaults(steps: dict[str, object], defaults: object) -> None:
    """Lists where mappings belong and the reverse, at every depth: always problems with places."""
    content = json.dumps(
        {"flow": "sorry", "languages": ["es", "en"], "start": "a", "defaults": defaults, "steps": steps}
    )
    with tempfile.TemporaryDirectory() as folder:
        home = shipped_home(Path(folder))
        (home / "ivr_flows" / "sorry.yaml").write_text(content)
        definitions, problems = load_definitions(home)
    assert (definitions is None) == has_errors(problems)
    assert all(problem.line == 1 for problem in problems if problem.file == "ivr_flows/sorry.yaml")
