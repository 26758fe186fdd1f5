"""What was offered and answered reaches the customer once; counts by segment and offer follow from the answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cti_engine.adapters import offer_answers
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.ports import StoredEvent

CUSTOMERS = "customer,name,numbers,segment\nx1,Ana,+34600000201,gold\nx2,Luis,+34600000202,gold\n"


def store_in(folder: Path) -> CustomerStore:
    (folder / "customers.csv").write_text(CUSTOMERS)
    customers = CustomerStore(folder / "customers.db")
    customers.import_csv(folder / "customers.csv", 1000.0)
    return customers


def note(customers: CustomerStore, seq: int, events: list[StoredEvent]) -> None:
    customers.note_contacts([], seq, [partial(offer_answers.note, event=each) for each in events])


def event(seq: int, name: str, contact: str, customer: str, **data: Any) -> StoredEvent:
    told = {"customer": customer, "segment": "gold", "agent": "maria", **data}
    return StoredEvent(seq, 1000.0 + seq, name, contact, told)


def given(seq: int, contact: str, customer: str = "x1", *offers: str, held_out: bool = False) -> StoredEvent:
    rows = [{"offer": offer, "affinity": 0.5} for offer in offers or ("fibre", "tv")]
    return event(seq, "HintsGiven", contact, customer, offers=rows, held_out=held_out)


def answered(seq: int, contact: str, answer: str, customer: str = "x1") -> StoredEvent:
    return event(seq, "HintAnswered", contact, customer, offer="fibre", answer=answer, affinity=0.5)


def test_answers_are_in_the_profile(tmp_path: Path) -> None:
    """An offer that nobody answered is none there; the same events again change nothing; a correction replaces."""
    customers = store_in(tmp_path)
    events = [given(1, "c1"), answered(2, "c1", "declined"), answered(3, "c1", "accepted")]
    for _ in range(2):
        note(customers, 3, events)
    profile = customers.customer("x1")
    assert profile is not None
    assert profile["offer_answers"] == [{"at": 1003.0, "offer": "fibre", "answer": "accepted"}]
    assert profile["offer_counts"] == {"fibre": [1.0, 0.0, 0.5]}
    with customers.database.reading() as db:
        assert db.rows("SELECT offer, answer, held_out FROM offer_answers ORDER BY offer") == [
            ("fibre", "accepted", 0), ("tv", "", 0),
        ]  # fmt: skip
    customers.close()


def test_counts_of_a_segment(tmp_path: Path) -> None:
    """All its customers' answers; not the moment counts as neither; calls held out and strangers leave no answer."""
    customers = store_in(tmp_path)
    events = [
        given(1, "c1"), answered(2, "c1", "accepted"), given(3, "c2", "x2"), answered(4, "c2", "declined", "x2"),
        given(5, "c3"), answered(6, "c3", "not_now"), given(7, "c4", held_out=True), given(8, "c5", "gone"),
    ]  # fmt: skip
    note(customers, 8, events)
    profile = customers.customer("x2")
    assert profile is not None and profile["offer_counts"] == {"fibre": [1.0, 1.0, 1.0]}
    with customers.database.reading() as db:
        assert db.rows("SELECT contact, held_out FROM offer_answers WHERE offer='tv' ORDER BY contact") == [
            ("c1", 0), ("c2", 0), ("c3", 0), ("c4", 1),
        ]  # fmt: skip
    customers.close()


def test_affinities_add_up(tmp_path: Path) -> None:
    """What the customer has and the segment speak together; of others' products nothing is taken."""
    (tmp_path / "customers.csv").write_text(
        "customer,numbers,segment,products\nx1,+34600000201,gold,mobile\n"
    )
    customers = CustomerStore(tmp_path / "customers.db")
    customers.import_csv(tmp_path / "customers.csv", 1000.0)
    rows = [
        ("mobile", "tv", 1.0),
        ("segment:gold", "tv", 0.5),
        ("segment:silver", "tv", 9.0),
        ("fibre", "tv", 9.0),
    ]
    with customers.database.writing() as db:
        db.run_many("INSERT INTO affinities VALUES(?,?,?)", rows)
    profile = customers.customer("x1")
    assert profile is not None and profile["affinities"] == {"tv": 1.5}
    customers.close()
