"""Each agent's day since the center's midnight, for the agent's own page: the log read once, then the live feed.

The fold is that of `cti-engine fairness`, so that an agent and a report never tell two numbers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent_console.event_log import EventLog
from agent_console.live_feed import LiveFeed
from cti_engine.adapters.log_reading import fact_of
from cti_engine.core.reporting.fairness import READ, AgentDay, AgentDays, Present
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire.envelope import Envelope, StateMessage, wall_seconds

RETRY = 2.0  # seconds until a store that failed is asked again
DAY = 86400.0

_log = logging.getLogger("cti.console")


class DayBook:
    """Listens to the feed. `utc_offset`: seconds that the center's day is ahead of UTC."""

    def __init__(self, log: EventLog, feed: LiveFeed, now: Callable[[], float], utc_offset: float) -> None:
        self._log = log
        self._agents = feed.states["agent"]
        self._now = now
        self._offset = utc_offset
        self._days = AgentDays(self._midnight())
        self._waiting: list[Envelope] | None = []  # live facts that come while the log is read
        self._seq = 0  # the last fact that counts already: it may have been read before its notice came
        self._read = asyncio.Event()

    def _midnight(self) -> float:
        now = self._now()
        return now - (now + self._offset) % DAY

    def of(self, agent: str) -> AgentDay:
        """With the times that still run. Raises StoreUnavailable while the log has not been read."""
        if not self._read.is_set():
            raise StoreUnavailable("today's events are not read yet")
        self._turn()
        return self._days.day_of(agent, self._now(), self._present(agent))

    def _present(self, agent: str) -> dict[str, Present]:
        """Of whom the day tells nothing yet is what the retained state says."""
        if agent not in self._agents:
            return {}
        view = self._agents[agent].data
        return {agent: Present(view["status"], view["state"], view["since_at"], view["reason"])}

    @property
    def since(self) -> float:
        """The midnight from which it counts."""
        return self._days.since

    # --- the feed ------------------------------------------------------------------------------

    def on_event(self, message: Envelope) -> None:
        if message.event not in READ:
            return
        if self._waiting is None:
            self._take(message)
        else:
            self._waiting.append(message)

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        """The facts have all of it."""

    def on_engine(self, up: bool) -> None:
        """The day goes on without it."""

    # --- the day -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read what of today is in the log already."""
        while True:
            try:
                self._seq = await self._read_today()
            except StoreUnavailable as error:
                _log.warning("today is read later: %s", error)
                self._days = AgentDays(self._midnight())
                await asyncio.sleep(RETRY)
            else:
                break
        waiting, self._waiting = self._waiting or [], None
        for message in waiting:
            self._take(message)
        self._read.set()

    async def _read_today(self) -> int:
        """The last number that was read."""
        seq = await self._log.seq_before(self._days.since)
        while events := await self._log.since(seq):
            for one in events:
                if one.event in READ:
                    self._apply(one)
            seq = events[-1].seq
        return seq

    def _take(self, message: Envelope) -> None:
        if message.seq <= self._seq:
            return
        self._seq = message.seq
        self._turn()
        at = wall_seconds(message.at)
        self._apply(StoredEvent(message.seq, at, message.event, message.contact, message.data))

    def _apply(self, one: StoredEvent) -> None:
        self._days.apply(fact_of(one), one.at)

    def _turn(self) -> None:
        if self._now() >= self._days.since + DAY:
            self._days = AgentDays(self._midnight())
