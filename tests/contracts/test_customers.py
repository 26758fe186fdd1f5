"""What every place of customers must do: SQLite, a real PostgreSQL, and one behind a real Redis that dies meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cti_engine.adapters import help_given, offer_answers, offer_records
from cti_engine.adapters.campaign_lists import campaign_customers, scored_at
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault
from cti_engine.adapters.ticket_store import Kept, Step, TicketStore
from cti_engine.commands.customer_segments import recompute
from cti_engine.core.customers.tickets import Ticket
from cti_engine.definitions.library import load_definitions
from cti_engine.ports import StoredEvent
from tests.adapters.postgres_server import PostgresServer
from tests.adapters.redis_server import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = 1_795_000_000.0
CONFIG = Path(__file__).parents[2] / "config"
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres", "cached"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    server = await PostgresServer().start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def redis(kind: str, tmp_path: Path) -> AsyncIterator[RedisServer | None]:
    server = await RedisServer(tmp_path).start() if kind == "cached" else None
    yield server
    if server is not None:
        await server.stop()


@pytest.fixture
def places(kind: str, tmp_path: Path, postgres: PostgresServer, redis: RedisServer | None) -> dict[str, Any]:
    """How to open a store that is empty."""
    if kind == "sqlite":
        return {"where": tmp_path / "customers.db"}
    import psycopg

    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    return {"where": postgres.url, "cache": redis.url if redis is not None else ""}


@pytest.fixture
def store(places: dict[str, Any]) -> Iterator[CustomerStore]:
    with closing(CustomerStore(**places)) as opened:
        yield opened


@KINDS
async def test_the_same_profiles_everywhere(
    store: CustomerStore, places: dict[str, Any], tmp_path: Path
) -> None:
    """Imports, contacts, strangers and how far was noted come out as SQLite has them, to the last digit of a moment."""
    with closing(CustomerStore(tmp_path / "other.db")) as plain:
        for each in (store, plain):
            assert each.untouched()
            assert each.import_csv(CONFIG / "customers.csv", NOW).refused == []
            assert each.import_purchases(CONFIG / "purchases.csv", NOW).taken == 18
            told = {"queue": "sales_es", "note": "ñandú — 100 %?"}
            each.note_contacts(
                [
                    Contact("c01", NOW + 0.123456, told, "+34600000101", contact="c7"),
                    Contact("", NOW, {}, "+12135550103"),
                ],
                41,
            )
            assert (each.noted_to(), each.count(), each.untouched()) == (41, 7, False)
        for number in ("+34600000101", "+573105550107", "+12135550103", "+81312345678"):
            assert store.profile(number) == plain.profile(number)
        again = store.import_csv(CONFIG / "customers.csv", NOW)
        assert (again.taken, again.refused) == (7, [])
        assert store.profile("+34600000101") == plain.profile("+34600000101")
    with closing(CustomerStore(**places)) as reopened:
        assert reopened.count() == 7


@KINDS
async def test_offers_and_what_was_learned(store: CustomerStore) -> None:
    """Answers, counts and affinities come out of a profile, and calls out of the records, the same everywhere."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    store.import_purchases(CONFIG / "purchases.csv", NOW)
    told = {"customer": "c01", "segment": "gold", "agent": "maria"}
    given = {
        **told,
        "held_out": False,
        "offers": [{"offer": each, "affinity": 0.25} for each in ("fibre_1gb", "tv")],
    }
    answer = {**told, "offer": "fibre_1gb", "affinity": 0.25}
    facts = [
        StoredEvent(1, NOW, "HintsGiven", "k1", given),
        StoredEvent(2, NOW + 60, "HintAnswered", "k1", {**answer, "answer": "accepted"}),
        StoredEvent(3, NOW + 70, "HintAnswered", "k1", {**answer, "answer": "declined"}),
        StoredEvent(4, NOW + 80, "HintsGiven", "k2", {**given, "held_out": True}),
        StoredEvent(5, NOW + 90, "HintsGiven", "k3", {**given, "customer": "nobody"}),
    ]
    closed = [Contact("c01", NOW + 99, {"disposition": "sold", "handle_s": 240.5}, contact="k1")]
    for _ in range(2):  # told again after a crash
        store.note_contacts(closed, 5, [partial(offer_answers.note, event=each) for each in facts])
    learned = [
        ("mobile", "fibre_1gb", 0.5),
        ("segment:gold", "fibre_1gb", 0.25),
        ("segment:silver", "tv", 9.0),
    ]
    assert offer_records.put_affinities(store.database, [("gone", "gone", 1.0)]) == 1
    assert offer_records.put_affinities(store.database, learned) == 3
    store.forget_cached()
    profile = store.customer("c01")
    assert profile is not None
    assert profile["affinities"] == {"fibre_1gb": 0.75} and profile["offer_counts"] == {
        "fibre_1gb": [0, 1, 0.25]
    }
    assert profile["offer_answers"] == [{"at": NOW + 70, "offer": "fibre_1gb", "answer": "declined"}]
    calls = {call.contact: call for call in offer_records.offered_calls(store.database, NOW - 1)}
    assert calls.keys() == {"k1", "k2"} and calls["k2"].held_out and not calls["k1"].held_out
    assert calls["k1"].answers == {"fibre_1gb": "declined", "tv": ""}
    assert (calls["k1"].disposition, calls["k1"].handle_s, calls["k2"].handle_s) == ("sold", 240.5, None)
    assert len(offer_records.purchases(store.database)) == 18
    assert offer_records.segments(store.database)["c01"] == profile["segment"]


@KINDS
async def test_segments_grants_and_lists(store: CustomerStore, tmp_path: Path) -> None:
    """What scores are worked out from, scores, lists and what agents granted are read as SQLite has them."""
    definitions, problems = load_definitions(CONFIG.parent)
    assert definitions is not None, problems
    found = []
    with closing(CustomerStore(tmp_path / "other.db")) as plain:
        for each in (store, plain):
            each.import_csv(CONFIG / "customers.csv", NOW)
            each.import_purchases(CONFIG / "purchases.csv", NOW)
            grant = {"customer": "c01", "agent": "maria", "amount": 12.5, "currency": "EUR", "reason": "x"}
            event = StoredEvent(1, NOW, "GrantMade", "k1", {**grant, "approved_by": ""})
            each.note_contacts([], 1, [partial(help_given.note, event=event)])
            recompute(each.database, definitions.segments, definitions.campaigns, NOW)
            each.forget_cached()
            profiles = [each.customer(f"c0{number}") for number in range(1, 8)]
            found.append((scored_at(each.database), campaign_customers(each.database), profiles))
    assert found[0] == found[1]
    profile = found[0][2][0]
    assert (
        profile is not None
        and profile["granted"] == [{"at": NOW, "amount": 12.5}]
        and profile["scores"]["why"]
    )


@KINDS
async def test_a_change_is_whole_or_not_at_all(store: CustomerStore) -> None:
    """What fails half-way leaves nothing, and the next change is as if it had not been tried."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    with pytest.raises(DatabaseFault), store.database.writing() as db:
        db.run("DELETE FROM customers")
        db.run("INSERT INTO nowhere VALUES(1)")
    assert store.count() == 7
    with store.database.writing() as db:
        assert db.run("DELETE FROM customers WHERE customer='c07'") == 1
    assert store.count() == 6


@KINDS
async def test_readers_in_threads_see_what_was_written_at_once(
    store: CustomerStore, places: dict[str, Any]
) -> None:
    """The engine's look-ups, four at a time, see a contact as soon as it is noted, cached or not."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    with closing(CustomerStore(**places, read_only=True)) as reader, ThreadPoolExecutor(4) as threads:
        for turn in range(1, 6):
            store.note_contacts([Contact("c01", NOW + turn, {"note": str(turn)})], turn)
            found = list(threads.map(reader.profile, ["+34600000101", "+34910000101"] * 8))
            assert {profile["contacts"][0]["note"] for profile in found if profile} == {str(turn)}


@pytest.mark.parametrize("kind", ["cached"])
async def test_a_dead_cache_changes_nothing(
    store: CustomerStore, places: dict[str, Any], redis: RedisServer
) -> None:
    """A profile comes from Redis while it is there, whatever the database says, and from the database after that."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    reader = CustomerStore(**places, read_only=True)
    first = reader.profile("+34600000101")
    with store.database.writing() as db:
        db.run("UPDATE customers SET name='changed behind its back' WHERE customer='c01'")
    assert reader.profile("+34600000101") == first
    await redis.kill()
    later = reader.profile("+34600000101")
    assert later is not None and later["name"] == "changed behind its back"
    store.note_contacts([Contact("c01", NOW, {"note": "n"})], 1)
    reader.close()


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_server_that_was_away_is_used_again(
    store: CustomerStore, places: dict[str, Any], postgres: PostgresServer, kind: str
) -> None:
    """While it is away each question fails in one line, and the first one after its return is answered."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    reader = CustomerStore(**places, read_only=True)
    assert (profile := reader.profile("+34600000101")) is not None and profile["name"] == "Lucía Herrera"
    await postgres.kill()
    for each in (store, reader):
        with pytest.raises(DatabaseFault) as fault:
            each.profile("+34600000101")
        assert "\n" not in str(fault.value)
    early = CustomerStore(**places)  # a process that starts meanwhile
    with pytest.raises(DatabaseFault):
        early.count()
    await postgres.start()
    assert reader.profile("+34600000101") == store.profile("+34600000101") == early.profile("+34600000101")
    for each in (early, reader):
        each.close()


@KINDS
async def test_tickets_and_what_worked(store: CustomerStore) -> None:
    """Numbers, lists and similar cases are the same everywhere; who is erased is found by no word any more."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    tickets = TicketStore(store.database, store.tickets_changed)
    router = Ticket(0, "c01", "fault", "Router sin conexión", 2, opened_at=NOW, queue="support_es")
    assert store.profile("+34600000101") is not None
    first = tickets.open(
        Kept(router, NOW + 60.0, NOW + 30.0), [Step(NOW, "ana", "open", {"text": "luz roja"})]
    )
    number = first.ticket.ticket
    profile = store.profile("+34600000101")
    assert profile is not None
    assert [ticket["ticket"] for ticket in profile["tickets"]] == [number]
    assert [kept.ticket.ticket for kept in tickets.of_nobody(["support_es"])] == [number]
    assert (tickets.to_look_at(NOW + 30.0), tickets.next_timer()) == ([number], NOW + 30.0)

    def resolve(kept: Kept) -> tuple[Kept, list[Step]]:
        done = replace(kept.ticket, state="resolved", closed_at=NOW, resolution="restaurar de fábrica")
        return replace(kept, ticket=done, next_at=None), [Step(NOW, "ana", "resolve", {})]

    tickets.change(number, resolve)
    other = replace(
        router, customer="c02", subject="Cobro doble", state="resolved", closed_at=NOW, resolution="abono"
    )
    tickets.open(Kept(other), [Step(NOW, "ana", "open", {"text": "el router en la factura"})])
    found = tickets.similar("ROUTERS: la conexion")
    assert [case.resolution for case in found] == ["restaurar de fábrica", "abono"]
    assert tickets.similar("x' | & ! (") == []
    strangers = tickets.open(Kept(replace(router, customer=""), number="+34600000101"), []).ticket.ticket
    begun = store.erase("c01", "carol", NOW)
    assert begun is not None and begun.erased["tickets"] == 2
    assert [number for number, _ in store.erasures()] == [begun.number]
    assert store.erased(begun.number, {"records": 2}, NOW) and store.erasures() == []
    store.compact()
    (asked,) = store.rights_asked()
    assert (asked.what, asked.author, asked.told["records"]) == ("erase", "carol", 2)
    assert tickets.one(strangers) is None
    assert [case.resolution for case in tickets.similar("router")] == ["abono"]
    with store.database.reading() as db:
        assert db.row("SELECT count(*) FROM ticket_steps WHERE ticket=?", (number,)) == (0,)
