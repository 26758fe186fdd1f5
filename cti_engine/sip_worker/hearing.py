"""A worker's ear: passes a leg's audio to the recogniser of its language, and tells what it understood.

One connection for each turn of listening. Whatever goes wrong there ends the turn, never the call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import msgspec

from cti_engine.core import signals
from cti_engine.core.commands import Listen
from cti_engine.wire.tasks import spawn
from speech.recognition.frames import FLAGS, Header, packed
from speech.recognition.frames import MessageBody as Body

FRAME = 320
"""Bytes of 20 ms, mono, 16-bit, 8 kHz."""
CONNECT_WITHIN = 2.0
LOADED_WITHIN = 30.0
"""Seconds that a recogniser may take to get its model into memory, which the first caller after its start waits for."""
ANSWER_WITHIN = 3.0
"""Seconds after the last word within which a recogniser must have understood, or it is taken for dead."""
WAITING_MAX = 16_000
"""Bytes that may wait to be sent: a second of audio."""
KEY_DEAF = 0.3
"""Seconds of audio around a key that count as silence: its tone is no speech."""

_log = logging.getLogger("cti.worker")


class Hearing:
    """`recognisers`: socket by language. `want(leg, wanted)` asks for the leg's audio, which then comes to `audio`.

    `send` tells the engine; `stop_prompt(leg)` ends what plays to a leg whose caller speaks; `plays(leg)` says whether
    anything does.
    """

    def __init__(
        self,
        worker: str,
        recognisers: Mapping[str, str],
        *,
        send: Callable[[signals.Signal], None],
        want: Callable[[str, bool], None],
        stop_prompt: Callable[[str], None],
        plays: Callable[[str], bool],
    ) -> None:
        self._worker = worker
        self._recognisers = recognisers
        self._send = send
        self._want = want
        self._stop_prompt = stop_prompt
        self._plays = plays
        self._turns: dict[str, _Turn] = {}

    @property
    def idle(self) -> bool:
        return not self._turns

    def listen(self, order: Listen) -> None:
        """Begin a turn, in the place of the leg's last one."""
        self.stop(order.leg)
        address = self._recognisers.get(order.language)
        if address is None:
            self._failed(order, "no_engine")
            return
        turn = _Turn(order, lambda body: self._said(turn, body))
        self._turns[order.leg] = turn
        self._want(order.leg, True)
        spawn(turn.run(address), f"listening {order.listening}")

    def stop(self, leg: str, listening: str = "") -> None:
        """End the leg's turn (only `listening`, if given) without a word. Nothing to stop is no fault: a legal race."""
        turn = self._turns.get(leg)
        if turn is not None and listening in ("", turn.order.listening):
            self._end(turn)

    def digit(self, leg: str) -> None:
        """A key was pressed: keys win, and their tones are not speech."""
        if leg in self._turns:
            self._turns[leg].deaf_until = time.monotonic() + KEY_DEAF

    def audio(self, leg: str, pcm: bytes) -> None:
        """Audio of a leg, of any length; what nobody listens to is dropped."""
        turn = self._turns.get(leg)
        if turn is not None:
            turn.audio(pcm, prompt=self._plays(leg))

    def _said(self, turn: _Turn, body: Body) -> None:
        order = turn.order
        if self._turns.get(order.leg) is not turn:
            return  # stopped meanwhile
        ids = (self._worker, order.leg, order.listening)
        match body.type:
            case "begun":
                self._stop_prompt(order.leg)
                self._send(signals.SpeechStarted(*ids))
            case "partial":
                self._send(signals.SpeechPartial(*ids, body.text))
            case "understood":
                self._end(turn)
                self._send(
                    signals.SpeechHeard(
                        *ids, body.verdict, body.choice, body.text, body.confidence, body.engine, body.seconds
                    )
                )
            case "failed":
                self._end(turn)
                self._failed(order, body.reason)

    def _end(self, turn: _Turn) -> None:
        del self._turns[turn.order.leg]
        turn.close()
        self._want(turn.order.leg, False)

    def _failed(self, order: Listen, reason: str) -> None:
        _log.warning("%s goes on with keys: %s for %s", order.leg, reason, order.language)
        self._send(signals.ListeningFailed(self._worker, order.leg, order.listening, reason))


class _Turn:
    """One connection. `said` gets each message; `failed` comes also when the recogniser goes, or never answers."""

    def __init__(self, order: Listen, said: Callable[[Body], None]) -> None:
        self.order = order
        self.deaf_until = 0.0
        self._said = said
        self._rest = bytearray()
        self._writer: asyncio.StreamWriter | None = None
        self._ready = False
        self._closed = False

    async def run(self, address: str) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                reader, self._writer = await asyncio.open_unix_connection(address)
                order = self.order
                self._writer.write(packed(Header(order.language, order.phrases, order.longest)))
            limit = self.order.longest + ANSWER_WITHIN
            deadline: float | None = CONNECT_WITHIN  # for the first answer; silence may last for ever
            while not self._closed:
                async with asyncio.timeout(deadline):
                    size = int.from_bytes(await reader.readexactly(4))
                    body = msgspec.msgpack.decode(await reader.readexactly(size), type=Body)
                if body.type == "loading":
                    deadline = LOADED_WITHIN
                    continue
                self._ready = True
                deadline = limit if body.type in ("begun", "partial") else None
                self._said(body)
        except (OSError, EOFError, TimeoutError, msgspec.DecodeError) as error:
            if not self._closed:
                _log.error("the recogniser at %s is lost: %s", address, error or type(error).__name__)
                self._said(Body("failed", reason="unavailable"))
        finally:
            self.close()

    def audio(self, pcm: bytes, *, prompt: bool) -> None:
        self._rest += pcm
        if self._writer is None or not self._ready:
            del self._rest[:-FRAME]  # not listening yet: what came before is not for it
            return
        flags = FLAGS.PROMPT if prompt else FLAGS(0)
        if time.monotonic() < self.deaf_until:
            flags |= FLAGS.MUTED
        whole = len(self._rest) // FRAME * FRAME
        head = bytes((flags,))
        for start in range(0, whole, FRAME):
            self._writer.write(head + bytes(self._rest[start : start + FRAME]))
        del self._rest[:whole]
        if self._writer.transport.get_write_buffer_size() > WAITING_MAX:
            self._said(Body("failed", reason="overloaded"))

    def close(self) -> None:
        self._closed = True
        if self._writer is not None:
            self._writer.close()
