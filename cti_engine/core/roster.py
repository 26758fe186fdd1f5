"""Who works here and which queues there are, by the running definitions: a set just installed takes effect."""

from __future__ import annotations

from cti_engine.core import adapting_levels
from cti_engine.core.agent import LOGGED_OUT, Agent
from cti_engine.core.center import Center
from cti_engine.core.reporting.service_level import QueueCounts


def take_effect(center: Center) -> None:
    """Newcomers begin logged out, who is gone is logged out (a call in hand goes on), free agents are matched anew."""
    center.definitions_are_new = False
    definitions = center.definitions
    for agent_id in definitions.agents:
        if agent_id not in center.agents:
            center.agents[agent_id] = Agent(agent_id, since=center.now, idle_since=center.now)
            center.touch(center.agents[agent_id])
    center.seen_agents.update(definitions.agents)
    concerned = [
        agent
        for agent in center.agents.values()
        if agent.available
        or ((agent.status != LOGGED_OUT or agent.after) and agent.id not in definitions.agents)
    ]
    for agent in sorted(concerned, key=lambda agent: (agent.idle_since, agent.id)):
        if agent.id not in definitions.agents:
            agent.after = agent.after_reason = ""
            center.agent_enters(agent, status=LOGGED_OUT, reason="")
        else:
            center.to_match.append(("agent", agent.id))
    for queue_id in definitions.queues:
        if queue_id not in center.queues:
            center.queues[queue_id] = QueueCounts(queue_id, center.day)
            center.touch(center.queues[queue_id])
        center.seen_queues.add(queue_id)
    adapting_levels.take_effect(center)
