"""Customers' rights by REST: who may, shown, exported, erased until the engine has done its part, merged and undone."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import pytest

from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.core.customer_events import CustomerErased
from cti_engine.core.reporting.cdr import Cdr
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, Person
from tests.definitions.homes import ROOT
from tests.phones.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEERING, ADMIN = {"supervisor", "admin"}, {"admin"}
MAY: tuple[tuple[str, str, Any, set[str]], ...] = (
    ("GET", "/api/customers/c01", None, STEERING),
    ("GET", "/api/customers/c01/export", None, ADMIN),
    ("POST", "/api/customers/c01/erase", {"confirm": "another"}, ADMIN),
    ("GET", "/api/rights", None, ADMIN),
    ("GET", "/api/doubles", None, STEERING),
    ("GET", "/api/merges", None, STEERING),
    ("POST", "/api/merges", {"kept": "c01", "gone": "c01"}, STEERING),
    ("POST", "/api/merges/99/undo", {}, STEERING),
)
REFUSED_TO_ALL = {"not_confirmed", "cannot_merge"}


async def logged_in(console: ConsoleProcess, user: str) -> Person:
    person = Person(console)
    await person.log_in(user)
    return person


def take_in(console: ConsoleProcess) -> None:
    with closing(CustomerStore(console.folder / "customers.db")) as customers:
        customers.import_csv(ROOT / "config" / "customers.csv", 1000.0)


async def test_who_may(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """Agents none of it, supervisors what they need to tell two entries apart, administrators all; nobody 401."""
    _, console = running
    take_in(console)
    for user in ("maria", "supervisor", "admin"):
        person = await logged_in(console, user)
        for method, path, body, allowed in MAY:
            status, answer = await (person.get(path) if method == "GET" else person.post(path, json=body))
            code = answer.get("error", {}).get("code", "")
            if user in allowed:
                assert status in (200, 201) or code in REFUSED_TO_ALL, f"{method} {path} by {user}: {answer}"
            else:
                assert (status, code) == (403, "forbidden"), f"{method} {path} by {user}: {answer}"
        await person.close()
    nobody = Person(console)
    for method, path, body, _ in MAY:
        status, _ = await (nobody.get(path) if method == "GET" else nobody.post(path, json=body))
        assert status == 401, path
    await nobody.close()


async def test_a_customer_is_shown_exported_and_erased(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """By id or number; an export has records and recordings; erasing wants the id once more, is done when the engine
    says so, and by then no file here tells of them; who asked for what is known, without a name."""
    engine, console = running
    take_in(console)
    folder = console.folder / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / "k1.wav").write_bytes(b"RIFF")
    engine.keep_cdr(**Cdr("k1", ani="600 000 101", customer="c01", ended_at=5.0).record())
    admin = await logged_in(console, "admin")
    for written in ("c01", "%2B34600000101", "0034-600-000-101"):
        status, answer = await admin.get(f"/api/customers/{written}")
        assert (status, answer["profile"]["name"]) == (200, "Lucía Herrera")
    status, answer = await admin.get("/api/customers/c01/export")
    assert status == 200 and answer["rows"]["customers"][0]["name"] == "Lucía Herrera"
    assert [record["contact"] for record in answer["call_records"]] == ["k1"] and answer["recordings"] == [
        "k1.wav"
    ]
    status, answer = await admin.post("/api/customers/c01/erase", json={"confirm": "c1"})
    assert (status, answer["error"]["code"], answer["error"]["path"]) == (409, "not_confirmed", "confirm")
    status, begun = await admin.post("/api/customers/c01/erase", json={"confirm": "c01"})
    assert status == 200 and begun["erased"]["numbers"] == 2 and begun["stays"]
    assert (await admin.post("/api/customers/c01/erase", json={"confirm": "c01"}))[0] == 404
    assert (await admin.get("/api/customers/c01"))[0] == 404
    assert (await admin.get("/api/customers/c01/export"))[0] == 404

    async def newest() -> dict[str, Any]:
        _, answer = await admin.get("/api/rights")
        found: dict[str, Any] = answer["rights"][0]
        return found

    first = await newest()
    assert (first["what"], first["author"], first["customer"]) == ("erase", "admin", begun["pseudonym"])
    assert first["done_at"] is None
    await engine.says(CustomerErased(begun["number"], begun["pseudonym"], 1, 4, 1))
    async with asyncio.timeout(10):
        while (last := await newest())["done_at"] is None:
            await asyncio.sleep(0.01)
    assert (last["told"]["records"], last["told"]["recordings"]) == (1, 1)

    def told() -> bool:
        files = b"".join(path.read_bytes() for path in console.folder.glob("customers.db*"))
        return any(trace in files for trace in (b"34600000101", "Lucía".encode(), b"c01"))

    await until(lambda: not told(), "the files to be written anew", within=10.0)
    log = b"".join(path.read_bytes() for path in console.folder.glob("*.log"))
    assert b"34600000101" not in log and "Lucía".encode() not in log
    await admin.close()


async def test_two_become_one_and_two_again(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """A supervisor finds, merges, and takes it back; what cannot be says why; it is noted who did it."""
    _, console = running
    take_in(console)
    (console.folder / "more.csv").write_text("customer,numbers,name\nd1,+12135550191,EMILY  carter\n")
    with closing(CustomerStore(console.folder / "customers.db")) as customers:
        customers.import_csv(console.folder / "more.csv", 1000.0)
    boss, admin = await logged_in(console, "supervisor"), await logged_in(console, "admin")
    _, answer = await boss.get("/api/doubles")
    assert answer["doubles"] == [{"what": "name", "value": "emily carter", "customers": ["c03", "d1"]}]
    status, made = await boss.post("/api/merges", json={"kept": "c03", "gone": "d1"})
    assert status == 201
    assert (await boss.get("/api/customers/%2B12135550191"))[1]["profile"]["customer"] == "c03"
    status, answer = await boss.post("/api/merges", json={"kept": "c03", "gone": "d1"})
    assert (status, answer["error"]["code"]) == (409, "cannot_merge") and "d1" in answer["error"]["text"]
    _, answer = await boss.get("/api/merges")
    assert [(one["merge"], one["author"], one["undone_at"]) for one in answer["merges"]] == [
        (made["merge"], "supervisor", None)
    ]
    undo = f"/api/merges/{made['merge']}/undo"
    assert await boss.post(undo, json={}) == (200, made)
    assert (await boss.post(undo, json={}))[0] == 409
    assert (await boss.get("/api/customers/%2B12135550191"))[1]["profile"]["customer"] == "d1"
    _, answer = await admin.get("/api/rights")
    assert [(one["what"], one["author"]) for one in answer["rights"][:2]] == [
        ("unmerge", "supervisor"),
        ("merge", "supervisor"),
    ]
    for person in (boss, admin):
        await person.close()
