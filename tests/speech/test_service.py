"""A recogniser's socket: what it says last is read by a worker that still writes."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path

import msgspec
import pytest

from cti_engine.core.listening import SpeechSettings
from speech.recognition.config import RecogniserConfig
from speech.recognition.engine import FRAME, Engine
from speech.recognition.frames import Header, MessageBody, packed, read_exactly
from speech.recognition.service import Service

FRAMES = 50


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A recogniser without room for anybody, so that its first word is its last."""
    config = RecogniserConfig("full", str(tmp_path / "s"), (), SpeechSettings(), 0, 1, "")
    service = Service(config, Engine)  # nobody is listened to
    threading.Thread(target=service.run, daemon=True).start()
    return config.address


def test_the_last_word_is_there_for_who_still_writes(address: str) -> None:
    """A worker writes frames until it has read that the turn is over: none of them is refused, or the word would be
    lost with the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as worker:
        worker.settimeout(10.0)
        worker.connect(address)
        worker.sendall(packed(Header("en", {"1": ("one",)})))
        assert select.select([worker], [], [], 10.0)[0], "no answer"
        for _ in range(FRAMES):
            worker.sendall(bytes(1 + FRAME))
        size = int.from_bytes(read_exactly(worker, 4))
        said = msgspec.msgpack.decode(read_exactly(worker, size), type=MessageBody)
        assert (said.type, said.reason) == ("failed", "overloaded")
        assert worker.recv(1) == b"", "and then the end"


def test_the_engine_is_loaded_for_the_first_turn(tmp_path: Path) -> None:
    """Not before: the first worker is told to wait, the second finds it loaded."""
    loaded: list[str] = []

    def load() -> Engine:
        loaded.append("once")
        return Deaf()  # type: ignore[return-value]  # all that a turn without frames asks of an engine

    config = RecogniserConfig(
        "lazy", str(tmp_path / "s"), (), SpeechSettings(), 2, 1, str(tmp_path / "ready")
    )
    service = Service(config, load)
    threading.Thread(target=service.run, daemon=True).start()
    assert not loaded and not (tmp_path / "ready").exists()
    assert [first_words(config.address, 2), first_words(config.address, 1)] == [
        ["loading", "listening"],
        ["listening"],
    ]
    assert loaded == ["once"] and (tmp_path / "ready").exists()
    service.close()


class Deaf:
    """An engine that never hears a frame."""

    name, streams = "deaf", False

    def start(self, language: str, phrases: object) -> None: ...


def first_words(address: str, number: int) -> list[str]:
    """What a recogniser says first to a worker that connects."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as worker:
        worker.settimeout(10.0)
        worker.connect(address)
        worker.sendall(packed(Header("en", {"1": ("one",)})))
        said = []
        for _ in range(number):
            size = int.from_bytes(read_exactly(worker, 4))
            said.append(msgspec.msgpack.decode(read_exactly(worker, size), type=MessageBody).type)
        return said
