"""The report of promises kept: what became of callbacks, and when they were made against what was promised.

A pure fold over events. The promise is the wait within which 4 of 5 are served (`CallQueued.promised`, p80), told when
the callback took its place; it is kept when the caller's phone first rang within it. Of an appointment the promise is
its time: kept when the phone first rang within the grace from then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cti_engine.core import events as ev

P80 = 1
WITHDRAWN = ("cancelled", "settled")


@dataclass(slots=True)
class CallbackStory:
    """One callback. Times in wall seconds, 0 while it has not happened; `promised_s` None: nothing to go by.

    `outcome` empty while it waits, else as in CallbackEnded. `tries`: calls to the caller, by outcome. `due_at`: for
    when the agent `promised_by` has promised it.
    """

    contact: str
    queue: str
    number: str
    source: str
    asked_at: float
    within_s: float
    promised_s: float | None = None
    called_at: float = 0.0
    ended_at: float = 0.0
    outcome: str = ""
    due_at: float = 0.0
    promised_by: str = ""
    tries: dict[str, int] = field(default_factory=dict)

    @property
    def waited_s(self) -> float | None:
        """Until the phone first rang; of an appointment from its time on."""
        return max(0.0, self.called_at - (self.due_at or self.asked_at)) if self.called_at else None

    @property
    def kept(self) -> bool | None:
        """Whether the promise was; None when there was none, or it may still be."""
        over = bool(self.outcome)
        if self.promised_s is None or self.outcome in WITHDRAWN or (self.waited_s is None and not over):
            return None
        return self.waited_s is not None and self.waited_s <= self.promised_s


@dataclass(frozen=True, slots=True)
class CallbackFigures:
    """Of one queue. `missed`: asked for and over without having been reached, `withdrawn` ones left out: cancelled or
    settled in another call. `appointments` were promised by an agent for a time. `tries` counts calls to callers.

    Waits in seconds of those that were called, by mean and largest; `kept` of the `promised` ones.
    """

    queue: str
    asked: int
    reached: int
    missed: int
    waiting: int
    tries: int
    reached_at_first: int
    mean_wait_s: float | None
    longest_wait_s: float | None
    mean_promised_s: float | None
    promised: int
    kept: int
    appointments: int = 0
    withdrawn: int = 0

    @property
    def kept_share(self) -> float | None:
        return self.kept / self.promised if self.promised else None


class CallbackStories:
    """Fed with all events in order; those of callbacks asked for before `since` (wall seconds) are left out."""

    def __init__(self, since: float) -> None:
        self._since = since
        self.stories: dict[str, CallbackStory] = {}

    def apply(self, event: ev.Event, at: float) -> None:
        if isinstance(event, ev.CallbackRequested):
            if at >= self._since:
                self.stories[event.contact] = CallbackStory(
                    event.contact, event.queue, event.number, event.source, at, event.within_s
                )
            return
        story = self.stories.get(getattr(event, "contact", ""))
        if story is None:
            return
        match event:
            case ev.CallbackScheduled():
                story.due_at, story.promised_by, story.promised_s = event.due_at, event.agent, event.grace_s
            case ev.CallQueued() if event.queue == story.queue and event.promised is not None:
                if story.promised_s is None:
                    story.promised_s = event.promised[P80]
            case ev.CallbackAttempted():
                story.tries[event.outcome] = story.tries.get(event.outcome, 0) + 1
                story.called_at = story.called_at or at - event.rang_s
            case ev.CallbackEnded():
                story.outcome, story.ended_at = event.outcome, at


def figures(stories: Iterable[CallbackStory]) -> list[CallbackFigures]:
    """One row a queue, by name."""
    by_queue: dict[str, list[CallbackStory]] = {}
    for story in stories:
        by_queue.setdefault(story.queue, []).append(story)
    return [_figures(queue, by_queue[queue]) for queue in sorted(by_queue)]


def _figures(queue: str, stories: list[CallbackStory]) -> CallbackFigures:
    waits = [story.waited_s for story in stories if story.waited_s is not None]
    promises = [story.promised_s for story in stories if story.promised_s is not None]
    judged = [story.kept for story in stories if story.kept is not None]
    reached = [story for story in stories if story.outcome == "reached"]
    return CallbackFigures(
        queue,
        asked=len(stories),
        reached=len(reached),
        missed=sum(story.outcome not in ("", "reached", *WITHDRAWN) for story in stories),
        waiting=sum(not story.outcome for story in stories),
        tries=sum(count for story in stories for kind, count in story.tries.items() if kind != "agent_gone"),
        reached_at_first=sum(set(story.tries) <= {"answered", "agent_gone"} for story in reached),
        mean_wait_s=sum(waits) / len(waits) if waits else None,
        longest_wait_s=max(waits, default=None),
        mean_promised_s=sum(promises) / len(promises) if promises else None,
        promised=len(judged),
        kept=sum(judged),
        appointments=sum(story.due_at > 0.0 for story in stories),
        withdrawn=sum(story.outcome in WITHDRAWN for story in stories),
    )
