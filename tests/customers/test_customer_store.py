"""customers.db: imports that never take half a row, and profiles found in less than a millisecond."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from cti_engine.adapters.customer_profile import LAST_CONTACTS
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault, Statements
from cti_engine.definitions.csv_table import UnusableFile
from cti_engine.ports import CustomerLookup

NOW = 1_795_000_000.0
DEMO = Path(__file__).parents[2] / "config" / "customers.csv"
HEADING = "customer,name,numbers,segment,language,value,hints,contacts\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CustomerStore]:
    opened = CustomerStore(tmp_path / "customers.db")
    yield opened
    opened.close()


def csv_file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "customers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_demo_world(store: CustomerStore) -> None:
    """The shipped customers are taken without a complaint, each special in its own way, and found by each of
    their numbers; the eighth demo caller is an unknown number from Los Angeles."""
    lookup: CustomerLookup = store
    report = store.import_csv(DEMO, NOW)
    assert report.refused == [] and report.taken == store.count() == 7
    gold = lookup.profile("0034 600 000 101")
    assert gold is not None
    assert (gold["name"], gold["segment"], gold["language"], gold["value"]) == (
        "Lucía Herrera",
        "gold",
        "es",
        4200.0,
    )
    assert [round((NOW - contact["at"]) / 86400) for contact in gold["contacts"]] == [12, 95]
    assert gold["contacts"][0]["queue"] == "sales_es" and "línea" in gold["contacts"][0]["note"]
    company = [lookup.profile(number) for number in ("+576015550107", "+57 310 555 0107")]
    assert company[0] is not None and company[1] is not None and company[0]["segment"] == "company"
    assert company[0]["numbers"] == company[1]["numbers"] and company[0]["name"] == company[1]["name"]
    assert [hint["kind"] for hint in company[0]["hints"]] == ["company"]
    others = ("+573005550102", "(213) 555-0104", "+525555550105", "+13105550106", "415-555-0108")
    profiles = [lookup.profile(number) for number in others]
    assert [profile["customer"] for profile in profiles if profile] == ["c02", "c03", "c04", "c05", "c07"]
    assert all(profile["hints"] == [] for profile in profiles if profile), (
        "what the engine finds out is not written"
    )
    unknown = lookup.profile("+1 213 555 0103")
    assert unknown is not None and unknown["customer"] == "" and unknown["segment"] == "unknown"
    assert (unknown["region"], unknown["languages"]) == ("Los Angeles, CA", ["en", "es"])
    assert lookup.profile("anonymous") is None


def test_every_bad_row_is_told_and_none_is_half_taken(store: CustomerStore, tmp_path: Path) -> None:
    """Each refused row names its line and reason; the good rows around it are taken; nothing of a bad row is."""
    rows = [
        "a1,Good,+1 213 555 0111,gold,en,10,,",
        ",No id,+1 213 555 0112,,,,,",
        "a3,No number,,,,,,",
        "a4,Bad number,+1 213 555 0114; 12,,,,,",
        "a5,Bad language,+1 213 555 0115,,english,,,",
        "a6,Bad value,+1 213 555 0116,,,lots,,",
        "a7,Bad hint,+1 213 555 0117,,,,just words,",
        "a8,Bad contact,+1 213 555 0118,,,,,yesterday sales_en: hello",
        "a9,Too few",
        "a10,Too many,+1 213 555 0120,,,,,,,",
        "a1,Twice,+1 213 555 0121,,,,,",
        "a12,Same number,213-555-0111,,,,,",
        '"a13","Two\nlines",+1 213 555 0123,,,-1,,',
        "a14,Good too,+1 213 555 0124,,es,,,2026-11-20T10:00:00+00:00 sales_en: hi",
    ]
    report = store.import_csv(csv_file(tmp_path, HEADING + "\n".join(rows)), NOW)
    assert report.taken == store.count() == 2
    assert [(refused.line, refused.reason) for refused in report.refused] == [
        (3, "it has no customer id"),
        (4, "it has no number and no address"),
        (5, "'12' is no telephone number"),
        (6, "language 'english' is not two letters such as es or en"),
        (7, "value 'lots' is not a number of 0 or more"),
        (8, "hint 'just words' is not written as kind: text"),
        (9, "'yesterday' is no date such as 2026-11-20 and no age such as 2d"),
        (10, "it has another number of cells than the heading"),
        (11, "it has another number of cells than the heading"),
        (12, "customer 'a1' stands in line 2 already"),
        (13, "+12135550111 belongs to customer 'a1' already"),
        (15, "value '-1' is not a number of 0 or more"),
    ]
    for last in (12, 14, 15, 16, 17, 18, 20, 21, 23):
        profile = store.profile(f"+121355501{last}")
        assert profile is not None and not profile["customer"]
    good = store.profile("+12135550124")
    assert good is not None and good["contacts"] == [
        {"at": 1_795_168_800.0, "channel": "voice", "queue": "sales_en", "note": "hi"}
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no column customer and no column numbers"),
        ("name,phone\nx,y\n", "no column customer"),
        ("customer,numbers,shoe_size\n", "'shoe_size' twice or unknown"),
        ("customer,numbers,numbers\n", "twice or unknown"),
        (b"customer,numbers\nx,\x81\x8d\n", "not UTF-8"),
        ("customer,numbers\nx,+12135550111\n".encode("utf-16-le"), "not UTF-8"),
        (b"\xff\xfec\x00u", "begins as UTF-16 and is not"),
    ],
)
def test_an_unusable_file_changes_nothing(
    store: CustomerStore, tmp_path: Path, content: str | bytes, says: str
) -> None:
    """A file that cannot be understood is refused whole with one clear line, and the customers stay."""
    store.import_csv(DEMO, NOW)
    with pytest.raises(UnusableFile, match=says):
        store.import_csv(csv_file(tmp_path, content), NOW)
    with pytest.raises(UnusableFile, match="cannot be read"):
        store.import_csv(tmp_path / "none.csv", NOW)
    assert store.count() == 7


def test_spreadsheet_habits_are_taken(store: CustomerStore, tmp_path: Path) -> None:
    """A byte-order mark, semicolons between the columns and Windows line ends make no difference."""
    content = '\ufeffCustomer;Name;Numbers\r\nx1;"Ana; Ltd.";"+34 600 000 201;+34 600 000 202"\r\n'
    assert store.import_csv(csv_file(tmp_path, content), NOW).taken == 1
    profile = store.profile("+34600000202")
    assert profile is not None and profile["name"] == "Ana; Ltd." and len(profile["numbers"]) == 2


def test_importing_again_replaces_but_keeps_our_contacts(store: CustomerStore, tmp_path: Path) -> None:
    """A later file replaces a customer's numbers, data and imported contacts; recorded ones stay, newest first."""
    first = HEADING + "x1,Old,+1 213 555 0111,,en,,,3d sales_en: from the file\n"
    second = HEADING + "x1,New,+1 213 555 0112,gold,en,,,4d sales_en: from the second file\n"
    store.import_csv(csv_file(tmp_path, first), NOW)
    told = {"queue": "support_en", "agent": "john", "disposition": "solved", "note": "reset"}
    store.note_contacts([Contact("x1", NOW - 60, told), Contact("nobody", NOW, {"note": "lost"})], 7)
    assert store.noted_to() == 7
    store.import_csv(csv_file(tmp_path, second), NOW)
    profile = store.profile("+12135550112")
    assert profile is not None and (profile["name"], profile["segment"]) == ("New", "gold")
    assert [contact["note"] for contact in profile["contacts"]] == ["reset", "from the second file"]
    assert profile["contacts"][0]["agent"] == "john"
    gone = store.profile("+12135550111")
    assert gone is not None and gone["customer"] == ""
    store.note_contacts([Contact("x1", NOW - age, {"note": str(age)}) for age in range(20)], 27)
    profile = store.profile("+12135550112")
    assert profile is not None
    assert [contact["note"] for contact in profile["contacts"]] == [str(age) for age in range(LAST_CONTACTS)]


def test_an_interrupted_import_leaves_whole_rows(
    store: CustomerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk fills up in the middle of a file, what is there is whole, and the same file can be taken again."""
    store.import_csv(DEMO, NOW)
    lines = "".join(f"y{n},Y,+1 213 555 {n:04},,,,,\n" for n in range(1000, 3000))
    path = csv_file(tmp_path, HEADING + lines)
    run_many = Statements.run_many
    batches = 0

    def disk_full(self: Statements, sql: str, rows: Iterable[Sequence[object]]) -> None:
        nonlocal batches
        batches += "INTO numbers" in sql
        if batches > 2:
            raise sqlite3.OperationalError("database or disk is full")
        run_many(self, sql, rows)

    with monkeypatch.context() as full:
        full.setattr(Statements, "run_many", disk_full)
        with pytest.raises(DatabaseFault, match="disk is full"):
            store.import_csv(path, NOW)
    assert store.count() == 7 + 1000
    assert (profile := store.profile("+12135551999")) is not None and profile["customer"] == "y1999"
    assert (profile := store.profile("+12135552000")) is not None and not profile["customer"]
    assert store.import_csv(path, NOW).taken == 2000


def test_the_engine_reads_while_an_import_writes(store: CustomerStore, tmp_path: Path) -> None:
    """A reader opened before the file exists knows nobody; later, four threads look customers up during an import
    and always see whole customers."""
    early = CustomerStore(tmp_path / "later.db", read_only=True)
    assert early.profile("+12135550111") is None
    CustomerStore(tmp_path / "later.db").close()
    assert early.profile("+12135550111") is not None
    early.close()
    store.import_csv(csv_file(tmp_path, HEADING + "x1,v0,+1 213 555 0111,v0,,,,\n"), NOW)
    reader = CustomerStore(tmp_path / "customers.db", read_only=True)
    stop = threading.Event()
    seen: set[tuple[str, str]] = set()

    def look() -> None:
        while not stop.is_set():
            profile = reader.profile("+12135550111")
            assert profile is not None
            seen.add((profile["name"], profile["segment"]))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(1, 20):
        store.import_csv(csv_file(tmp_path, HEADING + f"x1,v{version},+1 213 555 0111,v{version},,,,\n"), NOW)
    deadline = time.monotonic() + 5
    while ("v19", "v19") not in seen and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    reader.close()
    assert ("v19", "v19") in seen
    assert all(name == segment for name, segment in seen)


def test_profiles_of_100_000_customers_take_less_than_a_millisecond(
    store: CustomerStore, tmp_path: Path
) -> None:
    """With 100,000 customers, found and unknown numbers are answered within 1 ms of
    processor time (median and 95 %), whatever else the machine does."""
    store.import_csv(DEMO, NOW)
    with closing(sqlite3.connect(tmp_path / "customers.db")) as db, db:
        db.executemany(
            "INSERT INTO customers(customer, name, segment, language, value, hints) VALUES(?,?,?,?,?,?)",
            (
                (f"x{n}", f"Name {n}", "standard", "en", 1.0, '[{"kind": "x", "text": "y"}]')
                for n in range(100_000)
            ),
        )
        db.executemany(
            "INSERT INTO numbers(number, customer) VALUES(?,?)",
            ((f"+1213{2_000_000 + n}", f"x{n}") for n in range(100_000)),
        )
        db.executemany(
            "INSERT INTO contacts(customer, at, source, body) VALUES(?,?,?,?)",
            ((f"x{n}", NOW - age, "call", '{"note": "n"}') for n in range(100_000) for age in range(2)),
        )
    reader = CustomerStore(tmp_path / "customers.db", read_only=True)
    draw = random.Random(7)
    for area, known in (("213", True), ("310", False)):
        took = []
        for _ in range(1000):
            number = f"+1{area}{2_000_000 + draw.randrange(100_000)}"
            began = time.thread_time()
            profile = reader.profile(number)
            took.append(time.thread_time() - began)
            assert profile is not None and bool(profile["customer"]) is known
        took.sort()
        assert took[500] < 0.001 and took[950] < 0.001
    reader.close()


def test_closing_waits_for_who_reads(store: CustomerStore) -> None:
    """Another thread's statement ends first; a connection closed under it would end the process."""
    reads, goes_on, told = threading.Event(), threading.Event(), list[str]()

    def read() -> None:
        with store.database.reading() as db:
            reads.set()
            goes_on.wait(5.0)
            told.append(f"read {len(db.rows('SELECT customer FROM customers'))}")

    def close() -> None:
        store.close()
        told.append("closed")

    threads = [threading.Thread(target=read), threading.Thread(target=close)]
    threads[0].start()
    assert reads.wait(5.0)
    threads[1].start()
    threads[1].join(0.05)
    goes_on.set()
    for thread in threads:
        thread.join(5.0)
    assert [each.partition(" ")[0] for each in told] == ["read", "closed"]
