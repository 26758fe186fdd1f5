"""A recogniser process as the supervisor starts it, for tests."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from cti_engine.core.listening import SpeechSettings
from speech.recognition.config import RecogniserConfig
from speech.recognition.frames import Header, packed
from speech.recognition.installed import choose, prepare
from speech.recognition.service import serve


def awake(address: str, language: str) -> bool:
    """Ask a recogniser to listen, so that it loads its model, and hang up; False when it is not there yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as worker:
        try:
            worker.connect(address)
        except OSError:
            return False
        worker.sendall(packed(Header(language, {"1": ("one",)})))
        return bool(worker.recv(1))


@contextmanager
def recogniser(folder: Path, language: str, capacity: int = 4) -> Iterator[tuple[str, BaseProcess]]:
    """Its socket and its process; its model is loaded when entered, and it is killed when left."""
    choices = choose([language], folder, {}, folder)
    prepare(choices)
    address, ready = folder / f"{language}.sock", folder / f"{language}.json"
    ready.unlink(missing_ok=True)
    config = RecogniserConfig(
        f"speech-{language}", str(address), tuple(choices), SpeechSettings(), capacity, 1, str(ready)
    )
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(config,))
    process.start()
    try:
        deadline = time.monotonic() + 60
        while not awake(str(address), language):
            assert process.is_alive(), "the recogniser died at its start"
            assert time.monotonic() < deadline, "the recogniser is not there"
            time.sleep(0.02)
        while not ready.exists():
            assert process.is_alive(), "the recogniser died at its start"
            assert time.monotonic() < deadline, "the recogniser is not ready"
            time.sleep(0.02)
        yield str(address), process
    finally:
        process.kill()
        process.join()
