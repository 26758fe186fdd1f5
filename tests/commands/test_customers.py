"""`cti-engine customers` as an admin meets it: files in, all of one out, erased, merged and undone."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from cti_engine.__main__ import main
from cti_engine.commands import customer_rights
from cti_engine.core.reporting.cdr import Cdr
from cti_engine.ports import Batch
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cti(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cti:
    monkeypatch.setenv("CTI_VAR", str(tmp_path))
    monkeypatch.setenv("CTI_HOME", str(ROOT))
    return Cti(capsys)


class Cti:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(["customers", *words])
        said = self._capsys.readouterr()
        return code, " ".join(said.out.split()), said.err

    def json(self, *words: str) -> object:
        code = main(["customers", *words, "--json"])
        assert code == 0
        return json.loads(self._capsys.readouterr().out)


def test_an_import_reports_what_it_refused(cti: Cti, tmp_path: Path) -> None:
    """Good rows are taken; the others named by line and reason, on the terminal and as JSON, with exit code 1; a file
    that is none is one line."""
    code, said, bar = cti(
        "import", str(ROOT / "config/customers.csv"), "--purchases", str(ROOT / "config/purchases.csv")
    )
    assert code == 0 and "7 rows taken, 0 refused" in said and "18 rows taken, 0 refused" in said
    assert "Traceback" not in bar
    bad = tmp_path / "bad.csv"
    bad.write_bytes(
        "customer;numbers;name\nn1;+34600000301;Muñoz\nn2;12;x\nn3;+34600000302;=1+1\n".encode("cp1252")
    )
    code, said, _ = cti("import", str(bad))
    assert code == 1 and "1 rows taken, 2 refused" in said and "Windows-1252" in said
    assert "line 3: '12' is no telephone number" in said and "line 4: name begins like a formula" in said
    assert main(["customers", "import", str(bad), "--json"]) == 1
    assert cti("import", str(tmp_path / "none.csv"))[::2] == (
        1,
        f"{tmp_path / 'none.csv'} cannot be read: No such file or directory\n",
    )
    assert cti("import")[0] == 2
    assert "Muñoz" in cti("show", "+34 600 000 301")[1]


def test_export_and_erase(cti: Cti, tmp_path: Path) -> None:
    """An export has the call records and recordings too; erasing where no center runs rewrites the records, deletes the
    recordings unless told not to, and says what stays and why; who asked is known; nobody is an exit code of 1."""
    cti("import", str(ROOT / "config/customers.csv"))
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    for name, ani, customer in (("k1", "+34600000101", "c01"), ("k2", "0057 300 555 0102", "")):
        _, record = to_plain(Cdr(name, ani=ani, customer=customer, wait_s=7.0, ended_at=5.0))
        store.write(Batch(rows={("cdr", name): record}))
    store.close()
    (tmp_path / "recordings").mkdir()
    for name in ("k1.wav", "k10.wav", "k2.wav"):
        (tmp_path / "recordings" / name).touch()
    found = cti.json("export", "c01")
    assert isinstance(found, dict) and found["customers"][0]["name"] == "Lucía Herrera"
    assert [each["contact"] for each in found["call_records"]] == ["k1"]
    assert found["recordings"] == [str(tmp_path / "recordings" / "k1.wav")]
    report = cti.json("erase", "c01")
    assert isinstance(report, dict) and report["done"]
    assert (report["records"], report["recordings"], report["kept"]) == (1, 1, [])
    assert sorted(path.name for path in (tmp_path / "recordings").iterdir()) == ["k10.wav", "k2.wav"]
    code, said, _ = cti("erase", "c02", "--keep-recordings")
    assert (
        code == 0
        and "c02 is erased" in said
        and "stays: the recording k2.wav" in said
        and "not yet" not in said
    )
    content = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    for trace in ("34600000101", "Lucía", "3005550102", "555 0102"):
        assert trace.encode() not in content, trace
    with closing(open_store("sqlite:", read_only=True, folder=tmp_path)) as log:
        told = [(record["ani"], record["wait_s"]) for record in log.cdrs()]
    assert told[0] == (report["pseudonym"], 7.0) and told[1][0].startswith("erased-")
    asked = cti.json("rights")
    assert isinstance(asked, list)
    assert [(each["what"], each["author"]) for each in asked] == [
        ("erase", "command line"), ("erase", "command line"), ("export", "command line"),
    ]  # fmt: skip
    assert report["pseudonym"] in cti("rights")[1]
    for todo in ("export", "erase", "show"):
        code, said, why = cti(todo, "c01")
        assert (code, said) == (1, "") and why == "there is no customer 'c01'\n"


def test_an_erasure_waits_for_the_engine(cti: Cti, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An appointment of theirs has to be ended in order, and an engine that runs has the store: then it is not
    done, and the command says so; the next time without an engine it is."""
    monkeypatch.setattr(customer_rights, "RUNNING_WITHIN", 0.0)
    cti("import", str(ROOT / "config/customers.csv"))
    with closing(open_store("sqlite:", folder=tmp_path)) as engine:
        engine.open_epoch()
        engine.write(Batch(rows={("contact", "k7"): {"ani": "+34600000101", "state": "scheduled"}}))
        code, said, _ = cti("erase", "c03")
        assert code == 0 and "stays: not yet" in said
    assert "stays: not yet" in cti("erase", "c01")[1]
    asked = cti.json("rights")
    assert isinstance(asked, list) and [each["done_at"] is None for each in asked] == [True, False]
    with closing(open_store("sqlite:", folder=tmp_path)) as engine:
        engine.write(Batch(rows={("contact", "k7"): None}))
    cti("erase", "c04")
    asked = cti.json("rights")
    assert isinstance(asked, list) and all(each["done_at"] is not None for each in asked)


def test_merge_and_undo(cti: Cti) -> None:
    """The command says how to undo it; what cannot be is one line."""
    cti("import", str(ROOT / "config/customers.csv"))
    assert cti("doubles")[1] == "No two customers have the same e-mail address or name."
    assert cti("merge", "c01", "c02")[:2] == (0, "c02 is c01 now; to undo it: cti-engine customers unmerge 1")
    assert cti("merge", "c01", "c02")[::2] == (1, "there is no customer 'c02'\n")
    assert cti("unmerge", "1")[0] == 0
    assert cti("unmerge", "1")[::2] == (1, "merge 1 has been undone already\n")


def test_a_database_that_is_away_is_one_line(cti: Cti, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and no password."""
    monkeypatch.setenv("CTI_CUSTOMERS_URL", "postgresql://cti:s3cret@127.0.0.1:1/x")
    code, _, said = cti("doubles")
    assert code == 3 and said.count("\n") == 1 and "s3cret" not in said
