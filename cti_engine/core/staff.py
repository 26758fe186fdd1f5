"""How many agents serve each queue now: ready, with a phone, be they free or in a call. Counted on the first question
after new rules, then kept by each agent's change.
"""

from __future__ import annotations

from cti_engine.core.agent import READY, Agent
from cti_engine.core.definitions import CenterDefinitions


class Staff:
    """`agents` is the center's own map, which it goes on changing."""

    def __init__(self, definitions: CenterDefinitions, agents: dict[str, Agent]) -> None:
        self._definitions = definitions
        self._agents = agents
        self._could: dict[str, frozenset[str]] = {}
        self._serve: dict[str, set[str]] = {}

    def of(self, queue: str) -> int:
        """0 for a queue that is not defined."""
        if queue not in self._serve:
            found = self._definitions.queues.get(queue)
            members = found.members if found is not None else ()
            self._could[queue] = frozenset(each for each in members if self._takes(each, queue))
            self._serve[queue] = {each for each in self._could[queue] if _serves(self._agents.get(each))}
        return len(self._serve[queue])

    def changed_by(self, agent: Agent) -> list[str]:
        """The queues counted so far for which this agent's change makes a difference: not counted before `follow`."""
        serves = _serves(agent)
        return [
            queue
            for queue, could in self._could.items()
            if agent.id in could and (agent.id in self._serve[queue]) != serves
        ]

    def follow(self, agent: Agent, queues: list[str]) -> None:
        """Count the agent's change in these queues."""
        for queue in queues:
            self._serve[queue] ^= {agent.id}

    def forget(self, queues: int) -> bool:
        """Let go of so many queues' members; False when nothing is left. A thousand big sets at once take 20 ms."""
        for queue in list(self._could)[:queues]:
            del self._could[queue]
            self._serve.pop(queue, None)
        return bool(self._could)

    def _takes(self, agent: str, queue: str) -> bool:
        definition = self._definitions.agents.get(agent)
        if definition is None or not definition.profile:
            return definition is not None
        return queue in self._definitions.profiles.get(definition.profile, {})


def _serves(agent: Agent | None) -> bool:
    return agent is not None and agent.status == READY and agent.phone
