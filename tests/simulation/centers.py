"""Small centers for simulated days, and a log of what became of each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cti_engine.core import events
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.events import Event
from cti_engine.simulation.acd_world import AcdWorld
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.distributions import Constant
from cti_engine.simulation.habits import Call, GroupHabits, Habits, Handling, Redial, Status
from cti_engine.simulation.matcher_world import FOREVER, Staffing
from cti_engine.simulation.simulated_rules import ROUTE, Way, simulated

BEGIN = (4 * 24 + 8) * 3_600_000
"""Eight in the morning of a Monday (5 January 1970), in wall ms."""


def center(number: int, *queues: QueueDefinition) -> CenterDefinitions:
    """`number` agents a0, a1, ... in every queue; by default one queue `q` without wrap-up."""
    people = {f"a{each}": AgentDefinition(f"a{each}", f"Agent {each}") for each in range(number)}
    given = queues or (QueueDefinition("q", "Q", (), wrap_up=0.0),)
    members = tuple(people)
    return CenterDefinitions(
        version="1",
        agents=people,
        queues={queue.id: replace(queue, members=queue.members or members) for queue in given},
        dialled_numbers={},
        flows={},
        not_ready_reasons={"lunch": {"en": "Lunch"}},
    )


def call(second: float, key: int = 0, way: str = "q", **more: object) -> Call:
    """A call at so many seconds after BEGIN, by the way of its queue's name."""
    at = BEGIN + round(second * 1000)
    made = Call(at, key, way, way, f"+999{key:08}", {ROUTE: way})
    return made._replace(**more)  # type: ignore[arg-type]  # fields by name


def habits(
    definitions: CenterDefinitions, talk: float = 60.0, redial: Redial | None = None, **more: object
) -> Habits:
    """Everybody in group `all`, who talks so many seconds."""
    group = replace(GroupHabits(Handling(Constant(talk))), **more)  # type: ignore[arg-type]  # fields by name
    again = {} if redial is None else {"q": redial}
    return Habits(
        Chance(1, 1), dict.fromkeys(definitions.agents, "all"), {"all": group}, {"q": Constant(10.0)}, again
    )


class Fate(NamedTuple):
    """What became of a call; seconds after BEGIN."""

    end: str
    at: float
    wait: float
    agent: str


class Log:
    """`fates` in the order of the ends of waiting, by contact (c1 is the first to arrive); `facts` are all."""

    def __init__(self) -> None:
        self.facts: list[tuple[float, Event]] = []

    def __call__(self, facts: list[tuple[float, Event]]) -> None:
        self.facts += [(round(at - BEGIN / 1000, 3), event) for at, event in facts]

    def of(self, kind: type) -> list[float]:
        """When facts of this kind happened."""
        return [at for at, event in self.facts if isinstance(event, kind)]

    @property
    def fates(self) -> dict[str, Fate]:
        found = {}
        for at, event in self.facts:
            match event:
                case events.CallBridged():
                    found[event.contact] = Fate("answered", at, round(event.waited_s, 3), event.agent)
                case events.CallAbandoned():
                    found[event.contact] = Fate("abandoned", at, round(event.waited_s, 3), "")
                case events.QueueLeft():
                    found[event.contact] = Fate(event.reason, at, round(event.waited_s, 3), "")
                case _:
                    continue
        return found


def played(
    definitions: CenterDefinitions,
    how: Habits,
    calls: Sequence[Call],
    duty: Sequence[Staffing | Status] = (Staffing(0, "all", FOREVER),),
    ways: Sequence[Way] | None = None,
) -> Log:
    """Play it, with one way into each queue unless others are given; nothing illegal may happen."""
    log = Log()
    found = ways or [Way(queue, queue) for queue in definitions.queues]
    world = AcdWorld(simulated(definitions, found), how, log, BEGIN)
    world.run(calls, duty)
    assert world.anomalies == []
    assert not world.callers
    return log
