"""The center of section (d): ninety agents, six types of calls, and for each column who serves what, and how fast.

Its default policy is that of an admin who writes nothing but who serves which queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.routing.build import agent_facts, routing_rules
from cti_engine.core.routing.handle_times import DEFAULT
from cti_engine.simulation.matcher_world import Arrival, MatcherWorld
from tests.routing.plain_policies import Call, Served, Team

TYPES, AGENTS = 6, 90
CALLS_A_MINUTE, HANDLE, PATIENCE = 8.4, 600_000, 300_000


class Column(NamedTuple):
    """`skills`: types an agent serves; `slower`: what a call of another type than their primary one takes of it;
    `hot`: the share of the first type, as a multiple of a sixth. `judged`: its misses count.
    """

    name: str
    skills: int
    slower: float = 1.0
    hot: float = 1.0
    judged: bool = True


COLUMNS = (
    Column("equal speed, 2 skills", 2),
    Column("hot type x1.5, 2 skills", 2, hot=1.5),
    Column("secondary 20 % slower, 2 skills", 2, 1 / 0.8),
    # no column of the design: nobody is slower, and who serves out of turn wins a point of service level and loses
    # it in the longest waits
    Column("equal speed, 6 skills", 6, judged=False),
    Column("secondary 20 % slower, 6 skills", 6, 1 / 0.8),
)


def team(column: Column) -> Team:
    """Fifteen agents primary for each type; with two skills, three of them have each of the others as the second."""
    skills: list[tuple[int, ...]] = []
    for primary in range(TYPES):
        others = [kind for kind in range(TYPES) if kind != primary]
        for place in range(AGENTS // TYPES):
            second = (others[place % len(others)],) if column.skills == 2 else tuple(others)
            skills.append((primary, *second))
    return Team(skills, column.slower)


def calls(column: Column, seed: int, number: int) -> list[Call]:
    """The same for every policy: what is drawn belongs to the call, not to who serves it."""
    generator = np.random.default_rng([seed, COLUMNS.index(column)])
    shares = np.array([column.hot, *[(TYPES - column.hot) / (TYPES - 1)] * (TYPES - 1)]) / TYPES
    at = np.cumsum(generator.exponential(60_000 / CALLS_A_MINUTE, number))
    kinds = generator.choice(TYPES, number, p=shares)
    basis = generator.exponential(HANDLE, number)
    patience = generator.exponential(PATIENCE, number)
    whole = [np.rint(values).astype(np.int64).tolist() for values in (at, kinds, basis, patience)]
    return [Call(*each) for each in zip(*whole, strict=True)]


def default_world(team: Team) -> MatcherWorld:
    """The real matcher; an agent's group is their primary type."""
    agents = {
        f"a{number:02}": AgentDefinition(f"a{number:02}", "", group=f"type{skills[0]}")
        for number, skills in enumerate(team.skills)
    }
    queues = {}
    for kind in range(1 + max(max(skills) for skills in team.skills)):
        members = tuple(id for id, skills in zip(agents, team.skills, strict=True) if kind in skills)
        queues[f"type{kind}"] = QueueDefinition(f"type{kind}", "", members)
    definitions = CenterDefinitions("quality", agents, queues, {}, {})
    paces = {
        (agent.group, queue): team.slower
        for agent in agents.values()
        for queue in queues
        if queue != agent.group
    }
    return MatcherWorld(
        routing_rules(definitions), {"all": agent_facts(definitions)}, paces=paces, levels=DEFAULT
    )


def play_default(team: Team, calls: Sequence[Call]) -> Served:
    out = default_world(team).run(
        Arrival(call.at, f"type{call.type}", call.basis, call.patience) for call in calls
    )
    return Served(out.wait, [int(agent[1:]) if agent else -1 for agent in out.agent])
