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


MUTANTS = (
    Mutant(
        "missed a ms too early",
        "queue_plans.py",
        "limit = rules.classes.threshold + 1",
        "limit = rules.classes.threshold",
    ),
    Mutant(
        "capped a ms too late",
        "queue_plans.py",
        "cap is not None and waited >= cap",
        "cap is not None and waited > cap",
    ),
    Mutant(
        "a cap ends no delay in time",
        "queue_plans.py",
        "{delay if cap is None else min(delay, cap) for delay in delays}",
        "set(delays)",
    ),
    Mutant(
        "ringing uses up from_enqueue",
        "step_walk.py",
        "waiting.joined_at + rule.wait + waiting.rang",
        "waiting.joined_at + rule.wait",
    ),
    Mutant("a deadline of now is entered", "step_walk.py", "if deadline <= at:", "if deadline < at:"),
    Mutant("cumulative replaces", "step_walk.py", "waiting.pool if rule.cumulative else None", "None"),
    Mutant(
        "any_member is the last step",
        "step_walk.py",
        "self._stand(waiting, last, self._bound(waiting, steps, None))",
        "self._stand(waiting, last, self._bound(waiting, steps[last:], None))",
    ),
    Mutant(
        "the last step raises nothing when exhausted",
        "step_walk.py",
        "waiting.raised += steps[last].rule.raise_priority",
        "waiting.raised += 0",
    ),
    Mutant(
        "only the last ringing counts",
        "call_book.py",
        "each.rang += now - each.offered_at",
        "each.rang = now - each.offered_at",
    ),
    Mutant(
        "a step with nothing left never ends",
        "call_book.py",
        "max(0, waiting.deadline - now)",
        "max(0, waiting.deadline - now) or None",
    ),
    Mutant(
        "exclusions outlive the last queue",
        "call_book.py",
        "            self.first.pop(contact, None)\n            self.excluded.pop(contact, None)\n",
        "            self.first.pop(contact, None)\n",
    ),
    Mutant(
        "equal deadlines run youngest call first",
        "call_book.py",
        "(waiting.deadline, waiting.call.seq)",
        "(waiting.deadline, -waiting.call.seq)",
    ),
    Mutant(
        "excluded a ms too long",
        "precision.py",
        "return not now < excluded.get(state.id, now)",
        "return not now <= excluded.get(state.id, now - 1)",
    ),
    Mutant(
        "a site that is not near is near",
        "agent_orders.py",
        "1 + places.get(name, len(near))",
        "1 + places.get(name, 0)",
    ),
    Mutant("true is a skill of 1", "agent_orders.py", "rows, booleans=False)", "rows, booleans=True)"),
    Mutant(
        "occupancy of a minute too many",
        "busy_window.py",
        "return (now // MINUTE - MINUTES + 1) * MINUTE",
        "return (now // MINUTE - MINUTES) * MINUTE",
    ),
    Mutant(
        "rarity is not counted anew",
        "burst.py",
        "keys[np.flatnonzero(in_need[agent])] -= ways",
        "keys[0] -= 0",
    ),
    Mutant(
        "a slot given anew keeps its old members",
        "call_classes.py",
        "column &= np.uint8(~(1 << (slot & 7)) & 0xFF)",
        "column &= np.uint8(0xFF)",
    ),
    Mutant("an undefined text differs", "attribute_columns.py", "table[0] = UNDEFINED", "table[0] = other"),
    Mutant(
        "who moves stays on the old site's count",
        "agent_book.py",
        "        self._count(state, -1)\n        state.site, state.profile",
        "        state.site, state.profile",
    ),
)


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
