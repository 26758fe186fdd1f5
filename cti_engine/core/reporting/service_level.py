"""A queue's counters of the day: a pure fold over events, from which service level is a ratio (routing.md, Metrics).

Identity: offered = answered + abandoned + flowed_out + callback_taken + still waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core import events as ev


@dataclass(slots=True)
class QueueCounts:
    """Row kind `queue`. `day` is the number of the center's day; a new day starts from zero.

    `callback_taken`: places that went over to a callback, which is offered, and answered, in its turn.
    `helped_by`: queues that lend their agents to this one now.
    """

    id: str
    day: int = 0
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    callback_taken: int = 0
    in_time: int = 0
    helped_by: list[str] = field(default_factory=list)
    deadlines: dict[str, float] = field(default_factory=dict)

    def start_day(self, day: int, waiting: int) -> None:
        """Zero the counts; whoever waits over midnight counts as offered on the new day."""
        self.day, self.offered = day, waiting
        self.answered = self.abandoned = self.flowed_out = self.callback_taken = self.in_time = 0

    def apply(self, event: ev.Event, threshold: float) -> None:
        """Take one event of this queue; `threshold` in seconds."""
        match event:
            case ev.CallQueued():
                self.offered += 1
            case ev.CallBridged():
                self.answered += 1
                self.in_time += event.waited_s <= threshold
            case ev.CallAbandoned():
                self.abandoned += 1
            case ev.QueueLeft(reason="callback"):
                self.callback_taken += 1
            case ev.QueueLeft():
                self.flowed_out += 1
                self.offered += event.reason == "full"  # it was never let in
            case _:
                return

    def service_level(self, waiting: int) -> float:
        """Answered within the threshold over offered, still-waiting calls left out; 1.0 before the first."""
        over = self.offered - waiting
        return self.in_time / over if over > 0 else 1.0
