"""Who waits and who is free: the plain ACD matcher, oldest call of the highest priority to the longest-idle agent.

Two directions of one question, asked on events, never by polling: a call came (agent surplus), an agent became free
(call surplus). The precision core replaces this class behind the same methods. Ties end in fixed keys.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Excluded = Callable[[str, str], bool]
"""(contact, agent) -> this call must not be offered to this agent now."""


@dataclass(order=True, frozen=True, slots=True)
class Waiting:
    """A call in rank order: higher priority first, then queue time, then sequence number."""

    rank: float
    queued_at: float
    seq: int
    contact: str = field(compare=False)


class Matcher:
    """Holds the waiting calls per queue and the free agents by idle clock. `excluded` is asked per pair."""

    def __init__(self, excluded: Excluded) -> None:
        self._excluded = excluded
        self._serves: dict[str, tuple[str, ...]] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._waiting: dict[str, list[Waiting]] = {}
        self._place: dict[str, tuple[str, Waiting]] = {}
        self._idle: dict[str, float] = {}

    def set_members(self, members: Mapping[str, Iterable[str]]) -> None:
        """Who serves which queue; waiting calls and free agents stay."""
        self._members = {queue: frozenset(agents) for queue, agents in members.items()}
        serves: dict[str, list[str]] = {}
        for queue in sorted(self._members):
            for agent in self._members[queue]:
                serves.setdefault(agent, []).append(queue)
        self._serves = {agent: tuple(queues) for agent, queues in serves.items()}

    def queues_of(self, agent: str) -> tuple[str, ...]:
        return self._serves.get(agent, ())

    def call_waits(self, contact: str, queue: str, priority: int, queued_at: float, seq: int) -> None:
        """`contact` stands in `queue` where its priority and first queue time put it."""
        entry = Waiting(-priority, queued_at, seq, contact)
        insort(self._waiting.setdefault(queue, []), entry)
        self._place[contact] = (queue, entry)

    def call_left(self, contact: str) -> None:
        place = self._place.pop(contact, None)
        if place is not None:
            self._waiting[place[0]].remove(place[1])

    def agent_free(self, agent: str, idle_since: float) -> None:
        self._idle[agent] = idle_since

    def agent_taken(self, agent: str) -> None:
        self._idle.pop(agent, None)

    def waiting(self, queue: str) -> list[str]:
        """Contacts in the order in which they would be served."""
        return [entry.contact for entry in self._waiting.get(queue, ())]

    def position(self, contact: str) -> int:
        """1 for the next to be served; 0 when it does not wait."""
        place = self._place.get(contact)
        return 0 if place is None else self._waiting[place[0]].index(place[1]) + 1

    def agent_for(self, contact: str) -> str | None:
        """The longest-idle free agent who may take this waiting call."""
        place = self._place.get(contact)
        if place is None:
            return None
        members = self._members.get(place[0], frozenset())
        free = [
            (since, agent)
            for agent, since in self._idle.items()
            if agent in members and not self._excluded(contact, agent)
        ]
        return min(free)[1] if free else None

    def call_for(self, agent: str) -> str | None:
        """The first waiting call, over all queues of this free agent, that may be offered to them."""
        best: Waiting | None = None
        for queue in self._serves.get(agent, ()):
            for entry in self._waiting.get(queue, ()):
                if best is not None and best < entry:
                    break
                if not self._excluded(entry.contact, agent):
                    best = entry
                    break
        return best.contact if best is not None else None
