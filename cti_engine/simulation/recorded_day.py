"""A day as the event log tells it: who called, who was there, how long things took. A pure fold over events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cti_engine.core import events as ev
from cti_engine.core.agent import LOGGED_OUT, READY
from cti_engine.core.endings import NOT_READY_AFTER
from cti_engine.core.events import Event
from cti_engine.simulation.habits import Status, milliseconds
from cti_engine.simulation.patience import Wait

OF_PLACE = frozenset({"site", "region", "region_languages", "language"})
"""Facts that rules or the way give a call: not the caller's own."""


@dataclass(slots=True)
class RecordedCall:
    """A call that was queued. Wall seconds. `step`: the flow's step that queued it, `FLOW.STEP`."""

    arrived: float
    ani: str
    dnis: str
    queued: float = 0.0
    queue: str = ""
    step: str = ""
    language: str = ""
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handled:
    """One answered call: seconds. `talk` includes hold."""

    agent: str
    queue: str
    talk: float
    wrap_up: float
    rang: float


@dataclass(slots=True)
class RecordedDay:
    """From `begins` until before `ends` (wall seconds). `first_status` of each agent known; `not_queued` calls ended in
    the menu. `ronas` by agent; `away` seconds after a missed call.
    """

    begins: float
    ends: float
    calls: list[RecordedCall] = field(default_factory=list)
    waits: dict[str, list[Wait]] = field(default_factory=dict)
    handled: list[Handled] = field(default_factory=list)
    duty: list[Status] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    ronas: dict[str, int] = field(default_factory=dict)
    away: list[float] = field(default_factory=list)
    not_queued: int = 0


def read_day(
    facts: Iterable[tuple[float, Event]], begins: float, ends: float, statuses: Mapping[str, tuple[str, str]]
) -> RecordedDay:
    """`facts` from before the day until its calls are closed; `statuses`: status and reason of agents of whom they tell
    nothing. Calls count when they arrived within the day.
    """
    reader = _Reader(RecordedDay(begins, ends))
    for at, event in facts:
        reader.take(event, at)
    return reader.done(statuses)


class _Reader:
    def __init__(self, day: RecordedDay) -> None:
        self._day = day
        self._calls: dict[str, RecordedCall] = {}
        self._rang: dict[str, float] = {}
        self._first: dict[str, tuple[str, str]] = {}
        self._before: dict[str, tuple[str, str]] = {}
        self._missed_at: dict[str, float] = {}

    def take(self, event: Event, at: float) -> None:
        day = self._day
        if isinstance(event, ev.AgentStateChanged):
            self._status(event, at)
            return
        if isinstance(event, ev.CallArrived):
            if day.begins <= at < day.ends:
                self._calls[event.contact] = RecordedCall(at, event.ani, event.dnis)
            return
        call = self._calls.get(getattr(event, "contact", ""))
        if call is None:
            return
        match event:
            case ev.CallAttributesSet() if not call.queued:
                call.language = str(event.attributes.get("language", call.language))
                call.facts |= {
                    name: value for name, value in event.attributes.items() if name not in OF_PLACE
                }
            case ev.IvrStepEntered() if not call.queued:
                call.step = f"{event.flow}.{event.step}"
            case ev.CallQueued() if not call.queued:
                call.queued, call.queue = at, event.queue
            case ev.AgentRona():
                day.ronas[event.agent] = day.ronas.get(event.agent, 0) + 1
            case ev.CallBridged() if event.queue:  # else a flow gave it to the agent
                self._rang[event.contact] = event.rang_s
                self._waited(call, event.waited_s, gave_up=False)
            case ev.CallAbandoned():
                self._waited(call, event.waited_s, gave_up=True)
            case ev.ContactClosed():
                self._closed(call, event)
            case _:
                return

    def _waited(self, call: RecordedCall, seconds: float, *, gave_up: bool) -> None:
        self._day.waits.setdefault(call.queue, []).append(Wait(seconds, gave_up))

    def _closed(self, call: RecordedCall, event: ev.ContactClosed) -> None:
        record = event.cdr
        if call.queued and record["outcome"] == "flowed_out":
            self._waited(call, float(str(record["wait_s"])), gave_up=False)
        if record["agent"]:
            talk, hold, wrap_up = (float(str(record[name])) for name in ("talk_s", "hold_s", "wrap_up_s"))
            rang = self._rang.get(event.contact, 0.0)
            self._day.handled.append(
                Handled(str(record["agent"]), str(record["queue"]), talk + hold, wrap_up, rang)
            )

    def _status(self, event: ev.AgentStateChanged, at: float) -> None:
        """What agents chose; that the center made one not ready, and the way back, is played by itself."""
        day, agent = self._day, event.agent
        was, now = (event.was_status, event.was_reason), (event.status, event.reason)
        if at < day.begins:
            self._before[agent] = now
            return
        if at >= day.ends:
            return
        self._first.setdefault(agent, was)
        if was == now:
            return
        if event.status not in (READY, LOGGED_OUT) and event.reason in NOT_READY_AFTER.values():
            self._missed_at[agent] = at
            return
        missed = self._missed_at.pop(agent, None)
        if missed is not None and event.status == READY:
            day.away.append(at - missed)
            return
        day.duty.append(Status(milliseconds(at), agent, event.status, event.reason))
        day.reasons.add(event.reason)

    def done(self, statuses: Mapping[str, tuple[str, str]]) -> RecordedDay:
        day = self._day
        day.calls = sorted(
            (call for call in self._calls.values() if call.queued), key=lambda call: call.arrived
        )
        day.not_queued = len(self._calls) - len(day.calls)
        first = {**statuses, **self._before, **self._first}
        begin = [
            Status(milliseconds(day.begins), agent, status, reason)
            for agent, (status, reason) in sorted(first.items())
            if status != LOGGED_OUT
        ]
        day.reasons |= {status.reason for status in begin}
        day.duty = begin + sorted(day.duty, key=lambda status: status.at)
        return day
