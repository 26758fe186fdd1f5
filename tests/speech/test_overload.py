"""A recogniser that cannot keep up: the turn is given up at once and the caller goes on with keys; late is worse."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import msgspec

from cti_engine.core.listening import SpeechSettings
from speech.recognition.config import RecogniserConfig
from speech.recognition.engine import NOTHING, Heard, Phrases, Recogniser
from speech.recognition.frames import Header, MessageBody, packed, read_exactly
from speech.recognition.service import Service
from tests.speech.callers import at_level, frames, recorded, silence

MENU: dict[str, tuple[str, ...]] = {"1": ("one",)}


class Deaf:
    """An engine that hears nothing in anything."""

    name = "deaf"
    languages = ("en",)
    streams = True

    def start(self, language: str, phrases: Phrases) -> Recogniser:
        return self

    def unknown(self, phrases: Phrases) -> tuple[str, ...]:
        return ()

    def feed(self, pcm: bytes) -> str:
        return ""

    def final(self) -> Heard:
        return NOTHING


def told(line: socket.socket) -> MessageBody:
    size = int.from_bytes(read_exactly(line, 4))
    return msgspec.msgpack.decode(read_exactly(line, size), type=MessageBody)


def listening(address: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(20)
    line.connect(str(address))
    line.sendall(packed(Header("en", MENU)))
    first = told(line)
    assert (first if first.type != "loading" else told(line)).type == "listening"
    return line


def test_a_turn_that_falls_a_second_behind_is_given_up(tmp_path: Path) -> None:
    """Its worker is told `overloaded` at once; the next caller is listened to as before."""
    address = tmp_path / "deaf.sock"
    config = RecogniserConfig("deaf", str(address), (), SpeechSettings(), 4, 1, "")
    service = Service(config, Deaf)
    threading.Thread(target=service.run, daemon=True).start()
    said = frames(silence(0.5), at_level(recorded("en", "vm-intro")[:24_000], -22.0))
    with listening(address) as line:
        line.sendall(b"".join(b"\0" + frame for frame in said))  # three seconds that nobody has read yet
        answer = told(line)
        assert (answer.type, answer.reason) == ("failed", "overloaded")
    listening(address).close()
    service.close()
