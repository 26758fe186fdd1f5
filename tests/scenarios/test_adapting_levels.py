"""Adapting levels in the whole Acd: closed contacts teach, levels change and are told, a restart keeps them."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.definitions import AgentDefinition
from cti_engine.core.routing.handle_times import LevelLimits, QueueTimes
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS, with_queues

maria, john = Desk("maria"), Desk("john")
caller, second = Caller(), Caller("w2", "+34600000002")

SALES = replace(DEFINITIONS.queues["sales"], wrap_up=0.0)
GROUPS = {
    "maria": AgentDefinition("maria", "Maria", group="sellers"),
    "john": AgentDefinition("john", "John", group="helpers"),
    "ana": AgentDefinition("ana", "Ana", group="helpers"),
}
CENTER = replace(with_queues(SALES), agents=GROUPS, record_calls=False)


def known(sellers: float, helpers: float, calls: int = 99) -> QueueTimes:
    """Of sales, as if learned before; one more call and it is looked at."""
    times = QueueTimes("sales")
    for call in range(calls):
        for group, mean in (("sellers", sellers), ("helpers", helpers)):
            times.add(group, "", mean * (0.8 + 0.4 * (call % 2)))
    times.calls = 9
    return times


def knowing(scenario: Scenario, times: QueueTimes) -> Scenario:
    scenario.center.handle_times["sales"] = times
    scenario.center.touch(times)
    return scenario


def talks(scenario: Scenario, who: Caller, contact: str, desk: Desk, seconds: float) -> Scenario:
    scenario = scenario >> who.calls("1000") >> who.found(contact) >> who.connects()
    return scenario >> desk.answers() >> Elapse(seconds) >> who.hangs_up() >> desk.is_gone()


def test_a_closed_contact_teaches_its_agents_group() -> None:
    """Talk, hold and wrap-up of the answered call count for the group; a caller who gives up teaches nothing."""
    s = talks(Scenario(ready=("maria",), definitions=CENTER), caller, "c1", maria, 240)
    cell = s.center.handle_times["sales"].cells[""]["sellers"]
    assert 239 < cell.mean < 242
    assert cell.weight == 1


def test_a_level_that_changes_is_told_and_stored() -> None:
    """The call that makes it clear puts the slow group behind, with the figures in the event; a restart knows it."""
    s = knowing(Scenario(ready=("maria",), definitions=CENTER), known(sellers=300, helpers=600))
    s = talks(s, caller, "c1", maria, 300) << the.AgentGroupLevelChanged(
        queue="sales", group="helpers", level=1, fastest="sellers"
    )
    s = s >> Restart()
    assert s.center.handle_times["sales"].slow == ["helpers"]


def test_a_queue_that_is_never_adapted_goes_back_at_once() -> None:
    """Rules that switch it off take every level of the queue back as they come into force."""
    s = knowing(Scenario(ready=("maria",), definitions=CENTER), known(sellers=300, helpers=600))
    s = talks(s, caller, "c1", maria, 300)
    assert s.center.handle_times["sales"].slow == ["helpers"]
    off = replace(SALES, levels=LevelLimits(enabled=False))
    s = s >> Install(replace(with_queues(off, base=CENTER), version="2"))
    s << the.AgentGroupLevelChanged(queue="sales", group="helpers", level=0)
    assert s.center.handle_times["sales"].slow == []


def test_groups_and_queues_that_are_gone_are_forgotten() -> None:
    """Rows do not outlive what they are about."""
    s = knowing(Scenario(ready=("maria",), definitions=CENTER), known(sellers=300, helpers=600))
    merged = {id_: replace(agent, group="sellers") for id_, agent in GROUPS.items()}
    s = s >> Install(replace(CENTER, agents=merged, version="2"))
    assert set(s.center.handle_times["sales"].cells[""]) == {"sellers"}
    queues = {id_: queue for id_, queue in CENTER.queues.items() if id_ != "sales"}
    s = s >> Install(replace(CENTER, queues=queues, version="3"))
    assert s.center.handle_times == {}
