"""The engine on the bus: stored facts out, requests in, retained state told again on every connect.

Nothing in the engine waits for the broker: the event log is the outbox, and what a broker missed is published again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from cti_engine.adapters.lean_mqtt import aiomqtt
from cti_engine.adapters.mqtt_bus import MqttBus, Outbox
from cti_engine.core.commands import Reply
from cti_engine.core.signals import ConsoleLost
from cti_engine.ports import Store, StoredEvent
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.ledger import Gathered
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import signal_of
from cti_engine.wire.envelope import BadMessage, ReplyError, ReplyMessage, StateMessage
from cti_engine.wire.tasks import spawn

REMEMBERED = 5000
"""Requests remembered: to answer them, and to take none twice (QoS 1 may deliver twice)."""
UP = envelope.state_topic("engine", "main")
CONSOLES = envelope.state_topic("console", "+")

_log = logging.getLogger("cti.bus")


class BusSide:
    """`reader` is the same store opened read only: it is asked from a thread of its own."""

    def __init__(self, url: str, user: str, password: str, engine: Engine, reader: Store) -> None:
        self._engine = engine
        self._reader = reader
        self._threads = ThreadPoolExecutor(1, "outbox")
        self._asked: OrderedDict[str, str] = OrderedDict()  # request id -> reply topic, empty when answered
        self._bus = MqttBus(
            url,
            "engine",
            (user, password),
            on_message=self._take,
            clock=engine.clock.now,
            on_connected=self._connected,
            states=self._states,
            outbox=Outbox(self.events_since, engine.published, engine.published_to, engine.last_seq),
            will=aiomqtt.Will(UP, self._up(False), qos=1, retain=True),
        )
        self._bus.subscribe(envelope.REQUEST_TOPICS)
        self._bus.subscribe(CONSOLES)

    def start(self) -> None:
        spawn(self._bus.run(), "bus")

    # --- out -----------------------------------------------------------------------------------

    def publish(self, gathered: Gathered) -> None:
        """What has been stored: events first, for a pop is one, then answers, then views."""
        for event in gathered.events:
            self._bus.publish_event(event)
        for reply in gathered.replies:
            self._reply(reply)
        for (kind, id_), view in gathered.views.items():
            self._bus.publish_state(kind, id_, None if view is None else msgspec.to_builtins(view))

    def _reply(self, reply: Reply) -> None:
        topic = self._asked.get(reply.request)
        if not topic:
            return  # asked before a restart: the page has given up by itself
        self._asked[reply.request] = ""
        error = None if reply.ok else ReplyError(reply.code, reply.text)
        self._bus.publish(topic, envelope.encode(ReplyMessage(reply.request, reply.ok, error, reply.result)))

    def store_health(self, problem: str) -> None:
        """Pages are told that the store is away (the text), or is back (empty)."""
        self._bus.publish(UP, self._up(True, problem), retain=True)

    def _connected(self, up: bool) -> None:
        if up:
            self._bus.publish(UP, self._up(True), retain=True)

    def _up(self, up: bool, store: str = "") -> bytes:
        facts = {"up": up, "epoch": self._engine.epoch, "store": store}
        return envelope.encode(StateMessage(envelope.rfc3339(self._engine.clock.now()), facts))

    def _states(self) -> Iterable[tuple[str, str, dict[str, Any]]]:
        for (kind, id_), view in self._engine.views().items():
            yield kind, id_, msgspec.to_builtins(view)

    async def events_since(self, seq: int, limit: int) -> Sequence[StoredEvent]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._reader.events_since, seq, limit)

    # --- in ------------------------------------------------------------------------------------

    def _take(self, topic: str, payload: bytes) -> None:
        if topic.startswith(envelope.request_topic("")):
            self._request(topic, payload)
            return
        try:
            message = envelope.decode_state(payload)
        except BadMessage as error:
            _log.warning("dropped from %s: %s", topic[:100], error)
            return
        if message.data.get("up") is False:
            self._engine.take(ConsoleLost(str(message.data.get("console", ""))))

    def _request(self, topic: str, payload: bytes) -> None:
        try:
            request = envelope.decode_request(topic, payload)
            if request.id in self._asked:
                return
            self._asked[request.id] = request.reply_to
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
            if request.expired(self._engine.clock.now()):
                raise BadMessage("the request came too late; nothing was done", "expired")
            signal = signal_of(request)
        except BadMessage as error:
            sender = envelope.request_sender(payload)
            _log.warning("request on %s refused: %s", topic[:100], error)
            if sender is not None:
                answer = ReplyMessage(sender[0], False, ReplyError(error.code, str(error)))
                self._bus.publish(sender[1], envelope.encode(answer))
            return
        self._engine.take(signal)

    async def close(self) -> None:
        """Say that the engine is gone, and wait a moment for the broker to have it all."""
        self._bus.publish(UP, self._up(False), retain=True)
        await self._bus.close()
        self._reader.close()
        self._threads.shutdown(wait=False)
