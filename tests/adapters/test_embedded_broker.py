"""The broker's process: ready file, port in use, orderly end, and no secret in the open."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from cti_engine.adapters.embedded_broker import ACCESS, BrokerConfig, serve
from cti_engine.adapters.mqtt_bus import MqttBus
from cti_engine.wire import envelope
from cti_engine.wire.tasks import spawn
from tests.adapters.brokers import PASSWORDS, Broker
from tests.phones.ports import HOST
from tests.phones.waiting import until

pytestmark = pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])


@pytest.fixture
async def broker(kind: str, tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker(kind, tmp_path)
    yield made
    await made.stop()


async def test_it_says_when_it_is_ready(broker: Broker, kind: str) -> None:
    """The ready file names the port, the kind and a living process; then the port takes connections."""
    await broker.start()
    said = json.loads((broker.folder / "broker" / "ready.json").read_text())
    assert (said["broker_port"], said["broker"]) == (broker.port, kind)
    os.kill(said["pid"], 0)
    with closing(socket.create_connection((HOST, broker.port), 5)):
        pass


async def test_port_0_is_any_free_one(broker: Broker) -> None:
    """With port 0 the ready file says which one it became."""
    broker.port = 0
    await broker.start()
    said = json.loads((broker.folder / "broker" / "ready.json").read_text())
    assert said["broker_port"] > 0
    with closing(socket.create_connection((HOST, said["broker_port"]), 5)):
        pass


async def test_a_port_in_use_is_told(broker: Broker) -> None:
    """A port that another program has gives one line and exit code 3, no traceback."""
    with closing(socket.create_server((HOST, broker.port))), pytest.raises(AssertionError, match="ended"):
        await broker.start()
    assert await broker.child.ended() == 3
    assert f"on port {broker.port}" in broker.child.log()
    assert "in use" in broker.child.log().lower()
    assert "Traceback" not in broker.child.log()


async def test_it_ends_in_order(broker: Broker) -> None:
    """SIGTERM ends the broker with exit code 0, and its port is free again."""
    await broker.start()
    os.kill(broker.child.pid, signal.SIGTERM)
    assert await broker.child.ended(within=10) == 0
    with closing(socket.create_server((HOST, broker.port))):
        pass


async def test_killing_its_keeper_frees_the_port(broker: Broker) -> None:
    """After kill -9 of the process alone no broker stays behind on the port, so that it can be started again."""
    await broker.start()
    os.kill(broker.child.pid, signal.SIGKILL)
    await broker.child.ended()

    def free() -> bool:
        try:
            socket.create_server((HOST, broker.port)).close()
        except OSError:
            return False
        return True

    await until(free, "the port is free")
    await broker.start()


async def test_no_password_stands_in_the_open(broker: Broker) -> None:
    """The files hold hashes only, for the owner only, and the log shows no password."""
    await broker.start()
    folder = broker.folder / "broker"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert not any(password in file.read_text() for password in PASSWORDS.values()), file
    assert (folder / "passwords").stat().st_mode & 0o777 == 0o600
    assert "secret" not in broker.child.log()
    config = BrokerConfig(1, folder, PASSWORDS, folder / "ready.json")
    assert "secret" not in repr(config)


def test_every_user_has_defined_access(kind: str, tmp_path: Path) -> None:
    """A user without topics of its own is an error of the caller; the public may publish nothing."""
    with pytest.raises(ValueError, match="stranger"):
        serve(BrokerConfig(0, tmp_path, {"stranger": "x"}, tmp_path / "ready.json", kind))
    assert ACCESS["public"].write == ()


async def test_a_hanging_broker_costs_no_file_handles(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that accepts connections and never answers is left and tried again, with no handle lost."""
    monkeypatch.setattr("cti_engine.adapters.mqtt_bus.ANSWER", 0.05)
    await broker.start()
    await broker.child.send(signal.SIGSTOP)
    bus = MqttBus(
        broker.url, "engine", ("engine", PASSWORDS["engine"]), clock=time.time, on_message=lambda *_: None
    )
    tries = 0
    make = bus._client

    def counted() -> object:
        nonlocal tries
        tries += 1
        return make()

    monkeypatch.setattr(bus, "_client", counted)
    monkeypatch.setattr("cti_engine.adapters.mqtt_bus.LONGEST_PAUSE", 0.05)
    task = spawn(bus.run(), "bus")
    handles = Path("/proc/self/fd")
    await until(lambda: tries > 2, "it tries again")
    before = len(list(handles.iterdir()))
    await until(lambda: tries > 12, "it tries ten times more", within=20)
    assert len(list(handles.iterdir())) <= before + 3
    await broker.child.send(signal.SIGCONT)
    monkeypatch.setattr("cti_engine.adapters.mqtt_bus.ANSWER", 5.0)
    await until(lambda: bus.connected, "it connects when the broker goes on", within=20)
    assert bus.publish(envelope.event_topic("CallEnded"), b"{}")
    await bus.close()
    await task
