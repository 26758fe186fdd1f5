"""How quickly hints are chosen for one call: the engine's own way from contact to pop, over a whole catalogue.

A real center with a caller in line. Customers have as much history as a look-up brings. In turn every offer fits, every
second one, and none, for which all must be asked.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from cti_engine.core import hints, signals
from cti_engine.core.acd import Acd
from cti_engine.core.customers.offer_rules import DAY, Offer, OfferRules
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import BOOLEAN, TEXT
from tests.scenarios.small_center import DEFINITIONS

OFFERS = 60
FITTING = {"gold": 1.0, "silver": 0.5, "standard": 0.0}
"""By segment, the share of the offers that may be shown."""
NOW = 1_796_126_400.0  # a first of December


def times(choices: int) -> list[float]:
    """Seconds that each choice took, with all that the pop tells of it."""
    acd = Acd(_definitions())
    acd.handle(signals.Restarted(), NOW, NOW)
    acd.handle(signals.InviteReceived("w1", "w1/1", "+34600000001", "1000"), NOW, NOW)
    acd.handle(signals.LookupReturned("c1", _profile("gold")), NOW, NOW)
    acd.handle(signals.LegAnswered("w1", "w1/1", _DIALOG), NOW, NOW)
    center = acd.center
    contact, agent = center.contacts["c1"], center.agents["maria"]
    assert contact.state == "queued"
    profiles = {segment: _profile(segment) for segment in FITTING}
    took = []
    for number in range(choices):
        segment = tuple(FITTING)[number % len(FITTING)]
        contact.profile, contact.hints = profiles[segment], None
        contact.attributes["segment"] = segment  # as the look-up has set it
        center.seed = f"call {number}"
        began = time.perf_counter()
        told = hints.of_offer(center, contact, "", agent, "sales")
        took.append(time.perf_counter() - began)
        held_out = contact.hints is not None and contact.hints.held_out
        assert len(told["offers"]) == (3 if FITTING[segment] and not held_out else 0), (number, told)
    return took


def _definitions() -> CenterDefinitions:
    all_of_them = _condition('call.segment in ["gold", "silver"] and call.language != "fr"')
    gold = _condition('call.segment in ["gold"] and call.language != "fr"')
    offers = [
        Offer(
            f"o{n}", f"p{n}", {"es": "Dígale esto.", "en": "Say this."}, needs=("p0",), excludes=(f"p{n + 100}",),
            when=gold if n % 2 else all_of_them, require=_condition("agent.sales == true"),
            seasons=(((11, 15), (1, 6)),), stock=100, margin=10.0 + n, repeatable=True,
        )
        for n in range(OFFERS)
    ]  # fmt: skip
    rules = OfferRules({each.id: each for each in offers}, hold_out=0.05)
    agents = {id: AgentDefinition(id, id, {"sales": True}) for id in DEFINITIONS.agents}
    return replace(DEFINITIONS, agents=agents, offer_rules=rules)


def _condition(text: str) -> Condition:
    names = {"call.segment": TEXT, "call.language": TEXT, "agent.sales": BOOLEAN}
    found, faults = read_condition(text, names)
    assert found is not None, faults
    return found


def _profile(segment: str) -> dict[str, Any]:
    """As much of everything as `adapters/customer_profile` tells."""
    return {
        "customer": "c01",
        "segment": segment,
        "consent": {"offers": True},
        "products": [{"product": f"p{n}", "since": NOW - n * DAY} for n in range(20)],
        "purchases": [{"at": NOW - n * DAY, "product": f"p{n}", "amount": 10.0} for n in range(10)],
        "contacts": [{"at": NOW - (9 + n) * DAY, "queue": "sales"} for n in range(5)],
        "surveys": [{"at": NOW - DAY * n, "question": "q", "scale": "1-5", "answer": 5} for n in range(1, 4)],
        "offer_answers": [
            {"at": NOW - (40 + n) * DAY, "offer": f"o{n}", "answer": "not_now"} for n in range(20)
        ],
        "affinities": {f"p{n}": 0.01 * n for n in range(50)},
        "offer_counts": {f"o{n}": [n, 2 * n, 0.3 * n] for n in range(OFFERS)},
    }


_DIALOG = signals.Dialog("call", "sip:a@cti", "1", "sip:b@cti", "2", 1, "sip:b@127.0.0.1")
