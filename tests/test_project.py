"""The project itself: layout, import direction, licences, and what no file of it may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent_console", "cti_engine", "speech")
LAYERS = ("adapters", "core", "definitions", "runtime", "sip_edge", "sip_worker", "wire")
LONGEST_FILE = 500
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "misc", "common"}

# Licences that a GPL-3.0-or-later program may link, by the words that their metadata use.
COMPATIBLE = re.compile(r"MIT|BSD|Apache|LGPL|GPL|ISC|PSF|MPL|Zlib|CC0", re.IGNORECASE)
# Wheels without any licence in their metadata: what their sources say.
UNDECLARED = {
    "pjsua2-python": "GPL-2.0-or-later",  # https://github.com/pjsip/pjproject, COPYING
    "py-nanotts": "Apache-2.0",  # SVOX Pico, NOTICE
}


@cache
def tracked() -> tuple[Path, ...]:
    """What a clone holds; new files too, so that a fault is seen before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return tuple(path for line in listed.splitlines() if (path := ROOT / line).is_file())


@cache
def texts() -> dict[Path, str]:
    found = {}
    for path in tracked():
        try:
            found[path] = path.read_text()
        except UnicodeDecodeError:
            continue  # a sound, a picture
    return found


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def found_in(pattern: str, files: list[Path] | None = None) -> list[str]:
    """`file:line: text` of every match."""
    regex = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in texts().items()
        if files is None or path in files
        for number, line in enumerate(text.splitlines(), 1)
        if regex.search(line)
    ]


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    """At most 150 lines, with the only prerequisite and the two commands."""
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 150
    for needed in ("apt-get install -y git make", "make run", "make test"):
        assert needed in readme


def test_the_packages_are_where_the_architecture_puts_them() -> None:
    """Three packages, their layers, and the data of the admin beside them."""
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").exists()
    for layer in LAYERS:
        assert (ROOT / "cti_engine" / layer / "__init__.py").exists(), layer
    for folder in ("config", "routing_rules", "ivr_flows", "scenarios", "docs", "benchmarks", "packaging"):
        assert any((ROOT / folder).iterdir()), folder


def test_imports_go_one_way() -> None:
    """Every contract of pyproject.toml holds. (A process of its own: import-linter switches our loggers off.)"""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_its_rule_and_has_one_idea(path: Path) -> None:
    """A docstring unless it is empty, a name that says something, and no more lines than one idea needs."""
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no docstring"
    assert path.stem not in VAGUE_NAMES
    assert len(text.splitlines()) <= LONGEST_FILE


def test_every_test_says_what_it_expects() -> None:
    """The docstring is the expected behaviour, so that a failure is understood without the code."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in python_files()
        if path.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_nothing_is_skipped_or_left_for_later() -> None:
    """No skipped or expected failure among the tests, no note of unfinished work anywhere."""
    tests = [path for path in python_files() if path.is_relative_to(ROOT / "tests")]
    assert found_in(r"mark\.(?:skip|xfail)|pytest\.(?:skip|xfail|importorskip)\(", tests) == []
    assert found_in(r"\b(?:TO" + r"DO|FIX" + r"ME)\b") == []


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    """A clone works wherever it stands: nobody's home and no build place is named."""
    assert found_in("/" + r"(?:work|root|home/\w+)/") == []


def test_only_code_that_may_be_linked_is_depended_on() -> None:
    """Each direct dependency has a licence that GPL-3.0-or-later can hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "GPL-3.0-or-later"
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text()[:200]
    for dependency in project["dependencies"]:
        name = re.split(r"[<>=\[; ]", dependency)[0]
        about = metadata(name)
        keys = ("License-Expression", "License", "Classifier")
        lines = [line[:80] for key in keys for line in about.get_all(key) or []]
        declared = [line for line in lines if "::" not in line or line.startswith("License")]
        licence = " ".join(declared) or UNDECLARED.get(name, "")
        assert COMPATIBLE.search(licence), f"{name}: {licence!r}"


def test_python_is_3_11_or_3_12() -> None:
    """pyproject and the script that chooses an interpreter agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.13"
    assert project["scripts"] == {"cti-engine": "cti_engine.__main__:main"}
