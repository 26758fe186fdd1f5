"""Where calls go from a queue or a flow by themselves: when it is full, exhausted, at the longest wait, by treatment.

Says which moves take no time, which queues a flow leads to, and from where a call can end at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.ivr.flow import EndCall, EnterQueue, Flow, Record, Return, RunFlow
from cti_engine.core.ivr.flow_graph import INSTANT, steps_reached


class Moves:
    """`entries`: the points with which flows send calls and messages into a queue. `after_waiting`: queues into
    which calls come that have waited in a queue before.
    """

    def __init__(self, definitions: CenterDefinitions) -> None:
        self.queues: Mapping[str, QueueDefinition] = definitions.queues
        self._flows = definitions.flows
        self._entered = {flow.id: self._enters(flow, ()) for flow in self._flows.values()}
        self._at_once = {flow.id: self._enters(flow, INSTANT) for flow in self._flows.values()}
        self.entries = self._entries()
        moved = {target for queue in self.queues for target in self._later(queue)}
        self.after_waiting = self._closure(moved, lambda queue: [self.queues[queue].full_to])

    def _enters(self, flow: Flow, through: tuple[type, ...]) -> list[EnterQueue]:
        """Of the flow and of all that it runs."""
        found: list[EnterQueue] = []
        seen: set[str] = set()
        waiting = [flow]
        while waiting:
            each = waiting.pop()
            if each.id in seen:
                continue
            seen.add(each.id)
            for step in (each.steps[name] for name in sorted(steps_reached(each, [each.start], through))):
                if isinstance(step, EnterQueue):
                    found.append(step)
                elif isinstance(step, RunFlow) and step.flow in self._flows:
                    waiting.append(self._flows[step.flow])
        return found

    def _entries(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {queue: set() for queue in self.queues}
        for steps in self._entered.values():
            for step in steps:
                found.get(step.queue, set()).add(step.priority)
        for flow in self._flows.values():
            for message in flow.steps.values():
                # one that calls come before passes none of them
                if isinstance(message, Record) and message.queue in found and message.priority > 0:
                    found[message.queue].add(message.priority)
        for queue in self.queues.values():
            if queue.overflow_to in found:
                found[queue.overflow_to].add(0)
        grown = True
        while grown:
            before = {queue: len(points) for queue, points in found.items()}
            for queue in self.queues.values():
                if queue.full_to in found:
                    found[queue.full_to] |= found[queue.id]
            grown = before != {queue: len(points) for queue, points in found.items()}
        return {queue: points or {0} for queue, points in found.items()}

    def _later(self, queue: str) -> Iterator[str]:
        """Queues into which a call that has waited in this one may come, by one move."""
        definition = self.queues[queue]
        for target in (definition.overflow_to, definition.on_time_out, *self.treatments(queue)):
            yield from self.queues_of(target)

    def queues_of(self, target: str) -> set[str]:
        """The queue itself, or those that the flow leads to."""
        if target in self.queues:
            return {target}
        return {step.queue for step in self._entered.get(target, ()) if step.queue in self.queues}

    def _closure(self, names: Iterable[str], moves: Callable[[str], Iterable[str]]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            queue = waiting.pop()
            if queue not in found:
                found.add(queue)
                waiting += [each for target in moves(queue) for each in self.queues_of(target)]
        return found

    def from_flow(self, flow: str) -> set[str]:
        """The queues that a call may come to whom this flow answers."""

        def moves(queue: str) -> list[str]:
            definition = self.queues[queue]
            return [
                definition.full_to,
                definition.overflow_to,
                definition.on_time_out,
                *self.treatments(queue),
            ]

        return self._closure(self.queues_of(flow), moves)

    def treatments(self, queue: str) -> set[str]:
        """The flows that may play while a call waits."""
        found = {self.queues[queue].treatment}
        for steps in self._entered.values():
            found |= {step.treatment for step in steps if step.queue == queue and step.treatment is not None}
        return found & self._flows.keys()

    # --- in circles ------------------------------------------------------------------------------

    def at_once(self, queue: str) -> list[tuple[str, str]]:
        """(queue, why) of each queue into which a call may come from this one in the very same moment."""
        definition = self.queues[queue]
        targets = [(definition.full_to, "full")]
        if all(step.skip_when_none or step.consider_if is not None for step in definition.steps):
            targets.append((definition.overflow_to, "nobody logged in"))
        return [
            (reached, why)
            for target, why in targets
            for reached in (
                [target] if target in self.queues else [step.queue for step in self._at_once.get(target, ())]
            )
            if reached in self.queues
        ]

    def endless(self) -> dict[str, list[str]]:
        """For each queue from which a call that nobody takes never comes to an end: where it goes."""
        ends: set[str] = (
            set()
        )  # queues and flows; a queue and a flow of one name are the queue, as in `go_to`
        grown = True
        while grown:
            size = len(ends)
            ends |= {flow.id for flow in self._flows.values() if self._flow_ends(flow, ends)}
            ends |= {queue for queue in self.queues if self._queue_ends(queue, ends)}
            grown = len(ends) > size
        return {queue: list(self._exits(queue)) for queue in self.queues if queue not in ends}

    def _flow_ends(self, flow: Flow, ends: set[str]) -> bool:
        for name in steps_reached(flow, [flow.start]):
            step = flow.steps[name]
            if isinstance(step, EndCall | Return) or (isinstance(step, EnterQueue) and step.queue in ends):
                return True
            if isinstance(step, RunFlow) and step.flow in ends:
                return True
        return False

    def _queue_ends(self, queue: str, ends: set[str]) -> bool:
        exits = list(self._exits(queue))
        return "" in exits or any(target in ends for target in exits)

    def _exits(self, queue: str) -> Iterator[str]:
        """Flows and queues, in the order of likelihood; empty: the call is ended."""
        definition = self.queues[queue]
        waits = [step.wait for step in definition.steps]
        lasts = sum(wait or 0 for wait in waits) / 1000
        if definition.exhausted == "overflow":
            yield definition.overflow_to
        if definition.exhausted != "overflow" or None in waits or not waits or lasts >= definition.max_wait:
            yield definition.on_time_out
        yield from sorted(self.treatments(queue))
