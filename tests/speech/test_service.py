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
    service = Service(config, Engine)  # type: ignore[arg-type]  # nobody is listened to
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
