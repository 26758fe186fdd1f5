"""Export, erasure, and two entries that become one: nothing is lost, nothing is left, and a merge can be undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters.customer_merge import CannotMerge
from cti_engine.adapters.customer_schema import TABLES_OF_A_CUSTOMER
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.adapters.ticket_store import Kept, TicketStore
from cti_engine.core.customers.tickets import RESOLVED, Ticket

NOW = 1_795_000_000.0
CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CustomerStore]:
    opened = CustomerStore(tmp_path / "customers.db")
    opened.import_csv(CONFIG / "customers.csv", NOW)
    opened.import_purchases(CONFIG / "purchases.csv", NOW)
    with opened.database.writing() as db:
        for customer, ticket in (("c01", 7), ("c02", 8)):
            db.run(
                "INSERT INTO tickets(ticket, customer, category, subject, state, priority, owner, contact, opened_by,"
                " opened_at) VALUES(?,?,'billing','twice','open',2,'maria','k1','maria',10)",
                (ticket, customer),
            )
            db.run("INSERT INTO ticket_steps VALUES(?, 11, 'maria', 'opened', '{}')", (ticket,))
            db.run(
                "INSERT INTO surveys VALUES(?, 5, 'k1', 'csat', 'happy', 'csat', 4, 'maria', 'sales_es', 0, '', 0)",
                (customer,),
            )
            db.run(
                "INSERT INTO surveys VALUES(?, 5, 'k1', 'csat', 'said', '', NULL, 'maria', 'sales_es', 0, '', 0)",
                (customer,),
            )
            db.run(
                "INSERT INTO offer_answers VALUES(?, 6, 'k1', 'fibre', 'declined', 'maria', 0, 'gold', 0)",
                (customer,),
            )
            db.run(
                "INSERT INTO surveys_asked VALUES(?, 5, 'k1', 'csat', 'maria', 'sales_es', 5, 1)", (customer,)
            )
            db.run("INSERT INTO scores VALUES(?, 'gold', 5, '{}', 1)", (customer,))
            db.run("INSERT INTO grants VALUES(?, 7, 'k1', 'maria', 5, 'EUR', 'late', '')", (customer,))
            db.run(
                "INSERT INTO guide_answers"
                " VALUES(?, 8, 'k1', 'maria', 'complaint', 'wish', 'wish', 'note', 'money', '{}')",
                (customer,),
            )
            db.run("INSERT INTO campaign_customers VALUES('lost', 1, ?, '{}', 1)", (customer,))
            db.run("INSERT INTO notes VALUES(?, 4, 'maria', 'calls after six')", (customer,))
    yield opened
    opened.close()


def everything(store: CustomerStore, *but: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; JSON as what it means."""
    with store.database.reading() as db:
        tables = [
            name
            for (name,) in db.rows("SELECT name FROM sqlite_master WHERE type='table'")
            if name not in but
        ]
        found = {}
        for table in tables:
            rows = [
                tuple(
                    json.dumps(json.loads(v)) if isinstance(v, str) and v[:1] in "[{" and v else v
                    for v in row
                )
                for row in db.rows(f"SELECT * FROM {table}")
            ]
            found[table] = sorted(rows, key=repr)
    return found


def test_every_table_of_a_customer_is_known(store: CustomerStore) -> None:
    """A table that is new and names a customer or a number is exported, merged and erased: it stands in
    TABLES_OF_A_CUSTOMER, or is one of the few whose rows are looked after by themselves."""
    theirs = {"customers", "rights", "offer_counts"}
    with store.database.reading() as db:
        tables = [name for (name,) in db.rows("SELECT name FROM sqlite_master WHERE type='table'")]
        naming = {name for name in tables if {"customer", "number", "name"} & set(db.columns(name))}
    assert naming - theirs - {"sqlite_sequence"} == set(TABLES_OF_A_CUSTOMER)


def test_all_that_is_known_is_exported(store: CustomerStore) -> None:
    """Every table that names the customer is in it, as JSON; nobody else's rows are."""
    store.note_contacts([Contact("c01", NOW, {"note": "hello"}, "+34600000101", contact="k9")], 1)
    found = store.export("c01", "carol", NOW)
    assert found is not None and store.export("nobody", "carol", NOW) is None
    assert json.loads(json.dumps(found)) == found
    assert {"customers", "ticket_steps", "merges", *TABLES_OF_A_CUSTOMER} == found.keys()
    assert all(row["customer"] == "c01" for table in TABLES_OF_A_CUSTOMER for row in found[table])
    assert all(found[table] for table in ("customers", *TABLES_OF_A_CUSTOMER))
    assert [row["body"]["note"] for row in found["contacts"] if row["source"] == "call"] == ["hello"]
    assert [row["ticket"] for row in found["ticket_steps"]] == [7]


def test_nothing_names_an_erased_customer(store: CustomerStore, tmp_path: Path) -> None:
    """No row and no byte of a file holds the id, a number, the name or what was said; others keep theirs; answers
    stay as figures without a person; the number is a stranger's, with no past. Until the records of calls are through,
    one row knows who it was; what calls bring meanwhile goes with it."""
    before = everything(store)
    tickets = TicketStore(store.database)
    kept, steps = (
        tickets.open(Kept(Ticket(0, "c01", "fault", "Lucía sin línea", 1, "gold", "sales_es")), ()),
        (),
    )
    tickets.change(kept.ticket.ticket, lambda was: (replace(was, ticket=replace(was.ticket, state=RESOLVED,
                   resolution="secret", closed_at=1.0)), steps))  # fmt: skip
    store.note_contacts([Contact("", NOW, {"note": "secret"}, "+34600000101", contact="k0")], 1)
    with store.database.writing() as db:  # as a stranger they answered a guide, for a ticket
        db.run(
            "INSERT INTO guide_answers"
            " VALUES('', 8, 'k0', 'maria', 'complaint', 'wish', 'wish', 'ticket', 'secret', '{}')"
        )
    store.export("c01", "carol", NOW)
    assert store.erase("nobody", "carol", NOW) is None
    begun = store.erase("c01", "carol", NOW)
    assert begun is not None and begun.erased["numbers"] == 2 and begun.erased["surveys"] == 1
    assert begun.erased["customers"] == 1 and begun.erased["contacts"] > 1
    (left,) = store.erasures()
    assert left[0] == begun.number and left[1].customers == {"c01"} and "+34600000101" in left[1].numbers
    stranger = store.profile("+34600000101")
    assert stranger is not None and stranger["customer"] == "" and stranger["contacts"] == []
    store.note_contacts([Contact("c01", NOW, {"note": "secret"}, "+34910000101")], 2)
    assert store.erased(begun.number, {"records": 3}, NOW + 9) and not store.erased(begun.number, {}, NOW)
    store.compact()
    assert store.erasures() == []
    after = everything(store)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    for trace in (
        "c01",
        "34600000101",
        "34910000101",
        "Lucía",
        "lucia",
        "secret",
        "línea móvil",
        "sin línea",
    ):
        assert trace not in content, trace
    for table in TABLES_OF_A_CUSTOMER:
        assert [row for row in after[table] if "c02" in row] == [row for row in before[table] if "c02" in row]
    assert len(after["offer_answers"]) == 2 and len(after["surveys"]) == 3
    erased, exported = store.rights_asked()
    assert (erased.author, erased.what, erased.customer) == ("carol", "erase", begun.pseudonym)
    assert erased.done_at == NOW + 9 and erased.told["records"] == 3 and erased.told["erased"]["contacts"] > 1
    assert (exported.what, exported.customer) == ("export", begun.pseudonym)


def test_a_customer_without_a_number(store: CustomerStore, tmp_path: Path) -> None:
    """Known by address alone: nobody's call is theirs, nor is whoever calls without a number; erased, no number is
    looked for."""
    file = tmp_path / "file.csv"
    file.write_text("customer,name,numbers,addresses\nn1,Noa,,email: noa@example.com\n")
    assert store.import_csv(file, NOW).taken == 1
    profile = store.customer("n1")
    assert profile is not None and profile["numbers"] == [] and store.profile("") is None
    begun = store.erase("n1", "carol", NOW)
    assert begun is not None and begun.erased["addresses"] == 1
    ((_, traces),) = store.erasures()
    assert (
        not traces.is_theirs("", "")
        and not traces.is_theirs("+34600000101", "")
        and traces.is_theirs("", "n1")
    )
    assert not traces.told_in(b"+34600000101")


def test_who_was_merged_away_is_erased_too(store: CustomerStore) -> None:
    """Calls of before the merge name the other id, and undoing the merge would bring it back."""
    store.merge("c01", "c02", "carol", NOW)
    begun = store.erase("c01", "carol", NOW)
    assert begun is not None
    ((_, traces),) = store.erasures()
    assert traces.customers == {"c01", "c02"} and traces.is_number("+573005550102")
    assert store.merges() == []
    store.erased(begun.number, {}, NOW)
    assert "'c02'" not in repr(everything(store))


def test_a_merge_and_its_undoing(store: CustomerStore, tmp_path: Path) -> None:
    """Both numbers find the one customer with all of both; undone, every row is where it was before."""
    untold = ("merges", "rights", "sqlite_sequence")
    with store.database.writing() as db:
        db.run("UPDATE consents SET given=0, at=? WHERE customer='c02'", (NOW,))
        db.run("UPDATE customers SET channel='' WHERE customer='c01'")
        for customer, kind in (("c01", "cross_sell"), ("c02", "complaint")):
            hints = f'[{{"kind": "{kind}", "text": "x"}}]'
            db.run("UPDATE customers SET hints=? WHERE customer=?", (hints, customer))
    before = everything(store, *untold)
    number = store.merge("c01", "c02", "carol", NOW)
    profile = store.profile("+573005550102")
    assert profile == store.profile("+34600000101") and profile is not None
    assert (profile["customer"], profile["value"], profile["channel"]) == ("c01", 5.0, "voice")
    assert profile["consent"] == {"offers": False}, "the later word counts"
    assert {ticket["ticket"] for ticket in profile["tickets"]} == {7, 8}
    assert {hint["kind"] for hint in profile["hints"]} == {"cross_sell", "complaint"}
    assert len([p for p in profile["products"] if p["product"] == "mobile"]) == 1
    assert store.customer("c02") is None
    assert store.unmerge(number, "carol", NOW + 1) == ("c01", "c02")
    assert everything(store, *untold) == before


def test_what_comes_between_a_merge_and_its_undoing(store: CustomerStore, tmp_path: Path) -> None:
    """A call of the one who was merged is the other's; a file does not bring the double back; the undoing leaves what
    was done since, and is refused when it came too late."""
    number = store.merge("c01", "c02", "carol", NOW)
    store.note_contacts([Contact("c02", NOW + 5, {"note": "in between"}, "+573005550102")], 1)
    file = tmp_path / "file.csv"
    file.write_text("customer,numbers\nc02,+573005550102\n")
    (refused,) = store.import_csv(file, NOW).refused
    assert refused.reason == "customer 'c02' was merged into 'c01': cti-engine customers unmerge"
    with store.database.writing() as db:
        db.run("UPDATE customers SET name='Lucía H. Restrepo' WHERE customer='c01'")
        db.run("UPDATE tickets SET state='waiting' WHERE ticket=8")
    second = store.merge("c03", "c01", "carol", NOW)
    with pytest.raises(CannotMerge, match=f"merge {second} came after it"):
        store.unmerge(number, "carol", NOW)
    store.unmerge(second, "carol", NOW)
    store.unmerge(number, "carol", NOW)
    one, other = store.customer("c01"), store.customer("c02")
    assert one is not None and other is not None
    assert one["name"] == "Lucía H. Restrepo" and "in between" in [c.get("note") for c in one["contacts"]]
    assert [ticket["state"] for ticket in other["tickets"]] == ["waiting"]
    for wrong, says in ((number, "undone already"), (99, "no merge 99")):
        with pytest.raises(CannotMerge, match=says):
            store.unmerge(wrong, "carol", NOW)
    for kept, gone in (("c01", "c01"), ("c01", "nobody"), ("nobody", "c01")):
        with pytest.raises(CannotMerge):
            store.merge(kept, gone, "carol", NOW)


def test_doubles_are_found_by_address_and_name(store: CustomerStore, tmp_path: Path) -> None:
    """The same e-mail, or the same name whatever its case and accents; the demo world has none."""
    assert store.doubles() == []
    file = tmp_path / "file.csv"
    file.write_text(
        "customer,numbers,name,addresses\nd1,+12135550191,LUCIA  herrera,\n"
        "d2,+12135550192,Eva,email: Emily.Carter@example.com\n"
    )
    store.import_csv(file, NOW)
    assert [(d.what, d.value, d.customers) for d in store.doubles()] == [
        ("email", "emily.carter@example.com", ("c03", "d2")),
        ("name", "lucia herrera", ("c01", "d1")),
    ]
