"""`cti-engine explain`: the story of a call from the log, and what keeps each agent from one that waits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
from rich.console import Console

from cti_engine.commands.explain import explain, show, write_json
from cti_engine.commands.explain_words import said
from cti_engine.core.acd import Acd, Outcome
from cti_engine.core.definitions import AgentDefinition, CenterDefinitions, DialledNumber, QueueDefinition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.ivr.flow import EnterQueue, Flow
from cti_engine.core.routing.model import StepRule
from cti_engine.core.signals import (
    Dialog,
    InviteReceived,
    LegAnswered,
    LegFailed,
    LookupReturned,
    PhoneRegistered,
    ReadyRequested,
    Restarted,
    Signal,
    TimePassed,
)
from cti_engine.ports import Batch, Store, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

DIALOG = Dialog("call", "sip:a@cti", "1", "sip:b@cti", "2", 1, "sip:b@127.0.0.1")
STEPS = (
    StepRule(Condition(parse("agent.spanish >= 7 and agent.sales")), wait=30_000),
    StepRule(Condition(parse("agent.spanish >= 3"))),
)
DEFINITIONS = CenterDefinitions(
    version="1",
    agents={
        "ana": AgentDefinition("ana", "Ana", {"spanish": 5, "sales": True}),
        "john": AgentDefinition("john", "John", {"sales": True}),
        "maria": AgentDefinition("maria", "María", {"spanish": 9, "sales": True}),
    },
    queues={"sales": QueueDefinition("sales", "Sales", ("ana", "maria"), steps=STEPS)},
    dialled_numbers={"1000": DialledNumber("1000", "direct", "es")},
    flows={"direct": Flow("direct", "1", ("es",), "enter", {"enter": EnterQueue("sales")})},
)


def phone(user: str) -> PhoneRegistered:
    return PhoneRegistered(user, f"sip:{user}@127.0.0.1", 3600)


class Written:
    """An Acd whose outcomes are stored as the engine stores them."""

    def __init__(self, store: Store) -> None:
        store.open_epoch()
        self._store, self._acd, self._seq = store, Acd(DEFINITIONS), 0
        self.now = 1_700_000_000.0
        self.do(Restarted())

    def do(self, *signals: Signal) -> Outcome:
        for signal in signals:
            outcome = self._acd.handle(signal, self.now)
            rows = {
                key: None if row is None else msgspec.to_builtins(row) for key, row in outcome.rows.items()
            }
            events = []
            for at, event in outcome.events:
                self._seq += 1
                name, data = to_plain(event)
                events.append(StoredEvent(self._seq, at, name, data.pop("contact", ""), data))
            self._store.write(Batch(rows, events))
        return outcome

    def call(self) -> None:
        self.do(
            InviteReceived("w1", "w1/1", "+34600000001", "1000"),
            LookupReturned("c1", {}),
            LegAnswered("w1", "w1/1", DIALOG),
        )


def test_a_call_that_waits_names_what_each_agent_lacks(tmp_path: Path) -> None:
    """Ready, logged out or lacking an attribute: each agent with all obstacles, the nearest one first."""
    store = open_store("sqlite:", folder=tmp_path)
    center = Written(store)
    center.do(phone("ana"), ReadyRequested("r1", "ana"), phone("john"))
    center.do(phone("maria"), ReadyRequested("r2", "maria"))
    center.call()
    center.do(LegFailed("w1", "l1", 603, "declined"))
    found = explain(store, DEFINITIONS, "c1", center.now + 1)
    assert found is not None
    [answer] = found.waiting
    assert (answer.queue, answer.step, answer.ahead) == ("sales", 0, 0)
    assert answer.pool == ("agent.spanish >= 7 and agent.sales",)
    assert answer.next_step_at == center.now + 30
    assert (answer.members, answer.kept_off, answer.next_pool) == (1, {"not_free": 1}, "agent.spanish >= 3")
    assert [(each.agent, tuple(map(said, each.keeps))) for each in answer.agents] == [
        ("ana", ("needs agent.spanish >= 7 (has 5)",)),
        ("john", ("logged out", "needs agent.spanish >= 7 (has nothing)")),
        ("maria", ("not ready: rejected", "missed this call, gets it again in 29 s")),
    ]
    store.close()


def test_the_story_of_a_call_that_was_offered_after_a_step(tmp_path: Path) -> None:
    """The step that the call advanced to and the decision that gave it to an agent, for people and as JSON."""
    store = open_store("sqlite:", folder=tmp_path)
    center = Written(store)
    center.do(
        phone("maria"),
        ReadyRequested("r1", "maria"),
        phone("ana"),
        ReadyRequested("r2", "ana"),
    )
    center.call()
    center.do(LegFailed("w1", "l1", 486, "busy"))
    center.now += 30
    center.do(TimePassed())
    found = explain(store, DEFINITIONS, "c1", center.now)
    assert found is not None and [event.event for event in found.story] == [
        "CallQueued", "AgentReserved", "OfferEnded", "CallRequeued", "QueueStepAdvanced", "AgentReserved",
    ]  # fmt: skip
    assert found.story[-1].data["why"]["step"] == 1 and found.story[-1].data["agent"] == "ana"
    why = found.story[-1].data["why"]
    assert (why["runner_up"], why["lost_by"], why["kept_off"]) == (None, "", {"not_free": 1})
    assert (why["condition"], why["order"]) == (
        "agent.spanish >= 3",
        ["group", "longest_idle", "idle_since", "rank"],
    )
    out = io.StringIO()
    show(found, Console(file=out, width=200))
    told = " ".join(out.getvalue().split())
    assert "step 2 of sales" in told and "offered to ana" in told
    assert "Step 2 of sales: agents with agent.spanish >= 3; 2 of them, 1 not free." in told
    assert "Nobody came second." in told
    out = io.StringIO()
    write_json(found, out)
    assert json.loads(out.getvalue())["contact"] == "c1"
    store.close()


def test_an_unknown_contact_is_none(tmp_path: Path) -> None:
    """Neither the log nor the state knows it."""
    store = open_store("sqlite:", folder=tmp_path)
    Written(store)
    assert explain(store, DEFINITIONS, "c99", 0.0) is None
    store.close()


def test_who_came_second_and_by_which_term(tmp_path: Path) -> None:
    """Of two agents the less idle one lost by the idle clock; of two calls the younger one by its score."""
    store = open_store("sqlite:", folder=tmp_path)
    center = Written(store)
    center.do(phone("maria"), ReadyRequested("r1", "maria"))
    center.now += 1.5
    center.do(phone("ana"), ReadyRequested("r2", "ana"))
    center.call()
    found = explain(store, DEFINITIONS, "c1", center.now)
    assert found is not None
    why = found.story[-1].data["why"]
    assert why["side"] == "call" and why["runner_up"] is None and why["pool"] == 1
    center.do(
        InviteReceived("w2", "w2/1", "+34600000002", "1000"),
        LookupReturned("c2", {}),
        LegAnswered("w2", "w2/1", DIALOG),
    )
    center.now += 5
    center.do(
        InviteReceived("w3", "w3/1", "+34600000003", "1000"),
        LookupReturned("c3", {}),
        LegAnswered("w3", "w3/1", DIALOG),
        LegFailed("w1", "l1", 486, "busy"),
        ReadyRequested("r3", "maria"),
    )
    found = explain(store, DEFINITIONS, "c2", center.now)
    assert found is not None
    why = found.story[-1].data["why"]
    assert (why["side"], why["runner_up"]["contact"], why["lost_by"]) == ("agent", "c3", "score")
    out = io.StringIO()
    show(found, Console(file=out, width=200))
    assert "Second: c3 of sales, by score: 0.0 against 5.0." in " ".join(out.getvalue().split())
    store.close()
