"""`cti-engine offers` as an admin meets it: learn, what hints gain, why who is offered what."""

from __future__ import annotations

import json
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cti_engine.__main__ import main
from cti_engine.adapters import offer_answers
from cti_engine.adapters.customer_store import Contact, CustomerStore
from cti_engine.core import events as ev
from cti_engine.core.hint_events import HintAnswered, HintsGiven, HintsTakenBack
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.places import Places
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

ROOT = Path(__file__).parents[2]
DAY = 86_400.0


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The demo's customers and purchases."""
    monkeypatch.setenv("CTI_VAR", str(tmp_path))
    monkeypatch.setenv("CTI_HOME", str(ROOT))
    assert main(["customers", "import", str(ROOT / "config/customers.csv")]) == 0
    capsys.readouterr()
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["offers", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def customers(var: Path) -> CustomerStore:
    return CustomerStore(Places(var).customers_db)


def test_train(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without purchases it says what to do; with some it judges itself, and the next look-up has what was learned."""
    assert main(["offers", "train"]) == 1
    assert "import --purchases" in capsys.readouterr().err
    now = time.time()
    with closing(customers(var)) as store, store.database.writing() as db:
        for i in range(160):
            first, then = (("mobile", "tv"), ("radio", "lamp"), ("pen", "ink"), ("bed", "sheet"))[i % 4]
            at = now - 100 * DAY + i
            buys = [(f"x{i}", at, first), (f"x{i}", at + 60, then), (f"x{i}", now - DAY - i, "phone")]
            db.run_many("INSERT INTO purchases VALUES(?,?,?,1,1)", buys)
    judged = said(capsys, "train", "--dry-run")
    assert judged["purchases"] == 480 and judged["time_split"]["customers"] == 160 and not judged["stored"]
    with closing(customers(var)) as store:
        assert (store.customer("c05") or {})["affinities"] == {}
        assert said(capsys, "train")["stored"]
        learned = (store.customer("c05") or {})["affinities"]  # who has a mobile
        assert learned["tv"] > learned.get("lamp", 0.0)


def test_explain_a_customer(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lucía may be offered fibre; who refused offers nothing, though the page lists what would fit."""
    told = said(capsys, "explain", "c01")
    assert told["abstain"] == [] and told["offers"][0]["expected_value"] > 0
    assert {row["offer"]: row["kept_by"] for row in told["offers"]}["second_line"] == "excludes"
    assert [each["rule"] for each in said(capsys, "explain", "+13105550106")["abstain"]] == ["no_consent"]
    assert main(["offers", "explain", "c01"]) == 0 and "fibre_1gb" in capsys.readouterr().out
    assert main(["offers", "explain", "nobody"]) == 3 and "no store" in capsys.readouterr().err
    open_store("sqlite:", folder=var).close()
    assert main(["offers", "explain", "nobody"]) == 1 and "no customer" in capsys.readouterr().err


def test_explain_a_contact(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What each agent was shown, what was given, and how it was taken."""
    fibre: dict[str, object] = {"offer": "fibre_1gb"}
    untrained: dict[str, object] = {"rule": "not_trained"}
    happened: list[ev.Event] = [
        ev.CallOffered("c9", "o1", "john", "+34", "", "gold", "es", "sales_es", 1.0, no_offers=(untrained,)),
        ev.CallOffered("c9", "o2", "maria", "+34", "", "gold", "es", "sales_es", 9.0, offers=(fibre,)),
        HintsGiven("c9", "c01", "gold", "maria", "sales_es", (fibre,)),
        HintAnswered("c9", "c01", "gold", "maria", "fibre_1gb", "accepted"),
        HintsTakenBack("c9", "maria", ("open_ticket",)),
    ]  # fmt: skip
    store = open_store("sqlite:", folder=var)
    store.open_epoch()
    store.write(Batch(events=[_stored(seq, event) for seq, event in enumerate(happened, 1)]))
    store.close()
    told = said(capsys, "explain", "c9")
    assert [(each["agent"], each["offers"]) for each in told["shown"]] == [
        ("john", []),
        ("maria", ["fibre_1gb"]),
    ]
    assert told["taken_back"] == [{"agent": "maria", "rules": ["open_ticket"]}]
    assert told["answers"] == {"fibre_1gb": "accepted"} and not told["given"][0]["held_out"]
    assert main(["offers", "explain", "c9"]) == 0
    assert "shown to john: not_trained" in capsys.readouterr().out


def _stored(seq: int, event: ev.Event) -> StoredEvent:
    name, data = to_plain(event)
    return StoredEvent(seq, 1000.0 + seq, name, str(data.pop("contact")), data)


def test_report(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sale is its disposition, or a purchase of what was (or would have been) offered: of the last call before it."""
    now = time.time()
    assert main(["offers", "report"]) == 0 and "No hints" in capsys.readouterr().out
    with closing(customers(var)) as store:
        for i in range(6):
            held = i >= 4
            given = {
                "customer": "c01", "segment": "gold", "agent": "maria", "held_out": held,
                "offers": [{"offer": "fibre_1gb", "affinity": 0.0}, {"offer": "christmas_phone", "affinity": 0.0}],
            }  # fmt: skip
            answer = {**given, "offer": "fibre_1gb", "answer": "accepted" if i == 0 else "declined"}
            at = now - 20 * DAY - i
            events = [StoredEvent(2 * i + 1, at, "HintsGiven", f"k{i}", given)]
            if not held:
                events.append(StoredEvent(2 * i + 2, at, "HintAnswered", f"k{i}", answer))
            closed: dict[str, str | float] = {
                "disposition": "sold" if i == 0 else "solved",
                "handle_s": 100.0 + i,
            }
            also = [partial(offer_answers.note, event=each) for each in events]
            store.note_contacts([Contact("c01", at + 60, closed, contact=f"k{i}")], 2 * i + 2, also)
        with store.database.writing() as db:
            db.run("INSERT INTO purchases VALUES('c01', ?, 'tv', 1, 1)", (now - 19 * DAY,))
    told = said(capsys, "report")
    assert (told["shown"], told["held_out"]) == (4, 2)
    assert (told["sales"]["shown"], told["sales"]["held_out"]) == (0.25, 0.0)
    assert told["handle_s"]["difference"] == pytest.approx(-3.0) and told["survey"]["shown"] is None
    assert told["offers"][1] == {
        "offer": "fibre_1gb", "segment": "gold", "shown": 4, "accepted": 1, "declined": 3, "not_now": 0, "no_answer": 0,
    }  # fmt: skip
    with closing(customers(var)) as store, store.database.writing() as db:
        for after in (
            now - 19 * DAY,
            now - 20 * DAY - 4.5,
        ):  # the last call before them: k0, shown; k5, held out
            db.run("INSERT INTO purchases VALUES('c01', ?, 'phone', 1, 1)", (after,))
    sales = said(capsys, "report")["sales"]
    assert (sales["shown"], sales["held_out"]) == (0.25, 0.5)
    assert said(capsys, "report", "--days", "1")["shown"] == 0
    assert main(["offers", "report"]) == 0 and "95 %" in capsys.readouterr().out
