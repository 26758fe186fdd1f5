"""Adapting levels: each closed contact teaches how long its agent's group takes, and what that says is put in force.

Who is markedly slower in a queue than its fastest group serves it last, by itself (docs/routing.md, section 12).
"""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.routing.handle_times import QueueTimes, compared, estimates, slow_groups


def learn(center: Center, contact: Contact) -> None:
    """The contact is over, its agent has wrapped up."""
    agent = center.definitions.agents.get(contact.cdr.agent)
    queue = contact.queue
    if agent is None or not contact.cdr.bridged_at or queue not in center.definitions.queues:
        return
    cdr = contact.cdr
    times = center.handle_times.get(queue)
    if times is None:
        times = center.handle_times[queue] = QueueTimes(queue)
    center.touch(times)
    if times.add(agent.team, _intent(contact), cdr.talk_s + cdr.hold_s + cdr.wrap_up_s):
        _reckon(center, times)


def _intent(contact: Contact) -> str:
    intent = contact.attributes.get("intent")
    return intent if isinstance(intent, str) else ""


def take_effect(center: Center) -> None:
    """New definitions: groups and queues that are gone are forgotten, and the limits are those of now."""
    teams = {agent.team for agent in center.definitions.agents.values()}
    for queue, times in list(center.handle_times.items()):
        if queue not in center.definitions.queues:
            center.drop(times)
            center.matcher.set_slow(queue, ())
            continue
        times.forget_all_but(teams)
        _reckon(center, times)


def teams_of(definitions: CenterDefinitions, queue: str) -> list[str]:
    """The groups with an agent who could serve the queue, sorted."""
    agents = definitions.agents
    members = definitions.queues[queue].members
    return sorted({agents[member].team for member in members if member in agents})


def _reckon(center: Center, times: QueueTimes) -> None:
    teams = teams_of(center.definitions, times.id)
    limits = center.queue_definition(times.id).levels
    before, times.slow = times.slow, slow_groups(times, teams, limits)
    center.matcher.set_slow(times.id, times.slow)
    center.touch(times)
    changed = sorted(set(before) ^ set(times.slow))
    if not changed:
        return
    known = estimates(times, teams)
    fastest = min(known, key=lambda team: (known[team].seconds, team), default="")
    for team in changed:
        if team in known:
            ratio = compared(known[team], known[fastest]).value
            told = (known[team].seconds, fastest, known[fastest].seconds, ratio, known[team].calls)
        else:
            told = (0.0, fastest, 0.0, 0.0, 0.0)
        center.emit(ev.AgentGroupLevelChanged(times.id, team, int(team in times.slow), *told))
