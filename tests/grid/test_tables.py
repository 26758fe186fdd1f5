"""Every machine's table is walked in full: no pair of state and input is without a decision (style.md, habit 4)."""

from __future__ import annotations

import re

import pytest

from cti_engine.core import machine
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.machine import LATE
from tests.grid.tables import BEGINS, ENDS, ILLEGAL, MACHINES
from tests.scenarios.small_center import DEFINITIONS

each_machine = pytest.mark.parametrize("name", sorted(MACHINES))


@each_machine
def test_every_pair_is_a_move_or_late_or_illegal_for_a_reason(name: str) -> None:
    """The pairs that the table refuses are exactly those listed with a reason why they cannot happen."""
    table, _ = MACHINES[name]
    refused = {
        f"{state} {input_}"
        for state in table.states
        for input_ in table.inputs
        if table.next(state, input_) == machine.ILLEGAL
    }
    listed = [pair for pairs in ILLEGAL[name].values() for pair in pairs]
    assert len(listed) == len(set(listed)), "listed twice"
    assert refused == set(listed)


@each_machine
def test_no_pair_is_both_a_move_and_late(name: str) -> None:
    """A race that is ignored in one line and acted on in another would be a lie."""
    table, _ = MACHINES[name]
    assert not set(table.moves) & table.late


@each_machine
def test_every_state_is_reached_and_reaches_the_end(name: str) -> None:
    """No state is dead, none is a trap."""
    table, _ = MACHINES[name]
    assert _closure(table, set(BEGINS[name])) == table.states
    stuck = [state for state in sorted(table.states) if ENDS[name] not in _closure(table, {state})]
    assert not stuck


@each_machine
def test_the_diagram_agrees_with_the_table(name: str) -> None:
    """Arrows in the module's docstring are moves of the table, and every state stands in it."""
    table, text = MACHINES[name]
    arrows = _arrows(text)
    moves = {(state, target) for (state, _), target in table.moves.items()}
    assert arrows, "no diagram"
    assert {(state, target) for state, _, target in arrows} <= moves
    assert {s for state, _, target in arrows for s in (state, target)} == table.states
    for state, label, target in arrows:
        inputs = [i for i in re.split(r"[|, ()]+", label) if i in table.inputs]
        for input_ in inputs:
            assert table.next(state, input_) == target, f"{state} --{input_}--> {target}"


def test_late_and_illegal_change_nothing_and_are_counted() -> None:
    """`fire` moves a row only by a move; a race is counted late, an illegal input is told."""
    table, _ = MACHINES["agent"]
    center = Center(DEFINITIONS)
    for state in sorted(table.states):
        for input_ in sorted(table.inputs):
            row, late, anomalies = Agent("maria", state=state), center.late, len(center.anomalies)
            target = table.next(state, input_)
            moved = center.fire(table, row, input_)
            assert moved == (target not in (LATE, machine.ILLEGAL))
            assert row.state == (target if moved else state)
            assert center.late - late == (target == LATE)
            assert len(center.anomalies) - anomalies == (target == machine.ILLEGAL)


def _closure(table: machine.Table, states: set[str]) -> set[str]:
    reached: set[str] = set()
    todo = set(states)
    while todo:
        state = todo.pop()
        reached.add(state)
        todo |= {target for (source, _), target in table.moves.items() if source == state} - reached
    return reached


def _arrows(text: str) -> list[tuple[str, str, str]]:
    """`a --label--> b`, `a -> b -> c`, `a <-> b` in the lines of a docstring."""
    arrow = re.compile(r"\s*(<->|->|--(?P<label>[^>]*?)-->)\s*")
    found: list[tuple[str, str, str]] = []
    for line in text.splitlines():
        pieces = arrow.split(line.strip())[::1]
        states, marks, labels = pieces[0::3], pieces[1::3], pieces[2::3]
        for index, mark in enumerate(marks):
            state, target = states[index].strip(), states[index + 1].strip()
            found.append((state, labels[index] or "", target))
            if mark == "<->":
                found.append((target, "", state))
    return found
