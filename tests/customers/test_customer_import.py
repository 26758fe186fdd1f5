"""Imports of all that a profile holds: what a file says, what it leaves as it was, and what it may not contain."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cti_engine.adapters.customer_import import MOST_TOLD
from cti_engine.adapters.customer_schema import STEPS
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.adapters.sql_database import DatabaseFault

NOW = 1_795_000_000.0
DAY = 86_400.0
CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CustomerStore]:
    opened = CustomerStore(tmp_path / "customers.db")
    yield opened
    opened.close()


def written(tmp_path: Path, content: str, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    return path


def test_the_whole_profile_of_the_demo_world(store: CustomerStore) -> None:
    """Products, consent, addresses, purchases and ways to answer of the shipped customers stand in their profiles; a
    number's own way to answer goes before its customer's."""
    assert store.import_csv(CONFIG / "customers.csv", NOW).refused == []
    purchases = store.import_purchases(CONFIG / "purchases.csv", NOW)
    assert purchases.refused == [] and purchases.taken == 18
    gold = store.profile("+34600000101")
    assert gold is not None
    assert gold["consent"] == {"offers": True} and gold["kind"] == "person" and gold["channel"] == "voice"
    assert gold["languages"] == ["es"] and gold["tickets"] == gold["notes"] == gold["surveys"] == []
    assert [product["product"] for product in gold["products"]] == ["mobile", "mobile_second"]
    assert gold["products"][1]["since"] == NOW - 12 * DAY
    assert gold["purchases"][0] == {"at": NOW - 12 * DAY, "product": "mobile_second", "amount": 240.0}
    assert [row["product"] for row in gold["purchases"]] == ["mobile_second", "handset", "mobile"]
    company = {number: store.profile(number) for number in ("+576015550107", "+573105550107")}
    assert [profile["answer_by"] for profile in company.values() if profile] == ["keys", "voice"]
    assert [profile["kind"] for profile in company.values() if profile] == ["company", "company"]
    refuses = store.profile("+13105550106")
    assert refuses is not None and refuses["consent"] == {"offers": False} and refuses["answer_by"] == ""
    assert store.customer("c01") == gold and store.customer("nobody") is None


def test_what_is_computed_comes_with_the_profile(store: CustomerStore) -> None:
    """Scores, open tickets, surveys, notes and answers to offers of a customer, the affinities of what they have,
    added up, and how offers went in their segment."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    with store.database.writing() as db:
        db.run("INSERT INTO scores VALUES('c01', 'platinum', 5100, '{\"recency\": 5}', 1)")
        db.run(
            "INSERT INTO tickets(customer, category, subject, state, priority, owner, contact, opened_by, opened_at,"
            " due_at)"
            " VALUES('c01', 'billing', 'twice', 'open', 2, 'maria', 'c9', 'maria', 10, 20)"
        )
        db.run(
            "INSERT INTO tickets(customer, category, subject, state, priority, owner, contact, opened_by, opened_at,"
            " closed_at) VALUES('c01', 'billing', 'old', 'closed', 2, 'maria', 'c9', 'maria', 5, 6)"
        )
        db.run(
            "INSERT INTO surveys VALUES('c01', 7, 'c9', 'csat', 'happy', 'csat', 4, 'maria', 'sales_es', 0, '', 0)"
        )
        db.run(
            "INSERT INTO surveys VALUES('c01', 8, 'c9', 'csat', 'comment', '', NULL, 'maria', 'sales_es', 0, '', 0)"
        )
        db.run("INSERT INTO notes VALUES('c01', 9, 'maria', 'calls after six')")
        db.run("INSERT INTO offer_answers VALUES('c01', 9, 'c9', 'fibre', 'declined', 'maria', 0, 'gold', 0)")
        db.run_many(
            "INSERT INTO affinities VALUES(?,?,?)",
            [
                ("mobile", "tv", 0.2),
                ("mobile_second", "tv", 0.5),
                ("mobile", "mobile_second", 0.9),
                ("tv", "x", 1.0),
            ],
        )
        db.run("INSERT INTO offer_counts VALUES('platinum', 'fibre', 3, 9, 0)")
    profile = store.profile("+34910000101")
    assert profile is not None
    assert (profile["segment"], profile["value"], profile["scores"]) == ("platinum", 5100.0, {"recency": 5})
    assert profile["tickets"] == [
        {"ticket": 1, "category": "billing", "subject": "twice", "state": "open", "priority": 2, "due_at": 20.0,
         "owner": "maria", "opened_at": 10.0}
    ]  # fmt: skip
    assert profile["surveys"] == [{"at": 7.0, "question": "happy", "scale": "csat", "answer": 4.0}]
    assert profile["notes"] == [{"at": 9.0, "author": "maria", "text": "calls after six"}]
    assert profile["offer_answers"] == [{"at": 9.0, "offer": "fibre", "answer": "declined"}]
    assert profile["affinities"] == {"mobile_second": 0.9, "tv": pytest.approx(0.7)}
    assert profile["offer_counts"] == {"fibre": [3.0, 9.0, 0.0]}


def test_what_a_file_has_no_column_for_stays(store: CustomerStore, tmp_path: Path) -> None:
    """A file without products, consent or segment leaves them alone; with an empty cell it takes them away."""
    full = "customer,numbers,segment,products,consent\nx1,+12135550111,gold,tv | mobile,offers: yes\n"
    store.import_csv(written(tmp_path, full), NOW)
    store.import_csv(written(tmp_path, "customer,numbers,name\nx1,+12135550112,Ana\n"), NOW)
    profile = store.profile("+12135550112")
    assert profile is not None and (profile["name"], profile["segment"]) == ("Ana", "gold")
    assert len(profile["products"]) == 2 and profile["consent"] == {"offers": True}
    store.import_csv(written(tmp_path, "customer,numbers,products,consent\nx1,+12135550112,,\n"), NOW)
    profile = store.profile("+12135550112")
    assert profile is not None and profile["products"] == [] and profile["consent"] == {}


def test_an_old_file_does_not_take_back_what_a_customer_told_an_agent(
    store: CustomerStore, tmp_path: Path
) -> None:
    """Consent that was withdrawn here counts until a file names a later day; a consent without a day never beats it."""
    store.import_csv(written(tmp_path, "customer,numbers,consent\nx1,+12135550111,offers: yes\n"), NOW)
    with store.database.writing() as db:
        db.run("UPDATE consents SET given=0, at=?, source='maria' WHERE customer='x1'", (NOW - DAY,))
    for cell, consents in (("offers: yes", False), ("offers: yes 2d", False), ("offers: yes 1h", True)):
        store.import_csv(written(tmp_path, f"customer,numbers,consent\nx1,+12135550111,{cell}\n"), NOW)
        profile = store.profile("+12135550111")
        assert profile is not None and profile["consent"] == {"offers": consents}, cell


def test_rows_of_the_new_columns_that_are_refused(store: CustomerStore, tmp_path: Path) -> None:
    """Each names its line and what is wrong with it; an address alone is enough for a customer without a number."""
    rows = [
        "a1,+12135550111,robot,,,,,,",
        "a2,+12135550112,,smell,,,,,",
        "a3,+12135550113,,,telegraph,,,,",
        "a4,+12135550114,,,,email: nobody,,,",
        "a5,+12135550115,,,,,offers: maybe,,",
        "a6,+12135550116,,,,,,two words 2d,",
        'a7,+12135550117,,,,,,,"=HYPERLINK(""http://evil"")"',
        "a8,+12135550118 (keys); 213 555 0118 (voice),,,,,,,",
        "a9,,,,,email: Ana@Example.org,,,",
        "a10,,,,,,,,@SUM(A1)",
        "a11,+12135550121 (loud),,,,,,,",
    ]
    heading = "customer,numbers,kind,answer_by,channel,addresses,consent,products,name\n"
    report = store.import_csv(written(tmp_path, heading + "\n".join(rows)), NOW)
    assert report.taken == 1 and store.customer("a9") is not None
    assert [(row.line, row.reason) for row in report.refused] == [
        (2, "kind 'robot' is none of person, company"),
        (3, "answer_by 'smell' is none of keys, voice"),
        (4, "channel 'telegraph' is none of voice, sms, email, chat, whatsapp, post"),
        (5, "'nobody' is no e-mail address"),
        (6, "consent 'offers: maybe' is not written as purpose: yes or purpose: no, with a date or none"),
        (7, "'words 2d' is no date such as 2026-11-20 and no age such as 2d"),
        (8, "name begins like a formula: '=HYPERLINK(\"http://e'"),
        (9, "the same number stands twice in it, to be answered by keys and by voice"),
        (11, "name begins like a formula: '@SUM(A1)'"),
        (12, "answer_by 'loud' is none of keys, voice"),
    ]


def test_purchases_are_taken_once_however_often_they_come(store: CustomerStore, tmp_path: Path) -> None:
    """A file may come again, or the next one overlap; rows of nobody and of no amount are told."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    content = "customer,at,product,amount\nc01,2026-01-05,tv,10\nnobody,2d,tv,5\nc01,2d,tv,-3\nc01,2026-01-05,tv,12\n"
    for _ in range(2):
        report = store.import_purchases(written(tmp_path, content), NOW)
        assert [(row.line, row.reason) for row in report.refused] == [
            (3, "there is no customer 'nobody'"),
            (4, "amount '-3' is not a number of 0 or more"),
        ]
        profile = store.profile("+34600000101")
        assert profile is not None and [row["amount"] for row in profile["purchases"]] == [12.0]


@pytest.mark.parametrize(
    ("encoding", "note"), [("utf-8", ""), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252: look whether")]
)
def test_files_of_spreadsheets_in_other_encodings(
    store: CustomerStore, tmp_path: Path, encoding: str, note: str
) -> None:
    """UTF-16 and Windows-1252 are read right, and the report says how they were read."""
    report = store.import_csv(
        written(tmp_path, "customer;numbers;name\nx1;+34600000201;Muñoz\n", encoding=encoding), NOW
    )
    assert report.taken == 1 and note in report.note and bool(note) == bool(report.note)
    profile = store.profile("+34600000201")
    assert profile is not None and profile["name"] == "Muñoz"


def test_doubles_far_apart_are_found_and_the_list_of_them_is_bounded(
    store: CustomerStore, tmp_path: Path
) -> None:
    """A customer or a number that comes again thousands of lines later is refused with both lines or the holder; of
    very many refused rows the first are told and all are counted; progress reaches the last line."""
    good = [f"x{n},+1213555{n:04}" for n in range(1200)]
    bad = [f"x{n},+1310555{n:04}" for n in range(1200)] + ["y,+12135550003"]
    seen: list[tuple[int, int]] = []
    path = written(tmp_path, "customer,numbers\n" + "\n".join(good + bad) + "\n")
    report = store.import_csv(path, NOW, lambda line, lines: seen.append((line, lines)))
    assert (report.taken, report.refused_rows, len(report.refused)) == (1200, 1201, MOST_TOLD)
    assert report.refused[0].reason == "customer 'x0' stands in line 2 already"
    assert seen[-1] == (2402, 2402) and len(seen) == 5
    (last,) = store.import_csv(written(tmp_path, "customer,numbers\ny,+12135550003\n"), NOW).refused
    assert last.reason == "+12135550003 belongs to customer 'x3' already"


def test_numbers_change_hands_within_a_file(store: CustomerStore, tmp_path: Path) -> None:
    """Who gives a number up in an earlier line makes it free for a later one."""
    store.import_csv(written(tmp_path, "customer,numbers\na,+12135550111\nb,+12135550112\n"), NOW)
    report = store.import_csv(written(tmp_path, "customer,numbers\na,+12135550113\nb,+12135550111\n"), NOW)
    assert report.refused == []
    profile = store.profile("+12135550111")
    assert profile is not None and profile["customer"] == "b"


def test_calls_of_a_stranger_are_remembered_and_become_the_customers(
    store: CustomerStore, tmp_path: Path
) -> None:
    """A number that nobody has shows its own past calls; when a file says whose it is, they are that customer's; those
    older than 90 days are forgotten with the next one."""
    store.import_csv(CONFIG / "customers.csv", NOW)
    for age in (200 * DAY, 2 * DAY):
        store.note_contacts(
            [Contact("", NOW - age, {"queue": "support_en"}, "+1 213 555 0103", contact="c1")], 3
        )
    stranger = store.profile("+12135550103")
    assert stranger is not None and stranger["customer"] == "" and stranger["region"] == "Los Angeles, CA"
    assert [contact["at"] for contact in stranger["contacts"]] == [NOW - 2 * DAY]
    store.import_csv(written(tmp_path, "customer,numbers\nx1,+12135550103\n"), NOW)
    known = store.profile("+12135550103")
    assert known is not None and known["customer"] == "x1" and len(known["contacts"]) == 1
    store.note_contacts([Contact("", NOW, {"queue": "support_en"}, "anonymous")], 4)
    assert store.noted_to() == 4


def test_a_center_from_before_keeps_its_customers(tmp_path: Path) -> None:
    """customers.db of an older version gets the new columns and tables with all that was in it; one of a newer version
    is refused in one line."""
    path = tmp_path / "customers.db"
    with closing(sqlite3.connect(path)) as db, db:
        assert isinstance(STEPS[0], str)
        db.executescript(STEPS[0])
        db.execute("INSERT INTO customers VALUES('x1', 'Ana', 'gold', 'es', 12, '[]')")
        db.execute("INSERT INTO numbers VALUES('+34600000201', 'x1')")
        db.execute("INSERT INTO contacts VALUES('x1', 5, 'call', '{\"note\": \"before\"}')")
        db.execute("INSERT INTO noted VALUES(1, 17)")
    for _ in range(2):  # the second time there is nothing left to do
        store = CustomerStore(path)
        profile = store.profile("+34600000201")
        assert profile is not None and (profile["name"], profile["kind"], profile["value"]) == (
            "Ana",
            "person",
            12.0,
        )
        assert profile["contacts"] == [{"at": 5.0, "channel": "voice", "note": "before"}]
        assert store.noted_to() == 17
        store.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE schema_version SET version=99")
    with pytest.raises(DatabaseFault, match="of a newer version"):
        CustomerStore(path)


def test_others_write_while_an_import_goes_on(store: CustomerStore, tmp_path: Path) -> None:
    """Contacts are noted between the transactions of a long import, by another connection as by the console."""
    path = written(tmp_path, "customer,numbers\n" + "\n".join(f"x{n},+1213555{n:04}" for n in range(9000)))
    other = CustomerStore(tmp_path / "customers.db")
    during: list[int] = []
    done = threading.Event()

    def note() -> None:
        while not done.is_set():
            other.note_contacts([Contact("x0", NOW, {"note": "n"})], len(during) + 1)
            during.append(other.count())

    thread = threading.Thread(target=note)
    thread.start()
    store.import_csv(path, NOW)
    done.set()
    thread.join()
    assert store.count() == 9000 and len({count for count in during if 0 < count < 9000}) >= 3
    other.close()
