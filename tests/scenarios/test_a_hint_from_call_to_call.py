"""One hint all the way round: pressed on the page, noted with the customer, respected by the next pop, reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cti_engine.adapters import offer_answers
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.commands import offers
from cti_engine.core.customers.offer_rules import DAY
from cti_engine.core.signals import HintAnswerRequested
from cti_engine.ports import StoredEvent
from cti_engine.wire.vocabulary import to_plain
from tests.core_customers.people import NOW, condition, offer, rules
from tests.scenarios.playbook import Caller, Desk, Scenario, is_recorded, the
from tests.scenarios.test_hints import ENGLISH, center

FILE = (
    "customer,numbers,segment,consent\nx1,+34600000201,gold,offers: yes\nx2,+34600000202,gold,offers: yes\n"
)
NUMBERS = {"x1": "+34600000201", "x2": "+34600000202"}
KNOWN = rules(offer(line=ENGLISH, require=condition("agent.sales == true")), sold=("sold",))
maria = Desk("maria")


class Days:
    """Calls on one day after the other: what the log tells is noted as the console does it, then looked up again."""

    def __init__(self, customers: CustomerStore) -> None:
        self.customers = customers
        self.seq = 0

    def call(self, day: float, customer: str, answer: str = "") -> dict[str, Any]:
        """The pop, after whose offer the agent presses `answer`."""
        s = Scenario(center(KNOWN), ready=("maria",), start=NOW + day * DAY)
        caller = Caller(ani=NUMBERS[customer])
        profile = self.customers.profile(caller.ani)
        assert profile is not None
        contact = f"day {day:g}"
        s = s >> caller.calls("1000") >> caller.found("c1", **profile) >> caller.connects() >> maria.rings()
        s = s >> maria.answers()
        if answer:
            s = s >> maria.asks(HintAnswerRequested, offer="fibre", answer=answer) << the.Reply(ok=True)
        s = s >> caller.hangs_up() >> maria.is_gone() >> is_recorded
        s = s >> maria.disposes(code="sold" if answer == "accepted" else "")
        told = [(at, *to_plain(fact)) for at, fact in s.facts]
        notes: list[Callable[..., Any]] = []
        for at, name, data in told:
            if name in offer_answers.NOTED:
                self.seq += 1
                fields = {key: value for key, value in data.items() if key != "contact"}
                event = StoredEvent(self.seq, at, name, contact, fields)
                notes.append(partial(offer_answers.note, event=event))
        result = {"disposition": "sold" if answer == "accepted" else ""}
        closed = Contact(customer, s.now, result, contact=contact)
        self.customers.note_contacts([closed], self.seq, notes)
        return [data for _, name, data in told if name == "CallOffered"][-1]


def test_from_the_button_to_the_next_pop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Declined: nothing is offered the next week, and the page says why; accepted and not the moment count as they
    should, in the profile, in the segment's counts and in the report."""
    (tmp_path / "customers.csv").write_text(FILE)
    with closing(CustomerStore(tmp_path / "customers.db")) as store:
        store.import_csv(tmp_path / "customers.csv", NOW)
        days = Days(store)
        assert [each["offer"] for each in days.call(0, "x1", "declined")["offers"]] == ["fibre"]
        refused = days.call(7, "x1")
        assert not refused["offers"]
        assert {"rule": "refused_lately", "days": 7} in [dict(each) for each in refused["no_offers"]]
        assert [each["offer"] for each in days.call(1, "x2", "not_now")["offers"]] == ["fibre"]
        assert [each["offer"] for each in days.call(8, "x2", "accepted")["offers"]] == ["fibre"]
        profile = store.customer("x2")
        assert profile is not None and profile["offer_counts"] == {"fibre": [1.0, 1.0, 0.0]}
        assert [each["answer"] for each in profile["offer_answers"]] == ["accepted", "not_now"]
        assert offers.report(store, KNOWN, Console(), NOW - DAY, as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["shown"], told["held_out"], told["sales"]["shown"]) == (3, 0, pytest.approx(1 / 3))
        counted = {"shown": 3, "accepted": 1, "declined": 1, "not_now": 1, "no_answer": 0}
        assert told["offers"] == [{"offer": "fibre", "segment": "gold", **counted}]
