"""Ten thousand agents for reloads, and a timer that notes how late it comes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.routing.model import StepRule
from cti_engine.wire.tasks import spawn
from tests.runtime.center import definitions

AGENTS = 10_000
QUEUES = 30


def crowd(version: str, queues_of: int = QUEUES, attributes: int = 20) -> CenterDefinitions:
    """10,000 agents in 20 groups, so many queues of two steps, and the queue of the shipped number."""
    skills = [f"skill{number}" for number in range(attributes)]
    agents = {
        f"a{number}": AgentDefinition(
            f"a{number}",
            f"Agent {number}",
            {skill: (number + place) % 10 + 1 for place, skill in enumerate(skills)},
            group=f"t{number % 20}",
        )
        for number in range(AGENTS)
    }
    queues = {"sales": definitions().queues["sales"]}
    for number in range(queues_of):
        skill = skills[number % len(skills)]
        steps = (
            StepRule(Condition(parse(f"agent.{skill} >= 8")), wait=20_000),
            StepRule(Condition(parse(f"agent.{skill} >= 4"))),
        )
        members = tuple(id_ for id_, agent in agents.items() if int(agent.attributes[skill]) >= 4)
        queues[f"q{number}"] = QueueDefinition(f"q{number}", f"Queue {number}", members, steps=steps)
    return replace(definitions(), version=version, agents={**definitions().agents, **agents}, queues=queues)


class Ticker:
    """How late a timer of a millisecond comes at worst by our own doing: what other processes took does not count."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._task = spawn(self._run(), "ticker")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun, used = loop.time(), time.process_time()
            await asyncio.sleep(0.001)
            late = min(loop.time() - begun - 0.001, time.process_time() - used)
            self.worst = max(self.worst, late)

    def stop(self) -> None:
        self._task.cancel()
