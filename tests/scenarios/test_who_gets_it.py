"""What is known of a caller decides who gets the call: each name by rules as an admin writes them, on the core."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.events import CallOffered
from cti_engine.definitions.library import load_definitions
from tests.definitions.homes import ROOT, shipped_home
from tests.scenarios.playbook import START, Caller, Desk, Elapse, Scenario, the

DAY = 86_400.0
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "segment": ('call.segment == "gold"', {"segment": "gold"}, {"segment": "silver"}),
    "value": ("call.value >= 3000", {"value": 3000.0}, {"value": 2999.0}),
    "preferred agents": (
        'call.preferred_agents has "ana"', {"preferred_agents": ["maria", "ana"]}, {"preferred_agents": ["maria"]},
    ),
    "language": ('call.language == "es"', {"customer": "c1", "language": "es"}, {"customer": "c1", "language": "en"}),
    "intent": ('call.intent == "complaint"', {"name": "complains"}, {"name": "asks"}),
    "open ticket": ("call.open_ticket", {"tickets": [{"ticket": 7, "category": "fault"}]}, {"tickets": []}),
    "whose ticket": (
        'call.ticket_category == "complaint" and call.ticket_owner == "Ana Torres"',
        {"tickets": [{"ticket": 7, "category": "complaint", "state": "taken", "owner": "ana"}]},
        {"tickets": [{"ticket": 7, "category": "complaint", "state": "taken", "owner": "john"}]},
    ),
    "last agent": (
        'call.last_agent == "ana"',
        {"contacts": [{"at": START - 60, "queue": "q"}, {"at": START - DAY, "agent": "ana"}]},
        {"contacts": [{"at": START - 60, "agent": "john"}, {"at": START - DAY, "agent": "ana"}]},
    ),
    "last contact": (
        "call.last_contact < 2d", {"contacts": [{"at": START - DAY}]}, {"contacts": [{"at": START - 3 * DAY}]},
    ),
    "nothing known": ("call.known", {"customer": "c1"}, {}),
}  # fmt: skip
"""A condition, a caller of whom it holds, one of whom it does not: the first is ana's, the second anybody's."""
QUEUES = {name.replace(" ", "_"): condition for name, (condition, _, _) in CASES.items()}


@cache
def _center() -> CenterDefinitions:
    """The shipped center with a queue and a number for each condition, through the loaders."""
    with TemporaryDirectory() as folder:
        home = shipped_home(Path(folder))
        shutil.copytree(ROOT / "routing_rules/examples/who_knows_them", home, dirs_exist_ok=True)
        _change(home, "routing_rules/queues.yaml", "queues", {
            name: {"name": name, "steps": [
                {"require": 'agent.id == "ana"', "consider_if": condition, "wait": "60s"},
                {"require": "agent.english >= 1"},
            ]}
            for name, condition in {**QUEUES, "re_caller": "call.re_caller"}.items()
        })  # fmt: skip
        flows = [*QUEUES, "re_caller", "support_en"]
        _change(home, "routing_rules/dialled_numbers.yaml", "dialled_numbers", {
            f"70{place:02}": {"flow": f"to_{name}", "language": "en"} for place, name in enumerate(flows)
        })  # fmt: skip
        for name in flows:
            intent = {
                "branch": [{"when": 'call.name == "complains"', "go_to": "complains"}, {"else": "wait"}]
            }
            steps = {
                "why": intent,
                "complains": {"set": {"call.intent": "complaint"}, "next": "wait"},
                "wait": {"enqueue": name},
            }
            flow = {"flow": f"to_{name}", "languages": ["en", "es"], "start": "why", "steps": steps}
            (home / f"ivr_flows/to_{name}.yaml").write_text(yaml.safe_dump(flow, sort_keys=False))
        (home / "routing_rules/priorities.yaml").write_text("re_caller_within: 10m\n")
        definitions, problems = load_definitions(home)
    assert definitions is not None, problems
    return definitions


def _change(home: Path, file: str, key: str, more: dict[str, Any]) -> None:
    content = yaml.safe_load((home / file).read_text())
    content[key] |= more
    (home / file).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _number(queue: str) -> str:
    return f"70{[*QUEUES, 're_caller', 'support_en'].index(queue):02}"


def _offered(s: Scenario, queue: str, caller: Caller, contact: str, **profile: Any) -> str:
    """To whom the call of this caller is offered at once."""
    s = (
        s
        >> caller.calls(_number(queue))
        >> caller.found(contact, **profile)
        >> caller.connects()
        >> Elapse(0.1)
    )
    (offer,) = [fact for _, fact in s.facts if isinstance(fact, CallOffered) and fact.contact == contact]
    assert offer.queue == queue
    return offer.agent


@pytest.mark.parametrize("name", CASES)
def test_each_name_decides(name: str) -> None:
    """John has been idle longest and has every call, but those for which the condition holds: they are ana's."""
    _, holds, does_not = CASES[name]
    for profile, agent in ((holds, "ana"), (does_not, "john")):
        s = Scenario(_center(), ready=("john", "ana"))
        assert _offered(s, name.replace(" ", "_"), Caller(), "c1", **profile) == agent, profile


def test_who_calls_again_is_recognised() -> None:
    """A first call is john's; who gave it up and calls again a minute later is ana's, another number is not."""
    s = Scenario(_center())
    first, again, other = Caller(), Caller("w2"), Caller("w3", "+34600000003")
    s = s >> first.calls(_number("re_caller")) >> first.found("c1") >> first.connects() >> Elapse(20)
    s = s >> first.hangs_up() << the.CallAbandoned() >> Elapse(60)
    for agent in ("john", "ana"):
        s = s >> Desk(agent).registers() >> Desk(agent).is_ready() >> Elapse(1)
    assert _offered(s, "re_caller", again, "c2") == "ana"
    assert _offered(s, "re_caller", other, "c3") == "john"


@pytest.mark.parametrize(
    ("profile", "agent"),
    [
        ({"preferred_agents": ["ana"], "contacts": [{"at": START - DAY, "agent": "john"}]}, "ana"),
        ({"contacts": [{"at": START - DAY, "agent": "ana"}]}, "ana"),
        ({"contacts": [{"at": START - 8 * DAY, "agent": "ana"}]}, "john"),
        ({"preferred_agents": ["maria"], "contacts": [{"at": START - DAY, "agent": "maria"}]}, "john"),
        ({}, "john"),
    ],
)
def test_the_worked_example_offers_whom_they_know(profile: dict[str, Any], agent: str) -> None:
    """Their own agents, then the one of last week, then the longest idle; who is not logged in is skipped."""
    s = Scenario(_center(), ready=("john", "ana"))
    assert _offered(s, "support_en", Caller(), "c1", **profile) == agent
