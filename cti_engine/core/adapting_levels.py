"""Adapting levels: each closed contact teaches how long its agent's group takes, and what that says is put in force.

Who is markedly slower in a queue than its fastest group serves it last, by itself (docs/routing.md, section 12).
"""

from __future__ import annotations

from cti_engine.core import events as ev
from cti_engine.core.center import Center
from cti_engine.core.contact import Contact
from cti_engine.core.routing.handle_times import QueueTimes, compared, estimates, slow_groups


def learn(center: Center, contact: Contact) -> None:
    """The contact is over, its agents have wrapped up; of each who got it out of a queue."""
    for segment in contact.cdr.segments:
        agent = center.definitions.agents.get(segment.agent)
        queue = segment.queue
        if agent is None or queue not in center.definitions.queues:
            continue
        times = center.handle_times.get(queue)
        if times is None:
            times = center.handle_times[queue] = QueueTimes(queue)
        center.touch(times)
        if times.add(agent.team, _intent(contact), segment.handled_s - segment.ring_s):
            _reckon(center, times)


def _intent(contact: Contact) -> str:
    intent = contact.attributes.get("intent")
    return intent if isinstance(intent, str) else ""


AT_ONCE = 8
"""Queues reckoned in one signal after new definitions: a thousand at once would halt the calls for a second."""


def take_effect(center: Center) -> None:
    """New definitions: queues that are gone are forgotten, the others reckoned by and by, some at each signal."""
    for queue, times in list(center.handle_times.items()):
        if queue not in center.definitions.queues:
            center.drop(times)
            center.matcher.set_slow(queue, ())
    center.groups = frozenset(agent.team for agent in center.definitions.agents.values())
    center.levels_due = sorted(center.handle_times, reverse=True)
    go_on(center)


def go_on(center: Center) -> None:
    """The next queues after new definitions: groups that are gone are forgotten, the limits are those of now."""
    due, center.levels_due = center.levels_due[-AT_ONCE:], center.levels_due[:-AT_ONCE]
    for queue in reversed(due):
        times = center.handle_times.get(queue)
        if times is not None:
            times.forget_all_but(center.groups)
            _reckon(center, times)


def _reckon(center: Center, times: QueueTimes) -> None:
    teams = center.definitions.teams(times.id)
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
