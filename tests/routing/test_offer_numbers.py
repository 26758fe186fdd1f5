"""Who was offered a call by turns, over changes of people and rules."""

from __future__ import annotations

from cti_engine.core.routing.agent_book import AgentBook
from cti_engine.core.routing.model import AgentFacts, Order, QueueRules, RoutingRules, StepRule
from cti_engine.core.routing.offer_numbers import OfferNumbers

RULES = RoutingRules("v", {"q": QueueRules("q", 0, (StepRule(order=(Order("round_robin"),)),))})


def test_turns_survive_a_reload_after_people_came() -> None:
    """Agents hired after the first offer (more rows than it knew) are no fault; all keep their turns in other rows."""
    book = AgentBook([AgentFacts(f"b{n:03}") for n in range(64)])
    numbers = OfferNumbers(RULES, book)
    numbers.took("q", book.states["b000"].row)
    for n in range(100):
        book.put(AgentFacts(f"c{n:03}"))
    after = AgentBook([AgentFacts("a"), *(AgentFacts(f"b{n:03}") for n in range(64)), AgentFacts("c099")])
    numbers.install(RULES, after)
    numbers.took("q", after.states["c099"].row)
    turns = numbers.of("q")
    assert turns[after.states["b000"].row] == 1
    assert turns[after.states["c099"].row] == 2
    assert turns[after.states["a"].row] == 0
