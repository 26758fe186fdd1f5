"""MQTT by aiomqtt: one task owns the client and connects for ever; whoever publishes never waits.

The event log is the outbox: an event is published when its number is next in turn and the broker keeps up, and
read from the log again otherwise. So memory is bounded, the order is the log's, and nothing is missing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from cti_engine.adapters.lean_mqtt import ReadAhead, aiomqtt, paho
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import envelope_of
from cti_engine.wire.tasks import spawn

WINDOW = 500  # messages at the broker that it has not confirmed
A_TURN = 8  # messages sent in one turn of the loop: whoever waits for a command should not wait for a burst of news
WAITING = 2000  # events kept in memory beyond the window; more are read from the log later
PAGE = 500  # events read from the log at a time
KEEPALIVE = 15  # seconds; a broker that hangs is noticed after 1.5 times that
ANSWER = 5.0  # seconds for CONNACK, SUBACK and the farewell
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to connect
REFUSED = 0x80  # in a SUBACK, MQTT 3.1.1 section 3.9.3
LOG_RETRY = 0.5  # seconds until the log is asked again for what it did not have

_log = logging.getLogger("cti.bus")
_paho_log = logging.getLogger("cti.bus.paho")
_paho_log.setLevel(logging.CRITICAL)  # a lost connection is told once, by `run`


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where the events come from. `events_since(seq, limit)` reads the log, in order, and may raise
    StoreUnavailable; `on_published(seq)`: the broker holds all events up to `seq`, which begins at `published_to`.
    """

    events_since: Callable[[int, int], Awaitable[Sequence[StoredEvent]]]
    on_published: Callable[[int], None]
    published_to: int
    last_seq: int


class MqttBus:
    """`url` is `mqtt://host:port` or `mqtts://`; user and password in it come before `credentials`.

    `on_message(topic, payload)` in the broker's order; what is retained may come before `on_connected(True)`,
    which comes when subscriptions are in force, `on_connected(False)` when the connection is lost. `states()` gives
    all (kind, id, data) to publish retained on every connect. `clock` gives wall seconds.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        credentials: tuple[str, str] | None = None,
        *,
        on_message: Callable[[str, bytes], None],
        clock: Callable[[], float],
        on_connected: Callable[[bool], None] | None = None,
        states: Callable[[], Iterable[tuple[str, str, dict[str, Any]]]] | None = None,
        outbox: Outbox | None = None,
        will: aiomqtt.Will | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"a broker's URL is mqtt://host:port or mqtts://, not {parts.scheme[:20]}:...")
        self._secure = parts.scheme == "mqtts"
        self._host = parts.hostname
        self._port = parts.port or (8883 if self._secure else 1883)
        in_url = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._credentials = in_url or credentials
        self._client_id = client_id
        self._on_message = on_message
        self._on_connected = on_connected
        self._clock = clock
        self._states = states
        self._outbox = outbox
        self._will = will
        self._topics: list[str] = []
        self._paho: paho.Client | None = None  # while connected
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._idle = asyncio.Event()
        # Events: published_to <= sent_to <= queued_to <= newest, each a number of the log.
        self.published_to = self._sent_to = self._queued_to = outbox.published_to if outbox else 0
        self._newest = outbox.last_seq if outbox else 0
        self._events: deque[StoredEvent] = deque()  # sent_to < seq <= queued_to
        self._log_wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._events_out: dict[int, int] = {}  # packet identifier to seq, unconfirmed, in order
        self._others_out: set[int] = set()
        self._states_waiting: dict[str, bytes] = {}  # topic to its newest payload
        self._told = False
        self._pump_due = False
        self._write_when_free: Callable[[paho.Client, Any, Any], None]  # aiomqtt's; set when connected
        self.refused = 0  # messages whose handling failed

    @property
    def connected(self) -> bool:
        return self._paho is not None

    def subscribe(self, topic: str) -> None:
        """Before `run`: a topic filter to subscribe to at every connect, at QoS 1."""
        self._topics.append(topic)

    # --- publishing ----------------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand over now. False when there is no connection, or the broker has stopped to confirm: nothing is kept."""
        if len(self._others_out) >= WINDOW:
            return False
        return self._transmit(topic, payload, qos, retain) is not None

    def publish_event(self, stored: StoredEvent) -> None:
        """Publish the next event of the log, soon; one that is already on its way is passed over."""
        self._newest = max(self._newest, stored.seq)
        if stored.seq == self._queued_to + 1 and len(self._events) < WAITING and self.connected:
            self._queue(stored)
            self._pump_soon()
        elif stored.seq > self._queued_to:
            self._log_wanted.set()

    def publish_state(self, kind: str, id_: str, data: dict[str, Any] | None) -> None:
        """Replace the retained state of an agent or queue; None takes it away. Only the newest is kept waiting."""
        payload = b"" if data is None else envelope.encode(self._state_message(data))
        self._states_waiting[envelope.state_topic(kind, id_)] = payload
        self._pump_soon()

    def _state_message(self, data: dict[str, Any]) -> envelope.StateMessage:
        return envelope.StateMessage(at=envelope.rfc3339(self._clock()), data=data)

    def _queue(self, stored: StoredEvent) -> None:
        self._events.append(stored)
        self._queued_to = stored.seq

    def _pump_soon(self) -> None:
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Send what waits while the window has room, a little a turn: events first, for a pop is one."""
        self._pump_due = False
        sent = 0
        while self._paho is not None and len(self._events_out) + len(self._others_out) < WINDOW:
            if sent == A_TURN:
                self._pump_soon()
                break
            sent += 1
            if self._events:
                self._send_event(self._events.popleft())
            elif self._states_waiting:
                topic = next(iter(self._states_waiting))
                # QoS 0 loses nothing that QoS 1 keeps: whenever a connection is lost, all states are told again.
                self._transmit(topic, self._states_waiting.pop(topic), 0, True)
            else:
                break
        if len(self._events) < PAGE:
            self._room.set()
        waiting = self._events or self._states_waiting or self._queued_to < self._newest
        if not (waiting or self._events_out or self._others_out):
            self._idle.set()

    def _send_event(self, stored: StoredEvent) -> None:
        self._sent_to = stored.seq
        try:
            payload = envelope.encode(envelope_of(stored))
        except KeyError:
            _log.error("event %d, %s, is of another version: not published", stored.seq, stored.event)
            return
        self._transmit(envelope.event_topic(stored.event), payload, 1, False, seq=stored.seq)

    def _transmit(self, topic: str, payload: bytes, qos: int, retain: bool, seq: int = 0) -> int | None:
        """The packet's identifier; None when the connection is gone, which `run` notices by itself."""
        if self._paho is None:
            return None
        handed = self._paho.publish(topic, payload, qos, retain)
        if handed.rc != paho.MQTT_ERR_SUCCESS:
            return None
        self._idle.clear()
        if seq:
            self._events_out[handed.mid] = seq
        elif qos:
            self._others_out.add(handed.mid)
        return handed.mid

    def _confirmed(self, _client: paho.Client, _userdata: object, mid: int, *_: object) -> None:
        """PUBACK. The oldest event that is still out bounds what has been published."""
        self._others_out.discard(mid)
        if self._events_out.pop(mid, None) is not None and self._outbox is not None:
            oldest = next(iter(self._events_out.values()), None)
            published_to = self._sent_to if oldest is None else oldest - 1
            if published_to > self.published_to:
                self.published_to = published_to
                self._outbox.on_published(published_to)
        self._pump_soon()

    async def _read_log(self, outbox: Outbox) -> None:
        """Queue from the log whatever could not be queued when it happened."""
        while True:
            await self._log_wanted.wait()
            self._log_wanted.clear()
            while self._queued_to < self._newest:
                self._room.clear()
                self._pump()
                await self._room.wait()
                before = self._queued_to
                try:
                    page = await outbox.events_since(before, PAGE)
                except StoreUnavailable as error:
                    _log.warning("events after %d wait: %s", before, error)
                    page = ()
                for stored in page:
                    if stored.seq > self._queued_to + 1:
                        _log.error("events %d to %d are not in the log", self._queued_to + 1, stored.seq - 1)
                    if stored.seq > self._queued_to:
                        self._queue(stored)
                self._pump()
                if self._queued_to == before:
                    await asyncio.sleep(LOG_RETRY)

    # --- the connection ------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, serve, and connect again, until `close`."""
        self._ended.clear()
        try:
            await self._keep_connected()
        finally:
            self._ended.set()

    async def _keep_connected(self) -> None:
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            client = self._client()
            try:
                async with client:
                    pause = FIRST_PAUSE
                    await self._serve(client)
            except (aiomqtt.MqttError, OSError) as error:
                if not self._told:
                    _log.error("broker %s:%d: %s; trying again for ever", self._host, self._port, error)
                self._told = True
            finally:
                client._client._sock_close()  # aiomqtt leaves it open when the CONNACK does not come
            try:
                await asyncio.wait_for(self._closing.wait(), pause)
            except TimeoutError:
                pause = min(pause * 2, LONGEST_PAUSE)

    def _client(self) -> aiomqtt.Client:
        user, password = self._credentials or (None, None)
        client = aiomqtt.Client(
            self._host,
            self._port,
            username=user,
            password=password,
            identifier=self._client_id,
            logger=_paho_log,
            will=self._will,
            keepalive=KEEPALIVE,
            timeout=ANSWER,
            max_inflight_messages=0,  # the window is ours
            tls_context=ssl.create_default_context() if self._secure else None,
        )
        # aiomqtt's own publish and iterator start a task per message: 164 µs of CPU each against 90 µs so.
        connect = client._client._create_socket
        client._client._create_socket = lambda: ReadAhead(connect())  # type: ignore[method-assign]
        client._client.disable_logger()  # it words a line per packet, for a logger that is off
        client._client.on_publish = self._confirmed
        client._client.on_message = self._received
        return client

    def _received(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            self._on_message(message.topic, bytes(message.payload))
        except Exception:
            self.refused += 1
            if self.refused.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...: a flood must not fill the log
                _log.exception("message on %s not handled, %d so far", message.topic[:200], self.refused)

    async def _serve(self, client: aiomqtt.Client) -> None:
        if self._topics:
            granted = await client.subscribe([(topic, 1) for topic in self._topics])
            for topic, code in zip(self._topics, granted, strict=True):
                if code == REFUSED:
                    _log.error("broker %s:%d refuses the subscription to %s", self._host, self._port, topic)
        if self._told:
            _log.warning("broker %s:%d is back", self._host, self._port)
        self._told = False
        self._write_when_free = client._on_socket_register_write
        client._client.on_socket_register_write = self._flush_soon
        self._paho = client._client
        if self._states is not None:
            for kind, id_, data in self._states():
                self._states_waiting[envelope.state_topic(kind, id_)] = envelope.encode(
                    self._state_message(data)
                )
        self._log_wanted.set()
        tasks = [spawn(_until_lost(client), "mqtt connection"), spawn(self._closing.wait(), "mqtt closing")]
        if self._outbox is not None:
            tasks.append(spawn(self._read_log(self._outbox), "mqtt outbox"))
        if self._on_connected is not None:
            self._on_connected(True)
        self._pump()
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._paho = None
            for task in tasks:
                task.cancel()
            self._forget_what_is_out()
            if self._on_connected is not None:
                self._on_connected(False)

    def _flush_soon(self, client: paho.Client, userdata: object, sock: Any) -> None:
        """Write when this turn of the loop is over all that was published in it; aiomqtt would first wake the loop
        through a pipe and then ask whether the socket is free, which it nearly always is.
        """
        asyncio.get_running_loop().call_soon(self._flush, client, userdata, sock)

    def _flush(self, client: paho.Client, userdata: object, sock: Any) -> None:
        """paho sends each packet by itself; corked, they leave as one, and the broker is woken once (tcp(7))."""
        if sock.fileno() < 0:
            return  # closed in the meantime
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        client.loop_write()
        if sock.fileno() >= 0:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        if client.want_write():
            self._write_when_free(client, userdata, sock)

    def _forget_what_is_out(self) -> None:
        """Nobody knows what the broker got: everything above `published_to` is read from the log and sent again."""
        self._events.clear()
        self._events_out.clear()
        self._others_out.clear()
        self._queued_to = self._sent_to = self.published_to

    async def close(self, timeout: float = 2.0) -> None:
        """Wait until the broker has confirmed what it was sent, at most `timeout` seconds; then say goodbye."""
        if self.connected:
            self._idle.clear()
            self._pump()
            try:
                await asyncio.wait_for(self._idle.wait(), timeout)
            except TimeoutError:
                _log.warning("the broker has not confirmed everything; the next start publishes it again")
        self._closing.set()
        try:
            await asyncio.wait_for(self._ended.wait(), ANSWER)
        except TimeoutError:
            _log.warning("the broker does not answer the farewell")


async def _until_lost(client: aiomqtt.Client) -> None:
    """Returns when the connection is lost; no message comes this way."""
    try:
        async for _ in client.messages:
            raise AssertionError("messages go to _received")
    except aiomqtt.MqttError as error:
        _log.debug("connection lost: %s", error)
