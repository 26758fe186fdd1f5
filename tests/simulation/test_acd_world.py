"""The world around the whole Acd: callers, phones and agents do what people do, to the millisecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cti_engine.core import events
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.ivr.flow import EndCall, EnterQueue, Fixed, Flow, Say, Wait
from cti_engine.core.routing.build import agent_facts, routing_rules
from cti_engine.core.routing.handle_times import LevelLimits
from cti_engine.core.routing.model import Order, ProfileQueue, StepRule
from cti_engine.simulation.chance import Chance
from cti_engine.simulation.distributions import Constant, Exponential
from cti_engine.simulation.habits import Call, GroupHabits, Habits, Handling, Redial, Status
from cti_engine.simulation.matcher_world import ANSWERED as MATCHER_ANSWERED
from cti_engine.simulation.matcher_world import FOREVER, Arrival, MatcherWorld, Staffing
from cti_engine.simulation.simulated_rules import Way, simulated
from tests.simulation.centers import BEGIN, Fate, call, center, habits, played


def test_one_agent_serves_in_the_order_of_arrival() -> None:
    """The second call waits for the first one's end; the third hangs up before."""
    one = center(1)
    log = played(one, habits(one), [call(0, 0), call(10, 1), call(20, 2, patience=30_000)])
    assert log.fates == {
        "c1": Fate("answered", 0.0, 0.0, "a0"),
        "c2": Fate("answered", 60.0, 50.0, "a0"),
        "c3": Fate("abandoned", 50.0, 30.0, ""),
    }
    assert log.of(events.ContactClosed) == [50.0, 60.0, 120.0]


def test_the_menu_takes_its_time() -> None:
    """A call is queued when its menu is over, and waits from then on; its patience begins then too."""
    one = center(1)
    calls = [call(0, 0, ivr=7_000), call(1, 1, ivr=10_000, patience=20_000)]
    log = played(one, habits(one), calls, ways=[Way("q", "q", has_menu=True)])
    assert log.fates == {"c1": Fate("answered", 7.0, 0.0, "a0"), "c2": Fate("abandoned", 31.0, 20.0, "")}


def test_ways_of_one_number_lead_to_their_queues() -> None:
    """Two ways share a number: its priority counts for both, each leads to its queue in its language."""
    two = center(1, QueueDefinition("q", "Q", (), wrap_up=0.0), QueueDefinition("r", "R", (), wrap_up=0.0))
    ways = [Way("q", "q", "1000", language="es"), Way("r", "r", "1000", priority=5, language="en")]
    calls = [call(0, 0, "r", number="1000"), call(1, 1, "q", number="1000")]
    log = played(two, habits(two), calls, ways=ways)
    queued = [(e.queue, e.priority) for _, e in log.facts if isinstance(e, events.CallQueued)]
    assert queued == [("r", 5), ("q", 0)]
    languages = [e.attributes for _, e in log.facts if isinstance(e, events.CallAttributesSet)]
    assert [each["language"] for each in languages if each.get("language")][-1] == "es"


def test_a_phone_rings_before_it_is_answered() -> None:
    """The wait is until the answer; a caller may give up while the phone rings, and the agent keeps their place."""
    two = center(2)
    log = played(two, habits(two, ring=Constant(4.0)), [call(0, 0), call(1, 1, patience=2_000), call(5, 2)])
    assert log.fates == {
        "c1": Fate("answered", 4.0, 4.0, "a0"),
        "c2": Fate("abandoned", 3.0, 2.0, ""),
        "c3": Fate("answered", 9.0, 4.0, "a1"),
    }


def test_who_misses_a_call_is_away_for_a_while() -> None:
    """Nobody ever answers: after each ring time the agent is not ready until they are back, and the call waits on."""
    one = center(1, QueueDefinition("q", "Q", (), ring_timeout=20.0, max_wait=90.0))
    log = played(one, habits(one, rona=1.0, away=Constant(15.0)), [call(0, 0)])
    assert log.of(events.AgentRona) == [20.0, 70.0]  # not again before the cool-down of 30 s
    assert log.fates == {"c1": Fate("time_out", 90.0, 90.0, "")}


@pytest.mark.parametrize(
    ("wrap_up", "free_at"), [(Constant(12.0), 72.0), (None, 90.0), (Constant(99.0), 90.0)]
)
def test_wrap_up_ends_by_the_agent_or_by_the_queue(wrap_up: Constant | None, free_at: float) -> None:
    """The next call is answered when the agent's wrap-up is over, at the latest when the queue's time for it is."""
    one = center(1, QueueDefinition("q", "Q", (), wrap_up=30.0))
    log = played(one, habits(one, handling=Handling(Constant(60.0), wrap_up)), [call(0, 0), call(1, 1)])
    assert log.fates["c2"].at == free_at


def test_who_gave_up_calls_again() -> None:
    """The redial comes after its delay with a patience of its own, from the same number; again and again."""
    one = center(1)
    how = habits(one, talk=300.0, redial=Redial(1.0, Constant(60.0)))
    log = played(one, how, [call(0, 0), call(5, 1, patience=20_000)])
    numbers = [e.ani for _, e in log.facts if isinstance(e, events.CallArrived)]
    assert log.of(events.CallArrived)[:3] == [0.0, 5.0, 85.0]
    assert set(numbers[1:]) == {"+99900000001"}
    assert log.of(events.CallAbandoned) == [25.0, 95.0, 165.0, 235.0]
    assert list(log.fates.values())[-1] == Fate("answered", 300.0, 5.0, "a0")


def test_shifts_come_and_go() -> None:
    """Who goes while in a call finishes it; idle agents go first; an agent who comes takes the call that waits."""
    two = center(2)
    duty = [Staffing(BEGIN, "all", 2), Staffing(BEGIN + 10_000, "all", 1), Staffing(BEGIN + 20_000, "all", 0)]
    duty.append(Staffing(BEGIN + 90_000, "all", 1))
    log = played(two, habits(two), [call(0, 0), call(30, 1)], duty)
    assert log.fates["c2"].at == 90.0
    states = [(at, e.agent, e.status) for at, e in log.facts if isinstance(e, events.AgentStateChanged)]
    assert (10.0, "a1", "logged_out") in states
    assert (60.0, "a0", "logged_out") in states


def test_one_agent_chooses_a_status() -> None:
    """A status of one agent counts as if the agent had asked for it on the page."""
    one = center(1)
    duty = [Status(BEGIN, "a0", "ready"), Status(BEGIN + 5_000, "a0", "not_ready", "lunch")]
    duty.append(Status(BEGIN + 50_000, "a0", "ready"))
    assert played(one, habits(one), [call(10, 0)], duty).fates["c1"] == Fate("answered", 50.0, 40.0, "a0")


def test_a_flow_after_the_longest_wait() -> None:
    """A queue's own flows are played: five seconds a prompt, then whatever they lead to."""
    sorry = Flow(
        "sorry",
        "1",
        ("en",),
        "say",
        {"say": Say({"en": ((Fixed("text", "Sorry."),),)}, "end"), "end": EndCall()},
    )
    one = replace(
        center(1, QueueDefinition("q", "Q", (), max_wait=30.0, on_time_out="sorry")), flows={"sorry": sorry}
    )
    log = played(one, habits(one, talk=500.0), [call(0, 0), call(1, 1)])
    assert log.fates["c2"] == Fate("time_out", 31.0, 30.0, "")
    assert [at for at, e in log.facts if isinstance(e, events.CallEnded) and e.contact == "c2"] == [36.0]


@pytest.mark.parametrize(("steps", "kept"), [({"end": EndCall()}, True), ({}, False)])
def test_only_treatments_that_move_calls_are_played(steps: dict[str, EndCall], kept: bool) -> None:
    """Music alone is left out, because nobody hears it; a treatment that leads elsewhere is part of the rules."""
    music = Wait({"en": ((Fixed("music", "default"),),)}, 20.0, "end" if steps else "play")
    flow = Flow("treat", "1", ("en",), "play", {"play": music, **steps})
    one = replace(center(1, QueueDefinition("q", "Q", (), treatment="treat")), flows={"treat": flow})
    assert (simulated(one, [Way("q", "q")]).queues["q"].treatment == "treat") is kept


def test_over_midnight() -> None:
    """A day that does not end with its last arrival goes on until the last call is over."""
    one = center(1)
    log = played(one, habits(one, talk=20 * 3600.0), [call(0, 0), call(60, 1)])
    assert [fate.end for fate in log.fates.values()] == ["answered", "time_out"]


def test_treatment_flows_that_enqueue_are_followed() -> None:
    """A caller whose treatment leads to another queue is answered there, with the first queue's time."""
    treat = Flow(
        "treat", "1", ("en",), "play",
        {"play": Wait({"en": ((Fixed("music", "default"),),)}, 20.0, "on"), "on": EnterQueue("r")},
    )  # fmt: skip
    queues = (
        QueueDefinition("q", "Q", ("a0",), wrap_up=0.0, treatment="treat"),
        QueueDefinition("r", "R", ("a1",), wrap_up=0.0),
    )
    two = replace(center(2, *queues), flows={"treat": treat})
    log = played(two, habits(two, talk=500.0), [call(0, 0), call(1, 1)])
    assert log.fates["c2"] == Fate("answered", 21.0, 20.0, "a1")


# --- the same as the matcher alone ------------------------------------------------------------------


def fcfs() -> CenterDefinitions:
    return center(8)


def skilled() -> CenterDefinitions:
    """Steps that open up, the best first; a rare skill."""
    steps = (
        StepRule(Condition(parse("agent.level >= 6")), wait=15_000, order=(Order("most_skilled"),)),
        StepRule(Condition(parse("agent.level >= 3")), wait=20_000, raise_priority=10),
        StepRule(),
    )
    given = center(9, QueueDefinition("q", "Q", (), wrap_up=0.0, steps=steps))
    people = {
        agent.id: AgentDefinition(agent.id, agent.name, {"level": 1 + number})
        for number, agent in enumerate(given.agents.values())
    }
    return replace(given, agents=people)


def profiled() -> CenterDefinitions:
    """Two queues; some agents serve one first, and the other's calls only after a delay.

    Without adapting levels, because the matcher alone learns nothing.
    """
    queues = (
        QueueDefinition("q", "Q", (), wrap_up=0.0, levels=LevelLimits(enabled=False)),
        QueueDefinition("r", "R", (), wrap_up=0.0, priority=20, levels=LevelLimits(enabled=False)),
    )
    given = center(8, *queues)
    people = {
        agent.id: replace(agent, profile="first" if number < 5 else "second")
        for number, agent in enumerate(given.agents.values())
    }
    profiles = {
        "first": {"q": ProfileQueue(0), "r": ProfileQueue(1, 10_000)},
        "second": {"r": ProfileQueue(0), "q": ProfileQueue(0)},
    }
    return replace(given, agents=people, profiles=profiles)


@pytest.mark.parametrize("made", [fcfs, skilled, profiled])
@pytest.mark.parametrize("patience", [None, 90.0])
def test_the_matcher_alone_and_the_whole_acd_decide_alike(
    made: Callable[[], CenterDefinitions], patience: float | None
) -> None:
    """With phones answered at once and no wrap-up every one of 2,000 calls has the same end, wait and agent in both."""
    definitions, number = made(), 2_000
    generator, chance = np.random.default_rng(5), Chance(3, 1)
    at = (BEGIN + np.rint(np.cumsum(generator.exponential(120_000 / 7.5, number)))).astype(int).tolist()
    queues = generator.choice(list(definitions.queues), number).tolist()
    how = Habits(
        chance,
        dict.fromkeys(definitions.agents, "all"),
        {"all": GroupHabits(Handling(Exponential(120.0)))},
        {queue: Exponential(patience) for queue in definitions.queues} if patience else {},
    )
    waits = [how.waits(queue, key) if patience else FOREVER for key, queue in enumerate(queues)]
    handles = [how.talk("a0", queue, key) for key, queue in enumerate(queues)]
    priorities = [definitions.queues[queue].priority for queue in queues]

    matcher = MatcherWorld(routing_rules(definitions), {"all": agent_facts(definitions)})
    there = matcher.run(map(Arrival, at, queues, handles, waits, priorities))

    longest = {queue: replace(each, max_wait=1e6) for queue, each in definitions.queues.items()}
    calls = [
        Call(moment, key, queue, queue, f"+999{key:08}", {}, patience=waits[key])
        for key, (moment, queue) in enumerate(zip(at, queues, strict=True))
    ]
    log = played(replace(definitions, queues=longest), how, calls)
    fates = log.fates
    here = [fates[f"c{key + 1}"] for key in range(number)]
    assert [(fate.end == "answered", round(1000 * fate.wait), fate.agent) for fate in here] == [
        (end == MATCHER_ANSWERED, wait, agent)
        for end, wait, agent in zip(there.ends, there.wait, there.agent, strict=True)
    ]
    assert sum(fate.wait > 0 for fate in here) > number / 10
