"""What a record says of somebody who is erased: figures and ours; and of others, all but that person's numbers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters.log_erasure import Rewritten, pages, rewrite
from cti_engine.adapters.log_reading import all_records, fact_of
from cti_engine.adapters.traces import Traces
from cti_engine.core import events as ev
from cti_engine.core.customer_events import TicketChanged
from cti_engine.core.reporting.cdr import Cdr, Segment
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

THEIRS = Traces("erased-1", frozenset({"c01"}), frozenset({"+34600000101", "+12135550103"}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("call +34600000101 back", "call erased-1 back"),
        ("0034 600-000-101", "erased-1"),
        ("(213) 555-0103, in the morning", "erased-1, in the morning"),
        ("600 000 101:answered", "erased-1:answered"),
        ("6000001012", "6000001012"),
        ("+46600000101", "+46600000101"),
        ("order 21355501", "order 21355501"),
    ],
)
def test_numbers_in_texts(text: str, told: str) -> None:
    """However people and carriers write them, and no longer number that has the same digits in it."""
    read = THEIRS.without_numbers(text)
    assert read.replace("(", "") == told


def test_whose_contact_it_was() -> None:
    """The customer's by id, or by number where nobody was known: a number that was somebody else's is not."""
    assert THEIRS.is_theirs("+34911111111", "c01") and THEIRS.is_theirs("600000101", "c01")
    assert THEIRS.is_theirs("0034600000101", "") and THEIRS.is_theirs("sip:+12135550103@carrier", None)
    assert not THEIRS.is_theirs("+34600000101", "c02") and not THEIRS.is_theirs("", "")
    assert not THEIRS.is_theirs("anonymous", "")


def _event(seq: int, fact: ev.Event) -> StoredEvent:
    name, data = to_plain(fact)
    return StoredEvent(seq, 100.0 + seq, name, data.pop("contact", ""), data)


def _call(contact: str, ani: str, customer: str, note: str, to: str = "") -> list[ev.Event]:
    cdr = Cdr(contact, ani=ani, dnis="1000", name="Lucía Herrera", customer=customer, segment="gold", queue="sales",
              source="trunk:carrier",
              agent="maria", wait_s=12.0, talk_s=60.0, note=note, ended_at=200.0, recording=f"{contact}.wav",
              survey={"satisfaction": 4, "why": "/rec/a.wav"}, transfers=[f"{to}:answered"] if to else [],
              segments=[Segment("maria", "", "agent", 100.0, note=note, disposition="sold")])  # fmt: skip
    return [
        ev.CallArrived(contact, ani, "1000", "Lucía Herrera", "trunk:carrier"),
        ev.CallAttributesSet(contact, {"customer": customer, "segment": "gold", "iban": f"ES12-{contact}"}),
        ev.FlowMessage(contact, "order", {"number": 4711, "street": f"Calle of {contact}"}),
        ev.CallerSpeaking(contact, "main", "ask", f"I am in {contact}"),
        ev.CallOffered(contact, "o1", "maria", ani, "Lucía Herrera", "gold", "es", "sales", 12.0, ("sales",),
                       ({"at": 3.0, "queue": "sales", "note": note},), ({"kind": "x", "text": note},)),
        ev.TransferEnded(contact, "", to, "answered", 3.0),
        ev.WrapUpEnded(contact, "maria", "sold", note),
        ev.ContactClosed(contact, cdr.record()),
    ]  # fmt: skip


def _kept(url: str, recordings: Path) -> None:
    """Their call as themselves, as a stranger, and a call of somebody else's who was connected with them."""
    calls = [
        ("k1", "0034600000101", "c01", "owes 5", ""),
        ("k2", "+12135550103", "", "Lucía at her mother's", ""),
    ]
    calls.append(("k3", "+34600000102", "c02", "call (213) 555-0103", "+34600000101"))
    facts = [fact for call in calls for fact in _call(*call)]
    ticket = TicketChanged(
        "", 7, "c01", "fault", "Lucía's line", "new", 1, "maria", steps=({"author": "maria"},)
    )
    with closing(open_store(url)) as store:
        store.open_epoch()
        told = [_event(n, fact) for n, fact in enumerate((*facts, ticket), 1)]
        records = {("cdr", f.contact): f.cdr for f in facts if isinstance(f, ev.ContactClosed)}
        store.write(Batch(records, told))
    for name in ("k1.wav", "k1-comment.wav", "k2.wav", "k3.wav", "k10.wav"):
        (recordings / name).write_bytes(b"RIFF")


def _erase(url: str, recordings: Path, traces: Traces) -> Rewritten:
    done = Rewritten()
    with closing(open_store(url)) as store, closing(open_store(url, read_only=True)) as log:
        for page in pages(log, traces, recordings, done):
            rewrite(store, page)
        store.compact()
    return done


def test_a_log_is_rewritten(tmp_path: Path) -> None:
    """Nothing that the person said, was called or was reached by is in any file; figures, times, agents, queues are as
    they were, and every event can be read; others keep theirs but for the number; a second time finds nothing."""
    url = f"sqlite:{tmp_path / 'engine.db'}"
    folder = tmp_path / "recordings"
    folder.mkdir()
    _kept(url, folder)
    done = _erase(url, folder, THEIRS)
    assert (done.records, done.recordings, done.kept_recordings) == (3, 3, [])
    assert sorted(path.name for path in folder.iterdir()) == ["k10.wav", "k3.wav"]
    content = b"".join(path.read_bytes() for path in tmp_path.glob("engine.db*")).decode("utf-8", "replace")
    said = (f"{what}{contact}" for what in ("Calle of ", "ES12-", "I am in ") for contact in ("k1", "k2"))
    for trace in (*said, "600000101", "5550103", "555-0103", "owes 5", "her mother", '"c01"', "Lucía's line"):
        assert trace not in content, trace
    assert content.count("Lucía Herrera") == 4, "those of the other call, whose name it is too"
    with closing(open_store(url, read_only=True)) as log:
        records = {record["contact"]: record for record in all_records(log)}
        found = [fact_of(each) for each in log.events_since(0)]
    k1: dict[str, Any] = records["k1"]
    assert (k1["ani"], k1["customer"], k1["name"], k1["note"], k1["recording"]) == (
        "erased-1",
        "erased-1",
        "",
        "",
        "",
    )
    assert (k1["segment"], k1["queue"], k1["agent"], k1["wait_s"], k1["talk_s"]) == (
        "gold",
        "sales",
        "maria",
        12,
        60,
    )
    assert k1["survey"] == {"satisfaction": 4, "why": ""} and k1["segments"][0]["disposition"] == "sold"
    assert k1["source"] == "trunk:carrier" and records["k2"]["customer"] == ""
    assert (records["k3"]["ani"], records["k3"]["customer"]) == ("+34600000102", "c02")
    assert records["k3"]["transfers"] == ["erased-1:answered"] and records["k3"]["note"].endswith("erased-1")
    assert [f.number for f in found if isinstance(f, ev.CallOffered)] == [
        "erased-1",
        "erased-1",
        "+34600000102",
    ]
    assert [f.customer for f in found if isinstance(f, TicketChanged)] == ["erased-1"]
    assert _erase(url, folder, THEIRS) == Rewritten()


def test_recordings_stay_by_wish(tmp_path: Path) -> None:
    """Then they are named, also in the record."""
    url = f"sqlite:{tmp_path / 'engine.db'}"
    _kept(url, tmp_path)
    wish = Traces("erased-1", THEIRS.customers, THEIRS.numbers, keep_recordings=True)
    done = _erase(url, tmp_path, wish)
    assert (done.recordings, done.kept_recordings) == (0, ["k1-comment.wav", "k1.wav", "k2.wav"])
    with closing(open_store(url, read_only=True)) as log:
        assert {record["recording"] for record in all_records(log)} == {"k1.wav", "k2.wav", "k3.wav"}
