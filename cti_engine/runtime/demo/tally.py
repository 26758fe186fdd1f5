"""What happened in a demo: one line as each call ends, one table at the end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from cti_engine.runtime.demo.facts import CallOver, LineOver
from cti_engine.runtime.demo.scripts import CallScript


@dataclass(slots=True)
class RobotCallStory:
    """One call from both sides: what the caller's phone saw and what the engine told. Seconds."""

    script: CallScript
    contact: str = ""
    queue: str = ""
    agent: str = ""
    waited: float = 0.0
    abandoned: bool = False
    ended: bool = False
    over: CallOver | None = None

    @property
    def settled(self) -> bool:
        """Both sides have told all: the phone its end, and the engine too if the call ever reached it."""
        return self.over is not None and (self.ended or not self.contact)

    @property
    def outcome(self) -> str:
        if self.over is None:
            return "going on"
        if self.agent:
            return "talked"
        if self.abandoned:
            return "gave up waiting"
        if not self.over.answered:
            return "refused"
        return "hung up in the menu" if self.over.hung_up else "ended by the center"


@dataclass(slots=True)
class _AgentTally:
    calls: int = 0
    missed: int = 0
    talked: float = 0.0
    heard: int = 0


@dataclass(slots=True)
class Tally:
    stories: list[RobotCallStory] = field(default_factory=list)
    agents: dict[str, _AgentTally] = field(default_factory=lambda: defaultdict(_AgentTally))
    _by_contact: dict[str, RobotCallStory] = field(default_factory=dict)

    def begin(self, script: CallScript) -> None:
        self.stories.append(RobotCallStory(script))

    def story_of(self, number: str) -> RobotCallStory | None:
        """The call of this number that is going on: a robot has one at a time."""
        open_ones = (s for s in reversed(self.stories) if s.script.caller.number == number and s.over is None)
        return next(open_ones, None)

    def told(self, event: str, contact: str, data: dict[str, Any]) -> RobotCallStory | None:
        """Fold an event of the engine. Returns the story that it belongs to, if it is about a robot's call."""
        if event == "CallArrived":
            story = self.story_of(str(data["ani"]))
            if story is not None and not story.contact:
                story.contact = contact
                self._by_contact[contact] = story
            return story
        story = self._by_contact.get(contact)
        if story is None:
            return None
        match event:
            case "CallQueued":
                story.queue = str(data["queue"])
            case "CallAbandoned":
                story.abandoned, story.waited = True, float(data["waited_s"])
            case "CallBridged":
                story.agent, story.waited = str(data["agent"]), float(data["waited_s"])
            case "CallEnded":
                story.ended = True
                del self._by_contact[contact]
        return story

    @property
    def settled(self) -> bool:
        return all(story.settled for story in self.stories)

    def call_over(self, over: CallOver) -> RobotCallStory | None:
        story = self.story_of(over.number)
        if story is not None:
            story.over = over
        return story

    def line_over(self, over: LineOver) -> None:
        agent = self.agents[over.user]
        if over.answered:
            agent.calls += 1
            agent.talked += over.talked
            agent.heard += over.heard
        else:
            agent.missed += 1

    def summary(self) -> RenderableType:
        """The table at the end."""
        calls = Table(title="Calls", title_justify="left", header_style="bold")
        for column in ("what became of it", "calls", "share", "mean wait", "heard the agent"):
            calls.add_column(column, justify="left" if column.startswith("what") else "right")
        ended = [story for story in self.stories if story.over is not None]
        for outcome in dict.fromkeys(sorted((s.outcome for s in ended), key=_OUTCOMES.index)):
            stories = [story for story in ended if story.outcome == outcome]
            waits = [story.waited for story in stories if story.queue]
            heard = sum(story.over.heard for story in stories if story.over)
            calls.add_row(
                outcome,
                str(len(stories)),
                f"{len(stories) / len(ended):.0%}",
                f"{sum(waits) / len(waits):.1f} s" if waits else "",
                f"{heard} of {len(stories)}" if outcome == "talked" else "",
            )
        if not ended:
            calls.add_row("no call was made", "0", "", "", "")
        agents = Table(title="Agents", title_justify="left", header_style="bold")
        for column in ("agent", "answered", "missed", "mean talk", "heard the caller"):
            agents.add_column(column, justify="left" if column == "agent" else "right")
        for user, agent in sorted(self.agents.items()):
            mean = f"{agent.talked / agent.calls:.0f} s" if agent.calls else ""
            agents.add_row(user, str(agent.calls), str(agent.missed), mean, f"{agent.heard} of {agent.calls}")
        return Group(calls, agents) if self.agents else calls


_OUTCOMES = ["talked", "gave up waiting", "hung up in the menu", "ended by the center", "refused"]


def line_of(story: RobotCallStory) -> str:
    """A call that is over, in one line."""
    caller = story.script.caller
    who = f"{caller.name or 'unknown'} {caller.number} dialled {story.script.dial}"
    match story.outcome:
        case "talked":
            what = f"talked to {story.agent} in {story.queue}, having waited {story.waited:.0f} s"
        case "gave up waiting":
            what = f"gave up in {story.queue} after {story.waited:.0f} s"
        case "refused":
            assert story.over is not None
            what = f"was refused: {story.over.sip_code} {story.over.reason}"
        case outcome:
            what = outcome
    return f"{who}: {what}"
