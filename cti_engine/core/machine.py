"""State machines as tables, total over (state, input): every pair is a transition, LATE or illegal.

LATE is a legal race (a phone answers while we cancel it): ignored and counted. What is in no table is illegal:
counted as an anomaly, ignored too, because a signal from outside must never stop the center.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LATE: Final = "LATE"
ILLEGAL: Final = "ILLEGAL"


@dataclass(frozen=True, slots=True)
class Table:
    """`moves` maps (state, input) to the next state; `late` holds the pairs that are legal races."""

    name: str
    states: frozenset[str]
    inputs: frozenset[str]
    moves: Mapping[tuple[str, str], str]
    late: frozenset[tuple[str, str]]

    def next(self, state: str, input_: str) -> str:
        """The next state, LATE or ILLEGAL."""
        pair = (state, input_)
        found = self.moves.get(pair)
        if found is not None:
            return found
        return LATE if pair in self.late else ILLEGAL


def table(
    name: str,
    moves: Mapping[str, Mapping[str, str]],
    late: Mapping[str, Iterable[str]],
    *,
    final: str | None = None,
) -> Table:
    """Build a table from `{state: {input: next}}`. In the `final` state, if there is one, all is LATE."""
    inputs = frozenset(i for row in moves.values() for i in row) | {i for row in late.values() for i in row}
    states = frozenset(moves) | {n for row in moves.values() for n in row.values()}
    if final is not None:
        states |= {final}
    return Table(
        name,
        states,
        frozenset(inputs),
        {(state, i): n for state, row in moves.items() for i, n in row.items()},
        frozenset((state, i) for state, row in late.items() for i in row)
        | (frozenset() if final is None else frozenset((final, i) for i in inputs)),
    )
