"""What the center says, in order and once: retained states as they are now, events by their number.

MQTT is live notice only. A number that is missing is read from the engine's store before anything later is
passed on, a number that comes twice is dropped; so whoever listens misses nothing and hears nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from agent_console.event_log import EventLog
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import EVENTS, envelope_of
from cti_engine.wire.envelope import BadMessage, Envelope, StateMessage
from cti_engine.wire.tasks import spawn

FILL_TRIES = 20  # readings of the store, FILL_PAUSE apart, before a hole is given up
FILL_PAUSE = 0.1  # seconds
TREND_SECONDS = 1800.0
TREND_POINTS = 360

_log = logging.getLogger("cti.console")


class Listener(Protocol):
    """Whoever wants to hear: called in order, must not wait."""

    def on_event(self, message: Envelope) -> None: ...

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None: ...

    def on_engine(self, up: bool) -> None: ...


class LiveFeed:
    """One per console process, fed by its one MQTT subscription.

    `engine_up` is False too while the broker is away: then nothing can be asked. `seq` is the last event that
    was passed on, None before the first is known.
    """

    def __init__(self, log: EventLog, now: Callable[[], float]) -> None:
        self._log = log
        self._now = now
        self._listeners: list[Listener] = []
        self._engine_watchers: list[Callable[[bool], None]] = []
        self._ahead: dict[int, Envelope] = {}
        self._filling = False
        self.bus_up = False
        self._engine: dict[str, Any] = {}
        self._engine_was_up = False
        self.seq: int | None = None
        self.states: dict[str, dict[str, StateMessage]] = {
            "agent": {},
            "queue": {},
            "supervisor": {},
        }
        self.trends: dict[str, deque[tuple[float, int]]] = {}
        self.malformed = 0
        self.given_up = 0

    @property
    def engine_up(self) -> bool:
        return self.bus_up and self._engine.get("up") is True

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def watch_engine(self, told: Callable[[bool], None]) -> None:
        """`told(up)` whenever the engine goes, comes, or is another one than before."""
        self._engine_watchers.append(told)

    def agent_state(self, agent: str) -> str:
        """What the engine says this agent does, `idle` when it says nothing."""
        return self._of_agent(agent, "state", "idle")

    def agent_status(self, agent: str) -> str:
        """What this agent chose, `logged_out` when the engine says nothing."""
        return self._of_agent(agent, "status", "logged_out")

    def _of_agent(self, agent: str, name: str, otherwise: str) -> str:
        message = self.states["agent"].get(agent)
        return otherwise if message is None else str(message.data.get(name, otherwise))

    async def begin(self) -> None:
        """Learn the last number before the first page comes: who saw the console before this one misses nothing."""
        try:
            await self._read_missing()
        except StoreUnavailable as error:
            _log.warning("the last event is not known yet: %s", error)

    # --- the bus -------------------------------------------------------------------------------

    def on_bus(self, up: bool) -> None:
        """The broker is there (again), or gone. What was published in between is read from the store."""
        self.bus_up = up
        if not up:
            self._engine = {}  # unknown until the retained message says so again
        self._tell_engine()
        if up:
            self._fill()

    def on_message(self, topic: str, payload: bytes) -> None:
        """Any message of the subscription, in the order of the broker."""
        try:
            if topic.startswith(envelope.event_topic("")):
                self._on_event(envelope.decode_envelope(payload))
            else:
                self._on_state(*envelope.state_of_topic(topic), payload)
        except BadMessage as error:
            self.malformed += 1
            _log.warning("dropped from the bus: %s", error)

    def _on_state(self, kind: str, id_: str, payload: bytes) -> None:
        message = envelope.decode_state(payload) if payload else None
        if kind == "engine":
            before = self._engine.get("epoch")
            self._engine = message.data if message else {}
            self._tell_engine(again=self._engine.get("epoch") != before)
            return
        views = self.states.get(kind)
        if views is None:
            return
        if message is None:
            views.pop(id_, None)
        else:
            views[id_] = message
        if kind == "queue" and message is not None:
            self._remember_trend(id_, message)
        for listener in self._listeners:
            listener.on_state(kind, id_, message)

    def _remember_trend(self, queue: str, message: StateMessage) -> None:
        """How many waited, at each change, for the small curve beside the number."""
        waiting = message.data.get("waiting")
        if not isinstance(waiting, int):
            return
        points = self.trends.setdefault(queue, deque(maxlen=TREND_POINTS))
        if not points or points[-1][1] != waiting:
            points.append((self._now(), waiting))
        while len(points) > 1 and points[1][0] < self._now() - TREND_SECONDS:
            points.popleft()

    def _tell_engine(self, *, again: bool = False) -> None:
        """`again`: a new epoch is told even when nobody saw the engine go."""
        if self.engine_up == self._engine_was_up and not (again and self.engine_up):
            return
        self._engine_was_up = self.engine_up
        for told in self._engine_watchers:
            told(self.engine_up)
        for listener in self._listeners:
            listener.on_engine(self.engine_up)

    # --- events in order -----------------------------------------------------------------------

    def _on_event(self, message: Envelope) -> None:
        if message.event not in EVENTS:
            raise BadMessage(f"no event is called {message.event[:40]!r}")
        if self.seq is None:
            self.seq = message.seq - 1
        if message.seq <= self.seq:
            return
        if message.seq == self.seq + 1 and not self._filling:
            self._pass_on(message)
        else:
            self._ahead[message.seq] = message
            self._fill()

    def _pass_on(self, message: Envelope) -> None:
        self.seq = message.seq
        for listener in self._listeners:
            listener.on_event(message)

    def _fill(self) -> None:
        if not self._filling:
            self._filling = True
            spawn(self._fill_from_store(), "fill")

    async def _fill_from_store(self) -> None:
        """Read what is missing until nothing is; a hole that the store never shows is given up and counted.

        (The engine goes on from memory when its store fails, so events can be ahead of the store.)
        """
        tries = 0
        try:
            while True:
                before = self.seq
                try:
                    await self._read_missing()
                except StoreUnavailable as error:
                    _log.warning("cannot read missed events: %s", error)
                self._pass_on_ahead()
                if not self._ahead:
                    return
                tries = tries + 1 if self.seq == before else 0
                if tries >= FILL_TRIES:
                    self.given_up += 1
                    _log.error("events %s to %d are nowhere", self.seq, min(self._ahead) - 1)
                    self.seq = min(self._ahead) - 1
                    tries = 0
                else:
                    await asyncio.sleep(FILL_PAUSE)
        finally:
            self._filling = False

    async def _read_missing(self) -> None:
        if self.seq is None:
            last = await self._log.last_seq()
            self.seq = last if self.seq is None else self.seq
            return
        while stored := await self._log.since(self.seq):
            for one in stored:
                if one.seq > self.seq and one.event in EVENTS:
                    self._pass_on(envelope_of(one))
                self.seq = max(self.seq, one.seq)

    def _pass_on_ahead(self) -> None:
        """Whatever came over the bus while the store was read and is next in turn."""
        for seq in sorted(self._ahead):
            if self.seq is not None and seq <= self.seq:
                del self._ahead[seq]
            elif self.seq is None or seq == self.seq + 1:
                self._pass_on(self._ahead.pop(seq))

    async def missed(self, since: int, until: int, limit: int) -> list[Envelope] | None:
        """Events after `since` up to `until`; None when they are more than `limit`. Raises StoreUnavailable."""
        if until - since > limit:
            return None
        found: list[StoredEvent] = await self._log.since(since, limit) if until > since else []
        return [envelope_of(one) for one in found if one.seq <= until and one.event in EVENTS]
