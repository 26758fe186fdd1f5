"""Why a call still waits, and what would end that: for each queue where it stands, each agent and what keeps them.

Asked of the state as it is; what was decided earlier stands in the event log (AgentReserved.why, QueueStepAdvanced).
"""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.core.agent import LOGGED_OUT, READY, Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.syntax import Junction, Node, names_used
from cti_engine.core.expressions.values import Lookup
from cti_engine.core.routing.build import agent_facts
from cti_engine.core.routing.model import Standing
from cti_engine.core.routing.reach import agent_names


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """`keeps`: everything that keeps this agent from this call; empty for one who would get it now."""

    agent: str
    keeps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueAnswer:
    """`pool`: the conditions of which an agent has to meet one. `next_step_at`: wall seconds, 0 without a next one.

    `agents`: those with the fewest obstacles first. `ahead`: calls that are served before this one.
    """

    queue: str
    step: int
    pool: tuple[str, ...]
    ahead: int
    next_step_at: float
    agents: tuple[AgentAnswer, ...]


def why_waiting(center: Center, contact: Contact) -> tuple[QueueAnswer, ...]:
    """Empty for a call that does not wait."""
    names = {facts.id: agent_names(facts) for facts in agent_facts(center.definitions)}
    return tuple(_queue(center, contact, standing, names) for standing in contact.standings)


def _queue(center: Center, contact: Contact, standing: Standing, names: dict[str, Lookup]) -> QueueAnswer:
    pool = [(text, Condition(parse(text)) if text else None) for text in standing.pool]
    answers = [
        AgentAnswer(
            agent.id,
            (*_keeps(center, contact, standing.queue, agent), *_lacks(names[agent.id], pool)),
        )
        for agent in center.agents.values()
        if agent.id in names
    ]
    return QueueAnswer(
        queue=standing.queue,
        step=standing.step,
        pool=tuple(text or "everybody" for text, _ in pool),
        ahead=max(0, center.matcher.position(contact.id, standing.queue) - 1),
        next_step_at=standing.deadline / 1000 if standing.deadline is not None else 0.0,
        agents=tuple(sorted(answers, key=lambda answer: (len(answer.keeps), answer.agent))),
    )


def _keeps(center: Center, contact: Contact, queue: str, agent: Agent) -> list[str]:
    keeps = _state(agent)
    until = contact.excluded.get(agent.id, 0.0)
    if until > center.now:
        keeps.append(f"missed this call, gets it again in {until - center.now:.0f} s")
    definition = center.definitions.agents[agent.id]
    if definition.profile:
        rank = center.definitions.profiles.get(definition.profile, {}).get(queue)
        waited = center.now - contact.queued_at
        if rank is None:
            keeps.append(f"profile {definition.profile} does not serve {queue}")
        elif waited < rank.delay / 1000:
            keeps.append(f"profile {definition.profile} takes it in {rank.delay / 1000 - waited:.0f} s")
    return keeps


def _state(agent: Agent) -> list[str]:
    if agent.status == LOGGED_OUT:
        return ["logged out"]
    keeps = [] if agent.status == READY else [f"not ready: {agent.reason}" if agent.reason else "not ready"]
    if not agent.phone:
        keeps.append("phone not registered")
    if agent.state != "idle":
        keeps.append(f"{agent.state.replace('_', '-')}, contact {agent.contact}")
    return keeps


def _lacks(names: Lookup, pool: list[tuple[str, Condition | None]]) -> list[str]:
    """What the agent lacks for the nearest of the pool's conditions; nothing when one holds."""
    lacking = []
    for _, condition in pool:
        if condition is None or condition.holds(names):
            return []
        node = condition.node
        parts = node.operands if isinstance(node, Junction) and node.operator == "and" else (node,)
        lacking.append([_said(part, names) for part in parts if not Condition(part).holds(names)])
    return min(lacking, key=len, default=["stands in no step of this queue"])


def _said(part: Node, names: Lookup) -> str:
    """`needs agent.spanish >= 7 (has 5)`."""
    values = [str(value) for name in names_used(part) if (value := names(name.name)) is not None]
    return f"needs {part} (has {', '.join(values) or 'nothing'})"
