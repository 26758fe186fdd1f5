"""The figures of one played (or real) day: events in, metrics by scope out; by the folds that the live center uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cti_engine.core import events as ev
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.events import Event
from cti_engine.core.reporting.fairness import AgentDay, AgentDays
from cti_engine.core.reporting.queue_figures import QueueFigures

ALL = "all"
Figures = dict[str, dict[str, float]]
"""By scope (`all`, `queue NAME`, `group NAME`), then by metric."""
QueueEvent = ev.CallQueued | ev.CallBridged | ev.CallAbandoned | ev.QueueLeft
Series = dict[str, list[float]]
"""By queue, then by interval: offered, answered, abandoned, in time: `NAME offered` ..."""


class DayFigures:
    """Calls that arrive before `counts_from` (wall seconds) count nowhere; `until`: the end of agents' times.

    `interval` seconds of the series. Give it to a world as `tell`.
    """

    def __init__(
        self,
        definitions: CenterDefinitions,
        group_of: Mapping[str, str],
        counts_from: float,
        until: float,
        interval: float,
    ) -> None:
        self._queues, self._group_of = definitions.queues, group_of
        self._from, self._until, self._interval = counts_from, until, interval
        self._all = QueueFigures()
        self._by_queue = {queue: QueueFigures() for queue in definitions.queues}
        self._slots = max(1, math.ceil((until - counts_from) / interval))
        self._by_slot = {queue: [QueueFigures() for _ in range(self._slots)] for queue in definitions.queues}
        self._slot_of: dict[str, int] = {}
        self._counted: set[str] = set()
        self._days = AgentDays(counts_from)
        self._at_end: dict[str, AgentDay] | None = None

    def __call__(self, facts: Iterable[tuple[float, Event]]) -> None:
        for at, event in facts:
            take = _TAKEN.get(type(event))
            if take is not None:
                take(self, event, at)

    def _arrived(self, event: ev.CallArrived, at: float) -> None:
        if self._from <= at:
            self._counted.add(event.contact)

    def _queue_event(self, event: QueueEvent, at: float) -> None:
        if event.contact not in self._counted or event.queue not in self._queues:
            return
        queue = self._queues[event.queue]
        slot = self._slot_of.setdefault(
            event.contact, min(self._slots - 1, int((at - self._from) / self._interval))
        )
        for figures in (self._all, self._by_queue[queue.id], self._by_slot[queue.id][slot]):
            figures.apply(event, queue.service_level_threshold, queue.short_abandon)

    def _bridged(self, event: ev.CallBridged, at: float) -> None:
        self._queue_event(event, at)
        self._agent(event, at)

    def _agent(self, event: Event, at: float) -> None:
        """Agents count until the end of the day, even if the last calls are played beyond it."""
        if at <= self._until:
            self._days.apply(event, at)
        elif self._at_end is None:
            self._at_end = self._days.until(self._until, {})

    def _closed(self, event: ev.ContactClosed, at: float) -> None:
        cdr: Any = event.cdr
        if event.contact in self._counted and cdr["agent"] and cdr["queue"] in self._queues:
            for figures in (self._all, self._by_queue[cdr["queue"]]):
                figures.closed(cdr["talk_s"], cdr["hold_s"], cdr["wrap_up_s"])
        self._counted.discard(event.contact)
        self._slot_of.pop(event.contact, None)

    def figures(self) -> Figures:
        found: Figures = {ALL: self._all.metrics()}
        found |= {f"queue {queue}": figures.metrics() for queue, figures in self._by_queue.items()}
        days = self._at_end if self._at_end is not None else self._days.until(self._until, {})
        for group in dict.fromkeys(self._group_of.values()):
            found[f"group {group}"] = _group(
                [days[a] for a, g in self._group_of.items() if g == group and a in days]
            )
        return found

    def waits(self) -> dict[str, list[float]]:
        """Waits of the answered calls by queue, seconds."""
        return {queue: figures.waits for queue, figures in self._by_queue.items()}

    def series(self) -> Series:
        found: Series = {}
        for queue, slots in self._by_slot.items():
            counts = [figures.counts for figures in slots]
            found[f"{queue} offered"] = [float(each.offered) for each in counts]
            found[f"{queue} answered"] = [float(each.answered) for each in counts]
            found[f"{queue} abandoned"] = [float(each.abandoned) for each in counts]
            found[f"{queue} in time"] = [float(each.in_time) for each in counts]
        return found


def _group(days: list[AgentDay]) -> dict[str, float]:
    on_contact, ready = sum(day.on_contact for day in days), sum(day.ready for day in days)
    calls = sum(day.calls for day in days)
    return {
        "answered": float(calls),
        "rona_count": float(sum(day.ronas for day in days)),
        "occupancy": on_contact / ready if ready > 0 else math.nan,
        "aht": sum(day.handling for day in days) / calls if calls else math.nan,
        "ready_hours": ready / 3600.0,
    }


_TAKEN: dict[type, Callable[[DayFigures, Any, float], None]] = {
    ev.CallArrived: DayFigures._arrived,
    ev.CallQueued: DayFigures._queue_event,
    ev.CallAbandoned: DayFigures._queue_event,
    ev.QueueLeft: DayFigures._queue_event,
    ev.CallBridged: DayFigures._bridged,
    ev.CallOffered: DayFigures._agent,
    ev.OfferEnded: DayFigures._agent,
    ev.AgentRona: DayFigures._agent,
    ev.AgentStateChanged: DayFigures._agent,
    ev.ContactClosed: DayFigures._closed,
}
