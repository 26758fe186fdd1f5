"""The matcher's rules and agents, made from the admin's definitions."""

from __future__ import annotations

from collections.abc import Iterable

from cti_engine.core.definitions import CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.syntax import Name
from cti_engine.core.routing.model import AgentFacts, QueueRules, RoutingRules, StepRule
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.routing.pools import Key
from cti_engine.core.routing.wording import MEMBER_OF


def milliseconds(seconds: float) -> int:
    """Wall or elapsed seconds as the matcher counts them."""
    return round(seconds * 1000)


def routing_rules(definitions: CenterDefinitions) -> RoutingRules:
    return RoutingRules(
        version=definitions.version,
        queues={
            queue.id: queue_rules(queue, index, len(definitions.teams(queue.id)) > 1)
            for index, queue in enumerate(definitions.queues.values())
        },
        profiles=definitions.profiles,
        near={site.id: site.near for site in definitions.sites.values()},
        burst=definitions.burst,
    )


def make_index(definitions: CenterDefinitions, bound: Iterable[Key] = ()) -> PoolIndex:
    """What the matcher installs; `bound`: its `pools_in_use`. Slow for many agents: made beside a live center."""
    return PoolIndex(routing_rules(definitions), agent_facts(definitions), bound)


def queue_rules(queue: QueueDefinition, index: int, has_groups: bool) -> QueueRules:
    cap = queue.longest_wait_cap
    return QueueRules(
        id=queue.id,
        index=index,
        steps=queue.steps or (StepRule(_is_member_of(queue.id)),),
        from_enqueue=queue.from_enqueue,
        exhausted=queue.exhausted,
        rate=milliseconds(queue.ageing),
        longest_wait_cap=None if cap is None else milliseconds(cap),
        classes=queue.classes,
        at_most_wait=queue.levels.at_most_wait if queue.levels.enabled and has_groups else None,
        value=queue.value,
        source=queue.source,
    )


def _member_of(queue: str) -> str:
    """Being named as a member is a fact about people, so it counts at once for calls that wait already: an attribute,
    of a name that no file can declare.
    """
    return MEMBER_OF + queue


def _is_member_of(queue: str) -> Condition:
    return Condition(Name(f"agent.{_member_of(queue)}"))


def agent_facts(definitions: CenterDefinitions) -> list[AgentFacts]:
    memberships: dict[str, dict[str, bool | int | str]] = {}
    for queue in definitions.queues.values():
        for member in () if queue.steps else queue.members:
            memberships.setdefault(member, {})[_member_of(queue.id)] = True
    return [
        AgentFacts(
            id=agent.id,
            attributes={**agent.attributes, **memberships.get(agent.id, {})},
            site=agent.site,
            name=agent.name,
            profile=agent.profile,
            capacity=agent.capacity,
            cost=agent.cost,
            place=place,
            group=agent.team,
        )
        for place, agent in enumerate(definitions.agents.values())
    ]
