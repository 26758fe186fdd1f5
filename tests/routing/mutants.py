"""Faults planted in a copy of the matcher's source; each has to make a difference to the oracle.

`old` stands exactly once in the file of cti_engine/core/routing (test_against_oracle.py watches that).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from cti_engine.core import routing
from tests.routing.engines import Make, QueueNames, Subject
from tests.routing.plain import Agent, Rules

SOURCES = Path(routing.__file__).parent
PACKAGE = routing.__name__


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str


MUTANTS: tuple[Mutant, ...] = ()


@contextmanager
def planted(mutant: Mutant) -> Iterator[Make]:
    """A copy of the package with the fault, under a name of its own; model.py stays the one that all share."""
    with tempfile.TemporaryDirectory() as folder:
        package = f"faulty_{MUTANTS.index(mutant)}"
        copy = Path(folder) / package
        copy.mkdir()
        for source in SOURCES.glob("*.py"):
            text = source.read_text()
            if source.name == mutant.file:
                text = text.replace(mutant.old, mutant.new)
            text = text.replace(f"{PACKAGE}.", f"{package}.").replace(f"{package}.model", f"{PACKAGE}.model")
            (copy / source.name).write_text(text)
        sys.path.insert(0, folder)
        try:
            module = import_module(f"{package}.precision")
        finally:
            sys.path.remove(folder)

        def make(rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int) -> Any:
            return Subject(module, rules, agents, names, seed)

        yield make
