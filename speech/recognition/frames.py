"""What goes over a recogniser's socket: a header, then records of one flag byte and one frame; messages come back.

Header and messages are msgpack behind a length of 4 bytes, big-endian. A message has `type`: `loading` (the engine is
not in memory yet: frames are not wanted), `listening` (go on), `begun`, `partial` (text), `understood` (as SpeechHeard)
or `failed` (reason). The last two end the turn.
"""

from __future__ import annotations

import socket
from enum import IntFlag

import msgspec


class FLAGS(IntFlag):
    PROMPT = 1  # something plays to the caller, whose echo may be in the frame
    MUTED = 2  # a key is pressed: the frame counts as silence


class Header(msgspec.Struct, frozen=True):
    language: str
    phrases: dict[str, tuple[str, ...]]
    longest: float = 10.0


class MessageBody(msgspec.Struct, frozen=True):
    """A message as its reader takes it; fields that its type does not have are blank."""

    type: str
    text: str = ""
    reason: str = ""
    verdict: str = ""
    choice: str = ""
    confidence: float = 0.0
    engine: str = ""
    seconds: float = 0.0


def packed(body: object) -> bytes:
    data = msgspec.msgpack.encode(body)
    return len(data).to_bytes(4) + data


def message(type_: str, **fields: object) -> bytes:
    return packed({"type": type_, **fields})


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """Raises EOFError when the other side has ended, TimeoutError when it is silent."""
    data = connection.recv(size, socket.MSG_WAITALL)
    if len(data) == size:
        return data
    parts = bytearray(data)
    while len(parts) < size:
        more = connection.recv(size - len(parts))
        if not more:
            raise EOFError
        parts += more
    return bytes(parts)
