"""One turn of listening over its socket: frames come in, what the turn makes of them goes back."""

from __future__ import annotations

import array
import fcntl
import logging
import socket
import termios
import time
from typing import Any

import msgspec

from cti_engine.core.listening import SpeechSettings
from speech.recognition.engine import FRAME, RATE, Engine, NoWords
from speech.recognition.frames import FLAGS, Header, message, read_exactly
from speech.recognition.turn import Begun, Message, Partial, Turn

BEHIND_MAX = 1.0
"""Seconds of audio that may wait for a turn before it is given up as overloaded."""
PARTIAL_PAUSE = 0.3

_log = logging.getLogger("cti.speech")


def listen(
    connection: socket.socket, header: Header, engine: Engine, settings: SpeechSettings, detector: Any
) -> None:
    """Until the turn is over. Raises OSError and EOFError when the worker has gone."""
    try:
        turn = Turn(engine, header.language, header.phrases, settings, detector, header.longest)
    except NoWords as error:
        _log.error("nothing to listen for: %s", error)
        connection.sendall(message("failed", reason="bad_words"))
        return
    connection.sendall(message("listening"))
    _hear(connection, turn)


def _hear(connection: socket.socket, turn: Turn) -> None:
    waiting = array.array("i", [0])
    told_partial = 0.0
    while not turn.over:
        record = read_exactly(connection, 1 + FRAME)
        flags = record[0]
        for said in turn.hear(record[1:], prompt=bool(flags & FLAGS.PROMPT), muted=bool(flags & FLAGS.MUTED)):
            if isinstance(said, Partial):
                now = time.monotonic()
                if now - told_partial < PARTIAL_PAUSE:
                    continue
                told_partial = now
            connection.sendall(_message_of(said))
        fcntl.ioctl(connection, termios.FIONREAD, waiting)
        if not turn.over and waiting[0] > BEHIND_MAX * RATE * 2:
            _log.warning("a turn is %.1f s behind and given up", waiting[0] / RATE / 2)
            connection.sendall(message("failed", reason="overloaded"))
            return


def _message_of(said: Message) -> bytes:
    if isinstance(said, Begun):
        return message("begun")
    if isinstance(said, Partial):
        return message("partial", text=said.text)
    return message("understood", **msgspec.to_builtins(said))
