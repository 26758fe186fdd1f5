"""What calls of each queue may bring along at most and at least: points and head start, by all that the admin wrote.

Numbers count for the queues that their flows lead to; rules of priorities.yaml that exclude each other never add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from cti_engine.core.definitions import CenterDefinitions, DialledNumber, PriorityRule, QueueDefinition
from cti_engine.core.expressions.contradiction import contradiction
from cti_engine.core.expressions.syntax import Comparison, Junction, ListLiteral, Literal, Name, Node, Not
from cti_engine.core.expressions.values import BOOLEAN, Type
from cti_engine.core.queue_moves import Moves
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.model import StepRule
from cti_engine.core.routing.starvation import Claim, Claims

ORDERED = ("==", "!=", "<", "<=", ">", ">=")
MAX_RULES = 10
"""Of more rules of priorities.yaml all are taken to hold together."""


def claims_of(definitions: CenterDefinitions) -> dict[str, Claims]:
    moves = Moves(definitions)
    numbers = {queue: _numbers(definitions.dialled_numbers.values(), moves, queue) for queue in moves.queues}
    together = _together(definitions.priorities)
    own = {
        queue.id: _best(
            Claim(queue.priority + entry + number.points + rule.points, number.head_start + rule.head_start)
            for entry in moves.entries[queue.id]
            for number in numbers[queue.id]
            for rule in together
        )
        for queue in definitions.queues.values()
    }
    found = {}
    for queue in definitions.queues.values():
        raised = _raised(queue.steps)
        homes = {queue.id, *(link.queue for link in definitions.overflow if link.lender == queue.id)}
        most = _best(claim for home in homes for claim in own[home])
        least = (
            queue.priority
            + min(moves.entries[queue.id])
            + min(number.points for number in numbers[queue.id])
            + min(rule.points for rule in together)
            + raised[0]
        )
        found[queue.id] = Claims(
            least,
            tuple(Claim(claim.points + raised[1], claim.head_start) for claim in most),
            milliseconds(_longest_wait(definitions, queue, moves)),
        )
    return found


def _longest_wait(definitions: CenterDefinitions, queue: QueueDefinition, moves: Moves) -> float:
    """Who comes from another queue has waited there too; no call is longer than the maximum."""
    if queue.id in moves.after_waiting:
        return definitions.limits.maximum_length
    return min(queue.max_wait, definitions.limits.maximum_length)


def _numbers(numbers: Iterable[DialledNumber], moves: Moves, queue: str) -> tuple[Claim, ...]:
    claims = {
        Claim(number.priority, milliseconds(number.head_start))
        for number in numbers
        if queue in moves.from_flow(number.flow)
    }
    return tuple(sorted(claims)) or (Claim(0, 0),)


def _raised(steps: Sequence[StepRule]) -> tuple[int, int]:
    """The least and the most points that the steps entered may raise; at least one is entered."""
    points = [step.raise_priority for step in steps] or [0]
    fall, rise = sum(each for each in points if each < 0), sum(each for each in points if each > 0)
    return fall or min(points), rise or max(points)


def _best(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Those that no other one beats in both."""
    found: list[Claim] = []
    for claim in sorted(set(claims), reverse=True):
        if not found or claim.head_start > found[-1].head_start:
            found.append(claim)
    return tuple(found)


def _together(rules: Sequence[PriorityRule]) -> tuple[Claim, ...]:
    """What the rules give that may hold together."""
    if len(rules) > MAX_RULES:
        rises = sum(max(0, rule.add) for rule in rules)
        falls = sum(min(0, rule.add) for rule in rules)
        head_start = milliseconds(sum(rule.head_start for rule in rules))
        return Claim(rises, head_start), Claim(falls, 0)
    scope = dict(_types(rule.when.node for rule in rules))
    found = [Claim(0, 0)]
    for size in range(1, len(rules) + 1):
        for some in combinations(rules, size):
            nodes = tuple(rule.when.node for rule in some)
            if size == 1 or contradiction(Junction("and", nodes), scope) is None:
                head_start = milliseconds(sum(rule.head_start for rule in some))
                found.append(Claim(sum(rule.add for rule in some), head_start))
    return tuple(found)


def _types(nodes: Iterable[Node]) -> Iterator[tuple[str, Type]]:
    """By what the names are compared with: the conditions have been checked when they were read. Names that are only
    compared with names have none.
    """
    for node in nodes:
        match node:
            case Name(name):
                yield name, BOOLEAN
            case Not(operand=operand):
                yield from _types([operand])
            case Junction(operands=operands):
                yield from _types(operands)
            case Comparison(operator="has"):
                continue
            case Comparison(left=Name(name), right=Literal(type=found)):
                yield name, found
            case Comparison(left=Literal(type=found), operator=operator, right=Name(name)) if (
                operator in ORDERED
            ):
                yield name, found
            case Comparison(left=Name(name), right=ListLiteral(items=items)) if items:
                yield name, items[0].type
