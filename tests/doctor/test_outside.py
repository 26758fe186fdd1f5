"""Store, broker and definitions: reached or not, without changing or disturbing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.definitions.problems import ERROR, WARNING, Problem
from cti_engine.runtime.checks import outside
from cti_engine.runtime.checks.check import Verdict
from tests.phones.child import Child, tool
from tests.phones.ports import bound, free_port
from tests.phones.waiting import until


def test_a_store_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    """Looking leaves no file behind."""
    check = outside.check_store("sqlite:", tmp_path / "var")
    assert check.verdict is Verdict.OK and "will be made" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_read_while_the_engine_has_it(tmp_path: Path) -> None:
    """The engine's lock stays the engine's."""
    store = SqliteStore(tmp_path / "engine.db")
    try:
        assert outside.check_store("sqlite:", tmp_path).verdict is Verdict.OK
    finally:
        store.close()


def test_a_damaged_store_is_a_fault_with_advice(tmp_path: Path) -> None:
    """A file that is no store is told in one line."""
    (tmp_path / "engine.db").write_bytes(b"not a database at all, but long enough to look at" * 40)
    check = outside.check_store("sqlite:", tmp_path)
    assert check.verdict is Verdict.FAULT
    assert "\n" not in check.found


def test_redis_away_is_a_fault_and_its_password_stays_secret(tmp_path: Path) -> None:
    """The place is told, the password never."""
    check = outside.check_store(f"redis://:hunter2@127.0.0.1:{free_port()}/0", tmp_path)
    assert check.verdict is Verdict.FAULT
    assert "hunter2" not in check.found + check.what_to_do


async def test_a_broker_by_url_is_asked(tmp_path: Path) -> None:
    """A running Mosquitto answers; nothing at the port, or something that is no broker, is a fault."""
    port, other, nothing = free_port(), free_port(), free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    web = ["python3", "-m", "http.server", "--bind", "127.0.0.1", str(other)]
    mosquitto = Child([tool("mosquitto"), "-c", str(config)], tmp_path, name="mosquitto")
    async with mosquitto, Child(web, tmp_path, name="web"):
        await until(lambda: bound(port) and bound(other), "broker and web server listening")
        assert outside.check_broker(f"mqtt://127.0.0.1:{port}").verdict is Verdict.OK
        assert outside.check_broker("embedded:", running_port=port).verdict is Verdict.OK
        wrong = outside.check_broker(f"mqtt://user:hunter2@127.0.0.1:{other}")
        assert wrong.verdict is Verdict.FAULT and "no MQTT" in wrong.found
        assert "hunter2" not in wrong.found + wrong.what_to_do
    away = outside.check_broker(f"mqtt://127.0.0.1:{nothing}")
    assert away.verdict is Verdict.FAULT and "refused" in away.found


def test_without_mosquitto_amqtt_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded broker is a warning then, and a fault without either."""
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    check = outside.check_broker("embedded:")
    assert check.verdict is Verdict.WARN and "apt-get install mosquitto" in check.what_to_do
    monkeypatch.setattr(outside, "find_spec", lambda name: None)
    assert outside.check_broker("embedded:").verdict is Verdict.FAULT


def test_definitions_show_the_worst_problem_first() -> None:
    """An error is a fault whatever stands before it; warnings alone do not stop a center."""
    warning = Problem("a.yaml", 1, 1, "", WARNING, "odd")
    error = Problem("b.yaml", 7, 1, "", ERROR, "wrong")
    check = outside.check_definitions([warning, error], "")
    assert check.verdict is Verdict.FAULT and "b.yaml:7" in check.found and "1 more" in check.found
    assert outside.check_definitions([warning], "4 flows").verdict is Verdict.WARN
    assert outside.check_definitions([], "4 flows").found == "4 flows"


def test_a_log_in_at_a_carrier_is_as_the_edge_says() -> None:
    """Registered is well, refused is a fault in the carrier's words, and without a center nothing is claimed."""
    said = {"state": "failing", "text": "not registered at sip.carrier.example: 403 Forbidden"}
    check = outside.check_trunk_login("carrier", "sip.carrier.example", said)
    assert check.verdict is Verdict.FAULT and "403 Forbidden" in check.found
    said = {"state": "registered", "text": "registered at sip.carrier.example as 34911234567"}
    assert outside.check_trunk_login("carrier", "sip.carrier.example", said).verdict is Verdict.OK
    assert outside.check_trunk_login("carrier", "sip.carrier.example", {}).verdict is Verdict.WARN
    assert outside.check_trunk_login("carrier", "sip.carrier.example", None).verdict is Verdict.OK
