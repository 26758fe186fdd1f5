"""Why a call still waits, and what would end that: for each queue where it stands, each agent and what keeps them.

Asked of the state as it is, at a bounded cost, so the live engine may be asked; what was decided earlier stands in the
event log (AgentReserved.why, QueueStepAdvanced).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from cti_engine.core.agent import LOGGED_OUT, READY, Agent
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.expressions.syntax import Junction, Node, names_used
from cti_engine.core.expressions.values import Lookup
from cti_engine.core.routing.decision_record import KEPT_OFF
from cti_engine.core.routing.model import Standing
from cti_engine.core.routing.wording import member_of, worded

MOST_AGENTS = 200
"""Agents that are looked at one by one: those of the pool first, then who is logged in."""
MOST_SHOWN = 20
"""Of these, so many are told."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an agent from a call. `code`: logged_out, not_ready (`what`: the reason), no_phone, busy (the state),
    missed (this call; over in `seconds`), profile (the profile does not serve the queue), delay (it does in `seconds`),
    not_member (of the queue), lacks (the condition; the agent `has` this value), no_step.
    """

    code: str
    what: str = ""
    has: str = ""
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """`keeps`: everything that keeps this agent from this call; empty for one who would get it now."""

    agent: str
    keeps: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class QueueAnswer:
    """`pool`: the conditions of which an agent has to meet one. `next_step_at`: wall seconds, 0 without a next one;
    `next_pool` is what that step asks, the call's values not yet filled in.

    `ahead`: calls that are served before this one. `members` of the pool, and of them by what keeps them off at first
    (not_free, excluded, profile, delay). `agents`: those with the fewest obstacles first.
    """

    queue: str
    step: int
    steps: int
    pool: tuple[str, ...]
    ahead: int
    next_step_at: float
    next_pool: str
    members: int
    kept_off: dict[str, int]
    agents: tuple[AgentAnswer, ...]


def why_waiting(center: Center, contact: Contact) -> tuple[QueueAnswer, ...]:
    """Empty for a call that does not wait."""
    return tuple(_queue(center, contact, standing) for standing in contact.standings)


def _queue(center: Center, contact: Contact, standing: Standing) -> QueueAnswer:
    matcher = center.matcher
    pool = [(text, Condition(parse(text)) if text else None) for text in standing.pool]
    answers = [
        AgentAnswer(
            id_,
            (
                *_keeps(center, contact, standing.queue, center.agents[id_]),
                *_lacks(matcher.agent_names(id_), pool),
            ),
        )
        for id_ in matcher.nearest(contact.id, standing.queue, MOST_AGENTS)
        if id_ in center.agents
    ]
    outlook = matcher.outlook(contact.id, standing.queue)
    kept_off = {name: getattr(outlook, name) for name in KEPT_OFF}
    return QueueAnswer(
        queue=standing.queue,
        step=standing.step,
        steps=outlook.steps,
        pool=tuple(worded(text) for text in standing.pool),
        ahead=max(0, matcher.position(contact.id, standing.queue) - 1),
        next_step_at=standing.deadline / 1000 if standing.deadline is not None else 0.0,
        next_pool=outlook.next_pool,
        members=outlook.size,
        kept_off={name: count for name, count in kept_off.items() if count},
        agents=tuple(sorted(answers, key=lambda answer: (len(answer.keeps), answer.agent))[:MOST_SHOWN]),
    )


def _keeps(center: Center, contact: Contact, queue: str, agent: Agent) -> list[Obstacle]:
    keeps = _state(agent)
    until = contact.excluded.get(agent.id, 0.0)
    if until > center.now:
        keeps.append(Obstacle("missed", seconds=ceil(until - center.now)))
    definition = center.definitions.agents.get(agent.id)
    if definition is not None and definition.profile:
        rank = center.definitions.profiles.get(definition.profile, {}).get(queue)
        waited = center.now - contact.queued_at
        cap = center.queue_definition(queue).longest_wait_cap
        if rank is None:
            keeps.append(Obstacle("profile", definition.profile))
        elif waited < rank.delay / 1000 and (cap is None or waited < cap):
            after = rank.delay / 1000 if cap is None else min(rank.delay / 1000, cap)
            keeps.append(Obstacle("delay", definition.profile, seconds=ceil(after - waited)))
    return keeps


def _state(agent: Agent) -> list[Obstacle]:
    if agent.status == LOGGED_OUT:
        return [Obstacle("logged_out")]
    keeps = [] if agent.status == READY else [Obstacle("not_ready", agent.reason)]
    if not agent.phone:
        keeps.append(Obstacle("no_phone"))
    if agent.state != "idle":
        keeps.append(Obstacle("busy", agent.state))
    return keeps


def _lacks(names: Lookup, pool: list[tuple[str, Condition | None]]) -> list[Obstacle]:
    """What the agent lacks for the nearest of the pool's conditions; nothing when one holds."""
    lacking = []
    for _, condition in pool:
        if condition is None or condition.holds(names):
            return []
        node = condition.node
        parts = node.operands if isinstance(node, Junction) and node.operator == "and" else (node,)
        lacking.append([_lack(part, names) for part in parts if not Condition(part).holds(names)])
    return min(lacking, key=len, default=[Obstacle("no_step")])


def _lack(part: Node, names: Lookup) -> Obstacle:
    queue = member_of(str(part))
    if queue:
        return Obstacle("not_member", queue)
    values = [str(value) for name in names_used(part) if (value := names(name.name)) is not None]
    return Obstacle("lacks", str(part), ", ".join(values))
